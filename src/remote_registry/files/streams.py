"""Reading and writing bodies over HTTP, a chunk at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlsplit

import requests
import urllib3

from ..errors import Failure, RegistryFailed
from ..replies import retry_after
from ..rest import ApiError, NotSent, Rest
from ..retry import Transient
from ..sessions import new_session
from .bodies import changed, shorter
from .protocols import Body, File, RangeIgnored

CHUNK = 1 << 20
TIMEOUT = (10, 60)  # seconds to connect, and without any progress
_PASSING = (400, 408, 409, 425, 429)  # S3 says 400 of a request that took it too long
_NO_SUCH_RANGE = 416
_BINARY = {"Content-Type": "application/octet-stream"}
_IDENTITY = {"Accept-Encoding": "identity"}


def quoted(path: str) -> str:
    """A path for a URL, whose `/` stay."""
    return quote(path, safe="/")


def range_header(start: int, end: int | None) -> dict[str, str]:
    """The header that asks for a part of a file; none for all of it."""
    if not start and end is None:
        return {}
    return {"Range": f"bytes={start}-{'' if end is None else end - 1}"}


class Seen:
    """Remembers each file's ETag, so that no file is put together from two states of it."""

    def __init__(self) -> None:
        self._etags: dict[str, str] = {}

    @contextmanager
    def opened(
        self, rest: Rest, path: str, file: File, start: int, end: int | None
    ) -> Iterator[Iterator[bytes]]:
        """The bytes that a call of a server's own gives, as `chunks_of` does."""
        headers = {**_IDENTITY, **range_header(start, end)}
        try:
            response = rest.reply("GET", path, stream=True, headers=headers)
        except ApiError as error:
            if error.status == _NO_SUCH_RANGE:
                raise shorter(file) from error
            raise
        with self.chunks_of(response, file, rest) as chunks:
            yield chunks

    @contextmanager
    def chunks_of(
        self, response: requests.Response, file: File, rest: Rest
    ) -> Iterator[Iterator[bytes]]:
        """The bytes of a reply as they were sent; a break in the middle is `Transient`.

        Raises:
            RangeIgnored: A part was asked for, and the reply is the whole file, or another part.
            RegistryFailed: The file has changed since its first reply.
        """

        def chunks() -> Iterator[bytes]:
            try:
                # Not iter_content, which would unpack what a store declares as gzip.
                yield from response.raw.stream(CHUNK, decode_content=False)
            except (urllib3.exceptions.HTTPError, OSError) as error:
                failure = rest.role.failure("A file broke off while it was read.", where=rest.where)
                raise Transient(failure) from error

        with response:
            if response.status_code == _NO_SUCH_RANGE:
                raise shorter(file)
            if not _is_as_asked(response):
                raise RangeIgnored
            self._check(response, file)
            yield chunks()

    def _check(self, response: requests.Response, file: File) -> None:
        etag = response.headers.get("ETag", "")
        if self._etags.setdefault(file.path, etag) != etag:
            raise changed(file, "has another ETag than before")
        total = response.headers.get("Content-Range", "").rpartition("/")[2]
        if total.isdecimal() and int(total) != file.size:
            raise changed(file, f"has {total} bytes and not the {file.size} that were listed")


def _is_as_asked(response: requests.Response) -> bool:
    """Whether a reply begins where its request asked it to."""
    asked = response.request.headers.get("Range", "").partition("-")[0]
    given = response.headers.get("Content-Range", "").partition("-")[0].replace(" ", "=")
    return not asked or (response.status_code == 206 and given in ("", asked))


class SignedUrls:
    """Opens signed URLs: with no sign-in of ours, for they carry their own."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest
        self._session = new_session()
        self._seen = Seen()

    @contextmanager
    def open(self, url: str, headers: Mapping[str, str], file: File) -> Iterator[Iterator[bytes]]:
        """Streams what a signed URL gives.

        Raises:
            Expired: The URL is refused, so that a new one is worth a try.
            Transient: What may pass.
            Failure: What won't, such as a file that is gone.
        """
        response = self._call("GET", url, headers={**_IDENTITY, **headers}, stream=True)
        with self._seen.chunks_of(response, file, self._rest) as chunks:
            yield chunks

    def put(self, url: str, headers: Mapping[str, str], body: Body) -> str:
        """Writes what a signed URL takes; the body is consumed, whatever happens.

        Returns:
            The ETag that the store gives it, or empty.

        Raises:
            Expired: The URL is refused, so that a new one is worth a try.
            Transient: What may pass, with a new body.
        """
        return self.send("PUT", url, {**_BINARY, **headers}, _data(body))

    def send(
        self, method: str, url: str, headers: Mapping[str, str], data: Body | bytes | None = None
    ) -> str:
        """The same by any method, with a body that is not empty, or with none."""
        response = self._call(method, url, headers=dict(headers), data=data)
        response.close()
        return str(response.headers.get("ETag", ""))

    def reaches(self, url: str) -> bool:
        """Whether somebody answers where a signed URL leads, whatever the answer is."""
        try:
            self._call("HEAD", url).close()
        except NotSent:
            return False
        except (Failure, Transient):
            return True
        return True

    def delete(self, url: str, headers: Mapping[str, str]) -> None:
        """Deletes what a signed URL lets its bearer delete."""
        self._call("DELETE", url, headers=dict(headers)).close()

    def _call(self, method: str, url: str, **arguments: Any) -> requests.Response:
        with self._rest.translated(sending=arguments.get("data") is not None):
            response = self._session.request(
                method, url, timeout=TIMEOUT, allow_redirects=False, **arguments
            )
        if 200 <= response.status_code < 300:
            return response
        if response.status_code == _NO_SUCH_RANGE and method == "GET":
            return response
        response.close()
        failure = self._rest.role.failure(
            f"A signed URL of {urlsplit(url).hostname} answered {response.status_code}.",
            where=self._rest.where,
            todo="Check that the runner may reach the workspace's storage.",
        )
        if response.status_code in (401, 403):
            raise Expired(failure, patience=10.0)
        if response.status_code in _PASSING or response.status_code >= 500:
            raise Transient(failure, retry_after(response), patience=20.0)
        raise failure


class Expired(Transient):
    """A signed URL that is no longer taken."""


def _data(body: Body) -> Body | bytes:
    """The body; an empty one is consumed here, for `requests` would send it in chunks."""
    if len(body):
        return body
    if any(body):
        raise RegistryFailed("A file that was listed as empty is not.")
    return b""


def send(rest: Rest, method: str, path: str, body: Body) -> None:
    """Sends one file's bytes in one call; the body is consumed, whatever happens.

    Raises:
        Transient: What may pass, with a new body.
        Failure: The server's refusal.
    """
    rest.reply(method, path, data=_data(body), headers=_BINARY).close()
