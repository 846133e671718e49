"""Bytes on their way: counted, hashed, and as many as were listed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from ..errors import RegistryFailed
from ..retry import Transient
from .pace import Pace
from .protocols import Body, Bytes, File, RangeIgnored, Reader

if TYPE_CHECKING:
    from hashlib import _Hash as Sha256

SLICE = 1 << 20


def changed(file: File, how: str) -> RegistryFailed:
    """The failure of a source that somebody writes into."""
    return RegistryFailed(
        f"The source's file {file.path!r} {how}: it changed while it was read.",
        todo="Run again when nobody writes into that model.",
    )


def shorter(file: File) -> RegistryFailed:
    """The failure of a source whose file has lost its end."""
    return changed(file, f"is shorter than the {file.size} bytes that were listed")


def chunks_of_file(reader: Reader, file: File, pace: Pace) -> Iterator[bytes]:
    """A file's bytes; where reading breaks off it goes on from there."""
    chunks: Iterator[bytes] | None = None
    at = 0

    def following() -> bytes:
        nonlocal chunks
        pace.check()
        try:
            chunks = chunks or opened.enter_context(opened_at(reader, file, at))
            return next(chunks, b"")
        except Transient:
            # After its last byte there is no range to go on with.
            chunks = iter(()) if at and at == file.size else None
            opened.close()
            raise

    with ExitStack() as opened:
        while chunk := pace.repeat(following):
            at += len(chunk)
            # Before the last byte is handed on, or the other side would have a whole file of it.
            if at > file.size or (at == file.size and pace.repeat(following)):
                raise changed(file, f"is longer than the {file.size} bytes that were listed")
            yield chunk
    if at < file.size:
        raise shorter(file)


@contextmanager
def opened_at(reader: Reader, file: File, at: int) -> Iterator[Iterator[bytes]]:
    """A file's bytes from a place on, whether or not its server can begin there."""
    try:
        with reader.open(file, at) as chunks:
            yield chunks
    except RangeIgnored:
        with reader.open(file) as chunks:
            yield _without(at, chunks)


def _without(count: int, chunks: Iterator[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        if len(chunk) > count:
            yield chunk[count:]
        count = max(0, count - len(chunk))


def hashing(chunks: Iterator[bytes], sha: Sha256) -> Iterator[bytes]:
    """The same bytes, hashed as they pass."""
    for chunk in chunks:
        sha.update(chunk)
        yield chunk


def slices(data: memoryview) -> Iterator[memoryview]:
    """Bytes that are in memory, a slice at a time, so that a stop is heeded between two."""
    for start in range(0, len(data), SLICE):
        yield data[start : start + SLICE]


class Passing:
    """A file, or a part of one, on its way in one attempt at writing it: a `Body`."""

    def __init__(self, chunks: Iterator[Bytes], size: int, pace: Pace) -> None:
        self._chunks = chunks
        self._size = size
        self._pace = pace
        self._passed = 0

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Bytes]:
        for chunk in self._chunks:
            yield chunk
            self._passed += len(chunk)
            self._pace.passed(len(chunk))
            if self._passed == self._size:
                return  # heeding no stop: whoever has the last byte may write it, and is waited for
            self._pace.check()

    def __enter__(self) -> Passing:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind:
            self._pace.take_back(self._passed)
        elif self._passed != self._size:
            raise AssertionError(f"the writer took {self._passed} bytes of {self._size}")


class Pieces:
    """A body that is taken a piece at a time: each is a body itself, and may end within a chunk.

    Args:
        most: Bytes of a piece.
    """

    def __init__(self, body: Body, most: int) -> None:
        self._most = most
        self._total = len(body)
        self._chunks = iter(body)
        self._left_over = memoryview(b"")
        self._size = 0

    def starts(self) -> Iterator[int]:
        """Where each piece begins, which has to be taken before the next one is asked for."""
        for start in range(0, self._total, self._most):
            self._size = min(self._most, self._total - start)
            yield start
        next(self._chunks, None)  # which tells the body that its last chunk has passed

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Bytes]:
        wanted = self._size
        while wanted:
            chunk = self._left_over or memoryview(next(self._chunks, b""))
            if not chunk:
                return
            self._left_over = chunk[wanted:]
            wanted -= len(chunk[:wanted])
            yield chunk[: len(chunk) - len(self._left_over)]
