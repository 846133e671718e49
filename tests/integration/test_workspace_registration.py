"""The stand-in workspace: a version is made slowly, from a real copy of its source."""

from __future__ import annotations

import time

import pytest
import requests
from clients import call
from registering import FILES, MISSING_SOURCE, ended, make_model, make_version, staged, version_of
from workspace import Workspace

REGISTRY_ROOT = "/databricks/mlflow-registry"


@pytest.fixture
def name(registry_workspace: Workspace) -> str:
    return make_model(registry_workspace)


def remove(workspace: Workspace, folder: str) -> None:
    call(workspace, "POST", "dbfs/delete", json={"path": folder, "recursive": True})


def served(workspace: Workspace, name: str, version: str, folder: str = "") -> dict[str, bytes]:
    """Every file of a version, as the registry serves it."""
    where = {"name": name, "version": version}
    found = {}
    listed = call(
        workspace, "GET", "mlflow/model-versions/list-artifacts", params={**where, "path": folder}
    ).json()
    for file in listed["files"]:
        path = file["path"]
        if file["is_dir"]:
            found.update(served(workspace, name, version, path))
            continue
        signed = call(
            workspace,
            "GET",
            "mlflow/model-versions/get-signed-download-uri",
            params={**where, "path": path},
        ).json()
        found[path] = requests.get(signed["signed_uri"], timeout=30).content
        assert len(found[path]) == file["file_size"]
    return found


def test_a_version_is_pending_and_then_ready(registry_workspace: Workspace, name: str) -> None:
    registry_workspace.control.set(ready_after=0.5)
    made = make_version(registry_workspace, name, f"dbfs:{staged(registry_workspace)}")
    assert made["status"] == "PENDING_REGISTRATION"
    assert version_of(registry_workspace, name, "1")["status"] == "PENDING_REGISTRATION"
    assert ended(registry_workspace, name, "1")["status"] == "READY"
    assert served(registry_workspace, name, "1") == FILES


def test_the_registry_has_its_own_copy(registry_workspace: Workspace, name: str) -> None:
    source = staged(registry_workspace)
    make_version(registry_workspace, name, f"dbfs:{source}")
    ended(registry_workspace, name, "1")
    call(registry_workspace, "POST", f"/dbfs{source}/MLmodel", data=b"changed afterwards")
    remove(registry_workspace, source)
    assert served(registry_workspace, name, "1") == FILES
    where = {"name": name, "version": "1"}
    uri = call(
        registry_workspace, "GET", "mlflow/model-versions/get-download-uri", params=where
    ).json()["artifact_uri"]
    assert uri.startswith(f"dbfs:{REGISTRY_ROOT}/")


def test_a_missing_source_fails_late(registry_workspace: Workspace, name: str) -> None:
    assert make_version(registry_workspace, name, MISSING_SOURCE)["version"] == "1"
    failed = ended(registry_workspace, name, "1")
    assert failed["status"] == "FAILED_REGISTRATION"
    assert failed["status_message"] == (
        "Failed registration. The given source path does not exist."
    )


def test_a_source_that_is_removed_too_early_fails(registry_workspace: Workspace, name: str) -> None:
    registry_workspace.control.set(hold_ready=True)
    source = staged(registry_workspace)
    make_version(registry_workspace, name, f"dbfs:{source}")
    remove(registry_workspace, source)
    registry_workspace.control.set(hold_ready=False)
    assert ended(registry_workspace, name, "1")["status"] == "FAILED_REGISTRATION"


def test_ready_can_be_held_back(registry_workspace: Workspace, name: str) -> None:
    registry_workspace.control.set(hold_ready=True, ready_after=0)
    make_version(registry_workspace, name, f"dbfs:{staged(registry_workspace)}")
    time.sleep(0.3)
    assert version_of(registry_workspace, name, "1")["status"] == "PENDING_REGISTRATION"
    registry_workspace.control.set(hold_ready=False)
    assert ended(registry_workspace, name, "1")["status"] == "READY"


def test_a_registration_can_be_made_to_fail(registry_workspace: Workspace, name: str) -> None:
    registry_workspace.control.set(registration_error="The storage is full.")
    make_version(registry_workspace, name, f"dbfs:{staged(registry_workspace)}")
    failed = ended(registry_workspace, name, "1")
    assert (failed["status"], failed["status_message"]) == (
        "FAILED_REGISTRATION",
        "The storage is full.",
    )


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("drop", None),
        ("size", FILES["data/weights"] + b"\0"),
        ("bytes", bytes(byte ^ 1 for byte in FILES["data/weights"])),
    ],
)
def test_what_the_registry_keeps_can_be_damaged(
    registry_workspace: Workspace, name: str, how: str, expected: bytes | None
) -> None:
    registry_workspace.control.set(corrupt=[{"path": "data/*", "how": how}])
    source = staged(registry_workspace)
    make_version(registry_workspace, name, f"dbfs:{source}")
    assert ended(registry_workspace, name, "1")["status"] == "READY"
    found = served(registry_workspace, name, "1")
    assert found.get("data/weights") == expected
    assert found["MLmodel"] == FILES["MLmodel"]
    untouched = call(registry_workspace, "GET", f"/dbfs{source}/data/weights").content
    assert untouched == FILES["data/weights"]


@pytest.mark.parametrize(
    ("status", "code"), [(400, "RESOURCE_LIMIT_EXCEEDED"), (429, "REQUEST_LIMIT_EXCEEDED")]
)
def test_twenty_may_be_pending(
    registry_workspace: Workspace, name: str, status: int, code: str
) -> None:
    registry_workspace.control.set(hold_ready=True, pending_limit_status=status)
    body = {"name": name, "source": MISSING_SOURCE}
    for _ in range(20):
        make_version(registry_workspace, name, MISSING_SOURCE)
    answer = call(registry_workspace, "POST", "mlflow/model-versions/create", json=body)
    assert (answer.status_code, answer.json()["error_code"]) == (status, code)
    registry_workspace.control.set(hold_ready=False)
    ended(registry_workspace, name, "20")
    assert make_version(registry_workspace, name, MISSING_SOURCE)["version"] == "21"
    ended(registry_workspace, name, "21")


def test_a_pending_version_that_is_deleted_never_becomes_ready(
    registry_workspace: Workspace, name: str
) -> None:
    before = registry_workspace.files(REGISTRY_ROOT)
    registry_workspace.control.set(hold_ready=True, ready_after=0)
    make_version(registry_workspace, name, f"dbfs:{staged(registry_workspace)}")
    where = {"name": name, "version": "1"}
    deleted = call(registry_workspace, "DELETE", "mlflow/model-versions/delete", json=where)
    assert deleted.status_code == 200
    registry_workspace.control.set(hold_ready=False)
    time.sleep(0.3)
    gone = call(registry_workspace, "GET", "mlflow/model-versions/get", params=where)
    assert (gone.status_code, gone.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")
    assert registry_workspace.files(REGISTRY_ROOT) == before


@pytest.mark.parametrize("what", ["model-versions", "registered-models"])
def test_files_go_with_what_is_deleted(registry_workspace: Workspace, name: str, what: str) -> None:
    before = registry_workspace.files(REGISTRY_ROOT)
    make_version(registry_workspace, name, f"dbfs:{staged(registry_workspace)}")
    ended(registry_workspace, name, "1")
    assert len(registry_workspace.files(REGISTRY_ROOT)) == len(before) + len(FILES)
    where = {"name": name, "version": "1"}
    call(registry_workspace, "DELETE", f"mlflow/{what}/delete", params=where)
    assert registry_workspace.files(REGISTRY_ROOT) == before


def test_search_can_lag_behind(registry_workspace: Workspace, name: str) -> None:
    registry_workspace.control.set(search_lag=1.0)
    make_version(registry_workspace, name, MISSING_SOURCE)
    query = {"filter": f"name='{name}'"}

    def found() -> list[str]:
        answer = call(registry_workspace, "GET", "mlflow/model-versions/search", params=query)
        return [version["version"] for version in answer.json()["model_versions"]]

    assert found() == []
    assert version_of(registry_workspace, name, "1")["version"] == "1"
    time.sleep(1.1)
    assert found() == ["1"]


def test_the_files_of_a_version_are_listed_in_pages(
    registry_workspace: Workspace, name: str
) -> None:
    registry_workspace.control.set(page_size=1)
    make_version(registry_workspace, name, f"dbfs:{staged(registry_workspace)}")
    ended(registry_workspace, name, "1")
    where = {"name": name, "version": "1", "page_token": ""}
    paths = []
    while True:
        page = call(
            registry_workspace, "GET", "mlflow/model-versions/list-artifacts", params=where
        ).json()
        (file,) = page["files"]
        paths.append(file["path"])
        if "next_page_token" not in page:
            break
        where["page_token"] = page["next_page_token"]
    assert paths == ["MLmodel", "data"]
