"""Reading model files from a local folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import SourceMissing
from ..inputs.folders import local_files
from ..inputs.texts import InputError
from .protocols import File
from .streams import CHUNK


class LocalFolder:
    """A folder whose links were seen to stay inside; looked at once more when it is read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def files(self) -> list[File]:
        """Lists all files of the model, sorted by path."""
        try:
            return sorted(File(path, size) for path, size in local_files(self._folder))
        except (InputError, OSError) as error:
            raise self._missing(str(error)) from error

    @contextmanager
    def open(self, file: File, start: int = 0, end: int | None = None) -> Iterator[Iterator[bytes]]:
        """Opens one file, or its bytes from `start` to before `end`."""
        path = (self._folder / file.path).resolve()
        if not path.is_relative_to(self._folder):
            raise self._missing(f"{file.path!r} is a link that leaves the folder.")
        try:
            with path.open("rb") as stream:
                stream.seek(start)
                yield iter(lambda: stream.read(_up_to(end, stream.tell())), b"")
        except OSError as error:
            raise self._missing(f"{file.path!r} can't be read: {error.strerror}.") from error

    def _missing(self, what: str) -> SourceMissing:
        return SourceMissing(what, where=f"the folder {self._folder.name}")


def _up_to(end: int | None, at: int) -> int:
    return CHUNK if end is None else min(CHUNK, end - at)
