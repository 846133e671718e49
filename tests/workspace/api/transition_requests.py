"""Requests to move a version to a stage, for somebody with the right to decide."""

from __future__ import annotations

import time
import uuid
from typing import Any

from ..auth import TRANSITION
from ..state import State
from ..wire.message import Request, flag, missing, not_implemented
from .model_versions import stored
from .routes import MLFLOW, ROUTES
from .stages import check_stage, move

REQUESTS = f"{MLFLOW}/transition-requests"


def _activity(kind: str, user: str, stages: tuple[str, str], comment: str) -> dict[str, Any]:
    return {
        "id": uuid.uuid4().hex,
        "activity_type": kind,
        "user_id": user,
        "from_stage": stages[0],
        "to_stage": stages[1],
        "comment": comment,
        "system_comment": "",
        "creation_timestamp": int(time.time() * 1000),
    }


def _open(state: State, name: str, version: str) -> list[dict[str, Any]]:
    return state.requests.setdefault((name, version), [])


def _close(state: State, request: Request, kind: str, creator: str | None = None) -> dict[str, Any]:
    """Take the request for that stage off the list, or all of them; the closing activity."""
    name, version, stage = request.require("name", "version", "stage")
    waiting = _open(state, name, str(version))
    closing = [
        asked
        for asked in waiting
        if asked["to_stage"] == stage and creator in (None, asked["user_id"])
    ]
    if not closing:
        raise missing(f"There is no open request to move {name}/{version} to {stage}.")
    for asked in closing if state.knobs.decide_all else closing[:1]:
        waiting.remove(asked)
    comment = request.fields().get("comment", "")
    return _activity(kind, request.user, (closing[0]["from_stage"], stage), comment)


@ROUTES.on("POST", f"{REQUESTS}/create")
def create(state: State, request: Request) -> dict[str, Any]:
    name, version, stage = request.require("name", "version", "stage")
    check_stage(stage)
    current = stored(state, name, version)["current_stage"]
    for asked in _open(state, name, str(version)):
        if (asked["to_stage"], asked["user_id"]) == (stage, request.user):
            raise not_implemented(f"a second request of {request.user} for {stage}")
    comment = request.fields().get("comment", "")
    asked = _activity("REQUESTED_TRANSITION", request.user, (current, stage), comment)
    _open(state, name, str(version)).append(asked)
    actions = ["CANCEL_TRANSITION_REQUEST"]
    if TRANSITION in request.rights:
        actions += ["APPROVE_TRANSITION_REQUEST", "REJECT_TRANSITION_REQUEST"]
    shown = ("creation_timestamp", "user_id", "comment", "to_stage")
    return {"request": {**{key: asked[key] for key in shown}, "available_actions": actions}}


@ROUTES.on("POST", f"{REQUESTS}/approve")
def approve(state: State, request: Request) -> dict[str, Any]:
    name, version, stage, _ = request.require(
        "name", "version", "stage", "archive_existing_versions"
    )
    if not any(asked["to_stage"] == stage for asked in _open(state, name, str(version))):
        raise missing(f"There is no open request to move {name}/{version} to {stage}.")
    archive = flag(request.fields()["archive_existing_versions"])
    move(state, name, str(version), stage, archive)
    return {"activity": _close(state, request, "APPROVED_REQUEST")}


@ROUTES.on("POST", f"{REQUESTS}/reject")
def reject(state: State, request: Request) -> dict[str, Any]:
    return {"activity": _close(state, request, "REJECTED_REQUEST")}


@ROUTES.on("DELETE", f"{REQUESTS}/delete")
def cancel(state: State, request: Request) -> dict[str, Any]:
    (creator,) = request.require("creator")
    return {"activity": _close(state, request, "CANCELLED_REQUEST", creator)}


@ROUTES.on("GET", f"{REQUESTS}/list")
def list_requests(state: State, request: Request) -> dict[str, Any]:
    name, version = request.require("name", "version")
    stored(state, name, version)
    return {"requests": _open(state, name, str(version))}
