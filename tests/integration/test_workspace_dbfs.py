"""The stand-in workspace: DBFS."""

from __future__ import annotations

import base64
import io
import uuid
from collections.abc import Iterator
from urllib.parse import quote

import pytest
import requests
from clients import call, sdk
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import DatabricksError, NotFound, PermissionDenied
from workspace import Workspace

MEGABYTE = 1 << 20
ODD_NAMES = [
    "a b",
    "a#b",
    "a?b",
    "a%20b",
    "a+b",
    "a'b\"c",
    "a\\b",
    "é composed",
    "e\u0301 decomposed",
    "模型",
    "-rf",
    "...",
]


@pytest.fixture
def client(source_workspace: Workspace) -> WorkspaceClient:
    return sdk(source_workspace)


@pytest.fixture
def folder(source_workspace: Workspace) -> Iterator[str]:
    path = f"/tests/{uuid.uuid4().hex}"
    yield path
    call(source_workspace, "POST", "dbfs/delete", json={"path": path, "recursive": True})


def test_the_sdk_uploads_lists_reads_and_deletes(client: WorkspaceClient, folder: str) -> None:
    content = bytes(range(256)) * 10_000
    client.dbfs.upload(f"{folder}/in/file", io.BytesIO(content))
    client.dbfs.mkdirs(f"{folder}/empty")
    found = {info.path: (info.is_dir, info.file_size) for info in client.dbfs.list(folder)}
    assert found == {f"{folder}/in": (True, 0), f"{folder}/empty": (True, 0)}
    assert [info.path for info in client.dbfs.list(folder, recursive=True)] == [f"{folder}/in/file"]
    assert client.dbfs.download(f"{folder}/in/file").read() == content
    client.dbfs.delete(folder, recursive=True)
    assert not client.dbfs.exists(folder)


def test_a_handle_keeps_the_file_from_sight_until_it_is_closed(
    client: WorkspaceClient, folder: str
) -> None:
    handle = client.dbfs.create(f"{folder}/file").handle
    client.dbfs.add_block(handle, base64.b64encode(b"block").decode())
    assert not client.dbfs.exists(f"{folder}/file")
    client.dbfs.close(handle)
    assert client.dbfs.get_status(f"{folder}/file").file_size == 5
    with pytest.raises(NotFound):
        client.dbfs.close(handle)


def test_limits(source_workspace: Workspace, client: WorkspaceClient, folder: str) -> None:
    too_much = base64.b64encode(b"x" * (MEGABYTE + 1)).decode()
    client.dbfs.put(f"{folder}/file", contents=base64.b64encode(b"x" * MEGABYTE).decode())
    for path, body in (
        ("dbfs/put", {"path": f"{folder}/other", "contents": too_much}),
        ("dbfs/add-block", {"handle": client.dbfs.create(f"{folder}/b").handle, "data": too_much}),
    ):
        answer = call(source_workspace, "POST", path, json=body)
        assert (answer.status_code, answer.json()["error_code"]) == (400, "MAX_BLOCK_SIZE_EXCEEDED")
    with pytest.raises(DatabricksError) as caught:
        client.dbfs.read(f"{folder}/file", length=MEGABYTE + 1)
    assert caught.value.error_code == "MAX_READ_SIZE_EXCEEDED"
    assert client.dbfs.read(f"{folder}/file").bytes_read == MEGABYTE // 2


def test_nothing_is_overwritten_or_removed_unasked(
    source_workspace: Workspace, client: WorkspaceClient, folder: str
) -> None:
    client.dbfs.put(f"{folder}/file", contents="")
    for refused in (
        lambda: client.dbfs.put(f"{folder}/file", contents=""),
        lambda: client.dbfs.create(f"{folder}/file"),
        lambda: client.dbfs.mkdirs(f"{folder}/file"),
    ):
        with pytest.raises(DatabricksError) as caught:
            refused()
        assert caught.value.error_code == "RESOURCE_ALREADY_EXISTS"
    answer = call(source_workspace, "POST", "dbfs/delete", json={"path": folder})
    assert (answer.status_code, answer.json()["error_code"]) == (400, "IO_ERROR")
    client.dbfs.put(f"{folder}/file", contents="QQ==", overwrite=True)
    assert client.dbfs.get_status(f"{folder}/file").file_size == 1


def test_move(client: WorkspaceClient, folder: str) -> None:
    client.dbfs.put(f"{folder}/from", contents="QQ==")
    client.dbfs.move_(f"{folder}/from", f"{folder}/deep/to")
    assert [info.path for info in client.dbfs.list(folder, recursive=True)] == [f"{folder}/deep/to"]


def test_raw_bytes_go_in_and_out(source_workspace: Workspace, folder: str) -> None:
    content = b"\0\xff" * 3_000_000
    assert call(source_workspace, "POST", f"/dbfs{folder}//file", data=content).status_code == 200
    assert call(source_workspace, "GET", f"/dbfs{folder}/file").content == content
    part = call(source_workspace, "GET", f"/dbfs{folder}/file", headers={"Range": "bytes=1-2"})
    assert (part.status_code, part.content) == (206, b"\xff\0")


def test_an_empty_chunked_body_is_an_empty_file(source_workspace: Workspace, folder: str) -> None:
    call(source_workspace, "POST", f"/dbfs{folder}/file", data=io.BytesIO(b""))
    listed = call(source_workspace, "GET", "dbfs/list", params={"path": folder}).json()
    assert listed["files"][0]["file_size"] == 0


def test_chunks_are_joined(source_workspace: Workspace, folder: str) -> None:
    chunks = (part for part in (b"one", b"", b"two" * 100_000))
    call(source_workspace, "POST", f"/dbfs{folder}/file", data=chunks)
    assert call(source_workspace, "GET", f"/dbfs{folder}/file").content == b"one" + b"two" * 100_000


def test_an_empty_folder_lists_without_the_key(source_workspace: Workspace, folder: str) -> None:
    call(source_workspace, "POST", "dbfs/mkdirs", json={"path": folder})
    assert call(source_workspace, "GET", "dbfs/list", params={"path": folder}).json() == {}


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_are_carried(
    source_workspace: Workspace, client: WorkspaceClient, folder: str, name: str
) -> None:
    sent = call(source_workspace, "POST", f"/dbfs{folder}/{quote(name)}/{quote(name)}", data=b"x")
    assert sent.status_code == 200
    (found,) = client.dbfs.list(folder, recursive=True)
    assert found.path == f"{folder}/{name}/{name}"
    assert source_workspace.files(folder) == {f"{name}/{name}"}


def test_forty_folders_deep(client: WorkspaceClient, folder: str) -> None:
    path = folder + "/deeper" * 40 + "/file"
    client.dbfs.put(path, contents="QQ==")
    assert [info.path for info in client.dbfs.list(folder, recursive=True)] == [path]


@pytest.mark.parametrize("path", ["/a/../../b", "/..", "a", "/a/./b", "/a/\0", "/" + "n" * 256])
def test_no_name_leads_out_of_the_folder(source_workspace: Workspace, path: str) -> None:
    for answer in (
        call(source_workspace, "POST", "dbfs/put", json={"path": path, "contents": "QQ=="}),
        call(source_workspace, "POST", "dbfs/delete", json={"path": path, "recursive": True}),
    ):
        assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert not (source_workspace.folder / "b").exists()


def test_encoded_dots_do_not_lead_out_either(source_workspace: Workspace) -> None:
    request = requests.Request("POST", source_workspace.host, data=b"x").prepare()
    request.url = f"{source_workspace.host}/dbfs/%2e%2e/%2e%2e/outside"
    request.headers["Authorization"] = f"Bearer {source_workspace.token}"
    assert requests.Session().send(request, timeout=30).status_code == 400


def test_dbfs_can_be_off(source_workspace: Workspace, client: WorkspaceClient) -> None:
    source_workspace.control.set(dbfs=False)
    for refused in (
        lambda: list(client.dbfs.list("/")),
        lambda: client.dbfs.create("/file"),
        lambda: client.dbfs.delete("/file"),
    ):
        with pytest.raises(PermissionDenied):
            refused()
    assert call(source_workspace, "POST", "/dbfs/file", data=b"x").status_code == 403
    source_workspace.reset()
    assert client.dbfs.exists("/")
