"""The log of one model among several: each line names it, for groups can't be told apart there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from .errors import Ending
from .outcome import Log, Passed

_PROGRESS_SECONDS = 5.0


class Teller(Log, Protocol):
    """A log that tells of failures too."""

    def error(self, failure: Ending) -> None:
        """The one annotation of a failure."""


class _Named(Ending):
    """A failure of one model, with its name in the title."""

    def __init__(self, name: str, failure: Ending) -> None:
        super().__init__(failure.what)
        self.title = f"{failure.title}: {name}"
        self._lines = failure.lines()

    def lines(self) -> list[str]:
        """What happened, where, what to do next, and what is left behind; one line each."""
        return self._lines


class Voice:
    """What is told of one model.

    Args:
        log: Where it is told; takes lines from many threads.
    """

    def __init__(self, name: str, log: Teller) -> None:
        self._name = name
        self._log = log
        self._last_progress = time.monotonic()
        self._ended = False

    def end(self) -> None:
        """From now on nothing is told: the process ends, and does not wait for its threads."""
        self._ended = True

    def hide(self, secrets: list[str]) -> None:
        """Masks secrets in all that is told from now on."""
        self._log.hide(secrets)

    def line(self, text: str) -> None:
        """One thing that was found or done."""
        if not self._ended:
            self._log.line(f"{self._name}: {text}")

    def warning(self, text: str) -> None:
        """Something that a person should see, though the command goes on."""
        if not self._ended:
            self._log.warning(f"{self._name}: {text}")

    def error(self, failure: Ending) -> None:
        """The one annotation of a failure."""
        if not self._ended:
            self._log.error(_Named(self._name, failure))

    def progress(self, text: str) -> None:
        """A line at most every few seconds for each model; others are dropped."""
        if time.monotonic() - self._last_progress >= _PROGRESS_SECONDS:
            self._last_progress = time.monotonic()
            self.line(f"… {text}")

    def passed(self, passed: Passed) -> None:
        """How far a copy is."""
        self.progress(str(passed))

    @contextmanager
    def group(self, title: str) -> Iterator[None]:
        """A line, for what follows is mixed with what others tell."""
        self.line(title)
        yield
