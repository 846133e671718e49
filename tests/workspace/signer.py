"""Signed URLs, and the cloud storage of their own origin that they lead to."""

from __future__ import annotations

import base64
import os
import re
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from .azure import AZURE, LAKE, Azure
from .control.knobs import Knobs
from .storage import Storage
from .uploads import Uploads, etag_of
from .wire.message import FileSlice, Reply, Request, refusal

PREFIX = "/signed/"
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


@dataclass(frozen=True)
class Grant:
    """What one signed URL lets its bearer do."""

    verb: str
    path: str
    expires: float
    upload_id: str = ""
    part: int = 0
    kind: str = ""
    signature: str = ""

    def allows(self, verb: str) -> bool:
        return verb == self.verb or (verb, self.verb, self.kind) == ("PATCH", "PUT", LAKE)


class Signer:
    def __init__(self, storage: Storage, uploads: Uploads, knobs: Knobs) -> None:
        self.base = ""
        self._storage = storage
        self._uploads = uploads
        self._azure = Azure(storage)
        self._knobs = knobs
        self._lock = threading.Lock()
        self._grants: dict[str, Grant] = {}
        self._used: Counter[str] = Counter()

    def url(self, verb: str, path: str, upload_id: str = "", part: int = 0, kind: str = "") -> str:
        key = uuid.uuid4().hex
        signature = base64.b64encode(os.urandom(32)).decode()
        expires = time.time() + self._knobs.signed_url_seconds
        with self._lock:
            self._grants[key] = Grant(verb, path, expires, upload_id, part, kind, signature)
        name = "sv=2021-08-06&sig" if kind in AZURE else "signature"
        return f"{self.base}{PREFIX}{key}{quote(path)}?{name}={quote(signature, safe='')}"

    def answer(self, request: Request) -> Reply:
        """The storage's side: whoever holds the URL may do what it says until it expires."""
        key = request.path.removeprefix(PREFIX).partition("/")[0]
        grant = self._grants.get(key)
        verb = "GET" if request.method == "HEAD" else request.method
        if grant is None or not grant.allows(verb) or not _is_signed(grant, request):
            return refusal(403, "SignatureDoesNotMatch", "The signature does not fit.")
        if time.time() >= grant.expires or self._is_used_up(key):
            return refusal(403, "AccessDenied", "Request has expired")
        if grant.kind in AZURE and verb != "GET":
            return self._azure.answer(grant.kind, grant.path, request)
        return {"GET": self._get, "PUT": self._put, "DELETE": self._abort}[verb](grant, request)

    def _is_used_up(self, key: str) -> bool:
        with self._lock:
            self._used[key] += 1
            return 0 < self._knobs.signed_url_requests < self._used[key]

    def _get(self, grant: Grant, request: Request) -> Reply:
        if not self._storage.is_file(grant.path):
            return refusal(404, "NoSuchKey", "The specified key does not exist.")
        return file_reply(self._storage.on_disk(grant.path), request.header("Range"))

    def _put(self, grant: Grant, request: Request) -> Reply:
        if grant.upload_id:
            etag = self._uploads.receive(grant.upload_id, grant.part, request.body)
            return Reply(200, {"ETag": etag})
        self._storage.receive(request.body, grant.path)
        return Reply(200, {"ETag": etag_of(self._storage.on_disk(grant.path))})

    def _abort(self, grant: Grant, request: Request) -> Reply:
        self._uploads.abort(grant.upload_id)
        return Reply(204)


def file_reply(path: Path, wanted: str | None = None) -> Reply:
    """A file, or the part of it that a Range header asks for."""
    found = path.stat()
    headers = {
        "Content-Type": "application/octet-stream",
        "Last-Modified": time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(found.st_mtime)),
        "Accept-Ranges": "bytes",
        "ETag": etag_of(path),
    }
    match = _RANGE.fullmatch(wanted or "")
    if not match or match[0] == "bytes=-":
        return Reply(200, headers, FileSlice(path, 0, found.st_size))
    start, end = _span(match[1], match[2], found.st_size)
    if start >= end:
        return Reply(416, {"Content-Range": f"bytes */{found.st_size}"})
    headers["Content-Range"] = f"bytes {start}-{end - 1}/{found.st_size}"
    return Reply(206, headers, FileSlice(path, start, end - start))


def _span(first: str, last: str, size: int) -> tuple[int, int]:
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(int(last) + 1, size) if last else size


def _is_signed(grant: Grant, request: Request) -> bool:
    return grant.kind not in AZURE or request.query("sig") == grant.signature
