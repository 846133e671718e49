"""Writing model files into a local folder: a file is there whole, or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path, PurePosixPath

from ..errors import DiskFull, FolderFailed
from .parts import part_bytes
from .protocols import Body, File

_LONGEST_NAME = 255  # bytes, of each part of a path
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


def unwritable(what: str, error: OSError) -> FolderFailed:
    """The failure of what the system lets nobody write.

    Args:
        what: Which file or folder, as a sentence begins.
    """
    if error.errno in _NO_ROOM:
        return DiskFull(
            f"{what} can't be written: the disk is full.",
            todo="Make room on the runner's disk, or name a path on another one.",
        )
    return FolderFailed(
        f"{what} can't be written: {error.strerror or error}.",
        todo="Look at the disk of the runner, and at the rights on the folder.",
    )


def clashes(files: Sequence[File]) -> list[str]:
    """Paths that no folder can hold beside the others: one of two, or one that is a folder too."""
    paths = sorted(file.path for file in files)
    twice = {one for one, other in pairwise(paths) if one == other}
    folders = {str(parent) for path in paths for parent in PurePosixPath(path).parents}
    return sorted(twice | (folders & set(paths)))


class FolderWriter:
    """A folder of ours.

    Args:
        folder: Where whole files go.
        begun: Where files are while they are written, on the same file system.
    """

    def __init__(self, folder: Path, begun: Path) -> None:
        self._folder = folder
        self._begun = begun

    def problem(self, file: File) -> str:
        """Why the file's name can't be carried faithfully; empty where it can."""
        parts = file.path.split("/")
        if max(len(os.fsencode(part)) for part in parts) > _LONGEST_NAME:
            return f"has a part of more than {_LONGEST_NAME} bytes"
        return ""

    def write(self, file: File, body: Body) -> None:
        """Writes one file, whole."""
        begun = self._place(file)
        with _told(file):
            with begun.open("wb") as stream:
                for chunk in body:
                    stream.write(chunk)
            self.keep(file, begun)

    def upload(self, file: File, parts: int) -> _Parts:
        """Begins to write one file in parts."""
        return _Parts(file, self._place(file), self)

    def _place(self, file: File) -> Path:
        name = hashlib.sha256(file.path.encode()).hexdigest()
        with _told(file):
            self._begun.mkdir(parents=True, exist_ok=True)
        return self._begun / name

    def keep(self, file: File, begun: Path) -> None:
        """Shows a file that has been written whole."""
        path = self._folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        begun.replace(path)


class _Parts:
    """One file that is written in parts."""

    def __init__(self, file: File, begun: Path, writer: FolderWriter) -> None:
        self._file = file
        self._begun = begun
        self._writer = writer
        self._part = part_bytes(file.size)
        with _told(file):
            begun.write_bytes(b"")

    def put(self, number: int, body: Body) -> None:
        """Writes one part; the first is number 1."""
        with _told(self._file), self._begun.open("r+b", buffering=0) as stream:
            stream.seek((number - 1) * self._part)
            for chunk in body:
                view = memoryview(chunk)
                while view:
                    view = view[stream.write(view) :]

    def complete(self) -> None:
        """Makes one file of the parts."""
        with _told(self._file):
            self._writer.keep(self._file, self._begun)

    def abort(self) -> None:
        """Takes the parts away."""
        with _told(self._file):
            self._begun.unlink(missing_ok=True)


@contextmanager
def _told(file: File) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise unwritable(f"The file {file.path!r}", error) from error
