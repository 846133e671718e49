"""What the workers of one copy share: when to stop, when to pause, how many at once."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

from ..retry import RETRY_SECONDS, Transient, repeated
from .sharing import Gate, Sharing

T = TypeVar("T")
Progress = Callable[[int, int], None]  # bytes and files that have passed since the last call
MOST_CONNECTIONS = 16
_FIRST_CONNECTIONS = 4
_WINDOW_SECONDS = 0.25
_STACK_BYTES = 1 << 20  # the system's own would be 8 MiB for each thread
_STARTING = threading.Lock()  # for the size of a stack is the whole process's to set
_WORTHWHILE = 1.05  # a rate that grew by less does not pay for twice the connections


@dataclass(frozen=True)
class Limits:
    """How hard a copy tries.

    Attributes:
        connections: To each side, at most.
        retry_seconds: How long a call is repeated that may pass.
        sharing: With whom the connections are shared; `None` where there is one copy.
        reads_back: Whether the registry is what it reads.
    """

    connections: int = MOST_CONNECTIONS
    retry_seconds: float = RETRY_SECONDS
    sharing: Sharing | None = None
    reads_back: bool = False

    @property
    def most(self) -> int:
        """The connections to each side that a copy may have at the moment."""
        return min(self.connections, self.sharing.each if self.sharing else self.connections)


class Stopped(Exception):
    """The copy was told to stop."""


class Pace:
    """Starts with few connections and doubles them for as long as the rate grows.

    Args:
        progress: Called with the bytes and files that passed, from several threads; with a negative
            number where bytes have to pass again.
    """

    def __init__(self, limits: Limits, progress: Progress) -> None:
        self._width = min(limits.connections, _FIRST_CONNECTIONS)
        self._limits = limits
        self._retry_seconds = limits.retry_seconds
        self._progress = progress
        self._stop = threading.Event()
        self._cause: BaseException | None = None
        self._lock = threading.Lock()
        self._pause_until = 0.0
        self._passed, self._window_began = 0, time.monotonic()
        self._narrower_rate = 0.0
        # While there are no more connections than these, their number stays.
        self._settled_at = limits.connections if self._width == limits.connections else 0.0
        self.when_widened: list[Callable[[], None]] = []

    @property
    def width(self) -> int:
        """How many connections there are to each side at the moment."""
        return min(self._width, self._limits.most)

    def reading(self) -> AbstractContextManager[None]:
        """A block in which one connection to where it reads is in use; waits where all are."""
        sharing = self._limits.sharing
        if sharing and self._limits.reads_back:
            return self._through(sharing.registry)
        return self._through(sharing.source if sharing else None)

    def writing(self) -> AbstractContextManager[None]:
        """A block in which one connection to the registry is in use; waits where all are."""
        sharing = self._limits.sharing
        return self._through(sharing.registry if sharing else None)

    @contextmanager
    def _through(self, gate: Gate | None) -> Iterator[None]:
        with gate.passed() if gate else nullcontext():
            self.check()
            yield

    def stop(self, cause: BaseException) -> BaseException:
        """From now on no bytes move and no attempt is repeated; returns the first cause of it."""
        with self._lock:
            self._cause = self._cause or cause
        self._stop.set()
        return self._cause

    def check(self) -> None:
        """Raises `Stopped` once the copy was told to stop."""
        if self._stop.is_set():
            raise Stopped

    def passed(self, count: int) -> None:
        """So many bytes went from one side to the other."""
        self._progress(count, 0)
        with self._lock:
            self._passed += count
            widened = self._widen()
        if widened:
            for tell in self.when_widened:
                tell()

    def file_passed(self) -> None:
        """A file is where it belongs."""
        self._progress(0, 1)

    def take_back(self, count: int) -> None:
        """So many bytes have to pass again."""
        self._progress(-count, 0)

    def _widen(self) -> bool:
        now, most = time.monotonic(), self._limits.most
        if most > self._settled_at > 0:  # for other copies have ended
            self._settled_at = self._narrower_rate = 0.0
            self._passed, self._window_began = 0, now
        took = now - self._window_began
        if self._settled_at or took < _WINDOW_SECONDS:
            return False
        rate = self._passed / took
        self._passed, self._window_began = 0, now
        grew = rate > self._narrower_rate * _WORTHWHILE
        width = self.width
        self._settled_at = math.inf if not grew else most if width * 2 > most else 0.0
        self._narrower_rate = rate
        self._width = min(width * 2, most) if grew else max(width // 2, 1)
        return grew

    def repeat(self, attempt: Callable[[], T]) -> T:
        """Repeats an attempt while it may pass; what one is asked to wait, all wait.

        Raises:
            Failure: The last attempt's, once patience ends.
            Stopped: The copy was told to stop meanwhile.
        """

        def considerate() -> T:
            self._sleep(self._pause_until - time.monotonic())
            try:
                return attempt()
            except Transient as error:
                self._pause_until = max(self._pause_until, time.monotonic() + (error.after or 0.0))
                raise

        return repeated(considerate, seconds=self._retry_seconds, sleep=self._sleep)

    def _sleep(self, seconds: float) -> None:
        if self._stop.wait(max(0.0, seconds)):
            raise Stopped


class Crew:
    """Threads that carry out calls in turn, `width()` at once; none keeps a process alive.

    Where the machine has no room for a single one, whoever submits a call carries it out.

    Args:
        stack: Bytes of each thread's stack.
    """

    def __init__(self, width: Callable[[], int], stack: int = _STACK_BYTES) -> None:
        self._width = width
        self._stack = stack
        self._calls: deque[tuple[Future[Any], Callable[..., Any], tuple[Any, ...]]] = deque()
        self._lock = threading.Lock()
        self._hired = 0

    def submit(self, call: Callable[..., T], *arguments: Any) -> Future[T]:
        """Has a call carried out."""
        future = self.queue(call, *arguments)
        self.hire()
        return future

    def queue(self, call: Callable[..., T], *arguments: Any) -> Future[T]:
        """Has a call carried out once somebody is hired."""
        future: Future[T] = Future()
        with self._lock:
            self._calls.append((future, call, arguments))
        return future

    def hire(self) -> None:
        """Starts as many threads as there is work and width for, and room on the machine."""
        with self._lock:
            for _ in range(min(self._width() - self._hired, len(self._calls))):
                try:
                    self._start()
                except RuntimeError:
                    break
                self._hired += 1
            left = [] if self._hired else [*self._calls]
            if left:
                self._calls.clear()
        for future, call, arguments in left:
            _carry_out(future, call, arguments)

    def _start(self) -> None:
        with _STARTING:
            threading.stack_size(self._stack)
            threading.Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._calls or self._hired > self._width():
                    self._hired -= 1
                    return
                future, call, arguments = self._calls.popleft()
            _carry_out(future, call, arguments)
            del future, call, arguments  # or an idle thread would keep a buffer alive


def _carry_out(future: Future[Any], call: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    try:
        future.set_result(call(*arguments))
    except BaseException as error:  # noqa: BLE001 whoever waits for the result is told
        future.set_exception(error)
