"""The two small protocols behind which every way in and every way out of the copy stands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

Bytes = bytes | memoryview


@dataclass(frozen=True, order=True)
class File:
    """A file of a model: its path relative to the model's folder, `/`-separated, and its bytes."""

    path: str
    size: int


class Body(Protocol):
    """A file's bytes on their way: how many, and the chunks, which can be taken once."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Bytes]: ...


class RangeIgnored(Exception):
    """The server sends the whole file whatever part of it is asked for."""


class Reader(Protocol):
    """Where a model's files come from."""

    def files(self) -> list[File]:
        """Lists all files of the model, sorted by path."""

    def open(
        self, file: File, start: int = 0, end: int | None = None
    ) -> AbstractContextManager[Iterator[bytes]]:
        """Opens one file, or its bytes from `start` to before `end`.

        Raises:
            Transient: What may pass when it is opened again.
            RangeIgnored: Only the whole file can be had.
        """


class Upload(Protocol):
    """One file that is written in parts, in any order and several at once."""

    def put(self, number: int, body: Body) -> None:
        """Writes one part; the first is number 1.

        Raises:
            Transient: What may pass when it is written again, with a new body.
        """

    def complete(self) -> None:
        """Makes one file of the parts."""

    def abort(self) -> None:
        """Takes the parts away."""


class Writer(Protocol):
    """Where a model's files go."""

    def problem(self, file: File) -> str:
        """Why the file's name can't be carried faithfully; empty where it can."""

    def write(self, file: File, body: Body) -> None:
        """Writes one file, whole.

        Raises:
            Transient: What may pass when it is written again, with a new body.
        """

    def upload(self, file: File, parts: int) -> Upload | None:
        """Begins to write one file in so many parts; `None` where it can only be written whole."""
