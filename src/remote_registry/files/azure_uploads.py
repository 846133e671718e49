"""Writing to Azure's storage by signed URLs: blobs in blocks, files of a data lake by positions.

The calls are those of mlflow/azure/client.py.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from contextlib import AbstractContextManager
from urllib.parse import urlencode

from ..replies import headers_of
from ..rest import Json
from .bodies import Pieces
from .parts import part_bytes
from .protocols import Body, File
from .streams import SignedUrls

Signing = Callable[[], AbstractContextManager[Json]]
_APPENDED = 8 << 20  # at most, in one call
_BLOB = {"x-ms-blob-type": "BlockBlob"}

# Of the credentials' headers those that each call takes: some are refused where they don't belong.
_META = "x-ms-meta-"
_ALL = "x-ms-lease-id x-ms-client-request-id x-ms-date x-ms-version"
_KEY = "x-ms-encryption-key x-ms-encryption-key-sha256 x-ms-encryption-algorithm"
_IF = "If-Match If-None-Match If-Modified-Since If-Unmodified-Since"
_OF_BLOB = f"{_ALL} Authorization Content-MD5 x-ms-content-crc64 x-ms-encryption-scope"
_BLOCK = f"{_OF_BLOB} {_KEY}"
_BLOCK_LIST = f"""{_OF_BLOB} {_IF} Date x-ms-blob-cache-control x-ms-blob-content-type
    x-ms-blob-content-encoding x-ms-blob-content-language x-ms-blob-content-md5
    x-ms-blob-content-disposition x-ms-tags x-ms-access-tier {_META}"""
_OF_LAKE = f"""{_ALL} {_KEY} {_IF} x-ms-encryption-context x-ms-cache-control x-ms-content-type
    x-ms-content-disposition x-ms-content-encoding x-ms-content-language x-ms-properties
    x-ms-owner x-ms-group x-ms-permissions x-ms-acl"""
_APPEND = f"{_OF_LAKE} Content-MD5 x-ms-content-md5"
_CREATE = f"""{_OF_LAKE} Cache-Control Content-Encoding Content-Language Content-Disposition
    x-ms-umask x-ms-proposed-lease-id x-ms-expiry-option x-ms-expiry-time x-ms-rename-source
    x-ms-source-if-match x-ms-source-if-none-match x-ms-source-if-modified-since
    x-ms-source-if-unmodified-since"""


class _Signed:
    """One file that is written by a signed URL, whole or in parts.

    Args:
        signing: Gives the signature, and forgets one that is refused.
    """

    def __init__(self, urls: SignedUrls, signing: Signing, file: File) -> None:
        self._urls = urls
        self._signing = signing
        self._size = file.size

    def begin(self) -> None:
        """What comes before the parts."""

    def abort(self) -> None:
        """The storage forgets by itself what was never made a file."""


class BlockBlob(_Signed):
    """A blob (AZURE_SAS_URI)."""

    def __init__(self, urls: SignedUrls, signing: Signing, file: File) -> None:
        super().__init__(urls, signing, file)
        self._blocks: dict[int, str] = {}

    def write(self, body: Body) -> None:
        """Writes it whole, by one call."""
        with self._signing() as signed:
            headers = _taken(signed, f"{_BLOCK} {_BLOCK_LIST}") | _BLOB
            self._urls.put(signed["signed_uri"], headers, body)

    def put(self, number: int, body: Body) -> None:
        """Writes one part as a block."""
        block = base64.b64encode(b"%06d" % number).decode()  # all have to be of one length
        with self._signing() as signed:
            url = _with(signed, comp="block", blockid=block)
            self._urls.put(url, _taken(signed, _BLOCK) | _BLOB, body)
        self._blocks[number] = block

    def complete(self) -> None:
        """Makes one blob of the blocks."""
        # "Latest" finds them where the reply to an earlier call was lost; "Uncommitted" would not.
        blocks = "".join(f"<Latest>{block}</Latest>" for _, block in sorted(self._blocks.items()))
        xml = f'<?xml version="1.0" encoding="utf-8"?><BlockList>{blocks}</BlockList>'
        with self._signing() as signed:
            url = _with(signed, comp="blocklist")
            self._urls.send("PUT", url, _taken(signed, _BLOCK_LIST), xml.encode())


class LakeFile(_Signed):
    """A file of a data lake (AZURE_ADLS_GEN2_SAS_URI)."""

    def write(self, body: Body) -> None:
        """Writes it whole: from its creation on, whatever an earlier attempt has left."""
        with self._signing() as signed:
            self._create(signed)
            self._append(signed, body, 0)
            self._flush(signed)

    def begin(self) -> None:
        """Creates it, empty."""
        with self._signing() as signed:
            self._create(signed)

    def put(self, number: int, body: Body) -> None:
        """Writes one part at its position."""
        with self._signing() as signed:
            self._append(signed, body, (number - 1) * part_bytes(self._size))

    def complete(self) -> None:
        """Makes what was appended the file's."""
        with self._signing() as signed:
            self._flush(signed)

    def _create(self, signed: Json) -> None:
        self._urls.send("PUT", _with(signed, resource="file"), _taken(signed, _CREATE))

    def _append(self, signed: Json, body: Body, position: int) -> None:
        pieces = Pieces(body, _APPENDED)
        for start in pieces.starts():
            url = _with(signed, action="append", position=position + start)
            self._urls.send("PATCH", url, _taken(signed, _APPEND), pieces)

    def _flush(self, signed: Json) -> None:
        url = _with(signed, action="flush", position=self._size)
        self._urls.send("PATCH", url, _taken(signed, _CREATE))


def _taken(signed: Json, names: str) -> dict[str, str]:
    """Those of the credentials' headers that a call takes."""
    known = names.split()
    sent = headers_of(signed).items()
    return {
        name: text for name, text in sent if (_META if name.startswith(_META) else name) in known
    }


def _with(signed: Json, **parameters: str | int) -> str:
    """The signed URL with more parameters, and its own as they are."""
    url: str = signed["signed_uri"]
    return f"{url}{'&' if '?' in url else '?'}{urlencode(parameters)}"
