"""Uploads in parts: parts are kept aside until the upload is completed."""

from __future__ import annotations

import os
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path

from .storage import Storage
from .wire.body import Body
from .wire.message import invalid, missing


@dataclass(frozen=True)
class Part:
    number: int
    etag: str


def etag_of(path: Path) -> str:
    found = path.stat()
    return f'"{found.st_ino:x}-{found.st_size:x}-{found.st_mtime_ns:x}"'


class Uploads:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._targets: dict[str, tuple[str, Path]] = {}

    def start(self, path: str) -> str:
        upload_id = uuid.uuid4().hex
        folder = self._storage.temporary()
        folder.mkdir()
        self._targets[upload_id] = path, folder
        return upload_id

    def receive(self, upload_id: str, number: int, body: Body) -> str:
        """The part's ETag."""
        target = self._part(upload_id, number)
        arriving = self._storage.temporary()
        with arriving.open("wb", buffering=0) as file:
            body.save(file)
        arriving.replace(target)
        return etag_of(target)

    def complete(self, upload_id: str, parts: list[Part]) -> None:
        target, folder = self._find(upload_id)
        if not parts:
            raise invalid("The upload has no parts.")
        paths = [self._checked(upload_id, part) for part in sorted(parts, key=lambda p: p.number)]
        append_files(paths[0], paths[1:])
        self._storage.adopt(paths[0], target)
        self._forget(upload_id, folder)

    def abort(self, upload_id: str) -> None:
        _, folder = self._find(upload_id)
        self._forget(upload_id, folder)

    def _checked(self, upload_id: str, part: Part) -> Path:
        path = self._part(upload_id, part.number)
        if not path.exists() or etag_of(path).strip('"') != part.etag.strip('"'):
            raise invalid(f"Part {part.number} was not uploaded, or has another ETag.")
        return path

    def _part(self, upload_id: str, number: int) -> Path:
        return self._find(upload_id)[1] / str(number)

    def _find(self, upload_id: str) -> tuple[str, Path]:
        if upload_id not in self._targets:
            raise missing(f"There is no upload {upload_id}.")
        return self._targets[upload_id]

    def _forget(self, upload_id: str, folder: Path) -> None:
        del self._targets[upload_id]
        shutil.rmtree(folder)


def append_files(first: Path, others: list[Path]) -> None:
    """Joined inside the kernel; the others are gone then."""
    with first.open("r+b", buffering=0) as whole:
        whole.seek(0, os.SEEK_END)
        for other in others:
            with other.open("rb") as part:
                left = os.fstat(part.fileno()).st_size
                while left:
                    left -= os.sendfile(whole.fileno(), part.fileno(), None, left)
            other.unlink()
