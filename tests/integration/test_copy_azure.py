"""Staging runs whose files lie in Azure's storage: as blobs, and as files of a data lake."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from big_models import MIB
from command import Run
from exactly_once import assert_nothing_left
from integration.test_copy_ways import assert_carried, carried
from workspace import Workspace

from remote_registry.files import azure_uploads
from remote_registry.ways import Way

BLOB, LAKE = "AZURE_SAS_URI", "AZURE_ADLS_GEN2_SAS_URI"
PARTS = {BLOB: ("PUT", "comp=block&"), LAKE: ("PATCH", "action=append&")}
END = {BLOB: ("PUT", "comp=blocklist"), LAKE: ("PATCH", "action=flush&")}
SMALL = {"data/weights": 19 * MIB + 7, "data/a b#1?.bin": 3 * MIB, "empty": b""}
LARGE = {**SMALL, "data/large": 150 * MIB + 5}
LARGE_PATH = "/signed/*/data/large"


@pytest.fixture
def name() -> str:
    return f"azure-{uuid.uuid4().hex[:8]}"


@pytest.fixture(params=[BLOB, LAKE])
def kind(request: pytest.FixtureRequest, registry_workspace: Workspace) -> str:
    registry_workspace.control.set(signed_url_type=request.param, dbfs=False)
    return request.param


def sent(
    registry: Workspace, which: tuple[str, str], path: str = "/signed/*"
) -> list[dict[str, Any]]:
    method, query = which
    return [one for one in registry.requests(method, path) if query in one["query"]]


def assert_by_run(source: Workspace, registry: Workspace, run_id: str, done: Run) -> None:
    assert_carried(source, registry, run_id, done)
    assert Way.RUN.value in done.summary
    assert not any("sig=" in text for text in (done.log, done.summary, done.stdout))


def test_small_files_and_an_empty_one(
    source_workspace: Workspace, registry_workspace: Workspace, name: str, kind: str
) -> None:
    run_id, done = carried(source_workspace, registry_workspace, SMALL, name)
    assert_by_run(source_workspace, registry_workspace, run_id, done)
    appended = sent(registry_workspace, PARTS[kind])
    assert len(appended) == (0 if kind == BLOB else 5)
    assert max((one["bytes_in"] for one in appended), default=0) <= 8 * MIB


def test_a_large_file_goes_in_parts(
    source_workspace: Workspace, registry_workspace: Workspace, name: str, kind: str
) -> None:
    run_id, done = carried(source_workspace, registry_workspace, LARGE, name)
    assert_by_run(source_workspace, registry_workspace, run_id, done)
    parts = sent(registry_workspace, PARTS[kind], LARGE_PATH)
    assert len(parts) == 19
    assert len(sent(registry_workspace, END[kind], LARGE_PATH)) == 1
    assert {part["authorization"] for part in parts} == {False}
    assert registry_workspace.requests("POST", "*/create-multipart-upload") == []


def test_a_break_costs_one_part(
    source_workspace: Workspace, registry_workspace: Workspace, name: str, kind: str
) -> None:
    method, _ = PARTS[kind]
    registry_workspace.control.fault("reset-request", method=method, path=LARGE_PATH, skip=6)
    run_id, done = carried(source_workspace, registry_workspace, LARGE, name)
    assert_by_run(source_workspace, registry_workspace, run_id, done)
    parts = sent(registry_workspace, PARTS[kind], LARGE_PATH)
    assert [part["status"] for part in parts].count(None) == 1
    assert len(parts) == 20


def test_a_break_in_a_small_file_begins_it_anew(
    source_workspace: Workspace, registry_workspace: Workspace, name: str, kind: str
) -> None:
    method, path = PARTS[kind][0], "/signed/*/data/weights"
    skipped = 0 if kind == BLOB else 1
    registry_workspace.control.fault("reset-request", method=method, path=path, skip=skipped)
    run_id, done = carried(source_workspace, registry_workspace, SMALL, name)
    assert_by_run(source_workspace, registry_workspace, run_id, done)
    assert len(registry_workspace.requests("PUT", path)) == 2


def test_a_lost_reply_to_the_last_call(
    source_workspace: Workspace, registry_workspace: Workspace, name: str, kind: str
) -> None:
    method, _ = END[kind]
    registry_workspace.control.fault("lost-reply", method=method, path=LARGE_PATH, skip=19)
    run_id, done = carried(source_workspace, registry_workspace, LARGE, name)
    assert_by_run(source_workspace, registry_workspace, run_id, done)
    assert len(sent(registry_workspace, END[kind], LARGE_PATH)) == 2


def test_urls_that_expire_are_renewed(
    source_workspace: Workspace, registry_workspace: Workspace, name: str, kind: str
) -> None:
    registry_workspace.control.set(signed_url_requests=7)
    run_id, done = carried(source_workspace, registry_workspace, LARGE, name)
    assert_by_run(source_workspace, registry_workspace, run_id, done)
    parts = sent(registry_workspace, PARTS[kind], LARGE_PATH)
    assert [part["status"] for part in parts].count(403) >= 1
    assert len(registry_workspace.requests("POST", "*/credentials-for-write")) >= 2


def test_a_failure_leaves_nothing(
    source_workspace: Workspace, registry_workspace: Workspace, name: str, kind: str
) -> None:
    before = registry_workspace.files("/databricks/mlflow-tracking")
    method, _ = PARTS[kind]
    fault = {"method": method, "path": LARGE_PATH, "skip": 6, "times": 0, "status": 404}
    registry_workspace.control.fault("reply", **fault)
    _, done = carried(source_workspace, registry_workspace, LARGE, name)
    assert done.code == 5, done.log
    (error,) = done.annotations()
    assert "A signed URL of 127.0.0.1 answered 404." in error
    assert "sig=" not in done.log
    assert_nothing_left(registry_workspace)
    assert registry_workspace.files("/databricks/mlflow-tracking") == before


def test_a_kind_of_storage_that_we_do_not_know_is_told(
    source_workspace: Workspace, registry_workspace: Workspace, name: str
) -> None:
    registry_workspace.control.set(signed_url_type="PIGEON", dbfs=False)
    _, done = carried(source_workspace, registry_workspace, SMALL, name)
    assert done.code == 5
    assert "its storage wants uploads of the kind PIGEON" in done.log
    assert_nothing_left(registry_workspace)


def test_the_headers_are_those_that_mlflow_sends_along() -> None:
    from mlflow.azure import client

    names = {
        name
        for text in (azure_uploads._BLOCK, azure_uploads._BLOCK_LIST, azure_uploads._CREATE)
        for name in f"{text} {azure_uploads._APPEND}".split()
    }
    offered = {"headers": [{"name": name, "value": "1"} for name in (*names, "x-ms-blob-type")]}
    for ours, theirs in (
        (azure_uploads._BLOCK, client._is_valid_put_block_header),
        (azure_uploads._BLOCK_LIST, client._is_valid_put_block_list_header),
        (azure_uploads._CREATE, client._is_valid_adls_put_header),
        (azure_uploads._APPEND, client._is_valid_adls_patch_header),
    ):
        kept = {name for name in names | {"x-ms-blob-type"} if theirs(name)}
        assert azure_uploads._taken(offered, ours).keys() == kept
