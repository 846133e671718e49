"""Writing a run's artifacts by signed URLs: small files whole, large ones in parts.

The calls are those of mlflow/store/artifact/databricks_artifact_repo.py.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ..errors import Failure
from ..replies import headers_of
from ..rest import ApiError, Json, Rest
from ..retry import Transient
from .azure_uploads import BlockBlob, LakeFile
from .databricks import PATHS_PER_CALL, all_pages
from .protocols import Body, File, Upload
from .streams import Expired, SignedUrls

_CALLS = "/api/2.0/mlflow/artifacts"
_ON_AZURE: dict[str, type[BlockBlob | LakeFile]] = {
    "AZURE_SAS_URI": BlockBlob,
    "AZURE_ADLS_GEN2_SAS_URI": LakeFile,
}
_KINDS = ("AWS_PRESIGNED_URL", "GCP_SIGNED_URL", *_ON_AZURE)


class RunUploads:
    """Where the files of a model go: a folder of a run's artifacts.

    Args:
        files: All that will be written, so that their URLs can be had in few calls.
    """

    def __init__(self, rest: Rest, run_id: str, folder: str, files: Sequence[File]) -> None:
        self._rest = rest
        self._run_id = run_id
        self._folder = folder
        self._names = [file.path for file in files]
        self._urls = SignedUrls(rest)
        self._signed: dict[str, Json] = {}
        self._lock = threading.Lock()

    def check(self, path: str) -> str:
        """Why no file can be written here by signed URLs; empty where they can."""
        kind = str(self._signature(path).get("type", ""))
        return "" if kind in _KINDS else f"its storage wants uploads of the kind {kind}"

    def problem(self, file: File) -> str:
        """Why the file's name can't be carried faithfully: signed URLs carry all that we do."""
        return ""

    def write(self, file: File, body: Body) -> None:
        """Writes one file, whole."""
        if azure := self._on_azure(file):
            azure.write(body)
            return
        with self._signing(file.path) as signed:
            self._urls.put(signed["signed_uri"], headers_of(signed), body)

    def upload(self, file: File, parts: int) -> Upload | None:
        """Begins to write one file in parts; `None` where the workspace's storage has none."""
        if azure := self._on_azure(file):
            self._rest.repeat(azure.begin)
            return azure
        body = {**self._of(file.path), "num_parts": parts}
        try:
            begun = self._rest.change("POST", f"{_CALLS}/create-multipart-upload", body)
        except ApiError as error:
            if error.is_denied:
                raise
            return None
        return MultipartUpload(self._rest, self._urls, self._of(file.path), file, begun)

    def _on_azure(self, file: File) -> BlockBlob | LakeFile | None:
        made = _ON_AZURE.get(self._signature(file.path).get("type", ""))
        return made(self._urls, lambda: self._signing(file.path), file) if made else None

    @contextmanager
    def _signing(self, path: str) -> Iterator[Json]:
        """The signature to write a file by, which is forgotten where it is refused."""
        signed = self._signature(path)
        try:
            yield signed
        except Expired:
            with self._lock:
                if self._signed.get(path) is signed:
                    del self._signed[path]
            raise

    def _of(self, path: str) -> Json:
        return {"run_id": self._run_id, "path": f"{self._folder}/{path}"}

    def _signature(self, path: str) -> Json:
        with self._lock:
            if path not in self._signed:
                self._sign(path)
            return self._signed[path]

    def _sign(self, path: str) -> None:
        at = self._names.index(path)
        wanted = self._names[at : at + PATHS_PER_CALL]

        def page(token: str) -> Json:
            body = {
                "run_id": self._run_id,
                "path": [f"{self._folder}/{name}" for name in wanted],
                **({"page_token": token} if token else {}),
            }
            return self._rest.change("POST", f"{_CALLS}/credentials-for-write", body)

        prefix = len(self._folder) + 1
        for info in all_pages(page, "credential_infos"):
            self._signed[info["path"][prefix:]] = info
        for oldest in list(self._signed)[: -2 * PATHS_PER_CALL]:
            del self._signed[oldest]
        if path not in self._signed:
            raise self._rest.role.failure(
                f"The {self._rest.role.name} gives no signed URL to write {path!r}.",
                where=self._rest.where,
            )


class SignedParts:
    """Puts parts to signed URLs and keeps what the store answers.

    Args:
        signed: By the parts' numbers, from 1: `signed_uri` and `headers`.
    """

    def __init__(self, urls: SignedUrls, signed: dict[int, Json]) -> None:
        self._urls = urls
        self._signed = signed
        self.etags: dict[int, str] = {}

    def put(self, number: int, body: Body) -> None:
        """Writes one part; the first is number 1."""
        signed = self._signed.get(number) or self.sign(number)
        try:
            self.etags[number] = self._urls.put(signed["signed_uri"], headers_of(signed), body)
        except Expired:
            self._signed.pop(number, None)
            raise

    def sign(self, number: int) -> Json:
        """A new URL for a part whose first one is refused."""
        raise NotImplementedError


class MultipartUpload(SignedParts):
    """One file of a run that is written in parts."""

    def __init__(self, rest: Rest, urls: SignedUrls, of: Json, file: File, begun: Json) -> None:
        super().__init__(urls, dict(enumerate(begun["upload_credential_infos"], 1)))
        self._rest = rest
        self._of = {**of, "upload_id": begun["upload_id"]}
        self._file = file
        self._abort: Json = begun.get("abort_credential_info") or {}

    def sign(self, number: int) -> Json:
        """A new URL for a part whose first one is refused."""
        params = {**self._of, "part_number": number}
        reply = self._rest.get(f"{_CALLS}/get-presigned-upload-part-url", params)
        info: Json = reply["upload_credential_info"]
        return info

    def complete(self) -> None:
        """Makes one file of the parts."""
        etags = [{"part_number": n, "etag": etag} for n, etag in sorted(self.etags.items())]
        try:
            body = {**self._of, "part_etags": etags}
            self._rest.change("POST", f"{_CALLS}/complete-multipart-upload", body)
        except ApiError:
            if not self._is_there():  # as it is where the reply to an earlier call was lost
                raise

    def _is_there(self) -> bool:
        listed = self._rest.get(f"{_CALLS}/list", {k: self._of[k] for k in ("run_id", "path")})
        sizes = [int(entry.get("file_size") or 0) for entry in listed.get("files") or []]
        return sizes == [self._file.size]

    def abort(self) -> None:
        """Takes the parts away; what can't be is the storage's own to expire."""
        if self._abort:
            try:
                self._urls.delete(self._abort["signed_uri"], headers_of(self._abort))
            except (Failure, Transient):
                return
