"""What the workspace adds to a version that MLflow's server keeps."""

from __future__ import annotations

from typing import Any

from ..auth import TRANSITION, WRITE
from ..registrar import PENDING
from ..state import State
from ..wire.message import Request


def dress(state: State, version: dict[str, Any]) -> dict[str, Any]:
    """The version with its status in this workspace."""
    version.pop("aliases", None)
    registration = state.registrar.get(version["name"], version["version"])
    # MLflow's server tells of it a moment before its registration is noted.
    version["status"] = registration.status if registration else PENDING
    if registration:
        version["user_id"] = registration.user
        if registration.message:
            version["status_message"] = registration.message
    return version


def permission_level(request: Request) -> str:
    """What the asking user may do with a model."""
    if WRITE not in request.rights:
        return "CAN_READ"
    return "CAN_MANAGE" if TRANSITION in request.rights else "CAN_EDIT"


def dress_for_databricks(state: State, request: Request, version: dict[str, Any]) -> dict[str, Any]:
    """The richer form of the `mlflow/databricks/…` calls."""
    key = version["name"], version["version"]
    return {
        **dress(state, version),
        "permission_level": permission_level(request),
        "open_requests": state.requests.get(key, []),
        "email_subscription_status": "DEFAULT",
    }
