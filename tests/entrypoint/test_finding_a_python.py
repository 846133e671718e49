"""Which Python `entrypoint` takes, and what it says where there is none."""

from __future__ import annotations

import pytest
from entrypoint.machine import PYTHON, Machine

PATCHED = f"""exec "{PYTHON}" -I -c 'import os, runpy, sys
PATCH
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")' "$3" "$4" """
OLD = PATCHED.replace("PATCH", 'sys.version_info = (3, 9, 18, "final", 0)')
WITHOUT_VENV = PATCHED.replace("PATCH", "os.path.isdir = {}.get")
NO_PYTHON = "echo 'Python was not found; run without arguments to install it' >&2; exit 49"


@pytest.mark.parametrize("name", ["python3", "python", "python3.12"])
def test_a_python_on_the_path_is_found(used_machine: Machine, name: str) -> None:
    used_machine.put_python(name)
    assert used_machine.run().report["arguments"] == []


@pytest.mark.parametrize("variable", ["RUNNER_TOOL_CACHE", "AGENT_TOOLSDIRECTORY"])
def test_a_python_in_the_tool_cache_is_found(used_machine: Machine, variable: str) -> None:
    used_machine.put_python("Python/3.9.18/x64/bin/python", OLD)
    used_machine.put_python("Python/3.11.9/x64/bin/python")
    (used_machine.bin / "register-remote-model").symlink_to(used_machine.cache)
    assert used_machine.run(**{variable: used_machine.bin}).report["arguments"] == []


@pytest.mark.parametrize("script", [OLD, WITHOUT_VENV, NO_PYTHON], ids=["old", "bare", "a stub"])
def test_what_does_not_fit_is_passed_over(used_machine: Machine, script: str) -> None:
    used_machine.put_python("python3", script)
    used_machine.put_python("python3.10")
    assert used_machine.run().report["arguments"] == []


def test_no_python_fits(used_machine: Machine) -> None:
    used_machine.put_python("python3", OLD)
    used_machine.put_python("python", WITHOUT_VENV)
    used_machine.put_python("python3.13", NO_PYTHON)
    result = used_machine.run(RUNNER_TOOL_CACHE=used_machine.folder)
    assert (result.code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: No Python 3.10 or newer was found.")
    assert "python3 is Python 3.9. python has no venv" in result.stderr
    assert "python3.13 can't be run." in result.stderr
    assert f"{used_machine.folder}/Python" in result.stderr
    assert "actions/setup-python" in result.stderr


def test_no_python_fits_in_a_workflow(used_machine: Machine) -> None:
    result = used_machine.run(GITHUB_ACTIONS="true")
    assert result.code == 2
    assert result.stderr.startswith("::error title=No Python 3.10 or newer was found::")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("form", ["--python {}", "--python={}"])
def test_the_option_wins_over_the_input(used_machine: Machine, form: str) -> None:
    given = used_machine.put_python("given")
    result = used_machine.run("register", *form.format(given).split(), INPUT_PYTHON="/nowhere")
    assert result.report["arguments"] == ["register"]


def test_the_input_wins_over_what_is_found(used_machine: Machine) -> None:
    used_machine.put_python("python3", NO_PYTHON)
    given = used_machine.put_python("given")
    assert used_machine.run(INPUT_PYTHON=given).report["isolated"] == 1


@pytest.mark.parametrize(
    ("script", "why"), [(OLD, "is Python 3.9"), (None, "was not found"), ("exit 1", "can't be run")]
)
def test_a_given_python_that_does_not_fit_is_named(
    used_machine: Machine, script: str | None, why: str
) -> None:
    used_machine.put_python("python3")
    if script:
        used_machine.put_python("given", script)
    result = used_machine.run(GITHUB_ACTIONS="true", INPUT_PYTHON="given%0A\n::x")
    assert result.code == 2
    assert "::error title=The given Python does not fit::python: given%250A%0A::x " in result.stderr
    result = used_machine.run(INPUT_PYTHON="given")
    assert (result.code, result.stdout) == (2, "")
    assert f"python: given {why}." in result.stderr


def test_the_option_wants_a_value(used_machine: Machine) -> None:
    result = used_machine.run("register", "--python")
    assert result.code == 2
    assert "--python has no value" in result.stderr
