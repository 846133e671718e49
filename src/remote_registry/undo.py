"""Taking back what was begun."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import TracebackType

from . import cancelling
from .background import in_background
from .cancelling import Hurry, shielded
from .errors import Cancelled, Ending, RegistryFailed
from .outcome import Log
from .rest import Rest

_SECONDS = 30.0  # for all of it
_LATE_SECONDS = (0.0, 1.0, 3.0)  # from the first look for what is made late to each
_SLOW_SECONDS = 2.0  # of looks, after which what else is to be taken back needs the time


def _never() -> bool:
    return False


@dataclass(frozen=True)
class _Step:
    action: Callable[[], bool]
    left: Callable[[], str]
    in_doubt: Callable[[], bool]
    aside: bool

    def take_back(self) -> bool:
        """Returns whether there was anything.

        Raises:
            RegistryFailed: Nothing is there, and something may still come.
        """
        if not self.in_doubt():
            return self.action()
        begun, found = time.monotonic(), False
        for due in _LATE_SECONDS:
            passed = time.monotonic() - begun
            if due and passed > min(due, _SLOW_SECONDS):
                continue
            cancelling.sleep(due - passed)
            found = self.action() or found
            if not self.in_doubt():
                return found
        raise RegistryFailed("no clear reply came to its creation, so it may yet be made")

    def told(self, thing: str) -> str:
        """What is left behind, for people."""
        return f"{thing}, perhaps" if self.in_doubt() else thing


class Undo:
    """A block in which each step that makes something pushes its undo; run if the block fails.

    An undo is pushed before its step begins, for a step may end in any way.

    Args:
        rest: The side on which things are taken back.
    """

    def __init__(self, rest: Rest, log: Log) -> None:
        self._rest = rest
        self._log = log
        self._steps: list[_Step] = []
        self._left: list[str] = []
        self._cancelled: Cancelled | None = None

    def push(
        self,
        action: Callable[[], bool],
        left: Callable[[], str],
        *,
        in_doubt: Callable[[], bool] = _never,
        aside: bool = False,
    ) -> None:
        """Adds an undo.

        Args:
            action: Takes back what there is; returns whether there was anything.
            left: Tells what is left behind where the undo fails; empty while there is nothing.
            in_doubt: Whether what is not there may still come: no clear reply told what became
                of its creation. Then it is looked for some seconds longer.
            aside: It may be undone while others are, for they have nothing to do with it.
        """
        self._steps.append(_Step(action, left, in_doubt, aside))

    def keep(self) -> None:
        """What was made stands."""
        self._steps.clear()

    def run(self) -> list[str]:
        """Takes everything back now, the last first; returns what is left all the same.

        Raises:
            Cancelled: A signal came meanwhile. All was tried.
        """
        begun = time.monotonic()
        self._rest.seconds = _SECONDS
        aside = {
            step: in_background(partial(self._take_back, step))
            for step in self._steps
            if step.aside
        }
        while self._steps:
            self._rest.seconds = max(1.0, _SECONDS - (time.monotonic() - begun))
            step = self._steps[-1]
            if step in aside:
                aside[step].result()
            else:
                self._take_back(step)
            self._steps.pop()
        if self._cancelled:
            self._cancelled.left += self._left
            raise self._cancelled
        return self._left

    def _take_back(self, step: _Step) -> None:
        thing = step.left()
        try:
            if step.take_back():
                self._log.line(f"took back {thing}")
        except Exception as error:  # noqa: BLE001 - the others are taken back all the same
            if thing:
                self._log.warning(f"could not take back {thing}: {error}")
                self._left.append(step.told(thing))
        except Cancelled as cancelled:
            self._cancelled = cancelled
            self._left += [step.told(thing)] if thing else []

    def left(self) -> list[str]:
        """What is left at this moment: what could not be taken back, and what is not yet."""
        steps = reversed(self._steps)
        return self._left + [step.told(thing) for step in steps if (thing := step.left())]

    def __enter__(self) -> Undo:
        cancelling.tell_in_the_end(self.left)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if error is None or isinstance(error, Hurry):
            return
        left: list[str] = []
        try:
            with shielded():
                left += self.run()
        except Cancelled as cancelled:
            cancelled.left += [thing for thing in left if thing not in cancelled.left]
            raise
        if isinstance(error, Ending):
            error.left += left
