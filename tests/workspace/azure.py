"""Azure's side of signed URLs: blobs, whole and in blocks, and the files of a data lake."""

from __future__ import annotations

import base64
import binascii
import shutil
import threading
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree as ET

from .storage import Storage
from .uploads import append_files, etag_of
from .wire.message import Reply, Request, not_implemented, refusal

BLOB, LAKE = "AZURE_SAS_URI", "AZURE_ADLS_GEN2_SAS_URI"
AZURE = (BLOB, LAKE)


class Refused(Exception):
    """A refusal of the storage's."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.reply = refusal(status, code, message)


@dataclass
class Pending:
    """What was sent for one file and is not yet its content.

    Attributes:
        pieces: By the ids of the blocks, or by their positions.
        committed: The blocks that the blob was last made of.
    """

    folder: Path
    pieces: dict[str, Path] = field(default_factory=dict)
    committed: list[str] = field(default_factory=list)


class Azure:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._lock = threading.Lock()
        self._pending: dict[str, Pending] = {}

    def answer(self, kind: str, path: str, request: Request) -> Reply:
        """A call that writes, at one file."""
        if kind == BLOB:
            name, calls = "comp", {"": self._put, "block": self._block, "blocklist": self._list}
        elif request.method == "PUT":
            name, calls = "resource", {"file": self._create}
        else:
            name, calls = "action", {"append": self._append, "flush": self._flush}
        call = calls.get(request.query(name))
        if not call:
            raise not_implemented(f"{request.method} with {name}={request.query(name)!r}")
        try:
            _check(kind, request)
            return call(path, request)
        except Refused as refused:
            return refused.reply

    def _put(self, path: str, request: Request) -> Reply:
        if request.header("x-ms-blob-type") != "BlockBlob":
            raise Refused("MissingRequiredHeader", "x-ms-blob-type is missing.")
        self._forget(path)
        self._storage.receive(request.body, path)
        return self._made(path)

    def _block(self, path: str, request: Request) -> Reply:
        block, pending = request.query("blockid"), self._of(path)
        others = {*pending.pieces, *pending.committed}
        if not _is_block_id(block) or any(len(other) != len(block) for other in others):
            raise Refused("InvalidBlobOrBlock", "The block's id is no base64, or not as long.")
        if not self._keep(pending, block, request):
            raise Refused("InvalidHeaderValue", "A block can't be empty.")
        return Reply(201)

    def _list(self, path: str, request: Request) -> Reply:
        listed = _listed(request)
        pending = self._of(path)
        known = {"Uncommitted": {*pending.pieces}, "Committed": {*pending.committed}}
        known["Latest"] = known["Uncommitted"] | known["Committed"]
        if any(block not in known.get(place, ()) for place, block in listed):
            raise Refused("InvalidBlockList", "The specified block list is invalid.")
        blocks = [block for _, block in listed]
        if not blocks or not set(blocks) & set(pending.committed):
            self._join(path, pending, blocks)
            self._pending[path] = Pending(self._storage.temporary(), committed=blocks)
        elif blocks != pending.committed or pending.pieces:
            raise not_implemented("a blob of blocks that are committed already")
        return self._made(path)

    def _create(self, path: str, request: Request) -> Reply:
        if request.body.read():
            raise Refused("InvalidHeaderValue", "A file is created without content.")
        self._forget(path)
        self._storage.receive(request.body, path)
        return self._made(path)

    def _append(self, path: str, request: Request) -> Reply:
        position, pending = self._position(path, request), self._of(path)
        if self._size(path):
            raise not_implemented("appending to a file that holds something")
        size = self._keep(pending, str(position), request)
        if not size:
            raise not_implemented("appending nothing")
        if request.query("flush") == "true":
            self._commit(path, position + size)
        return Reply(202)

    def _flush(self, path: str, request: Request) -> Reply:
        if request.body.read():
            raise Refused("InvalidHeaderValue", "Flushing has no content.")
        self._commit(path, self._position(path, request))
        return Reply(200)

    def _commit(self, path: str, size: int) -> None:
        """All that was appended, without a gap, and no byte more or less."""
        pending = self._of(path)
        end = self._size(path)
        positions = sorted(pending.pieces, key=int)
        for position in positions:
            if int(position) != end:
                break
            end += pending.pieces[position].stat().st_size
        else:
            if end == size:
                if positions:  # or it is flushed once more
                    self._join(path, pending, positions)
                self._forget(path)
                return
        raise Refused("InvalidFlushPosition", "The data is not contiguous, or not as long.")

    def _position(self, path: str, request: Request) -> int:
        if not self._storage.is_file(path):
            raise Refused("PathNotFound", "The specified path does not exist.", 404)
        position = request.query("position")
        if not position.isdecimal():
            raise Refused("InvalidQueryParameterValue", "'position' is not a number.")
        return int(position)

    def _size(self, path: str) -> int:
        return self._storage.on_disk(path).stat().st_size

    def _of(self, path: str) -> Pending:
        with self._lock:
            return self._pending.setdefault(path, Pending(self._storage.temporary()))

    def _forget(self, path: str) -> None:
        with self._lock:
            pending = self._pending.pop(path, None)
        if pending:
            shutil.rmtree(pending.folder, ignore_errors=True)

    def _keep(self, pending: Pending, name: str, request: Request) -> int:
        """How many bytes came; a piece of the same name is replaced."""
        arriving, target = self._storage.temporary(), pending.folder / name.encode().hex()
        with arriving.open("wb", buffering=0) as file:
            size = request.body.save(file)
        pending.folder.mkdir(exist_ok=True)
        arriving.replace(target)
        if size:
            pending.pieces[name] = target
        return size

    def _join(self, path: str, pending: Pending, names: list[str]) -> None:
        whole = self._storage.temporary()
        whole.touch()
        append_files(whole, [pending.pieces[name] for name in names])
        self._storage.adopt(whole, path)
        shutil.rmtree(pending.folder, ignore_errors=True)

    def _made(self, path: str) -> Reply:
        return Reply(201, {"ETag": etag_of(self._storage.on_disk(path))})


def _check(kind: str, request: Request) -> None:
    if request.header("Content-Length") is None:
        raise Refused("MissingContentLengthHeader", "Content-Length is missing.", 411)
    if kind == LAKE and request.header("x-ms-blob-type"):
        raise Refused("UnsupportedHeader", "x-ms-blob-type is not a header of this call.")


def _is_block_id(text: str) -> bool:
    try:
        return 0 < len(base64.b64decode(text, validate=True)) <= 64
    except binascii.Error:
        return False


def _listed(request: Request) -> list[tuple[str, str]]:
    try:
        top = ET.fromstring(request.body.read())
    except ET.ParseError:
        raise Refused("InvalidXmlDocument", "The list is no XML.") from None
    if top.tag != "BlockList":
        raise Refused("InvalidXmlDocument", "The list is no BlockList.")
    return [(entry.tag, entry.text or "") for entry in top]
