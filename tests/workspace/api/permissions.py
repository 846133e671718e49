"""Who may do what with a registered model: kept and shown, not enforced."""

from __future__ import annotations

from typing import Any

from ..state import RegisteredModel, State
from ..wire.message import Request, missing
from .routes import ROUTES

PERMISSIONS = "/api/2.0/permissions/registered-models/{id}"
PRINCIPALS = ("user_name", "group_name", "service_principal_name")


def _find(state: State, request: Request) -> RegisteredModel:
    for model in state.models.values():
        if model.id == request.params["id"]:
            return model
    raise missing(f"RegisteredModel with id {request.params['id']} does not exist.")


def _principal(entry: dict[str, Any]) -> tuple[str | None, ...]:
    return tuple(entry.get(kind) for kind in PRINCIPALS)


def _shown(model: RegisteredModel) -> dict[str, Any]:
    entries = []
    for entry in model.permissions:
        who = {kind: entry[kind] for kind in PRINCIPALS if kind in entry}
        level = {"permission_level": entry["permission_level"], "inherited": False}
        entries.append({**who, "all_permissions": [level]})
    return {
        "object_id": f"/registered-models/{model.id}",
        "object_type": "registered-model",
        "access_control_list": entries,
    }


@ROUTES.on("GET", PERMISSIONS)
def get(state: State, request: Request) -> dict[str, Any]:
    return _shown(_find(state, request))


@ROUTES.on("PUT", PERMISSIONS)
def replace(state: State, request: Request) -> dict[str, Any]:
    model = _find(state, request)
    model.permissions = list(request.fields().get("access_control_list", []))
    return _shown(model)


@ROUTES.on("PATCH", PERMISSIONS)
def add(state: State, request: Request) -> dict[str, Any]:
    model = _find(state, request)
    changes = list(request.fields().get("access_control_list", []))
    changed = {_principal(entry) for entry in changes}
    kept = [entry for entry in model.permissions if _principal(entry) not in changed]
    model.permissions = kept + changes
    return _shown(model)
