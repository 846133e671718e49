"""The Files API: files, directories and signed URLs."""

from __future__ import annotations

import posixpath
from typing import Any

from ..signer import file_reply
from ..state import State
from ..storage import Entry
from ..wire.message import ApiError, Reply, Request, flag
from .paging import page
from .places import path_of_file
from .routes import ROUTES

FILE = "/api/2.0/fs/files{path:path}"
DIRECTORY = "/api/2.0/fs/directories{path:path}"


def not_found(path: str) -> ApiError:
    return ApiError(404, "NOT_FOUND", f"Nothing exists at {path}.")


def refuse_existing(state: State, path: str, overwrite: bool) -> None:
    if state.storage.is_dir(path) or (state.storage.is_file(path) and not overwrite):
        raise ApiError(409, "ALREADY_EXISTS", f"Something exists at {path}.")


@ROUTES.on("PUT", FILE)
def upload(state: State, request: Request) -> Reply:
    path = path_of_file(state, request.params["path"])
    refuse_existing(state, path, flag(request.query("overwrite")))
    state.storage.receive(request.body, path)
    return Reply(204)


@ROUTES.on("GET", FILE)
@ROUTES.on("HEAD", FILE)
def download(state: State, request: Request) -> Reply:
    path = path_of_file(state, request.params["path"])
    if not state.storage.is_file(path):
        raise not_found(path)
    return file_reply(state.storage.on_disk(path), request.header("Range"))


@ROUTES.on("DELETE", FILE)
def delete(state: State, request: Request) -> Reply:
    path = path_of_file(state, request.params["path"])
    if not state.storage.is_file(path):
        raise not_found(path)
    state.storage.remove(path)
    return Reply(204)


@ROUTES.on("HEAD", DIRECTORY)
def directory_metadata(state: State, request: Request) -> Reply:
    if not state.storage.is_dir(path_of_file(state, request.params["path"])):
        raise not_found(request.params["path"])
    return Reply()


@ROUTES.on("GET", DIRECTORY)
def list_directory(state: State, request: Request) -> dict[str, Any]:
    path = path_of_file(state, request.params["path"])
    if not state.storage.is_dir(path):
        raise not_found(path)
    size = min(state.knobs.page_size, int(request.query("page_size") or state.knobs.page_size))
    entries, more = page(state.storage.entries(path), request.query("page_token"), size)
    top = request.params["path"].rstrip("/")
    return {"contents": [_content(entry, top) for entry in entries], **more}


def _content(entry: Entry, top: str) -> dict[str, Any]:
    content = {
        "path": posixpath.join(top, entry.name),
        "name": entry.name,
        "is_directory": entry.is_dir,
        "last_modified": entry.modified,
    }
    return content if entry.is_dir else {**content, "file_size": entry.size}


@ROUTES.on("PUT", DIRECTORY)
def make_directory(state: State, request: Request) -> Reply:
    path = path_of_file(state, request.params["path"])
    if state.storage.is_file(path):
        raise ApiError(409, "ALREADY_EXISTS", f"A file exists at {path}.")
    state.storage.make_dir(path)
    return Reply(204)


@ROUTES.on("DELETE", DIRECTORY)
def delete_directory(state: State, request: Request) -> Reply:
    path = path_of_file(state, request.params["path"])
    if not state.storage.is_dir(path):
        raise not_found(path)
    if state.storage.entries(path):
        raise ApiError(400, "FILES_API_DIRECTORY_IS_NOT_EMPTY", f"{path} is not empty.")
    state.storage.remove(path)
    return Reply(204)


@ROUTES.on("POST", "/api/2.0/fs/create-download-url")
def create_download_url(state: State, request: Request) -> dict[str, Any]:
    path = path_of_file(state, *request.require("path"))
    if not state.storage.is_file(path):
        raise not_found(path)
    return {"url": state.signer.url("GET", path), "headers": []}


@ROUTES.on("POST", "/api/2.0/fs/create-upload-url")
def create_upload_url(state: State, request: Request) -> dict[str, Any]:
    path = path_of_file(state, *request.require("path"))
    return {"url": state.signer.url("PUT", path), "headers": []}
