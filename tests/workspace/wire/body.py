"""The body of a request, read in big pieces."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from io import BufferedIOBase
from typing import BinaryIO

PIECE = 1 << 20
LARGEST_JSON = 64 << 20
_buffers = threading.local()


def _buffer() -> memoryview:
    """One buffer per connection's thread: nothing is allocated per piece."""
    if not hasattr(_buffers, "view"):
        _buffers.view = memoryview(bytearray(PIECE))
    return _buffers.view


class Body:
    """Reads by length or by chunks; `brake` is told each piece's size and may wait."""

    def __init__(
        self,
        stream: BufferedIOBase,
        length: int | None,
        chunked: bool,
        brake: Callable[[int], None],
        piece: Callable[[], int],
    ) -> None:
        self._stream = stream
        self._brake = brake
        self._piece = piece
        self._pieces = self._chunks() if chunked else self._counted(length or 0)
        self._cached: bytes | None = None
        self.received = 0

    def pieces(self) -> Iterator[memoryview]:
        """Views of one buffer: each is valid until the next is asked for."""
        return self._pieces

    def read(self) -> bytes:
        if self._cached is None:
            parts = []
            for piece in self._pieces:
                if self.received > LARGEST_JSON:
                    raise ConnectionError("a body of this size is not JSON")
                parts.append(bytes(piece))
            self._cached = b"".join(parts)
        return self._cached

    def save(self, file: BinaryIO) -> int:
        size = 0
        for piece in self._pieces:
            file.write(piece)
            size += len(piece)
        return size

    def drain(self) -> None:
        for _ in self._pieces:
            pass

    def _counted(self, left: int) -> Iterator[memoryview]:
        view = _buffer()
        while left:
            count = self._stream.readinto(view[: min(left, self._piece())])
            if not count:
                raise ConnectionError("the client went away in mid-body")
            left -= count
            self.received += count
            self._brake(count)
            yield view[:count]

    def _chunks(self) -> Iterator[memoryview]:
        while size := int(self._stream.readline().split(b";")[0], 16):
            yield from self._counted(size)
            self._stream.readline()
        while self._stream.readline().strip():
            pass
