"""What pip heeds and what it is told, and what is left when it fails or is stopped."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from entrypoint.machine import Hanging, Index, Machine


def test_the_settings_of_the_caller_are_ignored(machine: Machine) -> None:
    """Those that would break the environment or move it, and modules that lie about."""
    trap = machine.folder / "trap"
    trap.mkdir()
    for module in ("hashlib", "venv", "pip", "requests", "click", "sitecustomize"):
        (trap / f"{module}.py").write_text("raise SystemExit('trapped')")
    (trap / "constraints.txt").write_text("click==0.1")
    pip = {
        "PIP_USER": "1",
        "PIP_REQUIRE_VIRTUALENV": "1",
        "PIP_TARGET": trap / "target",
        "PIP_PREFIX": trap / "prefix",
        "PIP_ROOT": trap / "root",
        "PIP_CONSTRAINT": trap / "constraints.txt",
        "PIP_DRY_RUN": "1",
        "PIP_NO_BINARY": ":all:",
        "PIP_PYTHON": "/nowhere",
    }
    python = {"PYTHONPATH": trap, "PYTHONHOME": "/nowhere", "PYTHONSTARTUP": trap / "pip.py"}
    uv = {"UV_PYTHON": "/nowhere", "UV_INDEX_URL": "http://127.0.0.1:1", "VIRTUAL_ENV": trap}
    conda = {"CONDA_PREFIX": trap, "PYTHONNOUSERSITE": "", "PYTHONUSERBASE": trap}
    report = machine.run(cwd=trap, **pip, **python, **uv, **conda).report
    assert str(trap) not in report["path"]
    assert not [file for file in trap.iterdir() if file.is_dir()]


def test_an_index_of_the_callers_is_used(machine: Machine, wheels: Path) -> None:
    with Index(wheels) as index:
        changes = {"PIP_NO_INDEX": None, "PIP_FIND_LINKS": None, "PIP_INDEX_URL": index.url}
        assert machine.run(**changes).report["arguments"] == []
    assert "/simple/requests/" in index.requests


def test_a_configuration_file_of_pip_is_read(machine: Machine, wheels: Path) -> None:
    file = machine.folder / "pip.conf"
    file.write_text(f"[global]\nno-index = true\nfind-links = {wheels}\nuser = true\n")
    changes = {"PIP_NO_INDEX": None, "PIP_FIND_LINKS": None, "PIP_CONFIG_FILE": file}
    assert machine.run(**changes).report["arguments"] == []


def assert_nothing_was_made(machine: Machine) -> None:
    assert list(machine.cache.iterdir()) == []
    assert [file.name for file in machine.folder.glob("pip-*")] == []


def test_other_files_than_the_locked_are_refused(machine: Machine, wheels: Path) -> None:
    with Index(wheels, lambda content: content + b" ") as index:
        changes = {"PIP_NO_INDEX": None, "PIP_FIND_LINKS": None, "PIP_INDEX_URL": index.url}
        result = machine.run(GITHUB_ACTIONS="true", **changes)
    assert (result.code, result.stdout) == (7, "")
    *log, annotation = result.stderr.splitlines()[2:]
    assert annotation.startswith("::error title=The locked packages could not be installed::")
    assert "other files than PyPI" in annotation
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in "".join(log)
    assert all(line.startswith("  pip: ") for line in log)
    assert_nothing_was_made(machine)


def test_an_index_that_is_not_there(machine: Machine) -> None:
    changes = {"PIP_NO_INDEX": None, "PIP_INDEX_URL": "http://127.0.0.1:1", "PIP_RETRIES": "0"}
    result = machine.run(**changes, PIP_FIND_LINKS=None)
    assert (result.code, result.stdout) == (7, "")
    assert "error: The locked packages could not be installed." in result.stderr
    assert "PIP_INDEX_URL" in result.stderr
    assert "HTTPS_PROXY" in result.stderr
    assert_nothing_was_made(machine)


def test_what_pip_prints_is_no_command(machine: Machine) -> None:
    text = "##[error]mine"
    result = machine.run(GITHUB_ACTIONS="true", PIP_FIND_LINKS=f"/nowhere/{text}")
    assert result.code == 7
    assert "mine" in result.stderr
    assert "##[" not in result.stderr
    assert [line[:8] for line in result.stderr.splitlines() if line.startswith("::")] == [
        "::add-ma",
        "::error ",
    ]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_the_installation(
    machine: Machine, wheels: Path, number: signal.Signals, code: int
) -> None:
    hanging = Hanging(machine, wheels)
    assert any("install" in command for command in hanging.processes())
    assert hanging.end(number) < 10
    assert hanging.process.returncode == code
    assert hanging.processes() == {}
    assert_nothing_was_made(machine)


def test_pip_is_told_no_secret(machine: Machine, wheels: Path) -> None:
    names = (
        "INPUT_REGISTRY_TOKEN", "INPUT_TRACKING_PASSWORD", "GITHUB_TOKEN", "DATABRICKS_TOKEN",
        "MLFLOW_TRACKING_PASSWORD", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "AWS_SECRET_ACCESS_KEY",
        "TRACKING_AWS_SESSION_TOKEN", "REGISTRY_AZURE_STORAGE_KEY", "AZURE_STORAGE_SAS_TOKEN",
    )  # fmt: skip
    hanging = Hanging(machine, wheels, **dict.fromkeys(names, "dapi-secret"))
    variables = [text for command, text in hanging.processes().items() if "pip" in command]
    hanging.end(signal.SIGTERM)
    assert variables
    assert not [text for text in variables if "dapi-secret" in text]
