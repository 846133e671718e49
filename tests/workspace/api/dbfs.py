"""DBFS: folders and whole files."""

from __future__ import annotations

import base64
import posixpath
from typing import Any

from ..signer import file_reply
from ..state import State
from ..storage import Entry, below, normal
from ..wire.message import ApiError, Reply, Request, flag, invalid, missing, not_implemented
from .routes import ROUTES

MEGABYTE = 1 << 20
DEFAULT_READ = MEGABYTE // 2
NOT_BY_DBFS = ("/databricks/mlflow-tracking", "/databricks/mlflow-registry", "/Volumes")


def dbfs_path(state: State, path: str) -> str:
    """The path, where DBFS is on and answers for it."""
    if not state.knobs.dbfs:
        raise ApiError(403, "PERMISSION_DENIED", "DBFS is disabled in this workspace.")
    path = normal(path)
    if any(below(path, folder) for folder in NOT_BY_DBFS):
        raise not_implemented(f"DBFS calls for {path}")
    return path


def existing(state: State, path: str) -> Entry:
    found = state.storage.status(path)
    if not found:
        raise missing(f"No file or directory exists on path {path}.")
    return found


def refuse_existing(state: State, path: str, overwrite: bool) -> None:
    if state.storage.is_dir(path) or (state.storage.is_file(path) and not overwrite):
        raise ApiError(400, "RESOURCE_ALREADY_EXISTS", f"A file or directory exists at {path}.")


def decoded(data: str) -> bytes:
    try:
        block = base64.b64decode(data, validate=True)
    except ValueError:
        raise ApiError(400, "MALFORMED_REQUEST", "The data is not base64.") from None
    if len(block) > MEGABYTE:
        raise ApiError(400, "MAX_BLOCK_SIZE_EXCEEDED", "A block may have 1 MB at most.")
    return block


def _info(entry: Entry, path: str) -> dict[str, Any]:
    return {
        "path": path,
        "is_dir": entry.is_dir,
        "file_size": entry.size,
        "modification_time": entry.modified,
    }


@ROUTES.on("GET", "/api/2.0/dbfs/list")
def list_folder(state: State, request: Request) -> dict[str, Any]:
    path = dbfs_path(state, *request.require("path"))
    existing(state, path)
    files = [
        _info(entry, posixpath.join(path, entry.name) if entry.name else path)
        for entry in state.storage.entries(path)
    ]
    return {"files": files} if files else {}


@ROUTES.on("GET", "/api/2.0/dbfs/get-status")
def get_status(state: State, request: Request) -> dict[str, Any]:
    path = dbfs_path(state, *request.require("path"))
    return _info(existing(state, path), path)


@ROUTES.on("GET", "/api/2.0/dbfs/read")
def read(state: State, request: Request) -> dict[str, Any]:
    path = dbfs_path(state, *request.require("path"))
    offset = int(request.query("offset", "0"))
    length = int(request.query("length", str(DEFAULT_READ)))
    if length > MEGABYTE:
        raise ApiError(400, "MAX_READ_SIZE_EXCEEDED", "At most 1 MB can be read at a time.")
    if existing(state, path).is_dir or offset < 0 or length < 0:
        raise invalid("Only a file can be read, from an offset and for a length of 0 or more.")
    with state.storage.on_disk(path).open("rb") as file:
        file.seek(offset)
        data = file.read(length)
    return {"bytes_read": len(data), "data": base64.b64encode(data).decode()}


@ROUTES.on("POST", "/api/2.0/dbfs/put")
def put(state: State, request: Request) -> dict[str, Any]:
    if (request.header("Content-Type") or "").startswith("multipart/form-data"):
        raise not_implemented("dbfs/put with a form")
    (path,) = request.require("path")
    path = dbfs_path(state, path)
    fields = request.fields()
    refuse_existing(state, path, flag(fields.get("overwrite")))
    arriving = state.storage.temporary()
    arriving.write_bytes(decoded(fields.get("contents", "")))
    state.storage.adopt(arriving, path)
    return {}


@ROUTES.on("POST", "/api/2.0/dbfs/mkdirs")
def mkdirs(state: State, request: Request) -> dict[str, Any]:
    path = dbfs_path(state, *request.require("path"))
    if state.storage.is_file(path):
        raise ApiError(400, "RESOURCE_ALREADY_EXISTS", f"A file exists at {path}.")
    state.storage.make_dir(path)
    return {}


@ROUTES.on("POST", "/api/2.0/dbfs/move")
def move(state: State, request: Request) -> dict[str, Any]:
    source, target = (
        dbfs_path(state, path) for path in request.require("source_path", "destination_path")
    )
    existing(state, source)
    if state.storage.status(target):
        raise ApiError(400, "RESOURCE_ALREADY_EXISTS", f"Something exists at {target}.")
    state.storage.move(source, target)
    return {}


@ROUTES.on("POST", "/api/2.0/dbfs/delete")
def delete(state: State, request: Request) -> dict[str, Any]:
    path = dbfs_path(state, *request.require("path"))
    if any(below(folder, path) for folder in NOT_BY_DBFS):
        raise not_implemented(f"DBFS deletes of {path}")
    full = state.storage.is_dir(path) and state.storage.entries(path)
    if full and not flag(request.fields().get("recursive")):
        raise ApiError(400, "IO_ERROR", f"The folder {path} is not empty.")
    state.storage.remove(path)
    return {}


@ROUTES.on("POST", "/dbfs/{path:path}")
def raw_write(state: State, request: Request) -> Reply:
    path = dbfs_path(state, "/" + request.params["path"])
    if state.storage.is_dir(path):
        raise ApiError(400, "RESOURCE_ALREADY_EXISTS", f"A directory exists at {path}.")
    state.storage.receive(request.body, path)
    return Reply()


@ROUTES.on("GET", "/dbfs/{path:path}")
def raw_read(state: State, request: Request) -> Reply:
    path = dbfs_path(state, "/" + request.params["path"])
    if existing(state, path).is_dir:
        raise invalid(f"{path} is a directory.")
    return file_reply(state.storage.on_disk(path), request.header("Range"))
