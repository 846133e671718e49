"""A large file in parts: read side by side, hashed in order, written side by side."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, wait
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from .bodies import Passing, changed, chunks_of_file, shorter, slices
from .pace import Crew, Pace
from .protocols import File, RangeIgnored, Reader, Upload
from .sharing import Gate

LARGE = 128 << 20
PART = 8 << 20
MEMORY = 112 << 20
_MOST_PARTS = 9000  # S3 takes 10,000


@dataclass(frozen=True)
class Span:
    """A part of a file: its number, from 1, and its bytes from `start` to before `end`."""

    number: int
    start: int
    end: int

    def __len__(self) -> int:
        return self.end - self.start


def part_bytes(size: int) -> int:
    """How many bytes each part of such a file has, but for the last."""
    return max(PART, -(-size // _MOST_PARTS))


def spans_of(size: int) -> list[Span]:
    """Cuts a file into parts, in order."""
    part = part_bytes(size)
    starts = range(0, size, part)
    return [Span(n, start, min(start + part, size)) for n, start in enumerate(starts, 1)]


class Buffers:
    """The memory that parts wait in: so much and no more, used again and again.

    Args:
        size: Bytes of each.
    """

    def __init__(self, size: int) -> None:
        self._free: SimpleQueue[bytearray | None] = SimpleQueue()
        self._size = size
        for _ in range(max(2, MEMORY // size)):
            self._free.put(None)  # made at its first use

    def take(self, *, patient: bool) -> bytearray | None:
        """A free one; `None` where there is none and nobody waits for it."""
        try:
            return self._free.get(block=patient) or bytearray(self._size)
        except Empty:
            return None

    def give(self, buffer: bytearray) -> None:
        """It may be used again."""
        self._free.put(buffer)


@dataclass(frozen=True)
class Lanes:
    """What the parts of one copy go by.

    Attributes:
        readers: Threads that read, and those that carry a file whole.
        writers: Threads that write parts.
        writing: Behind it is all that writes, so that both share the connections there are.
        buffers: Memory.
    """

    pace: Pace
    readers: Crew
    writers: Crew
    writing: Gate
    buffers: Buffers


class PartedFile:
    """One large file on its way.

    Args:
        upload: Where its parts go; `None` to read it for its hash alone.
    """

    def __init__(self, reader: Reader, upload: Upload | None, file: File, lanes: Lanes) -> None:
        self._reader = reader
        self._upload = upload
        self._file = file
        self._pace = lanes.pace
        self._lanes = lanes
        self._spans = spans_of(file.size)

    def carry(self) -> str:
        """Carries it; its SHA-256, in hexadecimal."""
        sha = hashlib.sha256()
        writes: deque[Future[None]] = deque()
        try:
            for span, buffer in self._filled():
                sha.update(memoryview(buffer)[: len(span)])
                writes.append(self._lanes.writers.submit(self._write, span, buffer))
                while writes and writes[0].done():
                    writes.popleft().result()
            for write in writes:
                write.result()
            if self._upload:
                self._pace.repeat(self._upload.complete)
        except BaseException as error:
            self._pace.stop(error)
            wait(writes, 2.0)
            raise
        return sha.hexdigest()

    def _filled(self) -> Iterator[tuple[Span, bytearray]]:
        """The parts in order, each in a buffer that `_write` gives back."""
        first = True
        try:
            for filled in self._by_ranges():
                first = False
                yield filled
        except RangeIgnored:
            if not first:
                raise changed(self._file, "can be read in ranges no more") from None
            yield from self._by_one_stream()

    def _by_ranges(self) -> Iterator[tuple[Span, bytearray]]:
        reading: deque[Future[tuple[Span, bytearray]]] = deque()
        try:
            for span in self._spans:
                # Buffers are taken in the order of the parts, or late parts could starve an early
                # one.
                while (buffer := self._lanes.buffers.take(patient=not reading)) is None:
                    yield reading.popleft().result()
                reading.append(self._lanes.readers.submit(self._read, span, buffer))
            while reading:
                yield reading.popleft().result()
        finally:
            for read in reading:
                read.add_done_callback(self._give_back)

    def _give_back(self, read: Future[tuple[Span, bytearray]]) -> None:
        """Nobody takes what was read any more; others wait for its buffer."""
        if not read.exception():
            self._lanes.buffers.give(read.result()[1])

    def _by_one_stream(self) -> Iterator[tuple[Span, bytearray]]:
        chunks = chunks_of_file(self._reader, self._file, self._pace)
        chunk = b""

        def fill(span: Span, buffer: bytearray) -> None:
            nonlocal chunk
            at = 0
            while at < len(span):
                chunk = chunk or next(chunks)
                taken = chunk[: len(span) - at]
                buffer[at : at + len(taken)] = taken
                at, chunk = at + len(taken), chunk[len(taken) :]

        for span in self._spans:
            buffer = self._lanes.buffers.take(patient=True) or bytearray(len(span))
            self._lanes.readers.submit(fill, span, buffer).result()
            yield span, buffer
        next(chunks, None)  # tells of a file that is longer than it was listed

    def _read(self, span: Span, buffer: bytearray) -> tuple[Span, bytearray]:
        def attempt() -> None:
            at = 0
            opened = self._reader.open(self._file, span.start, span.end)
            with self._pace.reading(), opened as chunks:
                for chunk in chunks:
                    self._pace.check()
                    if at + len(chunk) > len(span):
                        raise changed(self._file, "answers a range with more than was asked for")
                    buffer[at : at + len(chunk)] = chunk
                    at += len(chunk)
            if at < len(span):
                raise shorter(self._file)

        try:
            self._pace.repeat(attempt)
        except BaseException:
            self._lanes.buffers.give(buffer)
            raise
        return span, buffer

    def _write(self, span: Span, buffer: bytearray) -> None:
        def attempt() -> None:
            view = memoryview(buffer)[: len(span)]
            passing = Passing(slices(view), len(span), self._pace)
            with self._lanes.writing.passed(), self._pace.writing(), passing as body:
                if self._upload:
                    self._upload.put(span.number, body)
                else:
                    for _ in body:
                        pass

        try:
            self._pace.repeat(attempt)
        finally:
            self._lanes.buffers.give(buffer)
