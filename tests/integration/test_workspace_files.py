"""The stand-in workspace: the Files API and signed URLs."""

from __future__ import annotations

import io
import uuid
from pathlib import Path

import pytest
import requests
from clients import call, sdk
from databricks.sdk.errors import AlreadyExists, DatabricksError, NotFound
from workspace import Workspace

MEGABYTE = 1 << 20


@pytest.fixture
def folder() -> str:
    return f"/Volumes/main/default/tests/{uuid.uuid4().hex}"


def signed_url(workspace: Workspace, path: str) -> str:
    answer = call(workspace, "POST", "fs/create-download-url", params={"path": path})
    return answer.json()["url"]


def kept_aside(workspace: Workspace) -> set[Path]:
    """What of unfinished uploads lies on the disk."""
    return set((workspace.folder / "incoming").iterdir())


def upload(workspace: Workspace, path: str, content: bytes) -> None:
    answer = call(workspace, "PUT", f"fs/files{path}?overwrite=true", data=content)
    assert answer.status_code == 204


def test_the_sdk_uploads_lists_downloads_and_deletes(
    source_workspace: Workspace, folder: str
) -> None:
    client = sdk(source_workspace)
    content = b"some bytes" * 1000
    client.files.upload(f"{folder}/in/a file", io.BytesIO(content))
    (directory,) = client.files.list_directory_contents(folder)
    assert (directory.path, directory.is_directory) == (f"{folder}/in", True)
    (file,) = client.files.list_directory_contents(f"{folder}/in")
    assert (file.path, file.file_size) == (f"{folder}/in/a file", len(content))
    assert client.files.get_metadata(file.path).content_length == len(content)
    assert client.files.download(file.path).contents.read() == content
    client.files.delete(file.path)
    client.files.delete_directory(f"{folder}/in")
    with pytest.raises(NotFound):
        client.files.get_metadata(file.path)


def test_nothing_is_overwritten_or_removed_unasked(
    source_workspace: Workspace, folder: str
) -> None:
    client = sdk(source_workspace)
    client.files.upload(f"{folder}/file", io.BytesIO(b"1"))
    with pytest.raises(AlreadyExists):
        client.files.upload(f"{folder}/file", io.BytesIO(b"2"), overwrite=False)
    client.files.upload(f"{folder}/file", io.BytesIO(b"3"), overwrite=True)
    assert client.files.download(f"{folder}/file").contents.read() == b"3"
    with pytest.raises(DatabricksError, match="not empty"):
        client.files.delete_directory(folder)
    with pytest.raises(NotFound):
        client.files.get_directory_metadata(f"{folder}/file")


def test_the_sdk_uploads_in_parts(source_workspace: Workspace, folder: str) -> None:
    kept = kept_aside(source_workspace)
    client = sdk(source_workspace, files_ext_multipart_upload_min_stream_size=MEGABYTE)
    content = bytes(range(256)) * (5 * MEGABYTE // 512)
    client.files.upload(f"{folder}/file", io.BytesIO(content), part_size=MEGABYTE)
    parts = source_workspace.requests("PUT", "/signed/*", origin="storage")
    assert sorted(part["bytes_in"] for part in parts) == [MEGABYTE // 2, MEGABYTE, MEGABYTE]
    assert not any(part["authorization"] for part in parts)
    assert client.files.download(f"{folder}/file").contents.read() == content
    assert kept_aside(source_workspace) == kept


def test_an_upload_in_parts_can_be_given_up(source_workspace: Workspace, folder: str) -> None:
    kept = kept_aside(source_workspace)
    path = f"{folder}/file"
    started = call(source_workspace, "POST", f"fs/files{path}?action=initiate-upload")
    token = started.json()["multipart_upload"]["session_token"]
    body = {"path": path, "session_token": token, "start_part_number": 1, "count": 1}
    (part,) = call(source_workspace, "POST", "fs/create-upload-part-urls", json=body).json()[
        "upload_part_urls"
    ]
    requests.put(part["url"], data=b"part", timeout=30)
    abort = call(source_workspace, "POST", "fs/create-abort-upload-url", json=body).json()
    assert requests.delete(abort["abort_upload_url"]["url"], timeout=30).ok
    completed = call(
        source_workspace,
        "POST",
        f"fs/files{path}?action=complete-upload&upload_type=multipart&session_token={token}",
        json={"parts": [{"part_number": 1, "etag": "any"}]},
    )
    assert completed.status_code == 404
    assert kept_aside(source_workspace) == kept


def test_a_wrong_etag_completes_nothing(source_workspace: Workspace, folder: str) -> None:
    path = f"{folder}/file"
    started = call(source_workspace, "POST", f"fs/files{path}?action=initiate-upload")
    token = started.json()["multipart_upload"]["session_token"]
    completed = call(
        source_workspace,
        "POST",
        f"fs/files{path}?action=complete-upload&upload_type=multipart&session_token={token}",
        json={"parts": [{"part_number": 1, "etag": "made-up"}]},
    )
    assert completed.status_code == 400
    assert call(source_workspace, "HEAD", f"fs/files{path}").status_code == 404


def test_listings_come_in_pages(source_workspace: Workspace, folder: str) -> None:
    source_workspace.control.set(page_size=2)
    for number in range(5):
        upload(source_workspace, f"{folder}/{number}", b"")
    source_workspace.control.clear_requests()
    names = [one.name for one in sdk(source_workspace).files.list_directory_contents(folder)]
    assert names == ["0", "1", "2", "3", "4"]
    assert len(source_workspace.requests("GET", "*/fs/directories/*")) == 3


def test_a_signed_url_needs_no_token_and_no_workspace(
    source_workspace: Workspace, folder: str
) -> None:
    upload(source_workspace, f"{folder}/file", b"0123456789")
    url = signed_url(source_workspace, f"{folder}/file")
    assert url.startswith(source_workspace.storage)
    assert requests.get(url, timeout=30).content == b"0123456789"
    head = requests.head(url, timeout=30)
    assert (head.headers["Content-Length"], head.content) == ("10", b"")
    assert head.headers["ETag"]
    assert "X-Databricks-Org-Id" not in head.headers


@pytest.mark.parametrize(
    ("wanted", "answered"),
    [
        ("bytes=2-4", (206, b"234", "bytes 2-4/10")),
        ("bytes=7-", (206, b"789", "bytes 7-9/10")),
        ("bytes=-3", (206, b"789", "bytes 7-9/10")),
        ("bytes=8-99", (206, b"89", "bytes 8-9/10")),
        ("bytes=10-", (416, b"", "bytes */10")),
    ],
)
def test_parts_of_a_file(
    source_workspace: Workspace, folder: str, wanted: str, answered: tuple[int, bytes, str]
) -> None:
    upload(source_workspace, f"{folder}/file", b"0123456789")
    url = signed_url(source_workspace, f"{folder}/file")
    answer = requests.get(url, headers={"Range": wanted}, timeout=30)
    assert (answer.status_code, answer.content, answer.headers["Content-Range"]) == answered


def test_a_signed_url_expires(source_workspace: Workspace, folder: str) -> None:
    upload(source_workspace, f"{folder}/file", b"x")
    lasting = signed_url(source_workspace, f"{folder}/file")
    source_workspace.control.set(signed_url_seconds=0.0)
    answer = requests.get(signed_url(source_workspace, f"{folder}/file"), timeout=30)
    assert answer.status_code == 403
    assert b"Request has expired" in answer.content
    assert requests.get(lasting, timeout=30).status_code == 200


def test_a_signed_url_is_good_for_so_many_requests(
    source_workspace: Workspace, folder: str
) -> None:
    source_workspace.control.set(signed_url_requests=2)
    upload(source_workspace, f"{folder}/file", b"x")
    url = signed_url(source_workspace, f"{folder}/file")
    answers = [requests.get(url, timeout=30).status_code for _ in range(4)]
    assert answers == [200, 200, 403, 403]


def test_a_signed_url_is_good_for_one_thing(source_workspace: Workspace, folder: str) -> None:
    upload(source_workspace, f"{folder}/file", b"x")
    url = signed_url(source_workspace, f"{folder}/file")
    assert requests.put(url, data=b"y", timeout=30).status_code == 403
    assert requests.get(url, timeout=30).content == b"x"


def test_a_token_that_reaches_the_storage_is_seen(source_workspace: Workspace, folder: str) -> None:
    upload(source_workspace, f"{folder}/file", b"x")
    url = signed_url(source_workspace, f"{folder}/file")
    requests.get(url, headers={"Authorization": "Bearer leaked"}, timeout=30)
    (seen,) = source_workspace.requests(origin="storage")
    assert seen["authorization"] is True
    assert "leaked" not in str(seen)


def test_workspace_internal_can_be_off(source_workspace: Workspace) -> None:
    path = "fs/directories/WorkspaceInternal/Mlflow/Artifacts/1/Runs/r/artifacts"
    assert call(source_workspace, "HEAD", path).status_code == 404
    source_workspace.control.set(workspace_internal=False)
    assert call(source_workspace, "HEAD", path).status_code == 403
