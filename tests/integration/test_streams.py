"""Replies to reads and writes of files that are odd, or lie."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

import pytest
from tiny_server import Reply, TinyServer

from remote_registry.errors import Failure, RegistryFailed
from remote_registry.files.copy import copy
from remote_registry.files.pace import Limits
from remote_registry.files.protocols import File, Reader
from remote_registry.files.proxy import ProxyFolder
from remote_registry.files.streams import SignedUrls
from remote_registry.inputs.sides import Databricks, Secret
from remote_registry.rest import SOURCE, Rest

FILE = File("weights", 20)
CONTENT = b"0123456789abcdefghij"
API = "/api/2.0/mlflow-artifacts"
PRESIGNED = f"{API}/presigned/1/m/weights"
PROXIED = f"{API}/artifacts/1/m/weights"


@pytest.fixture
def rest(tiny: TinyServer) -> Rest:
    rest = Rest(Databricks(tiny.url, Secret("dapi-1"), "55"), SOURCE, seconds=1.5)
    rest.known_good = True
    return rest


@pytest.fixture
def folder(rest: Rest) -> ProxyFolder:
    return ProxyFolder(rest, "1/m")


class Signed:
    """A file behind a signed URL."""

    def __init__(self, rest: Rest) -> None:
        self._urls = SignedUrls(rest)
        self._url = f"{rest.url}/signed?secret"

    def files(self) -> list[File]:
        return [FILE]

    def open(
        self, file: File, start: int = 0, end: int | None = None
    ) -> AbstractContextManager[Iterator[bytes]]:
        return self._urls.open(self._url, {"Range": f"bytes={start}-"} if start else {}, file)


def read(reader: Reader, file: File = FILE) -> str:
    return copy(reader, None, [file], lambda *_: None, Limits(1, 1.5)).entries[0][0]


@pytest.mark.parametrize("kind", [Signed, lambda rest: ProxyFolder(rest, "1/m")])
def test_a_part_from_another_place_is_not_taken_for_the_rest(
    tiny: TinyServer, rest: Rest, kind: type[Signed]
) -> None:
    whole = Reply(body=CONTENT)
    tiny.pages[PRESIGNED] = Reply.of({"error_code": "NOT_IMPLEMENTED"}, 501)
    lie = Reply(206, CONTENT[:10], {"Content-Range": "bytes 0-9/20"})
    tiny.replies = [whole]
    expected = read(kind(rest))
    tiny.replies = [Reply(body=CONTENT, sent=10), lie, whole]
    assert read(kind(rest)) == expected
    assert "bytes=10-" in [request.headers.get("Range") for request in tiny.requests]


@pytest.mark.parametrize("kind", [Signed, lambda rest: ProxyFolder(rest, "1/m")])
def test_a_file_that_ends_before_the_part_has_changed(
    tiny: TinyServer, rest: Rest, kind: type[Signed]
) -> None:
    ends = Reply(416, b"", {"Content-Range": "bytes */5"})
    tiny.replies = [Reply(body=CONTENT, sent=10), ends]
    with pytest.raises(RegistryFailed, match="changed while it was read"):
        read(kind(rest))


def test_a_proxy_that_ignores_ranges_is_passed_by_whoever_asked_it(
    tiny: TinyServer, folder: ProxyFolder, rest: Rest
) -> None:
    """Several ask before the first learns it; each of them has the store's URL to go to."""
    tiny.pages[PRESIGNED] = Reply.of({"url": f"{rest.url}/signed"})
    tiny.pages["/signed"] = Reply(206, CONTENT[10:], {"Content-Range": "bytes 10-19/20"})
    tiny.replies = [Reply(body=CONTENT)]
    with ThreadPoolExecutor(4) as readers:
        tiny.silence.clear()  # until all have asked
        opened = [readers.submit(_part, folder, 10) for _ in range(4)]
        while len(tiny.requests) < 4:
            time.sleep(0.01)
        tiny.silence.set()
        assert [one.result() for one in opened] == [CONTENT[10:]] * 4


def _part(folder: ProxyFolder, start: int) -> bytes:
    with folder.open(FILE, start, FILE.size) as chunks:
        return b"".join(chunks)


@pytest.mark.parametrize("name", ["a%20b", "a#b"])
def test_a_name_that_the_proxy_would_take_for_another_is_not_read(
    tiny: TinyServer, folder: ProxyFolder, name: str
) -> None:
    entries = [{"path": one, "file_size": 20, "is_dir": False} for one in ("a b", name)]
    tiny.replies = [Reply.of({"files": entries})]
    with pytest.raises(Failure, match=f"'{name}' holds"):
        folder.files()


def begun(tiny: TinyServer, numbers: list[int]) -> None:
    parts = [{"url": f"{tiny.url}/part", "part_number": number} for number in numbers]
    tiny.pages[f"{API}/mpu/create/1/m"] = Reply.of({"upload_id": "u", "credentials": parts})


@pytest.mark.parametrize(("size", "is_there"), [(20, True), (19, False)])
def test_a_lost_reply_about_a_proxied_upload(
    tiny: TinyServer, folder: ProxyFolder, size: int, is_there: bool
) -> None:
    """The store knows no more of an upload that is complete."""
    begun(tiny, [1])
    upload = folder.upload(FILE, 1)
    assert upload
    entry = {"path": "weights", "file_size": size, "is_dir": False}
    tiny.pages[f"{API}/artifacts"] = Reply.of({"files": [entry]})
    refusal = {"error_code": "INTERNAL_ERROR", "message": "NoSuchUpload"}
    tiny.replies = [Reply(drop="close"), Reply.of(refusal, 500)]
    if is_there:
        upload.complete()
    else:
        with pytest.raises(Failure, match="NoSuchUpload"):
            upload.complete()


def test_a_part_without_a_url_is_the_servers_failure(tiny: TinyServer, folder: ProxyFolder) -> None:
    begun(tiny, [1])
    with pytest.raises(Failure, match="no signed URL for part 2 of 'weights'"):
        folder.upload(FILE, 2)
