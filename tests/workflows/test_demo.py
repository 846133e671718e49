"""The demo tells its whole story, and leaves nothing: not when it is stopped, either."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from clients import clean_environment
from workflows.act import ROOT

NAMES = ("action.yml", "entrypoint", "examples", "requirements", "src", "tests")


@dataclass(frozen=True)
class Demo:
    """`demo.py` in a copy of the checkout, in a folder with a space in its name."""

    checkout: Path
    temporary: Path
    process: subprocess.Popen[str]

    @classmethod
    def start(cls, folder: Path, environments: Path) -> Demo:
        checkout, temporary = folder / "a checkout", folder / "temporary files"
        temporary.mkdir()
        for name in NAMES:
            if (ROOT / name).is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / name, checkout / name, ignore=ignored)
            else:
                checkout.mkdir(exist_ok=True)
                shutil.copy(ROOT / name, checkout)
        environment = {
            "HOME": str(folder),
            "TMPDIR": str(temporary),
            "RUNNER_TOOL_CACHE": str(environments.parent),
            "PYTHONDONTWRITEBYTECODE": "",
        }
        process = subprocess.Popen(
            [sys.executable, "-I", "-B", "-X", "utf8", checkout / "examples/demo/demo.py"],
            env=clean_environment(**environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        return cls(checkout, temporary, process)

    def files(self) -> set[Path]:
        return {path.relative_to(self.checkout) for path in self.checkout.rglob("*")}

    def read_until(self, text: str) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            if text in line:
                return
        raise AssertionError(f"the demo never said {text!r}")

    def stop_as_ctrl_c_does(self) -> None:
        os.killpg(self.process.pid, signal.SIGINT)

    def processes(self) -> list[str]:
        """What still runs of all that it started."""
        marker = f"TMPDIR={self.temporary}".encode()
        return [entry.parent.name for entry in Path("/proc").glob("[0-9]*/environ")
                if entry.parent.name != "self" and marker in _read(entry)]  # fmt: skip


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


@pytest.fixture
def demo(tmp_path: Path, environments: Path) -> Iterator[Demo]:
    demo = Demo.start(tmp_path, environments)
    yield demo
    if demo.process.poll() is None:
        demo.process.terminate()
        demo.process.communicate()


def assert_nothing_is_left(demo: Demo, before: set[Path]) -> None:
    assert demo.files() == before
    assert list(demo.temporary.iterdir()) == []
    assert demo.processes() == []


def test_the_demo(demo: Demo) -> None:
    before = demo.files()
    told, _ = demo.process.communicate()
    assert demo.process.returncode == 0, told
    called = re.findall(r"^  \./entrypoint (\w+)", told, re.MULTILINE)
    assert called == ["secrets", "register", "register", "resolve", "promote", "retire"]
    scope = "central-registry:production"
    for stage in ("Staging", "Production"):
        for uri in (f"models:/iris/{stage}", f"models://{scope}@databricks/iris/{stage}"):
            assert f"  {uri} predicts all 150 flowers as it did before" in told
    assert "version 2; version 1 stood there before" in told
    assert "deleted version 1" in told
    assert "### ✅ iris version 2 moved to Production" in told
    assert "Traceback" not in told
    assert_nothing_is_left(demo, before)


@pytest.mark.parametrize("moment", ["Two workspaces start", "Copy"])
def test_the_demo_is_stopped(demo: Demo, moment: str) -> None:
    before = demo.files()
    demo.read_until(moment)
    demo.stop_as_ctrl_c_does()
    told, _ = demo.process.communicate()
    assert demo.process.returncode == 130, told
    assert "models:/iris/1 Production" not in told
    assert "Traceback" not in told, told
    assert "Left behind" not in told
    assert "Both workspaces are ended" in told
    assert_nothing_is_left(demo, before)
