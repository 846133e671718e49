"""A process and all that it starts: its time, its memory, and what it lays on the disk."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

EVERY_SECONDS = 0.02
DISK_EVERY = 5
_MEMORY = re.compile(r"^Vm(HWM|RSS):\s+(\d+) kB", re.MULTILINE)


class Broken(Exception):
    """What was to be measured failed."""


@dataclass(frozen=True)
class Step:
    """One process of a tool."""

    command: list[str]
    environment: dict[str, str] = field(repr=False)


@dataclass
class Usage:
    """What the processes of a tool took, one after the other."""

    began: float = field(default_factory=time.time)
    seconds: float = 0.0
    cpu: float = 0.0
    memory: int = 0
    disk: int = 0


def measure(steps: list[Step], folder: Path, log: Path, timeout: float) -> Usage:
    """Run the steps with `folder` as their home, working and temporary folder."""
    for name in ("home", "tmp", "work"):
        (folder / name).mkdir(parents=True)
    places = {"HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp")}
    usage = Usage()
    began = time.monotonic()
    for step in steps:
        with log.open("ab") as output:
            process = subprocess.Popen(
                step.command,
                env=step.environment | places,
                cwd=folder / "work",
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        _wait(process, folder, usage, timeout)
        if process.returncode:
            raise Broken(f"{step.command} ended with {process.returncode}:\n{_tail(log)}")
    usage.seconds = time.monotonic() - began
    usage.disk = max(usage.disk, _lying_in(folder))
    return usage


def _wait(process: subprocess.Popen[bytes], folder: Path, usage: Usage, timeout: float) -> None:
    """Until it ends; watched by a thread, so that its end is seen at once."""
    ended = threading.Event()
    watch = threading.Thread(target=_watch, args=(process.pid, folder, usage, ended, timeout))
    watch.start()
    try:
        _, status, taken = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        usage.cpu += taken.ru_utime + taken.ru_stime
    finally:
        ended.set()
        watch.join()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _watch(pid: int, folder: Path, usage: Usage, ended: threading.Event, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    rounds = 0
    while not ended.wait(EVERY_SECONDS):
        family = list(_family(pid))
        usage.memory = max(usage.memory, _memory(family))
        if rounds % DISK_EVERY == 0:
            usage.disk = max(usage.disk, _lying_in(folder) + _unlinked(family, folder))
        rounds += 1
        if time.monotonic() > deadline:
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)


def _family(pid: int) -> Iterator[int]:
    """The process and all its descendants."""
    yield pid
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with suppress(OSError):
                children = Path(f"/proc/{pid}/task/{thread}/children").read_text()
                for child in children.split():
                    yield from _family(int(child))


def _memory(family: list[int]) -> int:
    """Bytes resident in all; or the most that one of them ever had, if that is more."""
    now = most = 0
    for pid in family:
        with suppress(OSError):
            status = Path(f"/proc/{pid}/status").read_text()
            found = {kind: int(kilobytes) << 10 for kind, kilobytes in _MEMORY.findall(status)}
            now += found.get("RSS", 0)
            most = max(most, found.get("HWM", 0))
    return max(now, most)


def _lying_in(folder: Path) -> int:
    size = 0
    for top, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                size += os.lstat(f"{top}/{name}").st_size
    return size


def _unlinked(family: list[int], folder: Path) -> int:
    """Bytes of files that are open and have no name any more."""
    size = 0
    for pid in family:
        with suppress(OSError), os.scandir(f"/proc/{pid}/fd") as opened:
            for file in opened:
                with suppress(OSError):
                    target = os.readlink(file.path)
                    if target.startswith(str(folder)) and target.endswith(" (deleted)"):
                        size += os.stat(file.path).st_size
    return size


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-30:])
