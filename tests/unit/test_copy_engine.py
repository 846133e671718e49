"""The copy between a source and a registry that are in memory, and misbehave."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from remote_registry.errors import MachineTooSmall
from remote_registry.files import copy as engine
from remote_registry.files import parts
from remote_registry.files.copy import copy
from remote_registry.files.pace import Limits
from remote_registry.files.protocols import Body, File, RangeIgnored

CONTENT = bytes(range(256)) * 64
SIZES = {"large": len(CONTENT), "small": 2048}
LARGE = ("large/one", "large/two", "large/three", "large/four")
SMALL = tuple(f"small/{number}" for number in range(100))
Ranges = Callable[[int], bool]


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of 16 KiB is a large one, of 16 parts, for which there are 4 buffers."""
    monkeypatch.setattr(parts, "PART", 1024)
    monkeypatch.setattr(parts, "MEMORY", 4 * 1024)
    monkeypatch.setattr(parts, "LARGE", 4096)
    monkeypatch.setattr(engine, "LARGE", 4096)


class Busy:
    """Counts how many are at it, at most."""

    def __init__(self) -> None:
        self.most = 0
        self._now = 0
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._now -= 1


class Source:
    """Has one content under all names of a folder; sends parts from where `ranges` says so."""

    def __init__(self, ranges: Ranges = lambda _: True) -> None:
        self.busy = Busy()
        self._ranges = ranges

    def files(self) -> list[File]:
        return []

    @contextmanager
    def open(self, file: File, start: int = 0, end: int | None = None) -> Iterator[Iterator[bytes]]:
        if (start or end is not None) and not self._ranges(start):
            raise RangeIgnored
        with self.busy:
            threading.Event().wait(0.01)
            content = content_of(file.path)[start:end]
            yield (content[at : at + 512] for at in range(0, len(content), 512))


class Registry:
    """Keeps what it is given; `in_parts` tells whether it takes parts."""

    def __init__(self, *, in_parts: bool = True, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.busy = Busy()
        self.written: dict[str, bytes] = {}
        self.aborted: list[str] = []
        self._in_parts = in_parts

    def problem(self, file: File) -> str:
        return ""

    def write(self, file: File, body: Body) -> None:
        with self.busy:
            threading.Event().wait(self.seconds)
            self.written[file.path] = b"".join(bytes(chunk) for chunk in body)

    def upload(self, file: File, parts: int) -> Upload | None:
        return Upload(self, file) if self._in_parts else None


class Upload:
    def __init__(self, registry: Registry, file: File) -> None:
        self._registry = registry
        self._file = file
        self._parts: dict[int, bytes] = {}

    def put(self, number: int, body: Body) -> None:
        with self._registry.busy:
            threading.Event().wait(self._registry.seconds)
            self._parts[number] = b"".join(bytes(chunk) for chunk in body)

    def complete(self) -> None:
        whole = b"".join(self._parts[number] for number in sorted(self._parts))
        self._registry.written[self._file.path] = whole

    def abort(self) -> None:
        self._registry.aborted.append(self._file.path)


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def content_of(name: str) -> bytes:
    return CONTENT[: SIZES[name.partition("/")[0]]]


def carried(source: Source, registry: Registry, *names: str, connections: int = 4) -> None:
    files = [File(name, len(content_of(name))) for name in names]
    manifest = copy(source, registry, files, lambda *_: None, Limits(connections, 1.0))
    expected = [(sha(content_of(file.path)), file) for file in sorted(files)]
    assert manifest.entries == tuple(expected)
    assert registry.written == {name: content_of(name) for name in names}


@pytest.mark.parametrize("connections", [1, 2])
@pytest.mark.parametrize("in_parts", [True, False])
@pytest.mark.parametrize("ranges", [True, False])
def test_whatever_both_sides_can_do_the_limit_is_kept(
    ranges: bool, in_parts: bool, connections: int
) -> None:
    source, registry = Source(lambda _: ranges), Registry(in_parts=in_parts)
    carried(source, registry, *LARGE, connections=connections)
    assert source.busy.most <= connections
    assert registry.busy.most <= connections


def test_small_files_and_parts_of_large_ones_share_the_connections_to_a_registry() -> None:
    registry = Registry(seconds=0.01)
    carried(Source(), registry, "large/one", *SMALL, connections=1)
    assert registry.busy.most == 1


def test_ranges_may_be_sent_for_some_parts_and_not_for_others() -> None:
    carried(Source(lambda start: start > 0), Registry(), *LARGE)


@pytest.mark.parametrize("room", range(5))
def test_a_machine_with_room_for_few_threads_copies_with_those(
    monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    left = iter(range(room))
    start = threading.Thread.start

    def started(thread: threading.Thread) -> None:
        if next(left, None) is None:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", started)
    carried(Source(), Registry(), "large/one", *SMALL)


def test_no_memory_for_a_buffer_is_no_bug_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object, **__: object) -> bytearray:
        raise MemoryError

    monkeypatch.setattr(parts.Buffers, "take", none)
    with pytest.raises(MachineTooSmall):
        carried(Source(), Registry(), "large/one")
