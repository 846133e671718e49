"""The command line, as a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import runner
from clients import clean_environment
from command import SOURCES
from tiny_server import Reply, TinyServer, serving

from remote_registry.errors import BadInput, OutputsLost
from remote_registry.outcome import Outcome
from remote_registry.run import Call, run
from remote_registry.verbs import REGISTER

GOOD = {
    "INPUT_RUN_ID": "0" * 32,
    "INPUT_MODEL_NAME": "churn",
    "INPUT_REGISTRY_HOST": "https://adb-5555555555555555.15.azuredatabricks.net",
    "INPUT_REGISTRY_TOKEN": "dapi-1",
}
WRONG = {**GOOD, "INPUT_STAGE": "Nowhere"}
HEAVY = ("mlflow", "databricks", "numpy", "pandas", "sklearn")


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {
        name: text for name, text in clean_environment().items() if not name.startswith("GITHUB")
    }
    return subprocess.run(
        [sys.executable, "-I", "-B", str(SOURCES), *arguments],
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def register(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return command("register", *arguments, **environment)


@pytest.mark.parametrize("actions", ["true", "false"])
@pytest.mark.parametrize(
    "arguments", [["register", "--nonsense"], ["register", "stray"], ["nonsense"], ["--nonsense"]]
)
def test_what_is_misspelt_is_bad_input(arguments: list[str], actions: str) -> None:
    done = command(*arguments, GITHUB_ACTIONS=actions, **GOOD)

    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert "nonsense" in done.stderr or "stray" in done.stderr


@pytest.mark.parametrize("arguments", [["--registry-token", "dapi-9"], ["--registry-token=dapi-9"]])
def test_a_secret_is_no_option_and_is_not_repeated(arguments: list[str]) -> None:
    done = register(*arguments, **GOOD)

    assert done.returncode == 2
    assert "--registry-token-file" in done.stderr
    assert "dapi-9" not in done.stderr


def test_json_is_one_object_on_stdout_and_all_else_on_stderr() -> None:
    done = register("--json", **WRONG)

    (line,) = done.stdout.splitlines()
    assert json.loads(line) == Outcome("churn").outputs()
    assert "Nowhere" in done.stderr


def test_stdout_is_empty_without_json() -> None:
    assert register(**WRONG).stdout == ""


def test_an_option_wins_over_its_variable() -> None:
    done = register("--stage", "Elsewhere", "--timeout=-7", INPUT_TIMEOUT="5", **WRONG)

    assert done.returncode == 2
    assert "'Elsewhere'" in done.stderr
    assert "'-7'" in done.stderr
    assert "Nowhere" not in done.stderr


def test_an_empty_option_takes_a_variable_back() -> None:
    done = register("--stage", "", "--timeout", "0", **WRONG)

    assert "stage:" not in done.stderr
    assert "timeout:" in done.stderr


def test_an_empty_variable_is_not_given() -> None:
    empty = {"INPUT_TRACKING_HOST": "", "INPUT_MODEL_URI": "", "INPUT_TRACKING_TOKEN": ""}

    done = register(**WRONG, **empty)

    assert "tracking" not in done.stderr
    assert "model-uri" not in done.stderr


@pytest.fixture
def workspace() -> Iterator[TinyServer]:
    """Refuses every sign-in."""
    with serving() as server:
        server.replies = [Reply(401)]
        yield server


@pytest.mark.parametrize("variable", [{}, {"INPUT_REGISTRY_TOKEN": "dapi-2"}])
def test_a_secret_comes_from_a_file_and_wins(
    workspace: TinyServer, tmp_path: Path, variable: dict[str, str]
) -> None:
    file = tmp_path / "token"
    file.write_text("from-file\n")
    given = {name: text for name, text in GOOD.items() if name != "INPUT_REGISTRY_TOKEN"}
    options = ["--registry-host", workspace.url, "--registry-token-file", str(file)]

    done = register(*options, GITHUB_ACTIONS="true", **given, **variable)

    assert done.returncode == 3
    assert {one.headers["Authorization"] for one in workspace.requests} == {"Bearer from-file"}
    masks = [one.data for one in runner.commands(done.stderr) if one.name == "add-mask"]
    assert "from-file" in masks
    assert "from-file" not in done.stderr.replace("::add-mask::from-file\n", "")


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_bad_input(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "token"
    if content:
        file.write_bytes(content)

    done = register("--tracking-token-file", str(file), **GOOD)

    assert done.returncode == 2
    assert "tracking-token-file" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_that_cannot_be_read_is_told_with_all_else_that_is_wrong(tmp_path: Path) -> None:
    given = {name: text for name, text in WRONG.items() if name != "INPUT_REGISTRY_TOKEN"}

    done = register("--registry-token-file", str(tmp_path / "none"), "--timeout", "x", **given)

    assert done.returncode == 2
    for name in ("registry-token-file:", "stage:", "timeout:"):
        assert name in done.stderr
    assert "registry-token:" not in done.stderr


def test_a_token_that_is_not_utf_8_is_bad_input() -> None:
    done = register(**{**GOOD, "INPUT_REGISTRY_TOKEN": os.fsdecode(b"dapi\xff")})

    assert done.returncode == 2
    assert "registry-token: is not UTF-8." in done.stderr


def test_help_tells_of_every_input_in_the_words_of_the_action() -> None:
    done = register("--help")

    assert done.returncode == 0
    assert all(f"--{name}" in done.stdout for name in REGISTER.inputs)
    assert "made if it does not exist" in " ".join(done.stdout.split())


def test_neither_mlflow_nor_databricks_is_imported() -> None:
    code = f"""
import sys, pkgutil, importlib
sys.path.insert(0, {str(SOURCES)!r})
import remote_registry.cli
print([name for name in sys.modules if name.partition(".")[0] in {(*HEAVY, "requests", "yaml")}])
for module in pkgutil.walk_packages(remote_registry.__path__, "remote_registry."):
    importlib.import_module(module.name)
print([name for name in sys.modules if name.partition(".")[0] in {HEAVY}])
"""
    done = subprocess.run(
        [sys.executable, "-I", "-B", "-c", code], capture_output=True, text=True, check=True
    )

    assert done.stdout.splitlines() == ["[]", "[]"]


@pytest.fixture
def without_secrets(tmp_path: Path) -> dict[str, str]:
    """What a fork's pull request finds in its environment; its job passes."""
    event = {"pull_request": {"number": 3, "head": {"repo": {"full_name": "fork/churn"}}}}
    (tmp_path / "event.json").write_text(json.dumps(event))
    return {
        **GOOD,
        "INPUT_REGISTRY_TOKEN": "",
        "GITHUB_ACTIONS": "true",
        "GITHUB_REPOSITORY": "your-org/churn",
        "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
    }


def test_a_fork_without_secrets_is_told_why_and_passes(
    tmp_path: Path, without_secrets: dict[str, str]
) -> None:
    done = register(**without_secrets)

    assert done.returncode == 0
    assert [one.name for one in runner.commands(done.stderr)] == ["notice"]
    assert dict(runner.file_outputs((tmp_path / "output").read_text()))["status"] == "skipped"
    assert "was not registered" in (tmp_path / "summary").read_text()


def test_files_of_the_runner_that_cannot_be_written_are_a_warning(tmp_path: Path) -> None:
    done = register(GITHUB_ACTIONS="true", GITHUB_OUTPUT=str(tmp_path), **WRONG)

    kinds = [one.name for one in runner.commands(done.stderr) if one.name != "add-mask"]
    assert (done.returncode, kinds) == (2, ["error", "warning"])


def test_outputs_that_cannot_be_written_are_a_failure_and_the_summary_says_so(
    tmp_path: Path, without_secrets: dict[str, str]
) -> None:
    done = register(**{**without_secrets, "GITHUB_OUTPUT": str(tmp_path)})

    assert done.returncode == OutputsLost.exit_code == 7
    assert [one.name for one in runner.commands(done.stderr)] == ["notice", "error"]
    assert "GITHUB_OUTPUT names: Is a directory" in done.stderr
    assert "Outputs lost" in (tmp_path / "summary").read_text()


def test_a_summary_that_cannot_be_written_is_a_warning_and_the_outputs_are_there(
    tmp_path: Path, without_secrets: dict[str, str]
) -> None:
    done = register(**{**without_secrets, "GITHUB_STEP_SUMMARY": str(tmp_path)})

    assert done.returncode == 0
    assert [one.name for one in runner.commands(done.stderr)] == ["notice", "warning"]
    assert dict(runner.file_outputs((tmp_path / "output").read_text()))["status"] == "skipped"


@pytest.mark.parametrize(("end", "code"), [({}, 7), ({"INPUT_REGISTRY_TOKEN": "dapi-1"}, 2)])
def test_a_full_disk_at_stdout_is_told(
    without_secrets: dict[str, str], end: dict[str, str], code: int
) -> None:
    environment = {**clean_environment(), **without_secrets, "INPUT_STAGE": "Nowhere", **end}
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-I", "-B", str(SOURCES), "register", "--json"],
            env=environment,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )

    assert done.returncode == code
    assert "stdout: No space left on device" in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize("log", ["2>/dev/full", "2>&-", "2> >(exec 0<&-)"])
def test_a_log_that_cannot_be_written_is_no_failure(
    without_secrets: dict[str, str], tmp_path: Path, log: str
) -> None:
    done = subprocess.run(
        ["bash", "-c", f'exec "$@" {log}', "bash", sys.executable, "-I", "-B", SOURCES, "register"],
        env={**clean_environment(), **without_secrets},
        check=False,
        timeout=60,
    )

    assert done.returncode == 0
    assert dict(runner.file_outputs((tmp_path / "output").read_text()))["status"] == "skipped"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/dev/null", "registry-token: is empty, and registry-host needs it."),
        ("/dev/zero", "registry-token-file: '/dev/zero' can't be read."),
        ("/dev", "registry-token-file: '/dev' can't be read."),
    ],
)
def test_a_file_that_holds_no_secret_is_bad_input(path: str, words: str) -> None:
    given = {name: text for name, text in GOOD.items() if name != "INPUT_REGISTRY_TOKEN"}
    done = register("--registry-token-file", path, **given)

    assert done.returncode == 2
    assert words in done.stderr


_INTERRUPTED_BY_ITSELF = """
import os, runpy, signal, sys

class Interrupting:
    def find_spec(self, name, *_):
        if name == "click":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupting())
runpy.run_path(sys.argv.pop(1), run_name="__main__")
"""


def test_a_signal_before_anything_is_begun_shows_no_traceback() -> None:
    done = subprocess.run(
        [sys.executable, "-I", "-B", "-c", _INTERRUPTED_BY_ITSELF, SOURCES, "register"],
        capture_output=True,
        check=False,
        timeout=60,
    )

    assert (done.returncode, done.stderr) == (-signal.SIGINT, b"")


def test_what_was_registered_is_told_where_outputs_are_lost(
    ended: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reached = Outcome("churn", version="7", status="READY")

    assert ended(None, reached, GITHUB_OUTPUT=str(tmp_path)) == 7
    assert "churn: version 7 is registered." in capsys.readouterr().err


def test_a_secret_in_a_servers_words_is_in_no_output(
    ended: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = "dapi-0123456789"
    words = f"dbfs:/models/{secret}/x"
    reached = Outcome("churn", "7", words, words, [words], [words], words, source_name=words)
    reached.plan, reached.registry_url = [words], f"https://{secret}.example"
    reached.source_run_id = reached.source_page = reached.source_kind = words
    files = {"GITHUB_OUTPUT": tmp_path / "output", "GITHUB_STEP_SUMMARY": tmp_path / "summary"}

    ended(None, reached, INPUT_REGISTRY_TOKEN=secret, **{k: str(v) for k, v in files.items()})

    said = capsys.readouterr()
    told = [said.out, said.err, *(file.read_text() for file in files.values())]
    assert secret not in "".join(told)
    assert json.loads(said.out)["download-uri"] == "dbfs:/models/***/x"


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., int]]:
    """The exit code of a verb that ends so, within this process."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for name in ("GITHUB_ACTIONS", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "RUNNER_DEBUG"):
        monkeypatch.delenv(name, raising=False)

    def end(error: Exception | None, reached: Outcome | None = None, **environment: str) -> int:
        for name, text in environment.items():
            monkeypatch.setenv(name, text)

        def verb(_: Call) -> None:
            if error:
                raise error

        with pytest.raises(SystemExit) as ending:
            run(REGISTER, {}, reached or Outcome("churn"), reached is not None, verb)
        return int(ending.value.code or 0)

    yield end
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("error", "code"), [(None, 0), (BadInput("no"), 2), (KeyError("a bug"), 1)]
)
def test_how_it_ends_is_the_exit_code(
    ended: Callable[..., int], error: Exception | None, code: int
) -> None:
    assert ended(error) == code


def test_a_bug_shows_its_traceback_where_it_is_asked_for(
    ended: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ended(KeyError("a bug"))
    plain = capsys.readouterr()
    monkeypatch.setenv("RUNNER_DEBUG", "1")
    ended(KeyError("a bug"))
    debugged = capsys.readouterr()

    assert "Traceback" not in plain.err
    assert "A bug of ours: KeyError: 'a bug'" in plain.err
    assert "Traceback" in debugged.err
    assert (plain.out, debugged.out) == ("", "")


def test_no_secret_stays_in_the_environment(ended: Callable[..., int]) -> None:
    """What is started from here would have it, and whoever may look into this process."""
    names = ("INPUT_REGISTRY_TOKEN", "INPUT_TRACKING_PASSWORD", "INPUT_GITHUB_TOKEN")
    assert ended(None, **dict.fromkeys(names, "dapi-0123456789")) == 0
    assert not [name for name in names if name in os.environ]
