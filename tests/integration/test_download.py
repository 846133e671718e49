"""`download` from a workspace and from an MLflow server."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from big_models import MIB, digest_of, digests, folder_of, run_with_files
from command import SOURCES, Run, Side, call, command_environment, register, side_inputs
from made_versions import TAG, api, make_model
from servers import MlflowServer
from told import assert_told, writes
from workspace import Workspace

FILES = {"data/weights": 3 * MIB, "a b#%25é": b"", "requirements.txt": b"scikit-learn\n"}


@pytest.fixture
def name(request: pytest.FixtureRequest, source_workspace: Workspace) -> str:
    return f"download-{os.getpid()}-{abs(hash(request.node.nodeid)) % 10**8}"


@pytest.fixture
def registered(
    source_workspace: Workspace, registry_workspace: Workspace, name: str
) -> Callable[..., Path]:
    """Registers a model of given files; gives the folder that the registry keeps of it."""

    def make(files: dict[str, int | bytes] = FILES) -> Path:
        inputs = {
            "run-id": run_with_files(source_workspace, files),
            "artifact-path": "model",
            "model-name": name,
        }
        made = register(
            inputs,
            side_inputs("tracking", source_workspace),
            side_inputs("registry", registry_workspace),
        )
        assert made.code == 0, made.log
        registry_workspace.control.clear_requests()
        return folder_of(registry_workspace, made.outputs["download-uri"])

    return make


def download(side: Side, name: str, path: Path, **inputs: str) -> Run:
    texts = {"model-name": name, "select": "latest", "path": str(path)}
    asked = {key.replace("_", "-"): text for key, text in inputs.items()}
    return call("download", texts | asked, side_inputs("registry", side), GITHUB_WORKSPACE="/")


def test_a_versions_files_are_brought_with_their_names_and_digest(
    registry_workspace: Workspace, registered: Callable[..., Path], name: str, tmp_path: Path
) -> None:
    kept = registered()
    path = tmp_path / "model"
    done = download(registry_workspace, name, path, requirements="true")
    assert done.code == 0, done.log
    assert digests(path) == digests(kept)
    assert done.outputs["digest"] == digest_of(path)
    assert done.outputs["path"] == str(path)
    assert done.outputs["requirements"] == str(path / "requirements.txt")
    assert done.outputs["version"] == "1"
    assert [one.name for one in tmp_path.iterdir()] == ["model"]
    assert writes(registry_workspace) == []


def test_what_is_there_already_is_left_as_it_is(
    registry_workspace: Workspace, registered: Callable[..., Path], name: str, tmp_path: Path
) -> None:
    registered()
    path = tmp_path / "model"
    path.mkdir()
    assert download(registry_workspace, name, path).code == 0
    registry_workspace.control.clear_requests()
    again = download(registry_workspace, name, path)
    assert again.code == 0, again.log
    assert registry_workspace.requests("GET", "/signed/*") == []
    (path / "data/weights").write_bytes(b"1" * 3 * MIB)
    assert_told(download(registry_workspace, name, path), 2, "path: ", "holds something else")
    assert (path / "data/weights").read_bytes()[:1] == b"1"


@pytest.mark.parametrize("files", [FILES, {"data/large": 200 * MIB, "small": 10}])
def test_a_download_that_was_killed_is_gone_on_with(
    registry_workspace: Workspace, registered: Callable[..., Path], name: str, tmp_path: Path,
    files: dict[str, int | bytes],
) -> None:  # fmt: skip
    kept = registered(files)
    path = tmp_path / "model"
    large = max(files, key=lambda file: size if isinstance(size := files[file], int) else 0)
    registry_workspace.control.fault("silence", path=f"/signed/*/{large}", seconds=3, times=0)
    inputs = {"model-name": name, "select": "latest", "path": str(path)}
    started = subprocess.Popen(
        [sys.executable, "-I", "-B", str(SOURCES), "download"],
        env=command_environment(
            tmp_path / "run",
            inputs | side_inputs("registry", registry_workspace),
            GITHUB_ACTIONS="",
        ),
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 30
    while not whole_of(path):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert not path.exists()
    started.send_signal(signal.SIGKILL)
    started.wait()
    registry_workspace.control.clear_faults()
    registry_workspace.control.clear_requests()
    done = download(registry_workspace, name, path)
    assert done.code == 0, done.log
    assert "are there from an earlier download" in done.log
    assert digests(path) == digests(kept)
    assert [one.name for one in tmp_path.iterdir() if one.name != "run"] == ["model"]


def test_other_bytes_than_were_registered_are_not_shown(
    registry_workspace: Workspace, registered: Callable[..., Path], name: str, tmp_path: Path
) -> None:
    kept = registered()
    weights = kept / "data/weights"
    content = weights.read_bytes()
    weights.unlink()
    weights.write_bytes(b"\1" + content[1:])
    done = download(registry_workspace, name, tmp_path / "model")
    assert_told(done, 5, "was recorded", "Do not use it")
    assert list(tmp_path.iterdir()) == []
    assert done.outputs["path"] == ""


def whole_of(path: Path) -> list[Path]:
    """The files that are whole already, while the folder is not."""
    found = path.parent.glob(f".{path.name}.download/*/**/*")
    return [one for one in found if one.is_file() and one.parent.name != "begun"]


def leave(path: Path, digest: str, files: dict[str, bytes]) -> Path:
    """The hidden folder, as a download that was cut short leaves it; or as others fake it."""
    hidden = path.with_name(f".{path.name}.download")
    whole = hidden / hashlib.sha256(digest.encode()).hexdigest()[:12]
    for name, content in files.items():
        (whole / name).parent.mkdir(parents=True, exist_ok=True)
        (whole / name).write_bytes(content)
    return hidden


def test_what_was_left_and_is_not_right_is_brought_anew(
    registry_workspace: Workspace, registered: Callable[..., Path], name: str, tmp_path: Path
) -> None:
    kept = registered()
    path = tmp_path / "model"
    leave(path, digest_of(kept), {"data/weights": b"0" * 3 * MIB})
    done = download(registry_workspace, name, path)
    assert done.code == 0, done.log
    assert "is not right" in done.log
    assert digests(path) == digests(kept)


def test_what_no_digest_vouches_for_is_not_gone_on_with(
    registry_workspace: Workspace, registered: Callable[..., Path], name: str, tmp_path: Path
) -> None:
    kept = registered()
    tag = {"name": name, "version": "1", "key": f"{TAG}digest"}
    api(registry_workspace, "DELETE", "model-versions/delete-tag", json=tag)
    path = tmp_path / "model"
    leave(path, "", {"data/weights": b"0" * 3 * MIB})
    done = download(registry_workspace, name, path)
    assert done.code == 0, done.log
    assert digests(path) == digests(kept)
    assert done.outputs["digest"] == digest_of(path)
    assert [one.name for one in tmp_path.iterdir()] == ["model"]


def test_what_was_left_of_other_versions_is_taken_away(
    registry_workspace: Workspace, registered: Callable[..., Path], name: str, tmp_path: Path
) -> None:
    kept = registered()
    path = tmp_path / "model"
    leave(path, "sha256:of another", {"MLmodel": b"{}", "more": b"1"})
    assert download(registry_workspace, name, path).code == 0
    assert digests(path) == digests(kept)
    assert [one.name for one in tmp_path.iterdir()] == ["model"]
    leave(path, digest_of(kept), {"MLmodel": b"{}"})
    assert download(registry_workspace, name, path).code == 0
    assert [one.name for one in tmp_path.iterdir()] == ["model"]


def test_links_in_the_hidden_folder_are_not_followed(
    registry_workspace: Workspace, registered: Callable[..., Path], name: str, tmp_path: Path
) -> None:
    kept = registered()
    path, elsewhere = tmp_path / "model", tmp_path / "elsewhere"
    elsewhere.mkdir()
    hidden = leave(path, digest_of(kept), {"requirements.txt": FILES["requirements.txt"]})
    (whole,) = hidden.iterdir()
    (whole / "data").symlink_to(elsewhere)
    (hidden / "begun").symlink_to(elsewhere)
    done = download(registry_workspace, name, path)
    assert done.code == 0, done.log
    assert list(elsewhere.iterdir()) == []
    assert digests(path) == digests(kept)
    assert not [one for one in path.rglob("*") if one.is_symlink()]


@pytest.mark.parametrize("what", ["", "lock"])
def test_a_hidden_folder_or_lock_that_is_a_link_is_refused(
    registry_workspace: Workspace, registered: Callable[..., Path], name: str, tmp_path: Path,
    what: str,
) -> None:  # fmt: skip
    registered()
    path, elsewhere = tmp_path / "model", tmp_path / "elsewhere"
    elsewhere.mkdir()
    hidden = path.with_name(".model.download")
    if what:
        hidden.mkdir()
    (hidden / what).symlink_to(elsewhere / "file" if what else elsewhere)
    done = download(registry_workspace, name, path)
    assert_told(done, 7, "can't be written" if what else "is no folder of ours")
    assert list(elsewhere.iterdir()) == []
    assert not path.exists()


def started(side: Side, name: str, path: Path, folder: Path) -> subprocess.Popen[str]:
    """A download of the newest version, on its way."""
    folder.mkdir()
    inputs = {"model-name": name, "select": "latest", "path": str(path)}
    return subprocess.Popen(
        [sys.executable, "-I", "-B", str(SOURCES), "download"],
        env=command_environment(folder, inputs | side_inputs("registry", side), GITHUB_ACTIONS=""),
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_into_one_folder_at_once_take_turns(
    registry_workspace: Workspace, registered: Callable[..., Path], name: str, tmp_path: Path
) -> None:
    kept = registered()
    path = tmp_path / "model"
    registry_workspace.control.fault("silence", path="/signed/*/data/weights", seconds=10)
    both = [started(registry_workspace, name, path, tmp_path / f"run{one}") for one in (1, 2)]
    logs = [one.communicate(timeout=60)[1] for one in both]
    registry_workspace.control.clear_faults()
    assert [one.returncode for one in both] == [0, 0], logs
    (waited,) = (log for log in logs if "waiting for another download" in log)
    assert "holds these very files already" in waited
    assert digests(path) == digests(kept)
    assert len(registry_workspace.requests("GET", "/signed/*/data/weights")) == 1
    assert sorted(one.name for one in tmp_path.iterdir()) == ["model", "run1", "run2"]


def test_a_download_that_is_cancelled_ends_soon_and_names_what_it_leaves(
    registry_workspace: Workspace, registered: Callable[..., Path], name: str, tmp_path: Path
) -> None:
    registered()
    path = tmp_path / "model"
    registry_workspace.control.fault("silence", path="/signed/*/data/weights", seconds=8, times=0)
    running = started(registry_workspace, name, path, tmp_path / "run")
    deadline = time.monotonic() + 30
    while not whole_of(path):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    begun = time.monotonic()
    running.send_signal(signal.SIGTERM)
    log = running.communicate(timeout=30)[1]
    assert time.monotonic() - begun < 5
    registry_workspace.control.clear_faults()
    assert running.returncode == 143
    assert "Left behind:" in log
    assert ".model.download" in log
    assert not path.exists()


def test_a_disk_that_has_no_room_is_told_before_anything_is_read(
    registry_workspace: Workspace, registered: Callable[..., Path], name: str, tmp_path: Path
) -> None:
    kept = registered()
    free = shutil.disk_usage(tmp_path).free
    with (kept / "data/weights").open("r+b") as stream:
        stream.truncate(free + (1 << 40))
    # Or this test would fill the disk where the code does not look.
    registry_workspace.control.fault("reply", path="/signed/*", status=404, times=0)
    registry_workspace.control.clear_requests()
    done = download(registry_workspace, name, tmp_path / "model")
    registry_workspace.control.clear_faults()
    assert_told(done, 7, "Disk full", "has no room")
    assert registry_workspace.requests("GET", "/signed/*") == []
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_writes_nothing(
    registry_workspace: Workspace, registered: Callable[..., Path], name: str, tmp_path: Path
) -> None:
    registered()
    done = download(registry_workspace, name, tmp_path / "model", dry_run="true")
    assert (done.code, done.outputs["status"]) == (0, "planned")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_told(
    registry_workspace: Workspace, registered: Callable[..., Path], name: str, tmp_path: Path
) -> None:
    registered()
    (tmp_path / "file").write_text("")
    done = download(registry_workspace, name, tmp_path / "file" / "model")
    assert_told(done, 7, "can't be written")


def test_a_version_of_an_mlflow_server(
    mlflow_server: MlflowServer, source_workspace: Workspace, name: str, tmp_path: Path
) -> None:
    inputs = {
        "run-id": run_with_files(source_workspace, {"data/weights": MIB}),
        "artifact-path": "model",
        "model-name": name,
    }
    sides = side_inputs("tracking", source_workspace), side_inputs("registry", mlflow_server)
    made = register(inputs, *sides)
    assert made.code == 0, made.log
    done = download(mlflow_server, name, tmp_path / "model")
    assert done.code == 0, done.log
    assert done.outputs["digest"] == made.outputs["digest"] == digest_of(tmp_path / "model")


def test_a_folder_with_what_no_model_has_holds_something_else(
    registry_workspace: Workspace, registered: Callable[..., Path], name: str, tmp_path: Path
) -> None:
    registered()
    path = tmp_path / "model"
    path.mkdir()
    (path / "link").symlink_to("/etc/passwd")
    for dry_run in ("true", "false"):
        done = download(registry_workspace, name, path, dry_run=dry_run)
        assert_told(done, 2, "path: ", "holds something else")
    assert [one.name for one in tmp_path.iterdir()] == ["model"]


def test_a_version_without_files_is_no_success(mlflow_server: MlflowServer, tmp_path: Path) -> None:
    name = make_model(mlflow_server)
    run = api(mlflow_server, "POST", "runs/create", json={"experiment_id": "0"})["run"]["info"]
    made = {"name": name, "source": f"{run['artifact_uri']}/model", "run_id": run["run_id"]}
    api(mlflow_server, "POST", "model-versions/create", json=made)
    done = download(mlflow_server, name, tmp_path / "model")
    assert_told(done, 5, "serves no file")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ["..", "model/../../other", "/", "a\nb", "a" * 241])
def test_a_folder_outside_of_the_checkout_is_bad_input(
    registry_workspace: Workspace, path: str
) -> None:
    inputs = {"model-name": "churn", "select": "latest", "path": path}
    registry_workspace.control.clear_requests()
    done = call("download", inputs, side_inputs("registry", registry_workspace))
    assert_told(done, 2, "path: ")
    assert registry_workspace.requests() == []
