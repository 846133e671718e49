"""Signals: the first asks for an orderly end, the second for one at once.

Who has not come to an end some seconds after the first, is hurried without a second.

A runner sends SIGINT, 7.5 s later SIGTERM, and 2.5 s later ends the process for good.

Python hands signals to the main thread alone. A thread that follows it is told of the first one at
its next call, sleep or look; no other is.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from .errors import Cancelled

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_ORDERLY_SECONDS = 8.0


class Hurry(BaseException):
    """A second signal: nothing more is undone, and what is left is told.

    Attributes:
        left: What there is to take away by hand.
    """

    def __init__(self) -> None:
        super().__init__("a second signal was received")
        self.left: list[str] = []


class _State:
    """Signals belong to a process, and so does what has been received."""

    received = 0
    tells_left: list[Callable[[], list[str]]] = []  # noqa: RUF012 - one for the process


class _Line(threading.local):
    """What one thread is about: how many shields it is behind, and whether it was told."""

    shields = 0
    told = False
    follows = False


_LINE = _Line()


def listen() -> None:
    """From now on a signal raises `Cancelled` in the main thread, and a second one `Hurry`."""
    for signum in _SIGNALS:
        signal.signal(signum, _receive)
    signal.signal(signal.SIGALRM, _receive)


def deafen() -> None:
    """From now on signals change nothing."""
    signal.setitimer(signal.ITIMER_REAL, 0)
    for signum in (*_SIGNALS, signal.SIGALRM):
        signal.signal(signum, signal.SIG_IGN)


def tell_in_the_end(left: Callable[[], list[str]]) -> None:
    """Has somebody asked what is left: a signal may come where no exception can carry that."""
    _State.tells_left.append(left)


@contextmanager
def remembered(tell: Callable[[], list[str]]) -> Iterator[None]:
    """A block during which `left` tells of some more."""
    _State.tells_left.append(tell)
    try:
        yield
    finally:
        _State.tells_left.remove(tell)


def left() -> list[str]:
    """All that would be left if the process ended now, whatever thread has made it."""
    return [thing for tell in list(_State.tells_left) for thing in tell()]


def received() -> int:
    """The number of the first signal; 0 where there was none."""
    return _State.received


def _receive(signum: int, _: FrameType | None) -> None:
    if _State.received:
        deafen()
        raise Hurry
    _State.received = signum
    signal.setitimer(signal.ITIMER_REAL, _ORDERLY_SECONDS)
    if not _LINE.shields:
        _LINE.told = True
        raise Cancelled(signum)


def follow() -> None:
    """From now on this thread, too, is told of the first signal, when it calls, sleeps or looks."""
    _LINE.follows = True


def look() -> None:
    """Raises `Cancelled`, once, where a signal came and this thread is behind no shield.

    Raises:
        Cancelled: In the main thread and in those that follow it.
    """
    if not _LINE.shields:
        _tell()


def _tell() -> None:
    if _State.received and not _LINE.told and (_LINE.follows or _is_main()):
        _LINE.told = True
        raise Cancelled(_State.received)


def sleep(seconds: float) -> None:
    """Sleeps; what waits behind a shield is not worth waiting for once a signal came."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        _tell()
        time.sleep(min(left, 0.2))


def _is_main() -> bool:
    return threading.current_thread() is threading.main_thread()


@contextmanager
def shielded() -> Iterator[None]:
    """What is begun here is ended in order; a signal that comes meanwhile is raised afterwards."""
    _LINE.shields += 1
    try:
        yield
    finally:
        _LINE.shields -= 1
    look()
