"""Who may do what with a secret scope: kept and shown, not enforced."""

from __future__ import annotations

from typing import Any

from ..state import State
from ..wire.message import Request, invalid, missing
from .routes import ROUTES
from .secrets import SECRETS, scope_of

LEVELS = ("READ", "WRITE", "MANAGE")


def _shown(principal: str, permission: str) -> dict[str, str]:
    return {"principal": principal, "permission": permission}


@ROUTES.on("POST", f"{SECRETS}/acls/put")
def put(state: State, request: Request) -> dict[str, Any]:
    principal, permission = request.require("principal", "permission")
    if permission not in LEVELS:
        raise invalid(f"Invalid permission: {permission}")
    scope_of(state, request).acls[principal] = permission
    return {}


@ROUTES.on("GET", f"{SECRETS}/acls/list")
def list_acls(state: State, request: Request) -> dict[str, Any]:
    return {"items": [_shown(*one) for one in scope_of(state, request).acls.items()]}


@ROUTES.on("GET", f"{SECRETS}/acls/get")
def get(state: State, request: Request) -> dict[str, Any]:
    (principal,) = request.require("principal")
    acls = scope_of(state, request).acls
    if principal not in acls:
        raise missing(f"Failed to get secret ACL for principal {principal}.")
    return _shown(principal, acls[principal])


@ROUTES.on("POST", f"{SECRETS}/acls/delete")
def delete(state: State, request: Request) -> dict[str, Any]:
    (principal,) = request.require("principal")
    acls = scope_of(state, request).acls
    if principal not in acls:
        raise missing(f"Failed to delete secret ACL for principal {principal}.")
    del acls[principal]
    return {}
