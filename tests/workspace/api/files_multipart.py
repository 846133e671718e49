"""The Files API: uploads in parts."""

from __future__ import annotations

from typing import Any

from ..state import State
from ..uploads import Part
from ..wire.message import Request, flag, not_implemented
from .files import FILE, refuse_existing
from .places import path_of_file
from .routes import ROUTES


@ROUTES.on("POST", FILE)
def act_on_upload(state: State, request: Request) -> dict[str, Any]:
    action = request.query("action")
    if action == "initiate-upload":
        return _initiate(state, request)
    if action == "complete-upload" and request.query("upload_type") == "multipart":
        return _complete(state, request)
    raise not_implemented(f"action {action!r} on a file")


def _initiate(state: State, request: Request) -> dict[str, Any]:
    path = path_of_file(state, request.params["path"])
    refuse_existing(state, path, flag(request.query("overwrite")))
    return {"multipart_upload": {"session_token": state.uploads.start(path)}}


def _complete(state: State, request: Request) -> dict[str, Any]:
    parts = [Part(int(part["part_number"]), part["etag"]) for part in request.fields()["parts"]]
    state.uploads.complete(request.query("session_token"), parts)
    return {}


@ROUTES.on("POST", "/api/2.0/fs/create-upload-part-urls")
def create_upload_part_urls(state: State, request: Request) -> dict[str, Any]:
    name, token, first, count = request.require(
        "path", "session_token", "start_part_number", "count"
    )
    path = path_of_file(state, name)
    numbers = range(int(first), int(first) + int(count))
    return {
        "upload_part_urls": [
            {
                "url": state.signer.url("PUT", path, token, number),
                "part_number": number,
                "headers": [],
            }
            for number in numbers
        ]
    }


@ROUTES.on("POST", "/api/2.0/fs/create-abort-upload-url")
def create_abort_upload_url(state: State, request: Request) -> dict[str, Any]:
    name, token = request.require("path", "session_token")
    url = state.signer.url("DELETE", path_of_file(state, name), token)
    return {"abort_upload_url": {"url": url, "headers": []}}
