"""One folder of an object store: on moto and azurite, and on a store that fails."""

from __future__ import annotations

import hashlib
import os
import re
import threading
import time
import unicodedata
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from stores import S3, Azure

from remote_registry.errors import Failure, RegistryFailed, SignInRefused
from remote_registry.files.protocols import File, RangeIgnored
from remote_registry.files.stores import StoreFolder, served_folder
from remote_registry.inputs import sides
from remote_registry.inputs.stores import store_settings
from remote_registry.rest import REGISTRY, Rest
from remote_registry.retry import Transient

MIB = 1 << 20
ODD_NAMES = [
    "a b", " a", "b ", "a#b", "a?b", "a%20b", "a%2Fb", "a%b", "a%", "a+b", "a&b=c", "a'b\"c", "a:b",
    "a;b", "a*b", "<a>", "[a]{b}", "a^`|~b", "@a", "$a", "a,b", "...a", "日本", "😀", ".hidden",
    unicodedata.normalize("NFC", "é"), unicodedata.normalize("NFD", "é"),
    "/".join(["deep"] * 40), "data/a b/c#d",
]  # fmt: skip
ONLY_ON_S3 = ["a\\b", "dot.", "dot./a"]


@pytest.fixture(autouse=True)
def _nothing_of_this_machines_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("AWS_", "AZURE_", "GOOGLE_")):
            monkeypatch.delenv(name)


def folder_at(
    uri: str, variables: dict[str, str], seconds: float = 0.0, below: str = ""
) -> StoreFolder:
    server = sides.MlflowServer("http://127.0.0.1:1", stores=store_settings(variables, "REGISTRY_"))
    folder = served_folder(Rest(server, REGISTRY, seconds), uri, below)
    assert isinstance(folder, StoreFolder)
    return folder


@pytest.fixture(params=["s3", "azure"])
def folder(request: pytest.FixtureRequest) -> StoreFolder:
    """A folder of its own, whose name is odd as well."""
    name, below = f"1/{request.node.name} 50%", "é#model?a=%20"
    if request.param == "s3":
        store: S3 = request.getfixturevalue("s3")
        return folder_at(f"s3://{store.bucket}/{name}", store.variables, below=below)
    container: Azure = request.getfixturevalue("azure")
    return folder_at(f"{container.uri}/{name}", container.variables, below=below)


class Body:
    """Bytes on their way, a chunk at a time; `before` is called ahead of each."""

    def __init__(self, size: int, before: Callable[[int], None] = lambda at: None) -> None:
        self._size, self._before = size, before
        self.sha256 = hashlib.sha256()

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        for at in range(0, self._size, MIB):
            self._before(at)
            chunk = at.to_bytes(8, "big") * (min(MIB, self._size - at) // 8)
            chunk += b"." * (min(MIB, self._size - at) - len(chunk))
            self.sha256.update(chunk)
            yield chunk


def read(folder: StoreFolder, file: File, *part: int) -> bytes:
    with folder.open(file, *part) as chunks:
        return b"".join(chunks)


def test_odd_names_come_back_as_they_are(folder: StoreFolder) -> None:
    on_azure = folder.problem(File("a\\b", 1)) != ""
    names = ODD_NAMES + ([] if on_azure else ONLY_ON_S3)
    files = [File(name, len(name)) for name in names]
    assert [folder.problem(file) for file in files] == [""] * len(files)
    for file in files:
        folder.write(file, Body(file.size))
    assert folder.files() == sorted(files)
    for file in files:
        assert read(folder, file) == b"".join(Body(file.size)), file
    folder.delete()
    assert folder.files() == []


def test_what_azure_can_not_carry_is_said_before(azure: Azure) -> None:
    folder = folder_at(f"{azure.uri}/1/names", azure.variables)
    for name in ONLY_ON_S3:
        assert "Azure" in folder.problem(File(name, 1))


def test_a_name_that_is_too_long_is_said_before(folder: StoreFolder) -> None:
    assert folder.problem(File("a" * 900, 1)) == ""
    assert "1024" in folder.problem(File("a" * 1010, 1))


@pytest.mark.parametrize("size", [0, 1, 5 * MIB, 5 * MIB + 1, 23 * MIB + 7])
def test_files_of_all_sizes_in_chunks_of_one_mebibyte_at_most(
    folder: StoreFolder, size: int
) -> None:
    file, body = File("weights", size), Body(size)
    folder.write(file, body)
    with folder.open(file) as chunks:
        found = list(chunks)
    assert max(map(len, found), default=0) <= MIB
    assert {type(chunk) for chunk in found} <= {bytes}
    assert hashlib.sha256(b"".join(found)).digest() == body.sha256.digest()
    assert folder.files() == [file]


def test_a_large_file_from_one_store_into_another(folder: StoreFolder, s3: S3) -> None:
    """`obstore` can't read where it is writing, so it must be two threads that call it."""
    file = File("weights", 17 * MIB + 5)
    folder.write(file, Body(file.size))

    class Copied:
        def __len__(self) -> int:
            return file.size

        def __iter__(self) -> Iterator[bytes]:
            with folder.open(file) as chunks:
                yield from chunks

    other = folder_at(f"s3://{s3.bucket}/1/copied", s3.variables)
    other.write(file, Copied())
    assert read(other, file) == read(folder, file) == b"".join(Body(file.size))


def test_a_store_that_fails_while_it_is_written_to_ends_the_reading(failing: FailingStore) -> None:
    failing.answer(403, "AccessDenied", "Access Denied")
    taken = 0

    def count(at: int) -> None:
        nonlocal taken
        taken += 1

    with pytest.raises(RegistryFailed, match="No permission to write"):
        at(failing).write(File("weights", 500 * MIB), Body(500 * MIB, count))
    assert taken < 500


def test_a_longer_chunk_is_cut(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the network gives at once is no matter of ours."""
    content = bytes(range(256)) * 13_000

    class Found:
        meta = {"e_tag": None, "size": len(content)}  # noqa: RUF012

        def stream(self, min_chunk_size: int) -> Iterator[bytes]:
            yield content

    monkeypatch.setattr("obstore.get", lambda *_, **__: Found())
    folder = folder_at(f"s3://{s3.bucket}/1/cut", s3.variables)
    with folder.open(File("weights", len(content))) as chunks:
        found = list(chunks)
    assert [len(chunk) for chunk in found[:-1]] == [MIB] * 3
    assert b"".join(found) == content


def test_a_part_of_a_file(folder: StoreFolder) -> None:
    file = File("ten", 10)
    folder.write(file, Body(10))
    whole = b"".join(Body(10))
    for part in [(0, 10), (2, 5), (4, 4), (9, 10), (3,)]:
        assert read(folder, file, *part) == whole[slice(*part) if len(part) == 2 else slice(3, 10)]
    assert folder.upload(file, 2) is None


@pytest.mark.parametrize("after", [b"9876543210", b"012345678", b"0123456789a"])
def test_a_file_that_changes_between_two_parts_is_found_out(
    folder: StoreFolder, after: bytes
) -> None:
    class Content:
        def __init__(self, content: bytes) -> None:
            self._content = content

        def __len__(self) -> int:
            return len(self._content)

        def __iter__(self) -> Iterator[bytes]:
            return iter([self._content])

    file = File("weights", 10)
    folder.write(file, Content(b"0123456789"))
    assert read(folder, file, 0, 5) == b"01234"
    folder.write(file, Content(after))
    with pytest.raises(RegistryFailed, match="changed while it was read"):
        read(folder, file, 5, 10)


def test_memory_is_bounded_whatever_the_size(s3: S3) -> None:
    """Moto keeps the file in this process: what it has got is taken off what was handed over."""
    folder = folder_at(f"s3://{s3.bucket}/1/memory", s3.variables)
    ahead = 0

    def measure(at: int) -> None:
        nonlocal ahead
        ahead = max(ahead, at - received)

    received = 0

    def received_so_far(size: int) -> None:
        nonlocal received
        received += size

    with counted_parts(received_so_far):
        folder.write(File("weights", 120 * MIB), Body(120 * MIB, measure))
    assert received == 120 * MIB
    assert 0 < ahead <= 16 * MIB


class counted_parts:  # noqa: N801 - it reads as the function that it is to a test
    """Calls back with the size of each part that moto has got."""

    def __init__(self, got: Callable[[int], None]) -> None:
        self._got = got

    def __enter__(self) -> None:
        from moto.s3.models import FakeMultipart

        self._original = original = FakeMultipart.set_part
        got = self._got

        def set_part(upload: FakeMultipart, number: int, value: bytes, **more: object) -> object:
            got(len(value))
            return original(upload, number, value, **more)

        FakeMultipart.set_part = set_part

    def __exit__(self, *_: object) -> None:
        from moto.s3.models import FakeMultipart

        FakeMultipart.set_part = self._original


def test_a_file_that_breaks_off_is_not_there_and_leaves_no_part(s3: S3) -> None:
    folder = folder_at(f"s3://{s3.bucket}/1/broken", s3.variables)

    def break_off(at: int) -> None:
        if at == 12 * MIB:
            raise RegistryFailed("it changed while it was read")

    with pytest.raises(RegistryFailed, match="changed"):
        folder.write(File("weights", 20 * MIB), Body(20 * MIB, break_off))
    assert folder.files() == []
    assert s3.unfinished() == []


def test_a_failure_of_the_source_stays_its_own(folder: StoreFolder) -> None:
    passing = Transient(RegistryFailed("the source is away"))

    def fail(at: int) -> None:
        raise passing

    for size in (10, 6 * MIB):
        with pytest.raises(Transient) as raised:
            folder.write(File("weights", size), Body(size, fail))
        assert raised.value is passing


def test_listings_are_paged_and_hold_no_neighbour(s3: S3) -> None:
    for key in ("1/paged-too/a", "1/page", "1/paged"):
        s3.client().put_object(Bucket=s3.bucket, Key=key, Body=b"1")
    folder = folder_at(f"s3://{s3.bucket}/1/paged/", s3.variables)
    names = [f"{number:04}" for number in range(1203)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: folder.write(File(name, 1), Body(1)), names))
    assert [file.path for file in folder.files()] == names
    folder.delete()
    assert [key for key in s3.names() if "/page" in key] == ["1/page", "1/paged", "1/paged-too/a"]


def test_the_mark_of_a_folder_is_no_file(s3: S3) -> None:
    for key in ("1/marks/data/", "1/marks/data/empty", "1/marks/MLmodel"):
        s3.client().put_object(Bucket=s3.bucket, Key=key, Body=b"")
    folder = folder_at(f"s3://{s3.bucket}/1/marks", s3.variables)
    assert [file.path for file in folder.files()] == ["MLmodel", "data/empty"]


@pytest.mark.parametrize("key", ["1/odd//a", "1/odd/../a", "1/odd/a\x01b"])
def test_a_key_that_is_no_path_is_told(s3: S3, key: str) -> None:
    client = s3.client()
    client.put_object(Bucket=s3.bucket, Key=key, Body=b"1")
    with pytest.raises(RegistryFailed):
        folder_at(f"s3://{s3.bucket}/1/odd", s3.variables).files()
    client.delete_object(Bucket=s3.bucket, Key=key)


@pytest.mark.parametrize("path", ["", "/", "models"])
def test_what_is_near_the_root_is_never_deleted(s3: S3, path: str) -> None:
    folder = folder_at(f"s3://{s3.bucket}/{path.lstrip('/')}", s3.variables)
    with pytest.raises(RegistryFailed, match="too near"):
        folder.delete()


def test_a_path_of_two_slashes_is_not_taken_for_another(s3: S3) -> None:
    with pytest.raises(RegistryFailed, match="empty"):
        folder_at(f"s3://{s3.bucket}//1/a", s3.variables)


class FailingStore:
    """Answers every request with what a test says."""

    def __init__(self) -> None:
        self.status, self.body, self.headers = 200, b"", dict[str, str]()
        self.seen: list[str] = []
        store = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                store.seen.append(self.path)
                self.send_response(store.status)
                headers = {"Content-Length": str(len(store.body)), **store.headers}
                for name, text in headers.items():
                    self.send_header(name, text)
                self.end_headers()
                self.wfile.write(store.body)
                self.close_connection = "Content-Length" in store.headers

            def log_message(self, *_: object) -> None: ...

        for method in ("GET", "PUT", "POST", "DELETE", "HEAD"):
            setattr(Handler, f"do_{method}", Handler.answer)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def answer(self, status: int, code: str = "", message: str = "", more: str = "") -> None:
        self.status = status
        self.body = f"<Error><Code>{code}</Code><Message>{message}</Message>{more}</Error>".encode()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def failing() -> Iterator[FailingStore]:
    store = FailingStore()
    yield store
    store.stop()


def at(failing: FailingStore, **changed: str) -> StoreFolder:
    signed = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret-of-the-store"}
    return folder_at("s3://bucket/1/a", {**signed, "AWS_ENDPOINT_URL": failing.url, **changed})


def uses(folder: StoreFolder) -> dict[str, Callable[[], object]]:
    file = File("weights", 3)
    return {
        "list": folder.files,
        "read": lambda: read(folder, file),
        "write": lambda: folder.write(file, Body(3)),
        "write in parts": lambda: folder.write(file, Body(6 * MIB)),
        "delete": folder.delete,
    }


USES = ("list", "read", "write", "write in parts", "delete")


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize(
    ("status", "code", "message", "kind", "words"),
    [
        (403, "AccessDenied", "Access Denied", RegistryFailed, "No permission to"),
        (403, "InvalidAccessKeyId", "no such key", SignInRefused, "AWS_ACCESS_KEY_ID"),
        (403, "SignatureDoesNotMatch", "no match", SignInRefused, "REGISTRY_"),
        (400, "ExpiredToken", "has expired", SignInRefused, "has expired"),
        (401, "Unauthorized", "who are you", SignInRefused, "who are you"),
        (404, "NoSuchBucket", "none", RegistryFailed, "There is no s3://bucket"),
        (301, "PermanentRedirect", "elsewhere", RegistryFailed, "AWS_REGION"),
        (400, "X", "wrong; expecting 'eu-west-1'", RegistryFailed, "AWS_REGION=eu-west-1"),
        (400, "EntityTooLarge", "too large", RegistryFailed, "too large"),
    ],
)
def test_what_a_person_has_to_put_right(
    failing: FailingStore,
    use: str,
    status: int,
    code: str,
    message: str,
    kind: type[Failure],
    words: str,
) -> None:
    failing.answer(status, code, message)
    with pytest.raises(Failure) as raised:
        uses(at(failing))[use]()
    told = "\n".join(raised.value.lines())
    assert type(raised.value) is kind
    assert words in told
    assert "s3://bucket" in told
    assert "the registry http://127.0.0.1:1" in told
    assert failing.url not in told
    assert len(failing.seen) == 1


@pytest.mark.parametrize("use", ["read", "write", "write in parts"])
@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_passes_is_worth_another_try(failing: FailingStore, use: str, status: int) -> None:
    failing.answer(status, "SlowDown", "please")
    with pytest.raises(Transient) as raised:
        uses(at(failing))[use]()
    assert str(status) in raised.value.failure.what


def test_a_listing_is_tried_again(failing: FailingStore) -> None:
    failing.answer(503, "SlowDown", "please")
    with pytest.raises(RegistryFailed, match="503"):
        at(failing).files()
    assert len(failing.seen) > 1


def test_a_range_that_is_ignored(failing: FailingStore) -> None:
    failing.body = b"0123456789"
    failing.headers = {"ETag": "x", "Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT"}
    with pytest.raises(RangeIgnored):
        read(at(failing), File("ten", 10), 2, 5)


def test_a_file_that_always_breaks_off_is_transient(failing: FailingStore) -> None:
    failing.body = b"0123"
    failing.headers = {
        "ETag": "x", "Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT", "Content-Length": "10",
    }  # fmt: skip
    with pytest.raises(Transient):
        read(at(failing), File("ten", 10))


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        ("http://127.0.0.1:9", "refused the connection"),
        ("http://nowhere.invalid", "can't be resolved"),
    ],
)
def test_a_store_that_is_not_reached(failing: FailingStore, endpoint: str, words: str) -> None:
    begun = time.monotonic()
    with pytest.raises(RegistryFailed) as raised:
        at(failing, AWS_ENDPOINT_URL=endpoint).reach()
    assert words in raised.value.what
    assert "MLFLOW_S3_ENDPOINT_URL" in raised.value.todo
    assert time.monotonic() - begun < 20


@pytest.mark.parametrize(
    ("uri", "variables", "kind", "words"),
    [
        ("s3://bucket/a/b", {"AWS_ACCESS_KEY_ID": "key"}, SignInRefused, "AWS_SECRET_ACCESS_KEY"),
        ("gs://bucket/a", {"GOOGLE_APPLICATION_CREDENTIALS": "/no"}, SignInRefused, "GOOGLE_APPL"),
        ("gs://bucket/a", {}, SignInRefused, "GOOGLE_APPLICATION_CREDENTIALS"),
        ("wasbs://c@a.blob.evil.example/a", {}, RegistryFailed, "no container"),
        ("wasbs://c/a", {}, RegistryFailed, "no container"),
        (
            "wasbs://c@mine.blob.core.windows.net/a",
            {"AZURE_STORAGE_CONNECTION_STRING": "AccountName=other;AccountKey=c2VjcmV0"},
            RegistryFailed,
            "of the account other",
        ),
        (
            "abfss://c@mine.dfs.core.windows.net/a",
            {"AZURE_STORAGE_ACCESS_KEY": "%%%"},
            SignInRefused,
            "AZURE_STORAGE_ACCESS_KEY",
        ),
        ("s3://bucket/a", {"AWS_CA_BUNDLE": "/nowhere.pem"}, RegistryFailed, "/nowhere.pem"),
    ],
)
def test_what_can_be_told_without_a_call(
    uri: str, variables: dict[str, str], kind: type[Failure], words: str
) -> None:
    with pytest.raises(Failure) as raised:
        folder_at(uri, variables)
    assert type(raised.value) is kind
    assert words in "\n".join(raised.value.lines())


def test_no_error_holds_what_signs_in(failing: FailingStore, azure: Azure) -> None:
    failing.answer(403, "AuthenticationFailed", "Server failed to authenticate the request.")
    connection = (
        f"AccountName=mine;BlobEndpoint={failing.url};"
        "SharedAccessSignature=sv=2021-08-06&sig=0123456789secret"
    )
    folder = folder_at(
        "wasbs://c@mine.blob.core.windows.net/1/a", {"AZURE_STORAGE_CONNECTION_STRING": connection}
    )
    for use in uses(folder).values():
        with pytest.raises(SignInRefused) as raised:
            use()
        assert "secret" not in "\n".join(raised.value.lines())
    assert any("sig=0123456789secret" in path for path in failing.seen)


def test_the_bundle_of_a_private_authority_is_read(tmp_path: Path, failing: FailingStore) -> None:
    """One that holds none is refused, so it was looked into."""
    bundle = tmp_path / "ca.pem"
    bundle.write_text("nothing")
    with pytest.raises(RegistryFailed) as raised:
        at(failing, REQUESTS_CA_BUNDLE=str(bundle))
    assert re.search("certificate", raised.value.what)
