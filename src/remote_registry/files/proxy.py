"""Reading and writing files through an MLflow server's `mlflow-artifacts` proxy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from urllib.parse import unquote, urlsplit

from ..errors import Failure
from ..inputs.values import path_problem
from ..replies import headers_of
from ..rest import ApiError, Json, NotSent, Rest
from ..retry import Transient
from .listing import walk
from .protocols import Body, File, RangeIgnored
from .signed_uploads import SignedParts
from .streams import Seen, SignedUrls, quoted, range_header, send

_API = "/api/2.0/mlflow-artifacts"
_ARTIFACTS = f"{_API}/artifacts"


def proxied_folder(rest: Rest, artifact_uri: str, below: str = "") -> str:
    """The folder, as the proxy names it, of an `mlflow-artifacts:/…` URI, or one below it.

    Raises:
        Failure: The files are elsewhere than behind this server's own proxy.
    """
    parts = urlsplit(artifact_uri)
    if parts.scheme != "mlflow-artifacts" or parts.netloc not in ("", urlsplit(rest.url).netloc):
        store = f"{parts.scheme}://{parts.netloc}" if parts.netloc else f"{parts.scheme}:"
        raise rest.role.failure(
            f"The {rest.role.name} keeps these files in {store}, not behind its own proxy.",
            where=rest.where,
            todo="Start that server with --serve-artifacts, so that it serves the files itself.",
        )
    if parts.query or parts.fragment:
        raise rest.role.failure(
            f"The {rest.role.name} keeps these files in a folder whose URI has a '?' or a '#', "
            "which no client of MLflow reads.",
            where=rest.where,
        )
    return "/".join(filter(None, (unquote(parts.path).strip("/"), below)))


class ProxyFolder:
    """One folder behind the proxy: a reader and a writer."""

    def __init__(self, rest: Rest, folder: str) -> None:
        self._rest = rest
        self._folder = folder
        self._seen = Seen()
        self._urls = SignedUrls(rest)
        self._ignores_ranges = self._store_answered = False

    def files(self) -> list[File]:
        """Lists all files of the model, sorted by path.

        Raises:
            Failure: A name can't be carried faithfully: in its place, another file would be read.
        """
        files = walk(self._page, self._folder, self._rest.role.failure, self._rest.where)
        for file in files:
            if problem := self.problem(file):
                what = f"The file name {file.path!r} {problem}."
                raise self._rest.role.failure(what, where=self._rest.where)
        return files

    def _page(self, folder: str, _token: str) -> Json:
        try:
            return self._rest.get(_ARTIFACTS, {"path": folder})
        except ApiError as error:
            if error.is_unknown_call and not error.code:
                raise self._no_proxy() from error
            raise

    def _no_proxy(self) -> Failure:
        return self._rest.role.failure(
            f"The {self._rest.role.name} has no artifact proxy.",
            where=self._rest.where,
            todo="Start that server with --serve-artifacts.",
        )

    @contextmanager
    def open(self, file: File, start: int = 0, end: int | None = None) -> Iterator[Iterator[bytes]]:
        """Opens one file, or its bytes from `start` to before `end`."""
        with ExitStack() as stack:
            yield self._opened(stack, file, start, end)

    def _opened(self, stack: ExitStack, file: File, start: int, end: int | None) -> Iterator[bytes]:
        """By the proxy; a range that it ignores, by the store."""
        is_range = bool(range_header(start, end))
        if not (is_range and self._ignores_ranges):
            try:
                return stack.enter_context(self._by_proxy(file, start, end))
            except RangeIgnored:
                self._ignores_ranges = True  # as the proxy does before S3
        return stack.enter_context(self._by_store(file, start, end))

    @contextmanager
    def _by_store(self, file: File, start: int, end: int | None) -> Iterator[Iterator[bytes]]:
        """By a signed URL of the store behind the proxy, where the server gives one."""
        path = f"{_API}/presigned/{quoted(f'{self._folder}/{file.path}')}"
        try:
            signed = self._rest.get(path)
        except ApiError as error:
            raise RangeIgnored from error
        headers = headers_of(signed) | range_header(start, end)
        with ExitStack() as stack:
            try:
                chunks = stack.enter_context(self._urls.open(signed["url"], headers, file))
            except NotSent as error:
                if self._store_answered:
                    raise
                raise RangeIgnored from error  # a store that only its server reaches
            self._store_answered = True
            yield chunks

    @contextmanager
    def _by_proxy(self, file: File, start: int, end: int | None) -> Iterator[Iterator[bytes]]:
        with self._seen.opened(self._rest, self._path(file), file, start, end) as chunks:
            yield chunks

    def problem(self, file: File) -> str:
        """Why the proxy can't carry the name: it refuses `#` and decodes `%xx` twice."""
        if "#" in file.path:
            return "holds '#', which an MLflow server's proxy refuses"
        if re.search("%[0-9A-Fa-f]{2}", file.path):
            return "holds '%xx', which an MLflow server's proxy decodes once too often"
        return ""

    def write(self, file: File, body: Body) -> None:
        """Writes one file, whole."""
        send(self._rest, "PUT", self._path(file), body)

    def upload(self, file: File, parts: int) -> ProxyUpload | None:
        """Begins to write one file in parts; `None` where the store behind the proxy has none."""
        upload = ProxyUpload(self._rest, self._urls, f"{self._folder}/{file.path}", file.size)
        if not upload.begin(parts):
            return None
        if upload.reaches_its_store():
            return upload
        upload.abort()
        return None

    def _path(self, file: File) -> str:
        return f"{_ARTIFACTS}/{quoted(f'{self._folder}/{file.path}')}"


class ProxyUpload(SignedParts):
    """One file that is written in parts to the store behind the proxy, by its signed URLs."""

    def __init__(self, rest: Rest, urls: SignedUrls, path: str, size: int) -> None:
        super().__init__(urls, {})
        self._rest = rest
        self._folder, self._name = path.rsplit("/", 1)
        self._size = size
        self._id = ""

    def begin(self, parts: int) -> bool:
        """Whether the server lets us."""
        try:
            begun = self._call("create", {"num_parts": parts})
        except ApiError:  # 501 on a local root
            return False
        self._id = begun["upload_id"]
        for part in begun["credentials"]:
            signed = {"signed_uri": part["url"], "headers": headers_of(part)}
            self._signed[int(part["part_number"])] = signed
        self._all = dict(self._signed)
        for number in range(1, parts + 1):
            if number not in self._all:
                raise self._rest.role.failure(
                    f"The server gives no signed URL for part {number} of {self._name!r}.",
                    where=self._rest.where,
                )
        return True

    def reaches_its_store(self) -> bool:
        """Whether this runner does, as the server does."""
        return all(self._urls.reaches(part["signed_uri"]) for part in [*self._all.values()][:1])

    def sign(self, number: int) -> Json:
        """The same URL again: this server gives each part but one."""
        return self._all[number]

    def complete(self) -> None:
        """Makes one file of the parts."""
        parts = [
            {"part_number": n, "etag": etag, "url": self._all[n]["signed_uri"]}
            for n, etag in sorted(self.etags.items())
        ]
        body = {"path": self._name, "upload_id": self._id, "parts": parts}

        def attempt() -> None:
            try:
                self._rest.reply("POST", self._path("complete"), json=body).close()
            except (ApiError, Transient):
                if not self._is_there():  # as it is where the reply to an earlier call was lost
                    raise

        self._rest.repeat(attempt)

    def _is_there(self) -> bool:
        listed = self._rest.get(_ARTIFACTS, {"path": self._folder}).get("files") or []
        found = {one["path"].rsplit("/", 1)[-1]: int(one.get("file_size") or 0) for one in listed}
        return found.get(self._name) == self._size

    def abort(self) -> None:
        """Takes the parts away; what can't be is the store's own to expire."""
        with suppress(ApiError, Transient):
            self._call("abort", {"upload_id": self._id})

    def _call(self, verb: str, body: Json) -> Json:
        return self._rest.change("POST", self._path(verb), {"path": self._name, **body})

    def _path(self, verb: str) -> str:
        return f"{_API}/mpu/{verb}/{quoted(self._folder)}"


def delete_proxied(rest: Rest, folder: str) -> None:
    """Deletes a folder behind the proxy with all that is in it; it is no error if it is gone.

    Raises:
        Failure: The folder is the whole store, or one of its topmost.
    """
    if "/" not in folder or path_problem(folder):
        raise rest.role.failure(
            f"{folder!r} is too near to the root of the files to be deleted.", where=rest.where
        )
    try:
        rest.change("DELETE", f"{_ARTIFACTS}/{quoted(folder)}", {})
    except ApiError as error:
        if error.status != 404:
            raise
