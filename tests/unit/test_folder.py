"""A folder on the runner's disk: what it can't hold, and what a full disk says."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from remote_registry.errors import DiskFull, FolderFailed
from remote_registry.files.folder import FolderWriter, clashes, unwritable
from remote_registry.files.hidden import Hidden
from remote_registry.files.protocols import File
from remote_registry.inputs.download import download_inputs
from remote_registry.outcome import Log
from remote_registry.report.console import Console

DIGEST = f"sha256:{'0' * 64}"


@pytest.fixture
def log() -> Log:
    return Console({})


@pytest.mark.parametrize(
    ("paths", "found"),
    [
        (["a", "b/c"], []),
        (["a", "a/b"], ["a"]),
        (["a/b", "a/b/c/d", "a/b-c"], ["a/b"]),
        (["a", "a"], ["a"]),
        (["A", "a"], []),
    ],
)
def test_paths_that_no_folder_holds_beside_the_others(paths: list[str], found: list[str]) -> None:
    assert clashes([File(path, 1) for path in paths]) == found


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_as_one(number: int) -> None:
    failure = unwritable("The file 'a'", OSError(number, "No space left on device"))
    assert isinstance(failure, DiskFull)
    assert failure.lines()[0] == "The file 'a' can't be written: the disk is full."
    assert not isinstance(unwritable("It", OSError(errno.EACCES, "no")), DiskFull)


class Body:
    """A body that the disk takes only the beginning of."""

    def __len__(self) -> int:
        return 2

    def __iter__(self):
        yield b"1"
        raise OSError(errno.ENOSPC, "No space left on device")


def test_nothing_is_left_on_a_disk_that_is_full(tmp_path: Path, log: Log) -> None:
    hidden = Hidden(tmp_path / "model", DIGEST, log)

    def bring() -> None:
        with hidden.held():
            (hidden.whole / "first").write_bytes(b"1")
            FolderWriter(hidden.whole, hidden.begun).write(File("second", 2), Body())

    with pytest.raises(DiskFull):
        bring()
    assert list(tmp_path.iterdir()) == []


def test_what_is_whole_is_left_for_the_next(tmp_path: Path, log: Log) -> None:
    hidden = Hidden(tmp_path / "model", DIGEST, log)
    with suppress(FolderFailed), hidden.held():
        (hidden.whole / "first").write_bytes(b"1")
        raise FolderFailed("of another kind")
    assert Hidden(tmp_path / "model", DIGEST, log).kept() == [File("first", 1)]
    assert Hidden(tmp_path / "model", f"sha256:{'1' * 64}", log).kept() == []


def test_nobody_else_may_look_into_it_and_what_is_shown_has_the_usual_rights(
    tmp_path: Path, log: Log
) -> None:
    mask = os.umask(0o027)
    try:
        hidden = Hidden(tmp_path / "model", DIGEST, log)
        with hidden.held():
            FolderWriter(hidden.whole, hidden.begun)
            assert hidden.folder.stat().st_mode & 0o777 == 0o700
            (hidden.whole / "file").write_bytes(b"")
            hidden.show()
    finally:
        os.umask(mask)
    rights = [(tmp_path / name).stat().st_mode & 0o777 for name in ("model", "model/file")]
    assert rights == [0o750, 0o640]
    assert [one.name for one in tmp_path.iterdir()] == ["model"]


def test_the_lock_of_a_try_that_was_killed_is_free(tmp_path: Path, log: Log) -> None:
    hold = (
        "import fcntl, os, sys; one = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT); "
        "fcntl.flock(one, fcntl.LOCK_EX); print(flush=True); sys.stdin.read()"
    )
    hidden = Hidden(tmp_path / "model", DIGEST, log)
    hidden.folder.mkdir()
    holder = subprocess.Popen(
        [sys.executable, "-c", hold, str(hidden.folder / "lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout
    holder.stdout.readline()
    holder.kill()
    holder.wait()
    with hidden.held():
        assert hidden.whole.is_dir()
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_plain_file_is_not_gone_on_with(tmp_path: Path, log: Log) -> None:
    hidden = Hidden(tmp_path / "model", DIGEST, log)
    hidden.whole.mkdir(parents=True)
    os.mkfifo(hidden.whole / "fifo")
    (hidden.whole / "first").write_bytes(b"1")
    assert hidden.kept() == []
    with hidden.held():
        assert list(hidden.whole.iterdir()) == []


def test_a_folder_on_which_a_disk_is_mounted_is_bad_input() -> None:
    raw = {
        "model-name": "churn",
        "select": "latest",
        "registry-host": "https://adb-5555555555555555.15.azuredatabricks.net",
        "registry-token": "dapi-1",
        "path": "/proc",
    }
    with pytest.raises(Exception, match="where a disk is mounted"):
        download_inputs(raw, None)
