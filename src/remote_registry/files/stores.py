"""Reading and writing files in an object store in which an MLflow server keeps them.

All of `obstore` that is used here works a file at a time in bounded memory; it repeats a part of a
file by itself, and takes back what it has begun of a file that is not finished.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ..errors import RegistryFailed
from ..inputs.values import path_problem
from ..rest import Rest
from .bodies import changed
from .handing import hand_over
from .protocols import Body, File, Upload
from .proxy import ProxyFolder, proxied_folder
from .store_errors import Place, translated
from .store_places import Located, is_store, located

_CHUNK = 1 << 20
_PART = 5 << 20  # the smallest that S3 takes
_MOST_PARTS = 10_000
_PARTS_AT_ONCE = 2  # and one that is being filled
_PAGE = 1000
_LONGEST_NAME = 1024


def served_folder(rest: Rest, artifact_uri: str, below: str = "") -> ProxyFolder | StoreFolder:
    """The folder of an MLflow server's `artifact_uri`: in its store, or behind its proxy.

    Args:
        below: A folder below that one. It is a path and no part of the URI: in it, `#`, `?` and
            `%20` are plain characters.

    Raises:
        NeedsStores: It is in an object store, and `obstore` is not installed.
        Failure: It is in neither, or can't be signed in to.
    """
    if is_store(artifact_uri):
        return StoreFolder(located(rest, artifact_uri, below))
    return ProxyFolder(rest, proxied_folder(rest, artifact_uri, below))


class StoreFolder:
    """One folder of an object store: a reader and a writer."""

    def __init__(self, found: Located) -> None:
        self._store = found.store
        self._place: Place = found.place
        self._folder = found.folder
        self._is_azure = found.is_azure
        self._etags: dict[str, str] = {}

    def reach(self) -> str:
        """Makes sure that the store is there and lets itself be listed.

        Returns:
            The store, for people.

        Raises:
            Failure: It isn't, or doesn't.
        """
        self._place.rest.repeat(lambda: next(iter(self._pages(1)), None))
        return self._place.uri

    def files(self) -> list[File]:
        """Lists all files of the model, sorted by path."""
        found = self._place.rest.repeat(self._listed)
        folders = {path[:end] for path, _ in found for end in _slashes(path)}
        # A console marks a folder by an empty object of its name.
        files = [File(path, size) for path, size in found if size or path not in folders]
        for file in files:
            if problem := path_problem(file.path):
                raise self._place.failure(f"The file name {file.path!r} {problem}.")
        return sorted(files)

    def _listed(self) -> list[tuple[str, int]]:
        start = len(self._folder) + 1 if self._folder else 0
        return [(found["path"][start:], found["size"]) for page in self._pages() for found in page]

    def _pages(self, at_once: int = _PAGE) -> Iterator[Iterable[Any]]:
        import obstore

        with translated(self._place, f"list {self._folder!r}"):
            for page in obstore.list(self._store, self._folder, chunk_size=at_once):
                self._place.reached = True
                yield page

    @contextmanager
    def open(self, file: File, start: int = 0, end: int | None = None) -> Iterator[Iterator[bytes]]:
        """Opens one file, or its bytes from `start` to before `end`.

        Raises:
            Transient: What may pass when it is opened again.
            RangeIgnored: Only the whole file can be had.
            RegistryFailed: The file has changed since it was listed, or opened before.
        """
        import obstore

        if end is not None and end <= start:
            yield iter(())
            return
        part: Any = (start, end) if end is not None else {"offset": start}
        options: Any = {"range": part} if start or end is not None else {}
        with translated(self._place, f"read {file.path!r}"):
            found = obstore.get(self._store, self._path(file), options=options)
        self._check(file, found.meta)
        yield self._chunks(file, found)

    def _check(self, file: File, meta: Mapping[str, Any]) -> None:
        etag = meta["e_tag"] or ""
        if self._etags.setdefault(file.path, etag) != etag:
            raise changed(file, "has another ETag than before")
        if meta["size"] != file.size:
            raise changed(file, f"has {meta['size']} bytes and not the {file.size} listed")

    def _chunks(self, file: File, found: Any) -> Iterator[bytes]:
        with translated(self._place, f"read {file.path!r}"):
            for chunk in found.stream(min_chunk_size=_CHUNK // 2):
                yield from (chunk[at : at + _CHUNK] for at in range(0, len(chunk), _CHUNK))

    def problem(self, file: File) -> str:
        """Why the store can't carry the name; Azure turns `\\` into `/` and drops a dot's end."""
        if len(self._path(file).encode()) > _LONGEST_NAME:
            return f"makes, with its folder, a name longer than {_LONGEST_NAME} bytes"
        if self._is_azure and "\\" in file.path:
            return "holds '\\', of which Azure makes '/'"
        if self._is_azure and any(part.endswith(".") for part in file.path.split("/")):
            return "has a part that ends with '.', which Azure does not keep"
        return ""

    def write(self, file: File, body: Body) -> None:
        """Writes one file, whole: nothing of it is there before all of it is.

        Raises:
            Transient: What may pass when it is written again, with a new body.
        """
        import obstore

        path = self._path(file)
        with translated(self._place, f"write {file.path!r}"):
            if len(body) <= _PART:
                obstore.put(self._store, path, b"".join(body), use_multipart=False)
            else:
                hand_over(body, lambda chunks: self._put_parts(path, chunks, len(body)))

    def _put_parts(self, path: str, chunks: Iterator[bytes], size: int) -> None:
        import obstore

        obstore.put(
            self._store,
            path,
            chunks,
            use_multipart=True,
            chunk_size=max(_PART, -(-size // _MOST_PARTS)),
            max_concurrency=_PARTS_AT_ONCE,
        )

    def upload(self, file: File, parts: int) -> Upload | None:
        """`None`: `write` sends a large file in parts by itself, and takes them in order."""
        return None

    def delete(self) -> None:
        """Deletes all that is below the folder; it is no error if nothing is."""
        if "/" not in self._folder:
            raise RegistryFailed(
                f"{self._folder!r} is too near to the store's root to be deleted.",
                where=self._place.where,
            )
        self._place.rest.repeat(self._delete)

    def _delete(self) -> None:
        import obstore

        paths = [found["path"] for page in self._pages() for found in page]
        with translated(self._place, f"delete below {self._folder!r}"):
            for start in range(0, len(paths), _PAGE):
                obstore.delete(self._store, paths[start : start + _PAGE])

    def _path(self, file: File) -> str:
        return f"{self._folder}/{file.path}" if self._folder else file.path


def _slashes(path: str) -> Iterator[int]:
    return (at for at, character in enumerate(path) if character == "/")
