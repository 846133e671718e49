"""Waiting out what passes: limits, restarts, lost connections."""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from .errors import Failure

T = TypeVar("T")
RETRY_SECONDS = 120.0
ALL = math.inf  # as much patience as there is
_RETRIES_PER_SECOND = 40  # as many calls as a workspace registry takes of one client


class Transient(Exception):
    """Something that may pass.

    Args:
        failure: What to raise once patience ends.
        after: Seconds that the server asked to wait (`Retry-After`), if it did.
        patience: Seconds from the first failure with such patience after which this one is not
            worth another try.
    """

    def __init__(self, failure: Failure, after: float | None = None, patience: float = ALL) -> None:
        super().__init__(str(failure))
        self.failure = failure
        self.after = after
        self.patience = patience


class _Turns:
    """The moments at which this process tries again: never too many of them at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next = 0.0

    def take(self) -> float:
        """The seconds until the next one that is free, which is taken."""
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next)
            self._next = turn + 1 / _RETRIES_PER_SECOND
            return turn - now


_TURNS = _Turns()


def repeated(
    attempt: Callable[[], T],
    *,
    seconds: float = RETRY_SECONDS,
    sleep: Callable[[float], None] = time.sleep,
) -> T:
    """Calls `attempt` until it raises no `Transient`.

    Args:
        seconds: How long to go on trying after the first failure; the waits between grow to 10 s,
            with jitter.

    Raises:
        Failure: The last `Transient`'s, when the seconds have run out.
    """
    first: dict[float, float] = {}  # patience to when it was first called for
    wait = 0.25
    while True:
        try:
            return attempt()
        except Transient as error:
            # A server that says "at once" is not asked without a pause for all that.
            pause = max(error.after or 0.0, wait * (1 + random.random()))  # noqa: S311
            # From the first failure on: an attempt may be a transfer that takes long by itself.
            now = time.monotonic()
            ends = first.setdefault(error.patience, now) + error.patience
            if now + pause > min(ends, min(first.values()) + seconds):
                raise error.failure from error
            sleep(pause)
            if until_turn := _TURNS.take():
                sleep(until_turn)
            wait = min(wait * 2, 5.0)
