"""What several copies of one process share: connections, and memory for parts of large files."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_LOOK_SECONDS = 0.2


class Gate:
    """Lets `width()` in at once; others wait until one of them is out again."""

    def __init__(self, width: Callable[[], int]) -> None:
        self._width = width
        self._inside = 0
        self._changed = threading.Condition()

    @contextmanager
    def passed(self) -> Iterator[None]:
        """A block that is behind the gate."""
        with self._changed:
            self._changed.wait_for(lambda: self._inside < self._width())
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()


class Sharing:
    """As many connections to each side as there may be, whatever number of copies goes on.

    Each copy is told how many are its own; until one that was told of more has come to the end of
    what it is doing, the gates keep the others waiting.

    Args:
        connections: To each side, of all copies together.
        look: Called while a copy waits for its turn; raises where it is to wait no more.
    """

    def __init__(self, connections: int, look: Callable[[], None]) -> None:
        self.source = Gate(lambda: connections)
        self.registry = Gate(lambda: connections)
        self._connections = connections
        self._look = look
        self._copies = 0
        self._lock = threading.Lock()
        self._large = threading.Lock()

    @property
    def each(self) -> int:
        """The connections that each copy has for itself at the moment, one at least."""
        return max(1, self._connections // max(1, self._copies))

    @contextmanager
    def part(self, *, large: bool) -> Iterator[None]:
        """A block in which a copy goes on.

        Args:
            large: It has a large file, whose parts wait in memory: such copies take turns.
        """
        while large and not self._large.acquire(timeout=_LOOK_SECONDS):
            self._look()
        try:
            with self._counted():
                yield
        finally:
            if large:
                self._large.release()

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._lock:
            self._copies += 1
        try:
            yield
        finally:
            with self._lock:
                self._copies -= 1
