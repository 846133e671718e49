"""Handing a body's bytes to another thread, which takes them as it can."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from queue import Full, Queue
from threading import Event, Thread

from .protocols import Body

_AT_MOST = 2  # chunks on their way
_LOOK_SECONDS = 0.1  # between looks whether the other thread has given up


def hand_over(body: Body, take: Callable[[Iterator[bytes]], object]) -> None:
    """Has `take` called in a thread of its own, with the body's bytes as they are read in this one.

    `obstore` can't be called from where it takes bytes itself, and a body may be read by it.

    Raises:
        BaseException: The body's, which `take` was given too, so that it can tidy up; else what
            `take` raises.
    """
    handed = _Handed(take)
    try:
        for chunk in body:
            if not handed.put(bytes(chunk)):  # a copy of what is no bytes, whose memory is reused
                break
    except BaseException as error:
        handed.put(error)
        handed.ended.wait()
        raise
    handed.put(None)
    handed.ended.wait()
    if handed.failure:
        raise handed.failure


class _Handed:
    def __init__(self, take: Callable[[Iterator[bytes]], object]) -> None:
        self.ended = Event()
        self.failure: BaseException | None = None
        self._take = take
        self._queue: Queue[bytes | BaseException | None] = Queue(_AT_MOST)
        Thread(target=self._run, daemon=True).start()

    def put(self, chunk: bytes | BaseException | None) -> bool:
        """Whether the other thread still takes what it is given."""
        while not self.ended.is_set():
            try:
                self._queue.put(chunk, timeout=_LOOK_SECONDS)
            except Full:
                continue
            return True
        return False

    def _run(self) -> None:
        try:
            self._take(self._chunks())
        except BaseException as error:  # noqa: BLE001 - raised where the body is read
            self.failure = error
        finally:
            self.ended.set()

    def _chunks(self) -> Iterator[bytes]:
        while (chunk := self._queue.get()) is not None:
            if isinstance(chunk, BaseException):
                raise chunk
            yield chunk
