"""What the copy promises of every file: its bytes, its name, few connections, a part at a time."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
import unicodedata
import uuid
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest
from big_models import MIB, folder_of, run_with_files
from clients import call
from command import SOURCES, command_environment, register, side_inputs
from exactly_once import assert_nothing_left
from integration.test_copy_ways import (
    LARGE,
    SMALL,
    assert_carried,
    carried,
    source_folder,
)
from workspace import Workspace

from remote_registry.files.databricks import RunFiles
from remote_registry.inputs.sides import Databricks, Secret
from remote_registry.rest import SOURCE, Rest

SIGNED_LARGE = "/signed/*/data/large"
ODD_NAMES = (
    "a b", "a#b", "a?b", "a%20b", "a%b", "a+b", "a'b", 'a"b', "a&b;c", "ä", "a\\b", "~", "…",
    unicodedata.normalize("NFD", "é"), unicodedata.normalize("NFC", "é"), "-", ".hidden",
)  # fmt: skip


@pytest.fixture
def name() -> str:
    return f"copy-{uuid.uuid4().hex[:8]}"


def most_at_once(requests: list[dict[str, float]]) -> int:
    """How many of the requests were under way at the same time, at most."""
    moments = [(one["started"], 1) for one in requests]
    moments += [(one["started"] + one["seconds"], -1) for one in requests]
    running = most = 0
    for _, step in sorted(moments):
        running += step
        most = max(most, running)
    return most


@pytest.mark.parametrize("dbfs", [True, False], ids=["by DBFS", "by a staging run"])
def test_names_are_carried_as_they_are(
    source_workspace: Workspace, registry_workspace: Workspace, name: str, dbfs: bool
) -> None:
    registry_workspace.control.set(dbfs=dbfs)
    files = {f"data/{odd}": odd.encode() for odd in ODD_NAMES}
    deep = "/".join(["deep"] * 40)
    files |= {f"{deep}/file": b"deep", "no/thing": b""}
    run_id, done = carried(source_workspace, registry_workspace, files, name)
    assert_carried(source_workspace, registry_workspace, run_id, done)


def test_every_listing_is_paged(
    source_workspace: Workspace, registry_workspace: Workspace, name: str
) -> None:
    source_workspace.control.set(page_size=7)
    registry_workspace.control.set(page_size=7)
    files = {f"data/{number // 9}/{number}": str(number).encode() for number in range(90)}
    run_id, done = carried(source_workspace, registry_workspace, files, name)
    assert_carried(source_workspace, registry_workspace, run_id, done)


def test_two_thousand_files_want_two_calls_for_their_urls(
    source_workspace: Workspace, registry_workspace: Workspace, name: str
) -> None:
    files = {f"data/{number}": b"x" for number in range(2100)}
    source_workspace.control.clear_requests()
    run_id, done = carried(source_workspace, registry_workspace, files, name)
    assert_carried(source_workspace, registry_workspace, run_id, done)
    assert len(source_workspace.requests("POST", "*/credentials-for-read")) <= 5


def test_files_that_are_opened_in_any_order_are_signed_once(source_workspace: Workspace) -> None:
    """As when those that copy at the same time ask for the last of some files first."""
    run_id = run_with_files(source_workspace, {f"data/{number}": b"x" for number in range(2010)})
    rest = Rest(Databricks(source_workspace.host, Secret(source_workspace.token)), SOURCE)
    run = rest.get("/api/2.0/mlflow/runs/get", {"run_id": run_id})["run"]["info"]
    reader = RunFiles(rest, run["experiment_id"], run_id, "model")
    files = reader.files()
    source_workspace.control.clear_requests()
    for file in reversed(files[-20:]):
        with reader.open(file) as chunks:
            assert b"".join(chunks) == b"x"
    # The first block's URLs come in two pages, those of the rest in one.
    assert len(source_workspace.requests("POST", "*/credentials-for-read")) == 3


def test_two_hundred_files_want_few_requests(
    source_workspace: Workspace, registry_workspace: Workspace, name: str
) -> None:
    source_workspace.control.clear_requests()
    files = {f"data/{number}": 4096 for number in range(199)}
    _, done = carried(source_workspace, registry_workspace, files, name)
    assert done.code == 0, done.log
    # The source's own run and experiment, which the test itself made, are three of them.
    assert len(source_workspace.requests()) <= 220
    assert len(registry_workspace.requests()) <= 220


def test_a_break_while_reading_costs_the_rest_of_a_file_and_no_second_write(
    source_workspace: Workspace, registry_workspace: Workspace, name: str
) -> None:
    source_workspace.control.clear_requests()
    source_workspace.control.fault("reset-response", method="GET", path="/signed/*/data/weights")
    run_id, done = carried(source_workspace, registry_workspace, {"data/weights": 48 * MIB}, name)
    assert_carried(source_workspace, registry_workspace, run_id, done)
    first, second = source_workspace.requests("GET", "/signed/*/data/weights")
    assert not first["range"]
    assert second["range"].startswith("bytes=")
    assert second["bytes_out"] < 48 * MIB
    assert len(registry_workspace.requests("POST", "/dbfs/*/data/weights")) == 1


@pytest.mark.parametrize("action", ["reset-response", "reply"])
def test_a_break_while_reading_costs_one_part_of_a_large_file(
    source_workspace: Workspace, registry_workspace: Workspace, name: str, action: str
) -> None:
    source_workspace.control.clear_requests()
    source_workspace.control.fault(action, method="GET", path=SIGNED_LARGE, skip=5, status=503)
    run_id, done = carried(source_workspace, registry_workspace, LARGE, name)
    assert_carried(source_workspace, registry_workspace, run_id, done)
    assert len(source_workspace.requests("GET", SIGNED_LARGE)) == 18


@pytest.mark.parametrize(
    ("action", "status"), [("reset-request", 0), ("lost-reply", 0), ("reply", 500), ("reply", 403)]
)
def test_a_break_while_writing_costs_one_part_of_a_large_file(
    source_workspace: Workspace,
    registry_workspace: Workspace,
    name: str,
    action: str,
    status: int,
) -> None:
    registry_workspace.control.fault(
        action, method="PUT", path=SIGNED_LARGE, skip=5, status=status or 500
    )
    run_id, done = carried(source_workspace, registry_workspace, LARGE, name)
    assert_carried(source_workspace, registry_workspace, run_id, done)
    assert len(registry_workspace.requests("PUT", SIGNED_LARGE)) == 18


@pytest.mark.parametrize("path", ["*/complete-multipart-upload", "*/create-multipart-upload"])
def test_a_lost_reply_about_a_multipart_upload(
    source_workspace: Workspace, registry_workspace: Workspace, name: str, path: str
) -> None:
    registry_workspace.control.fault("lost-reply", path=path)
    run_id, done = carried(source_workspace, registry_workspace, LARGE, name)
    assert_carried(source_workspace, registry_workspace, run_id, done)


@pytest.mark.parametrize("status", [500, 503])
def test_a_failed_write_is_repeated_with_all_its_bytes(
    source_workspace: Workspace, registry_workspace: Workspace, name: str, status: int
) -> None:
    """MLflow sends the file again from where it had been read to: an empty one."""
    registry_workspace.control.fault(
        "reply", method="POST", path="/dbfs/*/data/weights", status=status
    )
    run_id, done = carried(source_workspace, registry_workspace, SMALL, name)
    assert_carried(source_workspace, registry_workspace, run_id, done)
    writes = registry_workspace.requests("POST", "/dbfs/*/data/weights")
    assert [write["bytes_in"] for write in writes] == [3 * MIB, 3 * MIB]


def test_signed_urls_that_expire_are_renewed(
    source_workspace: Workspace, registry_workspace: Workspace, name: str
) -> None:
    source_workspace.control.fault(
        "reply", method="GET", path=SIGNED_LARGE, skip=2, times=3, status=403
    )
    run_id, done = carried(source_workspace, registry_workspace, LARGE, name)
    assert_carried(source_workspace, registry_workspace, run_id, done)
    assert 2 <= len(source_workspace.requests("POST", "*/credentials-for-read")) <= 5


def test_whoever_asks_to_wait_is_left_alone_by_all(
    source_workspace: Workspace, registry_workspace: Workspace, name: str
) -> None:
    registry_workspace.control.fault(
        "reply", method="POST", path="/dbfs/*/data/5", status=429, headers={"Retry-After": "2"}
    )
    files = {f"data/{number}": 4096 for number in range(60)}
    run_id, done = carried(source_workspace, registry_workspace, files, name)
    assert_carried(source_workspace, registry_workspace, run_id, done)
    writes = registry_workspace.requests("POST", "/dbfs/*/data/*")
    (refused,) = [one for one in writes if one["status"] == 429]
    asked = refused["started"] + refused["seconds"]
    begun = [one["started"] - asked for one in writes if one["started"] > asked + 0.5]
    assert begun
    assert min(begun) >= 1.9


@pytest.mark.parametrize("most", [1, 3])
def test_no_more_connections_than_allowed(
    source_workspace: Workspace, registry_workspace: Workspace, name: str, most: int
) -> None:
    source_workspace.control.clear_requests()
    files = {f"data/{number}": MIB for number in range(20)} | {"data/large": 129 * MIB}
    allowed = {"max-connections": str(most)}
    run_id, done = carried(source_workspace, registry_workspace, files, name, **allowed)
    assert_carried(source_workspace, registry_workspace, run_id, done)
    assert most_at_once(source_workspace.requests("GET", "/signed/*")) <= most
    assert most_at_once(registry_workspace.requests("PUT", "/signed/*")) <= most


def test_connections_are_added_while_the_rate_grows(
    source_workspace: Workspace, registry_workspace: Workspace, name: str
) -> None:
    """What waits goes faster side by side."""
    source_workspace.control.clear_requests()
    source_workspace.control.set(latency=0.05)
    registry_workspace.control.set(latency=0.05)
    files = {f"data/{number}": 4096 for number in range(150)}
    _, done = carried(source_workspace, registry_workspace, files, name)
    assert done.code == 0, done.log
    assert 8 <= most_at_once(source_workspace.requests("GET", "/signed/*")) <= 16


@pytest.mark.parametrize("files", [SMALL, LARGE], ids=["whole", "in parts"])
@pytest.mark.parametrize("change", [-1, 1])
def test_a_file_that_changes_meanwhile_is_found_out(
    source_workspace: Workspace,
    registry_workspace: Workspace,
    name: str,
    files: dict[str, bytes | int],
    change: int,
) -> None:
    """Between the listing and the copy, which the fault holds up, it becomes another."""
    source_workspace.control.fault("silence", path="*/credentials-for-read", seconds=1.5)
    run_id = run_with_files(source_workspace, files)
    longest = "data/large" if "data/large" in files else "data/weights"
    path = source_folder(source_workspace, run_id) / longest

    def rewrite() -> None:
        while not source_workspace.requests("POST", "*/credentials-for-read"):
            time.sleep(0.02)
        os.truncate(path, path.stat().st_size + change)

    source_workspace.control.clear_requests()
    writer = threading.Thread(target=rewrite)
    writer.start()
    done = register(
        {"run-id": run_id, "model-name": name, "artifact-path": "model"},
        side_inputs("tracking", source_workspace),
        side_inputs("registry", registry_workspace),
    )
    writer.join()
    assert done.code == 5, done.log
    (error,) = done.annotations()
    assert "it changed while it was read" in error
    assert_nothing_left(registry_workspace)


def test_a_large_file_that_is_replaced_between_two_parts_is_found_out(
    source_workspace: Workspace, registry_workspace: Workspace, name: str
) -> None:
    run_id = run_with_files(source_workspace, LARGE)
    path = source_folder(source_workspace, run_id) / "data/large"
    source_workspace.control.set(connection_bandwidth=4e6)
    source_workspace.control.clear_requests()

    def rewrite() -> None:
        while not source_workspace.requests("GET", SIGNED_LARGE):
            time.sleep(0.02)
        other = path.with_name("other")
        other.write_bytes(bytes(path.stat().st_size))
        other.replace(path)

    writer = threading.Thread(target=rewrite)
    writer.start()
    done = register(
        {"run-id": run_id, "model-name": name, "artifact-path": "model"},
        side_inputs("tracking", source_workspace),
        side_inputs("registry", registry_workspace),
    )
    writer.join()
    assert done.code == 5, done.log
    assert "it changed while it was read" in done.annotations()[0]
    assert_nothing_left(registry_workspace)


def test_full_verification_reads_every_byte_back(
    source_workspace: Workspace, registry_workspace: Workspace, name: str
) -> None:
    run_id, done = carried(source_workspace, registry_workspace, SMALL, name, verify="full")
    assert_carried(source_workspace, registry_workspace, run_id, done)
    assert registry_workspace.requests("GET", "/signed/*/data/weights")
    assert "every byte" in done.log


def test_full_verification_asks_for_several_signed_urls_at_once(
    source_workspace: Workspace, registry_workspace: Workspace, name: str
) -> None:
    """The registry signs one path in a call."""
    registry_workspace.control.set(latency=0.05)
    files = {f"data/{number}": 4096 for number in range(40)}
    _, done = carried(source_workspace, registry_workspace, files, name, verify="full")
    assert done.code == 0, done.log
    signing = registry_workspace.requests("GET", "*/get-signed-download-uri")
    assert most_at_once(signing) >= 3


@pytest.mark.parametrize(("verify", "code"), [("full", 5), ("sizes", 0)])
def test_other_bytes_of_the_same_size_are_found_by_full_verification(
    source_workspace: Workspace, registry_workspace: Workspace, name: str, verify: str, code: int
) -> None:
    registry_workspace.control.set(corrupt=[{"path": "data/weights", "how": "bytes"}])
    run_id, done = carried(source_workspace, registry_workspace, SMALL, name, verify=verify)
    assert done.code == code, done.log
    if code:
        (error,) = done.annotations()
        assert "other bytes in 'data/weights'" in error
        assert done.outputs["version"] == ""
    else:
        sides = (
            side_inputs("tracking", source_workspace),
            side_inputs("registry", registry_workspace),
        )
        asked = {"run-id": run_id, "artifact-path": "model", "model-name": name, "verify": "full"}
        again = register(asked, *sides)
        assert again.code == 5, again.log
        assert "other bytes, of the digest sha256:" in again.annotations()[0]
    assert_nothing_left(registry_workspace)


def test_in_one_workspace_nothing_is_written_and_all_is_read_once(
    source_workspace: Workspace, name: str
) -> None:
    run_id = run_with_files(source_workspace, LARGE)
    source_workspace.control.clear_requests()
    done = register(
        {"run-id": run_id, "model-name": name, "artifact-path": "model"},
        side_inputs("registry", source_workspace),
    )
    assert done.code == 0, done.log
    read = sum(one["bytes_out"] for one in source_workspace.requests("GET", "/signed/*"))
    assert read == sum(
        path.stat().st_size for path in source_folder(source_workspace, run_id).rglob("*")
        if path.is_file()
    )  # fmt: skip
    assert source_workspace.requests("P*", "/signed/*") == []
    assert source_workspace.requests("POST", "/dbfs/*") == []


class Limited(NamedTuple):
    """A run under `ulimit`; its peak memory in kibibytes."""

    code: int
    memory: int
    log: str


def limited(
    source: Workspace, registry: Workspace, name: str, folder: Path, limits: str
) -> Limited:
    """Registers a model of 700 MiB under `ulimit`, with the variable that `entrypoint` sets."""
    assert "export MALLOC_ARENA_MAX=2\n" in (SOURCES.parent / "entrypoint").read_text()
    run_id = run_with_files(source, {"data/large": 700 * MIB})
    inputs = {
        "run-id": run_id,
        "model-name": name,
        "artifact-path": "model",
        **side_inputs("tracking", source),
        **side_inputs("registry", registry),
    }
    shell = f'ulimit {limits}; exec "$@"'
    command = ["bash", "-c", shell, "-", sys.executable, "-I", "-B", str(SOURCES), "register"]
    meter = (
        f"import resource, subprocess, sys\nended = subprocess.call({command!r})\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\nsys.exit(ended)"
    )
    done = subprocess.run(
        [sys.executable, "-c", meter],
        env=command_environment(folder, inputs, TMPDIR=str(folder), MALLOC_ARENA_MAX="2"),
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return Limited(done.returncode, int(done.stdout), done.stderr)


def test_memory_and_disk_do_not_grow_with_the_model(
    source_workspace: Workspace, registry_workspace: Workspace, name: str, tmp_path: Path
) -> None:
    """No file longer than 1 MiB can be written here, and there is room for few threads."""
    done = limited(source_workspace, registry_workspace, name, tmp_path, "-f 1024 -v 900000")
    assert done.code == 0, done.log
    assert done.memory <= 256 * 1024
    assert {path.name for path in tmp_path.iterdir()} <= {"output", "summary"}


@pytest.mark.parametrize("files", [{"data/large": 900 * MIB}, {"data/weights": 100 * MIB}])
def test_after_a_signal_no_more_bytes_move(
    source_workspace: Workspace,
    registry_workspace: Workspace,
    name: str,
    tmp_path: Path,
    files: dict[str, int],
) -> None:
    run_id = run_with_files(source_workspace, files)
    source_workspace.control.set(connection_bandwidth=4e6)
    source_workspace.control.clear_requests()
    inputs = {
        "run-id": run_id,
        "model-name": name,
        "artifact-path": "model",
        **side_inputs("tracking", source_workspace),
        **side_inputs("registry", registry_workspace),
    }
    process = subprocess.Popen(
        [sys.executable, "-I", "-B", str(SOURCES), "register"],
        env=command_environment(tmp_path, inputs),
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not source_workspace.requests("GET", "/signed/*/data/*"):
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    stopped = time.time()
    _, log = process.communicate(timeout=30)
    assert process.returncode == 130, log
    assert time.time() - stopped < 5
    moving = [
        one
        for one in registry_workspace.requests("P*", "*/data/*")
        if one["started"] + one["seconds"] > stopped + 1.5
    ]
    assert moving == []
    assert_nothing_left(registry_workspace)
    named = {"filter": f"name='{name}'"}
    models = call(registry_workspace, "GET", "mlflow/registered-models/search", params=named)
    assert models.json().get("registered_models", []) == []


def test_the_progress_of_a_long_copy_is_told(
    source_workspace: Workspace, registry_workspace: Workspace, name: str
) -> None:
    source_workspace.control.set(total_bandwidth_out=16e6)
    _, done = carried(source_workspace, registry_workspace, {"data/weights": 120 * MIB}, name)
    assert done.code == 0, done.log
    assert "MB/s" in done.log
    assert "s left" in done.log
    assert folder_of(registry_workspace, done.outputs["download-uri"]).is_dir()


def test_a_bar_is_drawn_on_a_terminal(
    source_workspace: Workspace, registry_workspace: Workspace, name: str, tmp_path: Path
) -> None:
    run_id = run_with_files(source_workspace, {"data/weights": 40 * MIB})
    source_workspace.control.set(total_bandwidth_out=16e6)
    inputs = {
        "run-id": run_id,
        "model-name": name,
        "artifact-path": "model",
        **side_inputs("tracking", source_workspace),
        **side_inputs("registry", registry_workspace),
    }
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 120, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-I", "-B", str(SOURCES), "register"],
        env=command_environment(tmp_path, inputs, GITHUB_ACTIONS=""),
        cwd=tmp_path,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    with suppress(OSError):  # how the end of a terminal is told
        while piece := os.read(ours, 4096):
            shown += piece
    assert process.wait() == 0, shown
    drawn = rb"copied: +\d+%\|.*?\| [\d.]+M/41\.9M \[.*MB/s, \d/2 files\]"
    assert re.search(drawn, shown), shown
    assert b"\x1b[1mCopy\x1b[0m" in shown
