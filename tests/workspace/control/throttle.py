"""Bandwidth: per connection, and in all per direction."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

LARGEST_PIECE = 1 << 20
SMALLEST_PIECE = 16 << 10
BURST_SECONDS = 0.05

Rate = Callable[[], float]


class Lane:
    """A token bucket: `wait(n)` returns when n bytes may pass."""

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        self._lock = threading.Lock()
        self._free_at = 0.0

    def wait(self, count: int) -> None:
        rate = self.rate()
        if not rate:
            return
        with self._lock:
            now = time.monotonic()
            self._free_at = max(self._free_at, now - BURST_SECONDS) + count / rate
            ahead = self._free_at - now
        if ahead > 0:
            time.sleep(ahead)


class Brake:
    """The lanes that one connection's bytes pass in one direction."""

    def __init__(self, own: Lane, shared: Lane) -> None:
        self._lanes = (own, shared)

    def __call__(self, count: int) -> None:
        for lane in self._lanes:
            lane.wait(count)

    def piece(self) -> int:
        rates = [rate for lane in self._lanes if (rate := lane.rate())]
        if not rates:
            return LARGEST_PIECE
        return min(LARGEST_PIECE, max(SMALLEST_PIECE, int(min(rates) * BURST_SECONDS)))


class Lanes:
    """Both directions of all connections."""

    def __init__(self, connection: Rate, total_in: Rate, total_out: Rate) -> None:
        self._connection = connection
        self._in = Lane(total_in)
        self._out = Lane(total_out)

    def brakes(self) -> tuple[Brake, Brake]:
        inward = Brake(Lane(self._connection), self._in)
        return inward, Brake(Lane(self._connection), self._out)
