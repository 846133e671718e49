"""The hidden folder beside one that is to appear whole: of one try at a time, and of the next."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .. import cancelling
from ..errors import DiskFull, FolderFailed
from ..outcome import Log
from .folder import unwritable
from .protocols import File

_ENDING = ".download"
_LOCK = "lock"
_TAKEN = (errno.EWOULDBLOCK, errno.EACCES)
_WAIT = 0.2  # seconds between two looks at the lock


class Hidden:
    """A folder of ours that nobody else may look into.

    Args:
        path: The folder that is to appear.
        digest: Of what is brought. A try of the same goes on from what is there, which is checked
            by it in the end; without one nothing is kept.
    """

    def __init__(self, path: Path, digest: str, log: Log) -> None:
        self.path = path
        self.folder = path.with_name(f".{path.name}{_ENDING}")
        self._is_of_use = bool(digest)
        self.whole = self.folder / (hashlib.sha256(digest.encode()).hexdigest()[:12])
        self.begun = self.folder / "begun"
        self._log = log

    @contextmanager
    def held(self) -> Iterator[None]:
        """Waits for other tries to end. Afterwards it is gone, but for what the next can use.

        Raises:
            FolderFailed: It can't be made or locked, or is a link or somebody else's.
        """
        with self.told():
            lock = self._locked()
        try:
            with self.told():
                self._make_ready()
            yield
        except DiskFull:
            self._is_of_use = False  # or it would stay full for whatever comes after us
            raise
        finally:
            if not self.has_something():
                self._remove()
            os.close(lock)

    def kept(self) -> list[File]:
        """The files that an earlier try has left, whole."""
        with self.told():
            return sorted(self._plain_files() or ())

    def has_something(self) -> bool:
        """Whether the next try can go on from what is there."""
        with suppress(FolderFailed):
            return self._is_of_use and bool(self.kept())
        return False

    def clear(self) -> None:
        """Takes away what is there, but for the lock, and makes an empty folder for whole files."""
        with self.told():
            self._empty(but=())
            self.whole.mkdir()

    def show(self) -> None:
        """What is whole becomes the folder; one that is empty gives way."""
        with self.told():
            self.whole.rename(self.path)
            self._is_of_use = False

    def tidy(self) -> None:
        """Takes away what a try has left that was killed when all was done but this."""
        if os.path.lexists(self.folder):
            with suppress(FolderFailed), self.held():
                self._is_of_use = False

    def _locked(self) -> int:
        """The lock, which the system takes away from whoever is killed."""
        is_told = False
        while True:
            self._make_own()
            with suppress(FileNotFoundError):  # somebody has just ended and taken it all away
                lock = self._opened()
                if self._is_locked(lock):
                    return lock
                os.close(lock)
                if not is_told:
                    self._log.line(f"waiting for another download into {self.path}")
                    is_told = True
            cancelling.sleep(_WAIT)

    def _opened(self) -> int:
        return os.open(self.folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)

    def _is_locked(self, lock: int) -> bool:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in _TAKEN:
                return False
            os.close(lock)
            raise
        try:  # who held it may have taken it away
            return os.path.samestat(os.fstat(lock), (self.folder / _LOCK).lstat())
        except FileNotFoundError:
            return False

    def _make_own(self) -> None:
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            self.folder.mkdir(0o700)
        except FileExistsError:
            with suppress(FileNotFoundError):  # any more
                self._check_own()

    def _check_own(self) -> None:
        # A checkout may bring such a link, which leads anywhere.
        if not stat.S_ISDIR(self.folder.lstat().st_mode):
            raise FolderFailed(
                f"{str(self.folder)!r} is no folder of ours.",
                todo="Take it away: it is where a download keeps what is not whole yet.",
            )
        self.folder.chmod(0o700)

    def _make_ready(self) -> None:
        """Only what is whole of the same is left of earlier tries."""
        is_ours = self._is_of_use and self._plain_files() is not None
        self._empty(but=(self.whole.name,) if is_ours else ())
        self.whole.mkdir(exist_ok=True)

    def _plain_files(self) -> list[File] | None:
        """What is there whole; `None` where anything leads elsewhere, as a link does."""
        if self.whole.is_symlink():
            return None
        found = []
        for parent, folders, names in os.walk(self.whole):
            for place in (Path(parent, name) for name in (*folders, *names)):
                state = place.lstat()
                if stat.S_ISREG(state.st_mode):
                    found.append(File(place.relative_to(self.whole).as_posix(), state.st_size))
                elif not stat.S_ISDIR(state.st_mode):
                    return None
        return found

    def _empty(self, but: tuple[str, ...]) -> None:
        for entry in list(os.scandir(self.folder)):
            if entry.name in (_LOCK, *but):
                continue
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            else:
                Path(entry.path).unlink()

    def _remove(self) -> None:
        """The lock goes last, for who gets it next may write at once."""
        with suppress(OSError):
            self._empty(but=())
            (self.folder / _LOCK).unlink()
            self.folder.rmdir()

    @contextmanager
    def told(self) -> Iterator[None]:
        """What the system refuses is told as a failure."""
        try:
            yield
        except OSError as error:
            raise unwritable(f"The folder {str(self.path)!r}", error) from error
