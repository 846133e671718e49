"""The stand-in workspace by hand: one command starts it, and nothing is left of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import workspace
from clients import clean_environment
from workspace import Workspace

COMMAND = [sys.executable, str(Path(workspace.__file__).parent)]
STARTS_ONE_AND_DIES = """
import os, sys
from workspace import MlflowServers, Workspace
servers = MlflowServers()
Workspace.start("orphan", mlflow_url="http://127.0.0.1:9")
os.kill(os.getpid(), 9)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where all temporary files of a started command go."""
    found = tmp_path / "temporary"
    found.mkdir()
    return found


def run(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env=clean_environment(TMPDIR=str(folder)),
    )


def processes_below(folder: Path) -> list[str]:
    """The command lines of all processes that were started with this folder for temporaries."""
    found = []
    for environment in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"TMPDIR={folder}".encode() in environment.read_bytes().split(b"\0"):
                found.append(environment.with_name("cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


def wait_until_gone(folder: Path) -> None:
    deadline = time.monotonic() + 20
    while processes_below(folder) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert processes_below(folder) == []
    assert list(folder.iterdir()) == []


def told(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout
    return json.loads(process.stdout.readline())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_is_and_leaves_nothing(folder: Path, number: signal.Signals) -> None:
    process = run(folder, "--name", "source", "--latency", "0.01", "--registration-error", "no")
    ready = told(process)
    assert ready["name"] == "source"
    assert len(ready["workspace_id"]) == 16
    assert len(list(folder.iterdir())) == 2
    started = Workspace.of(ready, process)
    assert started.control.knobs()["latency"] == 0.01
    assert started.control.knobs()["registration_error"] == "no"
    process.send_signal(number)
    assert process.wait(20) == 0
    wait_until_gone(folder)


def test_a_signal_before_it_is_ready(folder: Path) -> None:
    process = run(folder)
    deadline = time.monotonic() + 20
    while not list(folder.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.terminate()
    assert process.wait(20) == 0
    wait_until_gone(folder)


def test_it_ends_when_whoever_started_it_is_killed(folder: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", STARTS_ONE_AND_DIES],
        env=clean_environment(
            TMPDIR=str(folder), PYTHONPATH=str(Path(workspace.__file__).parents[1])
        ),
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL
    wait_until_gone(folder)


def test_the_help_names_every_knob() -> None:
    done = subprocess.run([*COMMAND, "--help"], capture_output=True, text=True, check=True)
    from workspace.control.knobs import Knobs

    for name in Knobs().as_dict():
        assert f"--{name.replace('_', '-')}" in done.stdout


def test_a_wrong_knob_is_told_at_the_start() -> None:
    done = subprocess.run(
        [*COMMAND, "--latency", '"high"'],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ},
    )
    assert done.returncode == 2
    assert "'latency' takes a float" in done.stderr


def test_the_readme_has_every_knob() -> None:
    from workspace.control.knobs import meanings

    text = Path(workspace.__file__).with_name("README.md").read_text(encoding="utf-8")
    for name, (default, meaning) in meanings().items():
        row = f"| `{name}` | {meaning.replace('|', 'or')} | `{json.dumps(default)}` |"
        assert row in text
