"""Comments on versions."""

from __future__ import annotations

import time
import uuid
from typing import Any

from ..state import State
from ..wire.message import Request, missing
from .model_versions import stored
from .routes import MLFLOW, ROUTES

COMMENTS = f"{MLFLOW}/comments"


def _find(state: State, comment_id: str) -> dict[str, Any]:
    if comment_id not in state.comments:
        raise missing(f"Comment {comment_id} does not exist.")
    return state.comments[comment_id]


@ROUTES.on("POST", f"{COMMENTS}/create")
def create(state: State, request: Request) -> dict[str, Any]:
    name, version, text = request.require("name", "version", "comment")
    stored(state, name, version)
    now = int(time.time() * 1000)
    comment = {
        "id": uuid.uuid4().hex,
        "user_id": request.user,
        "comment": text,
        "creation_timestamp": now,
        "last_updated_timestamp": now,
        "available_actions": ["EDIT_COMMENT", "DELETE_COMMENT"],
    }
    state.comments[comment["id"]] = comment
    return {"comment": comment}


@ROUTES.on("PATCH", f"{COMMENTS}/update")
def update(state: State, request: Request) -> dict[str, Any]:
    comment_id, text = request.require("id", "comment")
    comment = _find(state, comment_id)
    comment.update(comment=text, last_updated_timestamp=int(time.time() * 1000))
    return {"comment": comment}


@ROUTES.on("DELETE", f"{COMMENTS}/delete")
def delete(state: State, request: Request) -> dict[str, Any]:
    (comment_id,) = request.require("id")
    _find(state, comment_id)
    del state.comments[comment_id]
    return {}
