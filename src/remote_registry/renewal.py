"""Marks that are renewed while this process lives, so that nobody takes its things for left."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType

from .errors import Failure
from .outcome import Log
from .retry import Transient

_LEAST_SECONDS = 0.2
_LAST_SECONDS = 3.0  # for a renewal that is under way


class Renewal:
    """A block during which marks are renewed.

    When it has ended, none is: a late one would bring back what has been taken away since.

    Args:
        every: Seconds between two times; no fewer than 0.2, whatever others are said to wait.
    """

    def __init__(self, every: float, log: Log) -> None:
        self._every = max(every, _LEAST_SECONDS)
        self._log = log
        self._renew: list[Callable[[], None]] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def add(self, renew: Callable[[], None]) -> None:
        """One more thing to renew from now on."""
        self._renew.append(renew)

    def _run(self) -> None:
        while not self._ended.wait(self._every):
            for renew in list(self._renew):
                if self._ended.is_set():
                    return
                try:
                    renew()
                except (Failure, Transient) as error:
                    self._log.line(f"a mark could not be renewed: {error}")

    def __enter__(self) -> Renewal:
        try:
            self._thread.start()
        except RuntimeError:  # which only matters to who takes longer than others wait
            self._log.line("no mark is renewed, for the machine has no room for a thread")
        return self

    def end(self) -> None:
        """Ends it now, and waits a little for what is under way."""
        self._ended.set()
        if self._thread.ident:
            self._thread.join(_LAST_SECONDS)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.end()
