"""DBFS: files written block by block through a handle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..state import State
from ..wire.message import Request, flag, missing
from .dbfs import dbfs_path, decoded, refuse_existing
from .routes import ROUTES


def _open_file(state: State, request: Request) -> tuple[int, Path, str]:
    handle = int(request.require("handle")[0])
    if handle not in state.handles:
        raise missing(f"No open handle {handle}.")
    arriving, path = state.handles[handle]
    dbfs_path(state, path)
    return handle, arriving, path


@ROUTES.on("POST", "/api/2.0/dbfs/create")
def create(state: State, request: Request) -> dict[str, Any]:
    path = dbfs_path(state, *request.require("path"))
    refuse_existing(state, path, flag(request.fields().get("overwrite")))
    handle, arriving = next(state.numbers), state.storage.temporary()
    arriving.touch()
    state.handles[handle] = arriving, path
    return {"handle": handle}


@ROUTES.on("POST", "/api/2.0/dbfs/add-block")
def add_block(state: State, request: Request) -> dict[str, Any]:
    _, arriving, _ = _open_file(state, request)
    with arriving.open("ab") as file:
        file.write(decoded(request.fields().get("data", "")))
    return {}


@ROUTES.on("POST", "/api/2.0/dbfs/close")
def close(state: State, request: Request) -> dict[str, Any]:
    handle, arriving, path = _open_file(state, request)
    del state.handles[handle]
    state.storage.adopt(arriving, path)
    return {}
