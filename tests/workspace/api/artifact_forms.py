"""The forms in which artifacts are listed and signed URLs are given."""

from __future__ import annotations

import posixpath
from typing import Any

from ..azure import AZURE
from ..state import State
from .paging import page
from .places import join


def credential(
    url: str, path: str, kind: str = "AWS_PRESIGNED_URL", **owner: str
) -> dict[str, Any]:
    # MLflow sends this header on to blobs, and keeps it from a data lake, which refuses it.
    headers = [{"name": "x-ms-blob-type", "value": "BlockBlob"}] if kind in AZURE else []
    return {**owner, "path": path, "signed_uri": url, "type": kind, "headers": headers}


def signed(state: State, verb: str, target: str, path: str, **owner: str) -> dict[str, Any]:
    """The credential for one file, of the kind that this workspace's storage has."""
    kind = state.knobs.signed_url_type
    return credential(state.signer.url(verb, target, kind=kind), path, kind, **owner)


def listing(state: State, root: str, path: str, token: str) -> dict[str, Any]:
    """`files` with paths relative to the root, in pages."""
    entries, more = page(state.storage.entries(join(root, path)), token, state.knobs.page_size)
    files = []
    for entry in entries:
        file: dict[str, Any] = {
            "path": posixpath.join(path, entry.name) if entry.name else path,
            "is_dir": entry.is_dir,
        }
        files.append(file if entry.is_dir else {**file, "file_size": entry.size})
    return {"files": files, **more}
