"""Reading model files from a Databricks workspace, by signed URLs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from ..replies import headers_of, pages
from ..rest import ApiError, Json, NotSent, Rest
from ..retry import Transient
from .listing import walk
from .protocols import File
from .streams import Expired, Seen, SignedUrls, quoted, range_header

PATHS_PER_CALL = 2000  # of credentials-for-read
_BLOCKS_KEPT = 4  # two large files and the small ones between two blocks are read at once


class _SignedFiles:
    """Files of one folder that are opened by signed URLs, many of which come in one call.

    Args:
        internal: The folder as the Files API calls it, where it may serve these files too.
    """

    def __init__(self, rest: Rest, root: str = "", internal: str = "") -> None:
        self._rest = rest
        self._root = root
        self._urls = SignedUrls(rest)
        self._signed: dict[str, Json] = {}
        self._listed: list[File] = []
        self._lock = threading.Lock()
        self._files_api = _FilesApi(rest, internal) if internal else None
        self._proven = self._refused = False

    def files(self) -> list[File]:
        """Lists all files of the model, sorted by path."""
        role = self._rest.role
        self._listed = walk(self._page, self._root, role.failure, self._rest.where)
        return self._listed

    @contextmanager
    def open(self, file: File, start: int = 0, end: int | None = None) -> Iterator[Iterator[bytes]]:
        """Opens one file, or its bytes from `start` to before `end`."""
        with ExitStack() as stack:
            if self._files_api and self._refused:
                chunks = stack.enter_context(self._files_api.open(file, start, end))
            else:
                chunks = self._by_url_at_first(stack, file, start, end)
            yield chunks

    def _by_url_at_first(
        self, stack: ExitStack, file: File, start: int, end: int | None
    ) -> Iterator[bytes]:
        """Where the storage is closed to this runner from the start, the workspace may be open."""
        try:
            chunks = stack.enter_context(self._by_url(file, start, end))
        except (Expired, NotSent) as error:
            if self._proven or not self._files_api:
                raise
            try:
                chunks = stack.enter_context(self._files_api.open(file, start, end))
            except (ApiError, Transient):
                raise error from None
            self._refused = True
        self._proven = True
        return chunks

    @contextmanager
    def _by_url(self, file: File, start: int, end: int | None) -> Iterator[Iterator[bytes]]:
        signed = self._signature(file.path)
        headers = headers_of(signed) | range_header(start, end)
        try:
            with self._urls.open(signed["signed_uri"], headers, file) as chunks:
                yield chunks
        except Expired:
            with self._lock:
                if self._signed.get(file.path) is signed:
                    del self._signed[file.path]
            raise

    def _signature(self, path: str) -> Json:
        with self._lock:
            if path not in self._signed:
                self._keep(self._sign(self._block_of(path)))
            if path not in self._signed:
                raise self._rest.role.failure(
                    f"The {self._rest.role.name} gives no signed URL for {path!r}.",
                    where=self._rest.where,
                )
            return self._signed[path]

    def _block_of(self, path: str) -> list[str]:
        names = [file.path for file in self._listed]
        if path not in names:
            return [path]
        # The same block for each of its files, for they are asked for in any order.
        start = names.index(path) // PATHS_PER_CALL * PATHS_PER_CALL
        return names[start : start + PATHS_PER_CALL]

    def _keep(self, signed: dict[str, Json]) -> None:
        for path in signed:
            self._signed.pop(path, None)  # or it would stay among the oldest
        self._signed.update(signed)
        for oldest in list(self._signed)[: -_BLOCKS_KEPT * PATHS_PER_CALL]:
            del self._signed[oldest]  # so that memory does not grow with the files

    def _full(self, path: str) -> str:
        return f"{self._root}/{path}" if self._root else path

    def _relative(self, path: str) -> str:
        return path[len(self._root) + 1 :] if self._root else path

    def _page(self, folder: str, token: str) -> Json:
        raise NotImplementedError

    def _sign(self, paths: list[str]) -> dict[str, Json]:
        raise NotImplementedError


class _FilesApi:
    """Files by the workspace's own Files API: slower, and with no way to its storage."""

    def __init__(self, rest: Rest, folder: str) -> None:
        self._rest = rest
        self._folder = f"/WorkspaceInternal/Mlflow/Artifacts/{folder}"
        self._seen = Seen()

    @contextmanager
    def open(self, file: File, start: int, end: int | None) -> Iterator[Iterator[bytes]]:
        path = f"/api/2.0/fs/files{quoted(f'{self._folder}/{file.path}')}"
        with self._seen.opened(self._rest, path, file, start, end) as chunks:
            yield chunks


class RunFiles(_SignedFiles):
    """A folder of a run's artifacts."""

    def __init__(self, rest: Rest, experiment_id: str, run_id: str, artifact_path: str) -> None:
        internal = f"{experiment_id}/Runs/{run_id}/artifacts/{artifact_path}"
        super().__init__(rest, artifact_path, internal)
        self._run_id = run_id

    def _page(self, folder: str, token: str) -> Json:
        params = {"run_id": self._run_id, "path": folder} | _token(token)
        return self._rest.get("/api/2.0/mlflow/artifacts/list", params)

    def _sign(self, paths: list[str]) -> dict[str, Json]:
        def page(token: str) -> Json:
            body = {"run_id": self._run_id, "path": [self._full(path) for path in paths]}
            return self._rest.change(
                "POST", "/api/2.0/mlflow/artifacts/credentials-for-read", body | _token(token)
            )

        infos = all_pages(page, "credential_infos")
        return {self._relative(info["path"]): info for info in infos}


class LoggedModelFiles(_SignedFiles):
    """The files of a logged model."""

    def __init__(self, rest: Rest, experiment_id: str, model_id: str) -> None:
        super().__init__(rest, internal=f"{experiment_id}/LoggedModels/{model_id}/artifacts")
        self._base = f"/api/2.0/mlflow/logged-models/{model_id}/artifacts"

    def _page(self, folder: str, token: str) -> Json:
        params = {"artifact_directory_path": folder} if folder else {}
        return self._rest.get(f"{self._base}/directories", params | _token(token))

    def _sign(self, paths: list[str]) -> dict[str, Json]:
        def page(token: str) -> Json:
            body = {"paths": paths} | _token(token)
            return self._rest.change("POST", f"{self._base}/credentials-for-download", body)

        infos = all_pages(page, "credentials")
        return {info["credential_info"]["path"]: info["credential_info"] for info in infos}


class VersionFiles(_SignedFiles):
    """The files of a model version, as the registry serves them."""

    def __init__(self, rest: Rest, name: str, version: str) -> None:
        super().__init__(rest)
        self._params = {"name": name, "version": version}

    def _page(self, folder: str, token: str) -> Json:
        params = self._params | ({"path": folder} if folder else {}) | _token(token)
        return self._rest.get("/api/2.0/mlflow/model-versions/list-artifacts", params)

    def _signature(self, path: str) -> Json:
        # This call signs one path at a time, so nobody waits for another's.
        if not (signed := self._signed.get(path)):
            call = "/api/2.0/mlflow/model-versions/get-signed-download-uri"
            signed = self._rest.get(call, self._params | {"path": path})
            with self._lock:
                self._keep({path: signed})
        return signed


def _token(token: str) -> dict[str, Any]:
    return {"page_token": token} if token else {}


def all_pages(page: Callable[[str], Json], field: str) -> list[Json]:
    """The entries of all pages of a reply; `page` is called with the token of the page."""
    return [entry for reply in pages(page) for entry in reply.get(field) or []]
