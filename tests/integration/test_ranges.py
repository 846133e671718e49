"""Servers that answer a range with something else: what was asked for arrives, or nothing does."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable

import pytest
from tiny_server import Reply, Request, TinyServer

from remote_registry.files.copy import copy
from remote_registry.files.pace import Limits
from remote_registry.files.parts import LARGE, PART
from remote_registry.files.protocols import File
from remote_registry.files.proxy import ProxyFolder
from remote_registry.inputs.sides import MlflowServer
from remote_registry.rest import SOURCE, Rest

SMALL = b"".join(number.to_bytes(8, "big") for number in range(1 << 18))
BYTES = SMALL * (LARGE // len(SMALL)) + b"its end"
NOT_FOUND = Reply.of({"error_code": "NOT_FOUND"}, 404)
Answer = Callable[[Request], Reply]


def part_of(data: bytes, request: Request) -> Reply:
    """What a good server answers."""
    asked = request.headers.get("Range", "")
    if not asked:
        return Reply(body=data)
    first, last = asked.removeprefix("bytes=").split("-")
    start, end = int(first), int(last) + 1 if last else len(data)
    served = {"Content-Range": f"bytes {start}-{end - 1}/{len(data)}"}
    return Reply(206, data[start:end], served)


def assert_read(tiny: TinyServer, data: bytes, answer: Answer) -> None:
    tiny.next_reply = answer  # type: ignore[method-assign]
    reader = ProxyFolder(Rest(MlflowServer(tiny.url), SOURCE, 2.0), "model")
    file = File("weights", len(data))
    manifest = copy(reader, None, [file], lambda _bytes, _files: None, Limits(8, 2.0))
    assert manifest.entries == ((hashlib.sha256(data).hexdigest(), file),)


def is_presigned(request: Request) -> bool:
    return "/presigned/" in request.path


def test_a_proxy_that_ignores_ranges_before_a_store_that_signs_nothing(tiny: TinyServer) -> None:
    assert_read(tiny, BYTES, lambda one: NOT_FOUND if is_presigned(one) else Reply(body=BYTES))


def test_the_first_parts_find_out_together_that_ranges_are_ignored(tiny: TinyServer) -> None:
    together = threading.Barrier(4)

    def answer(request: Request) -> Reply:
        if is_presigned(request):
            return Reply(body=json.dumps({"url": f"{tiny.url}/store"}).encode())
        if request.path == "/store":
            return part_of(BYTES, request)
        together.wait(10)
        return Reply(body=BYTES)

    assert_read(tiny, BYTES, answer)


def test_a_part_that_is_not_the_one_asked_for_is_not_taken_for_it(tiny: TinyServer) -> None:
    def answer(request: Request) -> Reply:
        if is_presigned(request):
            return NOT_FOUND
        good = part_of(BYTES, request)
        if good.status == 200:
            return good
        served = {"Content-Range": f"bytes {PART}-{PART + len(good.body) - 1}/{len(BYTES)}"}
        return Reply(206, BYTES[PART : PART + len(good.body)], served)

    assert_read(tiny, BYTES, answer)


def test_a_rest_that_begins_elsewhere_is_not_taken_for_it(tiny: TinyServer) -> None:
    def answer(request: Request) -> Reply:
        if is_presigned(request):
            return NOT_FOUND
        good = part_of(SMALL, request)
        if good.status == 206:
            end = len(good.body)
            return Reply(206, SMALL[:end], {"Content-Range": f"bytes 0-{end - 1}/{len(SMALL)}"})
        began = len(asked) > 0
        asked.append(request)
        return Reply(body=SMALL, sent=None if began else 5 << 18)

    asked: list[Request] = []
    assert_read(tiny, SMALL, answer)
    assert len(asked) == 2


@pytest.mark.parametrize("size", [1, len(SMALL)])
def test_a_break_after_the_last_byte_costs_nothing(tiny: TinyServer, size: int) -> None:
    """It shows where the length is not told, and there is no range to go on with."""
    data = SMALL[:size]
    no_range = Reply(416, b"", {"Content-Range": f"bytes */{size}"})
    chunk = b"%x\r\n%s\r\n" % (size, data)
    # The end of the chunks is missing.
    broken = Reply(200, chunk, {"Transfer-Encoding": "chunked"}, sent=len(chunk))
    assert_read(tiny, data, lambda one: no_range if "Range" in one.headers else broken)


def test_a_store_that_only_its_server_reaches_is_read_by_the_proxy(tiny: TinyServer) -> None:
    """As with a MinIO beside the server, whose signed URLs name a host of its own network."""
    signed = Reply(body=json.dumps({"url": "http://127.0.0.1:1/store"}).encode())
    assert_read(tiny, BYTES, lambda one: signed if is_presigned(one) else Reply(body=BYTES))


def test_a_store_that_only_its_server_reaches_is_written_by_the_proxy(tiny: TinyServer) -> None:
    part = {"url": "http://127.0.0.1:1/store", "part_number": 1, "headers": {}}
    begun = Reply(body=json.dumps({"upload_id": "7", "credentials": [part]}).encode())
    tiny.next_reply = lambda one: begun if "/mpu/create/" in one.path else log(one)  # type: ignore[method-assign]
    asked: list[Request] = []

    def log(request: Request) -> Reply:
        asked.append(request)
        return Reply()

    folder = ProxyFolder(Rest(MlflowServer(tiny.url), SOURCE, 2.0), "model")
    assert folder.upload(File("weights", LARGE), 1) is None
    assert ["/mpu/abort/" in one.path for one in asked] == [True]


def test_a_lost_reply_about_the_whole_of_the_parts_is_not_asked_for_again(
    tiny: TinyServer,
) -> None:
    """The server would answer 500 from then on, for the store knows the upload no more."""
    part = {"url": f"{tiny.url}/store", "part_number": 1, "headers": {}}
    entry = {"path": "weights", "is_dir": False, "file_size": LARGE}
    completing = [Reply(drop="close"), Reply(status=500)]

    def answer(request: Request) -> Reply:
        if "/mpu/create/" in request.path:
            return Reply.of({"upload_id": "7", "credentials": [part]})
        if "/mpu/complete/" in request.path:
            return completing.pop(0)
        return Reply.of({"files": [entry]})

    tiny.next_reply = answer  # type: ignore[method-assign]
    folder = ProxyFolder(Rest(MlflowServer(tiny.url), SOURCE, 2.0), "model")
    upload = folder.upload(File("weights", LARGE), 1)
    assert upload
    upload.complete()
    assert len(completing) == 1
