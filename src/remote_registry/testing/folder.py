"""A private folder for one test, of which nothing is left: not by this run, or by the next one."""

from __future__ import annotations

import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import FolderFailed

_PREFIX = "register-remote-model-test-"


class PrivateFolder:
    """A folder that nobody else may enter, locked for as long as this process lives.

    The lock goes through an `exec`, and no child has it.

    Attributes:
        path: Absolute, without links.
    """

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self.lock = lock

    @classmethod
    def make(cls, home: Path) -> PrivateFolder:
        """A new one, after what killed processes have left was removed.

        Args:
            home: Where it is made; one that others may write too has the sticky bit.

        Raises:
            FolderFailed: It can't be made.
        """
        try:
            clear_left(home)
            while True:
                path = home.resolve() / f"{_PREFIX}{secrets.token_hex(8)}"
                path.mkdir(mode=0o700)
                lock = _locked(path)
                if lock is not None and path.exists():
                    return cls(path, lock)
        except OSError as error:
            raise FolderFailed(
                f"No folder can be made in {str(home)!r}: {error.strerror or error}.",
                todo="Look at the disk of the runner, and at the rights on that folder.",
            ) from error

    @property
    def model(self) -> Path:
        """Where the model's files are."""
        return self.path / "model"

    @property
    def home(self) -> Path:
        """The empty home of the model's processes."""
        return self._made("home")

    @property
    def temporary(self) -> Path:
        """The model's processes' folder for temporary files."""
        return self._made("tmp")

    @property
    def environment(self) -> Path:
        """Where the model's Python environment is made."""
        return self.path / "environment"

    def still_there(self) -> list[str]:
        """Itself, where it has not been removed: what is told where a second signal came."""
        return [str(self.path)] if self.path.exists() else []

    def _made(self, name: str) -> Path:
        path = self.path / name
        path.mkdir(mode=0o700, exist_ok=True)
        return path

    def remove(self) -> list[str]:
        """Removes it with all that is in it; tells what can't be removed."""
        left = removed(self.path)
        os.close(self.lock)
        return left


@contextmanager
def told_of_disk() -> Iterator[None]:
    """Turns what the system refuses, such as room on a full disk, into a failure that says so.

    Raises:
        FolderFailed: A file can't be read or written.
    """
    try:
        yield
    except OSError as error:
        raise FolderFailed(
            f"The test can't go on: {error.strerror or error}.",
            where=str(error.filename or ""),
            todo="Look at the disk of the runner, and at the rights on its folders.",
        ) from error


def clear_left(home: Path) -> None:
    """Removes what killed processes have left: folders of ours that nobody has locked."""
    for path in home.glob(f"{_PREFIX}*"):
        with suppress(FileNotFoundError):  # another test may be clearing too
            found = path.lstat()
            if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid():
                path.chmod(0o700)  # a model may have closed it, and then it can't be locked
                lock = _locked(path)
                if lock is not None:
                    removed(path)
                    os.close(lock)


def _locked(path: Path) -> int | None:
    """The lock on a folder; `None` where another has it, or the folder is gone."""
    try:
        lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return None
    return lock


def removed(top: Path) -> list[str]:
    """Removes a folder with whatever somebody hostile has put in it; tells what is left.

    No link is followed, no other file system is entered, and rights that were taken away are taken
    back. Each folder's folders are moved up before it is removed, so that no depth is too deep.
    """
    left: list[str] = []
    with _tolerant(left, top):
        device = top.lstat().st_dev
        top.chmod(0o700)
        while folders := [path for path in _emptied(top, device, left) if str(path) not in left]:
            for folder in folders:
                with _tolerant(left, folder):
                    for inner in _emptied(folder, device, left):
                        inner.rename(top / secrets.token_hex(12))
                    folder.rmdir()
        if not left:
            top.rmdir()
    return left


def _emptied(folder: Path, device: int, left: list[str]) -> list[Path]:
    """Takes a folder's files and links away; its folders, which can then be moved."""
    folders = []
    for path in list(folder.iterdir()):
        with _tolerant(left, path):
            found = path.lstat()
            if found.st_dev != device:
                left.append(str(path))
            elif stat.S_ISDIR(found.st_mode):
                path.chmod(0o700)
                folders.append(path)
            else:
                path.unlink()
    return folders


@contextmanager
def _tolerant(left: list[str], path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        return
    except OSError:
        left.append(str(path))
