"""The private folder of a test, with whatever a model has put in it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from remote_registry.errors import FolderFailed
from remote_registry.testing.folder import PrivateFolder, clear_left, removed, told_of_disk

SOURCES = Path(__file__).parents[2] / "src"
MAKE = f"""
import os, sys
sys.path.insert(0, {str(SOURCES)!r})
from pathlib import Path
from remote_registry.testing.folder import PrivateFolder
made = PrivateFolder.make(Path(sys.argv[1]))
(made.path / "file").write_text("")
print(made.path, flush=True)
sys.stdin.read()
"""


def test_it_is_private_and_goes_whole(tmp_path: Path) -> None:
    folder = PrivateFolder.make(tmp_path)
    assert folder.path.stat().st_mode & 0o777 == 0o700
    (folder.home / "file").write_text("")
    assert folder.remove() == []
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_has_left_is_removed_and_what_is_in_use_is_not(
    tmp_path: Path,
) -> None:
    command = [sys.executable, "-I", "-c", MAKE, str(tmp_path)]
    with subprocess.Popen(command, stdin=-1, stdout=-1, text=True) as process:
        assert process.stdout
        used = Path(process.stdout.readline().strip())
        clear_left(tmp_path)
        assert (used / "file").exists()
        process.kill()
    PrivateFolder.make(tmp_path).remove()
    assert list(tmp_path.iterdir()) == []


def test_what_was_closed_before_its_process_was_killed_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(path: Path, *more: int) -> int:  # root, as whom tests may run, opens anything
        if not path.stat().st_mode & 0o400:
            raise PermissionError
        return real(path, *more)

    real = os.open
    closed = tmp_path / "register-remote-model-test-closed"
    (closed / "inner").mkdir(parents=True)
    closed.chmod(0)
    monkeypatch.setattr(os, "open", opened)
    clear_left(tmp_path)
    assert not closed.exists()


def test_other_folders_and_links_are_left_alone(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "file").write_text("")
    (tmp_path / "register-remote-model-test-link").symlink_to(other)
    (tmp_path / "register-remote-model-test-file").write_text("")
    clear_left(tmp_path)
    assert len(list(tmp_path.iterdir())) == 3
    assert (other / "file").exists()


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FolderFailed, match="No folder can be made"):
        PrivateFolder.make(tmp_path / "file")


def test_a_full_disk_is_told_as_one() -> None:
    with pytest.raises(FolderFailed) as failed, told_of_disk():
        raise OSError(28, "No space left on device", "/tmp/x/request.json")
    assert failed.value.exit_code == 7
    assert "No space left on device" in failed.value.what
    assert failed.value.where == "/tmp/x/request.json"


def test_no_link_is_followed_and_rights_are_taken_back(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o500)
    (tmp_path / "kept").write_text("kept")
    top = tmp_path / "top"
    (top / "a/b").mkdir(parents=True)
    (top / "a/b/link").symlink_to(outside)
    (top / "link").symlink_to(tmp_path / "kept")
    (top / "hard").hardlink_to(tmp_path / "kept")
    (top / "gone").symlink_to("nowhere")
    os.mkfifo(top / "pipe")
    (top / "a/b").chmod(0)
    (top / "a").chmod(0)
    assert removed(top) == []
    assert not top.exists()
    assert (tmp_path / "kept").read_text() == "kept"
    assert outside.stat().st_mode & 0o777 == 0o500


def test_no_depth_is_too_deep(tmp_path: Path) -> None:
    top = tmp_path / "top"
    top.mkdir()
    here = os.open(top, os.O_RDONLY)
    for _ in range(5000):
        os.mkdir("a" * 50, dir_fd=here)
        below = os.open("a" * 50, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    assert removed(top) == []
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_removed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> None:
        if path.name == "stays":
            raise PermissionError
        os.unlink(path)

    top = tmp_path / "top"
    (top / "a").mkdir(parents=True)
    for name in ("goes", "a/stays", "a/goes too"):
        (top / name).write_text("")
    monkeypatch.setattr(Path, "unlink", refuse)
    left = removed(top)
    assert {Path(path).name for path in left} == {"stays", "a"}
    assert [path.name for path in top.rglob("*")] == ["a", "stays"]
