"""Taking back what was begun."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import TracebackType

from .background import in_background
from .cancelling import Hurry, shielded
from .errors import Cancelled, Ending
from .outcome import Log
from .rest import Rest

_SECONDS = 30.0  # for all of it
_OPEN: list[Callable[[], list[str]]] = []


def left_now() -> list[str]:
    """All that would be left behind if this process ended at once, whatever thread has made it."""
    return [thing for tell in list(_OPEN) for thing in tell()]


@contextmanager
def remembered(tell: Callable[[], list[str]]) -> Iterator[None]:
    """A block during which `left_now` tells of some things."""
    _OPEN.append(tell)
    try:
        yield
    finally:
        _OPEN.remove(tell)


@dataclass(frozen=True)
class _Step:
    action: Callable[[], bool]
    left: Callable[[], str]
    aside: bool


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
        self._cancelled: Cancelled | None = None
        self._remembered = remembered(self._told)

    def push(
        self, action: Callable[[], bool], left: Callable[[], str], *, aside: bool = False
    ) -> None:
        """Adds an undo.

        Args:
            action: Takes back what there is; returns whether there was anything.
            left: Tells what is left behind where the undo fails; empty while there is nothing.
            aside: It may be undone while others are, for they have nothing to do with it.
        """
        self._steps.append(_Step(action, left, aside))

    def keep(self) -> None:
        """What was made stands."""
        self._steps.clear()

    def run(self) -> list[str]:
        """Takes everything back now, the last first; returns what is left all the same.

        Raises:
            Cancelled: A signal came meanwhile. All was tried.
        """
        begun = time.monotonic()
        left: list[str] = []
        self._rest.seconds = _SECONDS
        aside = {
            step: in_background(partial(self._take_back, step, left))
            for step in self._steps
            if step.aside
        }
        while self._steps:
            self._rest.seconds = max(1.0, _SECONDS - (time.monotonic() - begun))
            step = self._steps[-1]
            try:
                if step in aside:
                    aside[step].result()
                else:
                    self._take_back(step, left)
            except Hurry as hurry:
                hurry.left += left + self._told()
                raise
            self._steps.pop()
        if self._cancelled:
            self._cancelled.left += left
            raise self._cancelled
        return left

    def _take_back(self, step: _Step, left: list[str]) -> None:
        thing = step.left()
        try:
            if step.action():
                self._log.line(f"took back {thing}")
        except Exception as error:  # noqa: BLE001 - the others are taken back all the same
            if thing:
                self._log.warning(f"could not take back {thing}: {error}")
                left.append(thing)
        except Cancelled as cancelled:
            self._cancelled = cancelled
            left += [thing] if thing else []

    def _told(self) -> list[str]:
        """What is left where none of the steps is undone, the last first."""
        return [thing for step in reversed(self._steps) if (thing := step.left())]

    def __enter__(self) -> Undo:
        self._remembered.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        try:
            self._end(error)
        finally:
            self._remembered.__exit__(None, None, None)

    def _end(self, error: BaseException | None) -> None:
        if isinstance(error, Hurry):
            error.left += self._told()
        elif error is not None:
            left: list[str] = []
            try:
                with shielded():
                    left += self.run()
            except Cancelled as cancelled:
                cancelled.left += left
                raise
            if isinstance(error, Ending):
                error.left += left
