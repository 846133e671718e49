# The locked environment: the Python that it is made with, where it is kept, how it is made.
# shellcheck shell=bash
# Sourced by `entrypoint` and `tests/run`, which set `root` and call `use_environment`. Written for
# bash 3.2, the one of macOS. Ends with 2 where no Python fits, with 7 where no environment is made.

: "${root:?}"
interpreter=bin/python kept_interpreter=bin/python
[[ $OSTYPE != msys ]] || interpreter=Scripts/python.exe kept_interpreter=python.exe

# Sets `environment` to the folder of a lock's environment, made first where there is none yet.
use_environment() { # lock, the Python asked for or ""
  find_python "$1" "$2"
  local home=${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}}
  for cache in "${RUNNER_TOOL_CACHE-}" "$home" "${RUNNER_TEMP-}"; do
    [[ -n $cache ]] || continue
    cache+=/register-remote-model
    environment=$cache/$name
    if is_ready; then return; fi
    if mkdir -p "$cache" 2>/dev/null && [[ -w $cache ]]; then
      make_environment "$1"
      return
    fi
  done
  cache=${TMPDIR:-/tmp}/register-remote-model-$UID
  environment=$cache/$name
  mkdir -m 700 "$cache" 2>/dev/null || [[ -O $cache && ! -L $cache ]] ||
    fail 7 'No place for the Python environment' 'Set XDG_CACHE_HOME to a folder that can be written.'
  is_ready || make_environment "$1"
}

# Sets `python`, and what src/interpreter.py tells of it: `name` and `pip`.
find_python() { # lock, the Python asked for or ""
  local tools=${RUNNER_TOOL_CACHE:-${AGENT_TOOLSDIRECTORY-}} kept=() versioned=() minor
  local candidate passed_over=''
  if [[ -n $2 ]]; then
    fits "$2" "$1" || fail 2 'The given Python does not fit' \
      "python: $2 $unfitness. Give a Python 3.10 or newer, or none, to have one found."
    return
  fi
  for minor in 14 13 12 11 10; do
    kept+=("$tools/Python/3.$minor".*/*/"$kept_interpreter")
    versioned+=("python3.$minor")
  done
  for candidate in python3 python "${kept[@]}" "${versioned[@]}"; do
    if fits "$candidate" "$1"; then return; fi
    [[ $unfitness == 'was not found' ]] || passed_over+=" $candidate $unfitness."
  done
  fail 2 'No Python 3.10 or newer was found' "Neither python3, python nor python3.10 and up on PATH \
fit${tools:+, nor what is in $tools/Python}.$passed_over Run actions/setup-python in a step before \
this one, install Python on the runner, or give its path in the input \`python\`."
}

fits() { # candidate, lock
  local found
  if found=$("$1" -I -S "$root/src/interpreter.py" "$2" 2>/dev/null </dev/null); then
    found=${found//$'\r'/}
    python=$1 name=${found%%$'\n'*} pip=${found#*$'\n'}
  else
    [[ $? == 127 ]] && unfitness='was not found' || unfitness=${found:-"can't be run"}
    return 1
  fi
}

is_ready() {
  [[ -x $environment/$interpreter ]] && { : >"$environment/last-used" || :; } 2>/dev/null
}

# It is filled beside its place and renamed, so that nobody sees half of it. Its scripts then name
# the wrong folder and are never called; its interpreter finds its libraries wherever it lies.
make_environment() { # lock
  building=''
  trap stop_building EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  [[ ${GITHUB_ACTIONS-} != true ]] || "$python" -I "$root/src/remote_registry/report/masks.py" >&2
  echo "Making the Python environment $environment" >&2 || : # where the log is closed
  building=$(mktemp -d "$cache/building.XXXXXX")
  set -m # gives the installer a process group, so that it can be ended with all of its children
  fill "$1" >"$building/log" 2>&1 </dev/null &
  set +m
  # A signal that comes just before `wait` would be heeded when pip has ended, and not before.
  while kill -0 $! 2>/dev/null; do sleep 0.1; done
  wait $! || explain
  publish
  clear_leftovers
  stop_building
  trap - EXIT INT TERM
}

stop_building() {
  kill -KILL -- "-${!-}" 2>/dev/null || :
  wait
  rm -rf "$building"
}

fill() { # lock
  keep_only_package_sources
  mkdir "$building/tmp"
  "$python" -I -m venv --without-pip "$building/environment"
  TMPDIR=$building/tmp "$building/environment/$interpreter" -I "$pip" install \
    --no-input --no-user --disable-pip-version-check --no-color --progress-bar off \
    --no-deps --only-binary :all: --require-hashes --requirement "$1"
  : >"$building/environment/last-used"
}

# Of the caller's settings pip heeds those that say where packages come from, none that would put
# them elsewhere; and it is told no secret.
keep_only_package_sources() {
  local variable heeded='INDEX_URL|EXTRA_INDEX_URL|FIND_LINKS|NO_INDEX|TRUSTED_HOST|CERT|CLIENT_CERT'
  heeded+='|PROXY|TIMEOUT|DEFAULT_TIMEOUT|RETRIES|CONFIG_FILE|CACHE_DIR|NO_CACHE_DIR|KEYRING_PROVIDER'
  for variable in "${!PIP_@}"; do
    [[ $variable =~ ^PIP_($heeded)$ ]] || unset "$variable"
  done
  unset "${!INPUT_@}" "${!ACTIONS_@}" "${!DATABRICKS_@}" "${!MLFLOW_@}" GITHUB_TOKEN
  unset "${!TRACKING_@}" "${!REGISTRY_@}" "${!AZURE_STORAGE_@}" AZURE_CLIENT_SECRET
  unset AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN GOOGLE_SERVICE_ACCOUNT_KEY GOOGLE_BEARER_TOKEN
}

# Another job may have been faster; then its environment is taken.
publish() {
  is_ready || mv "$environment" "$building/broken" 2>/dev/null || :
  "$python" -I -S -c 'import os, sys; os.rename(*sys.argv[1:])' \
    "$building/environment" "$environment" 2>/dev/null || is_ready
}

# What killed jobs left half made, and what nobody has used for a month.
clear_leftovers() {
  local marker
  find "$cache" -maxdepth 1 -name 'building.*' -mmin +180 -exec rm -rf {} + || :
  find "$cache" -mindepth 2 -maxdepth 2 -name last-used -mtime +30 | while IFS= read -r marker; do
    mv "${marker%/*}" "$building" || :
  done
} 2>/dev/null

explain() {
  local advice='The package index was not reached, or has no wheel of them for this Python. Look at '
  advice+='PIP_INDEX_URL, HTTPS_PROXY and PIP_CERT, or use another Python.'
  case $(<"$building/log") in
    *'DO NOT MATCH THE HASHES'*)
      advice='The package index serves other files than PyPI, whose hashes the lock holds.' ;;
    *'No space left'*) advice="The disk is full: make room for $cache." ;;
  esac
  # Neither at a line's beginning nor after `##[` is anything a command to the runner.
  sed -e 's/##\[/# #[/g' -e 's/^/  pip: /' "$building/log" >&2
  fail 7 'The locked packages could not be installed' "$advice"
}

fail() { # exit code, title, message
  local message=$3
  if [[ ${GITHUB_ACTIONS-} == true ]]; then
    message=${message//\%/%25} message=${message//$'\r'/%0D}
    echo "::error title=$2::${message//$'\n'/%0A}" >&2
  else
    echo "error: $2. $message" >&2
  fi
  exit "$1"
}
