"""`entrypoint` in a copy of the checkout whose program only tells how it was called."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from entrypoint.machine import PYTHON, ROOT, Machine

PROGRAM = """
import json, os, sys

def main():
    import requests
    report = {"arguments": sys.argv[1:], "prefix": sys.prefix, "isolated": sys.flags.isolated,
              "path": sys.path, "pid": os.getpid()}
    print(json.dumps(report))
"""
MASKS = "import sys; print('::add-mask::', 'requests' in sys.modules)"


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The locked wheels, so that no other test needs an index."""
    folder = tmp_path_factory.mktemp("wheels")
    lock = ROOT / "requirements/run.txt"
    interpreter = [PYTHON, "-I", "-S", str(ROOT / "src/interpreter.py"), str(lock)]
    pip = subprocess.check_output(interpreter, text=True).splitlines()[1]
    download = ["download", "--quiet", "--no-deps", "--only-binary=:all:", "--require-hashes"]
    subprocess.run(
        [PYTHON, "-I", pip, *download, "--dest", folder, "--requirement", lock], check=True
    )
    return folder


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `entrypoint` needs, in a folder with a space in its name, around a small program."""
    root = tmp_path_factory.mktemp("checkout") / "a checkout"
    package = root / "src/remote_registry"
    (package / "report").mkdir(parents=True)
    (root / "examples/demo").mkdir(parents=True)
    for name in ("entrypoint", "src/environment.sh", "src/interpreter.py", "src/__main__.py"):
        shutil.copy(ROOT / name, root / name)
    shutil.copytree(ROOT / "requirements", root / "requirements")
    shutil.copy(root / "requirements/run.txt", root / "requirements/demo.txt")
    (package / "__init__.py").touch()
    (package / "cli.py").write_text(PROGRAM)
    (package / "report/masks.py").write_text(MASKS)
    (root / "examples/demo/demo.py").write_text(PROGRAM + "main()")
    return root


@pytest.fixture
def machine(tmp_path: Path, checkout: Path, wheels: Path) -> Machine:
    """Empty but for a Python on PATH."""
    machine = Machine(tmp_path, checkout, wheels)
    machine.put_python("python3")
    return machine


@pytest.fixture(scope="session")
def used_home(tmp_path_factory: pytest.TempPathFactory, checkout: Path, wheels: Path) -> Path:
    """A home whose cache holds the environment, after a first run in a bare container."""
    machine = Machine(tmp_path_factory.mktemp("used"), checkout, wheels)
    machine.put_python("python3")
    files_before = sorted(checkout.rglob("*"))
    result = machine.run("register", "--tags", "a b", "")
    assert result.report["arguments"] == ["register", "--tags", "a b", ""]
    assert sorted(checkout.rglob("*")) == files_before
    return machine.home


@pytest.fixture
def used_machine(tmp_path: Path, checkout: Path, wheels: Path, used_home: Path) -> Machine:
    """Has the environment, but no Python in sight and nothing to install from."""
    machine = Machine(tmp_path, checkout, wheels, used_home)
    machine.variables["PIP_FIND_LINKS"] = "/nowhere"
    return machine


@pytest.fixture
def environment(machine: Machine, used_home: Path) -> Path:
    """The machine's own copy of the environment, that a test may spoil."""
    (prefix,) = (used_home / ".cache/register-remote-model").iterdir()
    return Path(shutil.copytree(prefix, machine.cache / prefix.name, symlinks=True))
