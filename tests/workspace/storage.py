"""The workspace's files: one tree of DBFS paths below a folder of the local disk."""

from __future__ import annotations

import os
import shutil
import stat
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .wire.body import Body
from .wire.message import invalid

LONGEST_NAME = 255


def normal(path: str) -> str:
    """An absolute path with single slashes; refuses what could lead out of the tree."""
    if not path.startswith("/"):
        raise invalid(f"Path must be absolute: {path}")
    names = [name for name in path.split("/") if name]
    for name in names:
        if name in (".", "..") or "\0" in name or len(os.fsencode(name)) > LONGEST_NAME:
            raise invalid(f"Invalid path: {path}")
    return "/" + "/".join(names)


def below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


@dataclass(frozen=True)
class Entry:
    name: str
    is_dir: bool
    size: int
    modified: int

    @classmethod
    def of(cls, name: str, found: os.stat_result) -> Entry:
        is_dir = stat.S_ISDIR(found.st_mode)
        size = 0 if is_dir else found.st_size
        return cls(name, is_dir, size, found.st_mtime_ns // 1_000_000)


class Storage:
    """Every path given or taken is a DBFS path, such as `/databricks/mlflow-tracking/…`."""

    def __init__(self, folder: Path) -> None:
        self._root = folder / "dbfs"
        self._incoming = folder / "incoming"
        self._root.mkdir()
        self._incoming.mkdir()

    def on_disk(self, path: str) -> Path:
        return self._root.joinpath(*normal(path).split("/"))

    def temporary(self) -> Path:
        return self._incoming / uuid.uuid4().hex

    def status(self, path: str) -> Entry | None:
        try:
            return Entry.of(path.rsplit("/", 1)[-1], self.on_disk(path).stat())
        except (FileNotFoundError, NotADirectoryError):
            return None

    def is_dir(self, path: str) -> bool:
        return self.on_disk(path).is_dir()

    def is_file(self, path: str) -> bool:
        return self.on_disk(path).is_file()

    def entries(self, path: str) -> list[Entry]:
        """What a folder holds, by name; of a file, itself; nothing where there is nothing."""
        if self.is_file(path):
            return [Entry.of("", self.on_disk(path).stat())]
        try:
            with os.scandir(self.on_disk(path)) as found:
                return sorted((Entry.of(e.name, e.stat()) for e in found), key=lambda e: e.name)
        except (FileNotFoundError, NotADirectoryError):
            return []

    def receive(self, body: Body, path: str) -> None:
        """The file appears whole, as a new one: other names of an old one keep its bytes."""
        arriving = self.temporary()
        try:
            with arriving.open("wb", buffering=0) as file:
                body.save(file)
            self.adopt(arriving, path)
        finally:
            arriving.unlink(missing_ok=True)

    def adopt(self, arrived: Path, path: str) -> None:
        target = self.on_disk(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        arrived.replace(target)

    def make_dir(self, path: str) -> None:
        self.on_disk(path).mkdir(parents=True, exist_ok=True)

    def move(self, source: str, target: str) -> None:
        to = self.on_disk(target)
        to.parent.mkdir(parents=True, exist_ok=True)
        self.on_disk(source).rename(to)

    def remove(self, path: str) -> None:
        """A file, or a folder with all it holds; nothing where there is nothing."""
        if self.is_dir(path):
            shutil.rmtree(self.on_disk(path))
        elif self.is_file(path):
            self.on_disk(path).unlink()

    def files(self, path: str) -> Iterator[Path]:
        """All files below a folder, as they lie on the disk."""
        return (found for found in self.on_disk(path).rglob("*") if found.is_file())

    def link_tree(self, source: str, target: str) -> None:
        """A copy by hard links: files are only ever replaced, never written in place."""
        shutil.copytree(self.on_disk(source), self.on_disk(target), copy_function=os.link)
