"""The environment: made once, in a folder that can be written, and cleared away again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import time
from pathlib import Path

from entrypoint.machine import Hanging, Machine


def test_a_second_run_installs_nothing(used_machine: Machine) -> None:
    used_machine.put_python("python3")
    result = used_machine.run("register")
    assert result.stderr == ""
    assert result.report["isolated"] == 1
    assert result.report["prefix"].startswith(str(used_machine.cache))


def test_the_program_takes_the_place_of_the_shell(used_machine: Machine) -> None:
    """A runner signals the process that it started, so that has to be the program."""
    used_machine.put_python("python3")
    result = used_machine.run()
    assert result.report["pid"] == result.pid


def test_bytecode_goes_to_the_environment(used_machine: Machine) -> None:
    used_machine.put_python("python3")
    bytecode = Path(used_machine.run().report["prefix"], "bytecode")
    assert [file.name for file in bytecode.rglob("cli.*.pyc")]
    assert not list(bytecode.rglob("sessions.*.pyc")), "requests was compiled a second time"


def test_the_demo_has_an_environment_of_its_own(machine: Machine) -> None:
    result = machine.run("demo", "--quick")
    assert result.report["arguments"] == ["--quick"]
    assert Path(result.report["prefix"]).name.startswith("demo-")


def test_a_first_run_says_one_line(machine: Machine) -> None:
    result = machine.run()
    assert result.report["arguments"] == []
    assert result.stderr == f"Making the Python environment {result.report['prefix']}\n"
    assert sorted(file.name for file in machine.home.iterdir()) == [".cache"]
    assert [file.name for file in machine.cache.iterdir()] == [Path(result.report["prefix"]).name]


def test_where_the_log_is_closed_it_is_made_all_the_same(machine: Machine) -> None:
    done = subprocess.run(
        ["bash", "-c", 'exec "$0" 2>&-', machine.checkout / "entrypoint"],
        env=machine.variables,
        cwd=machine.folder,
        stdout=subprocess.PIPE,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0
    assert machine.run().stderr == ""


def test_secrets_are_masked_before_anything_is_installed(machine: Machine) -> None:
    result = machine.run(GITHUB_ACTIONS="true")
    assert result.report["arguments"] == []
    assert result.stderr.splitlines()[0] == "::add-mask:: False"


def test_nothing_goes_to_the_files_of_the_runner(machine: Machine) -> None:
    names = ("GITHUB_ENV", "GITHUB_PATH", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")
    files = {name: machine.folder / name for name in names}
    for file in files.values():
        file.touch()
    assert machine.run(GITHUB_ACTIONS="true", **files).report["arguments"] == []
    assert [file.read_text() for file in files.values()] == [""] * 4


def test_two_first_runs_at_once(machine: Machine) -> None:
    both = [machine.start("register") for _ in range(2)]
    outputs = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    prefixes = {json.loads(stdout)["prefix"] for stdout, _ in outputs}
    assert [str(path) for path in machine.cache.iterdir()] == [*prefixes]
    assert not list(machine.cache.glob("*/environment")), "one was moved into the other"


def age(path: Path, days: float) -> None:
    then = time.time() - days * 24 * 3600
    os.utime(path, (then, then))


def test_what_a_killed_run_left_is_cleared(machine: Machine, wheels: Path) -> None:
    hanging = Hanging(machine, wheels)
    hanging.end(signal.SIGKILL)
    (left,) = machine.cache.iterdir()
    others = machine.cache / "building.another"
    others.mkdir()
    age(left, 1)
    prefix = Path(machine.run().report["prefix"])
    assert sorted(machine.cache.iterdir()) == sorted([others, prefix])


def test_an_environment_that_nobody_uses_is_cleared(machine: Machine, environment: Path) -> None:
    used, unused = (machine.cache / name for name in ("used", "unused"))
    for folder, days in ((used, 1), (unused, 40)):
        shutil.copytree(environment, folder, symlinks=True)
        age(folder / "last-used", days)
    age(environment / "last-used", 40)
    machine.run()
    demo = Path(machine.run("demo").report["prefix"])
    assert sorted(machine.cache.iterdir()) == sorted([demo, environment, used])


def test_an_environment_whose_interpreter_is_gone_is_made_anew(
    machine: Machine, environment: Path
) -> None:
    (environment / "bin/python").unlink()
    (environment / "bin/python").symlink_to("/nowhere/python3")
    assert machine.run().report["prefix"] == str(environment)
    assert [*machine.cache.iterdir()] == [environment]


def test_the_tool_cache_comes_before_the_home(machine: Machine) -> None:
    tools = machine.folder / "tools"
    report = machine.run(RUNNER_TOOL_CACHE=tools).report
    assert Path(report["prefix"]).parent == tools / "register-remote-model"
    assert not machine.cache.exists()


def test_a_folder_that_can_not_be_made_is_passed_over(machine: Machine) -> None:
    file = machine.folder / "file"
    file.touch()
    temporary = machine.folder / "runner's temp"
    report = machine.run(RUNNER_TOOL_CACHE=file, XDG_CACHE_HOME=file, RUNNER_TEMP=temporary).report
    assert Path(report["prefix"]).parent == temporary / "register-remote-model"


def test_without_a_home_it_is_kept_in_the_temporary_folder(machine: Machine) -> None:
    prefix = Path(machine.run(HOME=None).report["prefix"])
    assert prefix.parent == machine.folder / f"register-remote-model-{os.getuid()}"
    assert stat.S_IMODE(prefix.parent.stat().st_mode) == 0o700
    assert machine.run(HOME=None).stderr == ""


def test_a_temporary_folder_that_another_prepared_is_not_used(machine: Machine) -> None:
    trap = machine.folder / "trap"
    trap.mkdir()
    (machine.folder / f"register-remote-model-{os.getuid()}").symlink_to(trap)
    result = machine.run(HOME=None)
    assert result.code == 7
    assert "XDG_CACHE_HOME" in result.stderr
    assert list(trap.iterdir()) == []
