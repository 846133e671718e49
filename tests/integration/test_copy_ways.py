"""Which way the bytes go, what is done where a way is closed, and that nothing is left of it."""

from __future__ import annotations

import shutil
import uuid
from typing import Any

import pytest
from big_models import MIB, digest_of, digests, folder_of, run_with_files
from clients import call
from command import Run, register, side_inputs
from exactly_once import assert_nothing_left
from workspace import Workspace

from remote_registry.ways import Way, ways

SMALL = {"data/weights": 3 * MIB, "requirements.txt": b"scikit-learn\n", "empty": b""}
LARGE = {**SMALL, "data/large": 130 * MIB + 5}
REFUSED = {"error_code": "PERMISSION_DENIED", "message": "Not here."}


@pytest.fixture
def name() -> str:
    return f"big-{uuid.uuid4().hex[:8]}"


def carried(
    source: Workspace, registry: Workspace, files: dict[str, Any], name: str, **inputs: str
) -> tuple[str, Run]:
    run_id = run_with_files(source, files)
    registry.control.clear_requests()
    given = {"run-id": run_id, "model-name": name, "artifact-path": "model", **inputs}
    sides = side_inputs("tracking", source), side_inputs("registry", registry)
    return run_id, register(given, *sides)


def source_folder(workspace: Workspace, run_id: str) -> Any:
    run = call(workspace, "GET", "mlflow/runs/get", params={"run_id": run_id}).json()["run"]
    return folder_of(workspace, run["info"]["artifact_uri"]) / "model"


def assert_carried(source: Workspace, registry: Workspace, run_id: str, done: Run) -> None:
    assert done.code == 0, done.log
    logged = source_folder(source, run_id)
    assert digests(folder_of(registry, done.outputs["download-uri"])) == digests(logged)
    assert done.outputs["digest"] == digest_of(logged)
    assert_nothing_left(registry)


def test_small_files_go_by_dbfs(
    source_workspace: Workspace, registry_workspace: Workspace, name: str
) -> None:
    run_id, done = carried(source_workspace, registry_workspace, SMALL, name)
    assert_carried(source_workspace, registry_workspace, run_id, done)
    assert len(registry_workspace.requests("POST", "/dbfs/*/model/*")) == 4
    assert Way.DBFS.value in done.summary


def test_a_large_file_goes_in_parts_to_a_staging_run(
    source_workspace: Workspace, registry_workspace: Workspace, name: str
) -> None:
    run_id, done = carried(source_workspace, registry_workspace, LARGE, name)
    assert_carried(source_workspace, registry_workspace, run_id, done)
    puts = registry_workspace.requests("PUT", "/signed/*/data/large")
    assert len(puts) == 17
    assert registry_workspace.requests("POST", "/dbfs/*") == []
    assert Way.RUN.value in done.summary
    assert {put["authorization"] for put in puts} == {False}


def test_without_dbfs_small_files_go_to_a_staging_run(
    source_workspace: Workspace, registry_workspace: Workspace, name: str
) -> None:
    registry_workspace.control.set(dbfs=False)
    run_id, done = carried(source_workspace, registry_workspace, SMALL, name)
    assert_carried(source_workspace, registry_workspace, run_id, done)
    assert Way.RUN.value in done.summary


def test_where_files_of_a_run_cannot_be_deleted_the_run_is(
    source_workspace: Workspace, registry_workspace: Workspace, name: str
) -> None:
    registry_workspace.control.set(dbfs=False, workspace_internal=False)
    _, done = carried(source_workspace, registry_workspace, SMALL, name)
    assert done.code == 0, done.log
    (deleted,) = registry_workspace.requests("POST", "*/runs/delete")
    assert deleted["status"] == 200
    assert len(registry_workspace.requests("POST", "*/experiments/delete")) == 1
    assert done.annotations("warning") == []
    for folder in registry_workspace.on_disk("/databricks/mlflow-tracking").iterdir():
        shutil.rmtree(folder)  # what is kept of it for a while is not of the next test's making


@pytest.mark.parametrize("path", ["*/experiments/create", "*/runs/create"])
def test_a_refused_staging_run_leaves_dbfs(
    source_workspace: Workspace, registry_workspace: Workspace, name: str, path: str
) -> None:
    registry_workspace.control.fault("reply", path=path, status=403, body=REFUSED)
    run_id, done = carried(source_workspace, registry_workspace, LARGE, name)
    assert_carried(source_workspace, registry_workspace, run_id, done)
    assert Way.DBFS.value in done.summary
    assert "not by a staging run, for" in done.log


def test_where_every_way_is_closed_nothing_is_left(
    source_workspace: Workspace, registry_workspace: Workspace, name: str
) -> None:
    registry_workspace.control.set(dbfs=False)
    registry_workspace.control.fault("reply", path="*/runs/create", status=403, body=REFUSED)
    _, done = carried(source_workspace, registry_workspace, SMALL, name)
    assert done.code == 5
    (error,) = done.annotations()
    assert "staging run is refused: Not here." in error
    assert_nothing_left(registry_workspace)


def test_a_multipart_upload_that_is_refused_costs_no_more_than_time(
    source_workspace: Workspace, registry_workspace: Workspace, name: str
) -> None:
    path = "*/create-multipart-upload"
    body = {"error_code": "FEATURE_DISABLED", "message": "No parts here."}
    registry_workspace.control.fault("reply", path=path, status=501, body=body, times=0)
    run_id, done = carried(source_workspace, registry_workspace, LARGE, name)
    assert_carried(source_workspace, registry_workspace, run_id, done)
    assert len(registry_workspace.requests("PUT", "/signed/*/data/large")) == 1


def test_where_the_storage_refuses_us_the_files_api_is_read(
    source_workspace: Workspace, registry_workspace: Workspace, name: str
) -> None:
    source_workspace.control.fault("reply", method="GET", path="/signed/*", status=403, times=0)
    run_id, done = carried(source_workspace, registry_workspace, LARGE, name)
    assert_carried(source_workspace, registry_workspace, run_id, done)
    assert source_workspace.requests("GET", "/api/2.0/fs/files/*/data/large")


def test_the_way_is_chosen_by_size_and_by_what_is_open() -> None:
    def chosen(
        *sizes: int, native: bool = False, databricks: bool = True, dbfs: bool = True
    ) -> tuple[Way, ...]:
        return ways(sizes, native=native, on_databricks=databricks, dbfs_is_on=dbfs)

    assert chosen(1, 128 * MIB - 1) == (Way.DBFS, Way.RUN)
    assert chosen(1, 128 * MIB) == (Way.RUN, Way.DBFS)
    assert chosen(1, dbfs=False) == (Way.RUN,)
    assert chosen(1 << 40, databricks=False) == (Way.STORE,)
    assert chosen(1, native=True) == chosen(1, native=True, databricks=False) == (Way.IN_PLACE,)
