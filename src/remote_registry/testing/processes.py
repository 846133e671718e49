"""This process among others: unreadable to its children, and the one who inherits theirs."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

# From linux/prctl.h.
_SET_DUMPABLE, _SET_CHILD_SUBREAPER = 4, 36
_SECONDS = 5.0
_THREADS = 15  # of the fields of /proc/<pid>/stat behind the parent: proc(5)


def harden() -> None:
    """No process of the same user may look into this one, and orphans below it become its own.

    Where there is no `prctl`, as on macOS, it changes nothing.
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(_SET_DUMPABLE, 0, 0, 0, 0)
        libc.prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def descendants() -> list[int]:
    """The living processes below this one; those who left their parents are among them.

    Empty where there is no `/proc`.
    """
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            # The name in the second field may hold anything, a `)` too.
            told = (entry / "stat").read_text(errors="replace").rpartition(")")[2]
            state, parent, *more = told.split()
            # One whose first thread has ended is a zombie by its state, though others run.
            lives = state not in "ZX" or int(more[_THREADS]) > 1
        except (OSError, ValueError, IndexError):
            continue
        if lives:
            children.setdefault(int(parent), []).append(int(entry.name))
    found: list[int] = []
    parents = [os.getpid()]
    while parents:
        below = children.pop(parents.pop(), [])
        found += below
        parents += below
    return found


def end_descendants(group: int) -> list[int]:
    """Ends every process below this one; tells those that live on.

    Args:
        group: Its process group, which is ended where there is no `/proc` to read.
    """
    deadline = time.monotonic() + _SECONDS
    if sys.platform != "linux":
        _kill(group, of_group=True)
    while (living := descendants()) and time.monotonic() < deadline:
        for process in living:
            _kill(process)
        reap()
        time.sleep(0.02)
    reap()
    return living


def _kill(process: int, *, of_group: bool = False) -> None:
    with suppress(ProcessLookupError, PermissionError):  # macOS says the latter of a zombie
        (os.killpg if of_group else os.kill)(process, signal.SIGKILL)


def reap() -> None:
    """Takes note of children that have ended."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
