"""Walking the paged listings of the MLflow API into one flat list of files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import Failure
from ..inputs.values import path_problem
from ..replies import pages
from .protocols import File

_DEEPEST = 200
# (folder, page token or "") -> a reply with files[]{path, is_dir, file_size}, next_page_token
Page = Callable[[str, str], dict[str, Any]]


def walk(page: Page, root: str, failure: type[Failure], where: str) -> list[File]:
    """Lists all files below a root.

    The servers give paths relative to different things, but always the direct children of the
    folder that was asked for: so only the last part of each is used.

    Args:
        root: The folder, as `page` wants it; empty for its own root. Of a file none is listed,
            though a workspace lists it as its one entry.

    Raises:
        Failure: Of the given kind, where a name can't be carried faithfully.
    """
    files: list[File] = []
    folders = [""]
    listed: set[tuple[str, bool]] = set()
    while folders:
        folder = folders.pop()
        entries = _entries(page, "/".join(filter(None, (root, folder))))
        if not folder and root and _is_file(root, entries):
            return []
        for entry in entries:
            name = str(entry.get("path", "")).rsplit("/", 1)[-1]
            path = f"{folder}/{name}" if folder else name
            is_dir = bool(entry.get("is_dir"))
            if problem := path_problem(path) or _listing_problem(path, (path, is_dir) in listed):
                raise failure(f"The file name {path!r} {problem}.", where=where)
            listed.add((path, is_dir))
            if is_dir:
                folders.append(path)
            else:
                files.append(File(path, int(entry.get("file_size") or 0)))
    return sorted(files)


def _listing_problem(path: str, is_listed: bool) -> str:
    if path.count("/") > _DEEPEST:
        return f"lies more than {_DEEPEST} folders deep"
    return "is listed twice: somebody changes these files, or two have one name" * is_listed


def _is_file(root: str, entries: list[dict[str, Any]]) -> bool:
    return [(one.get("path"), bool(one.get("is_dir"))) for one in entries] == [(root, False)]


def _entries(page: Page, folder: str) -> list[dict[str, Any]]:
    replies = pages(lambda token: page(folder, token))
    return [entry for reply in replies for entry in reply.get("files") or []]
