"""Secret scopes and secrets."""

from __future__ import annotations

import base64
import re
import time
from dataclasses import dataclass, field
from typing import Any

from ..state import State
from ..wire.message import ApiError, Request, invalid, missing, not_implemented
from .routes import ROUTES

SECRETS = "/api/2.0/secrets"
MOST_BYTES = 128 << 10
MOST_SECRETS = 1000
MOST_SCOPES = 1000
_SCOPE_NAME = re.compile(r"[\w\-.@]{1,128}", re.ASCII)
_KEY_NAME = re.compile(r"[\w\-.]{1,128}", re.ASCII)


@dataclass
class Secret:
    value: bytes
    updated: int


@dataclass
class Scope:
    name: str
    secrets: dict[str, Secret] = field(default_factory=dict)
    acls: dict[str, str] = field(default_factory=dict)


def scope_of(state: State, request: Request) -> Scope:
    (name,) = request.require("scope")
    if name.lower() not in state.scopes:
        raise missing(f"Scope {name} does not exist!")
    return state.scopes[name.lower()]


@ROUTES.on("POST", f"{SECRETS}/scopes/create")
def create_scope(state: State, request: Request) -> dict[str, Any]:
    (name,) = request.require("scope")
    if request.fields().get("scope_backend_type", "DATABRICKS") != "DATABRICKS":
        raise not_implemented("secret scopes in a key vault")
    if not _SCOPE_NAME.fullmatch(name):
        raise invalid(f"Invalid scope name: {name}")
    if name.lower() in state.scopes:
        raise ApiError(400, "RESOURCE_ALREADY_EXISTS", f"Scope {name} already exists!")
    if len(state.scopes) >= MOST_SCOPES:
        raise ApiError(400, "RESOURCE_LIMIT_EXCEEDED", "There are too many scopes.")
    scope = Scope(name, acls={request.user: "MANAGE"})
    if group := request.fields().get("initial_manage_principal"):
        scope.acls[group] = "MANAGE"
    state.scopes[name.lower()] = scope
    return {}


@ROUTES.on("GET", f"{SECRETS}/scopes/list")
def list_scopes(state: State, request: Request) -> dict[str, Any]:
    scopes = state.scopes.values()
    return {"scopes": [{"name": one.name, "backend_type": "DATABRICKS"} for one in scopes]}


@ROUTES.on("POST", f"{SECRETS}/scopes/delete")
def delete_scope(state: State, request: Request) -> dict[str, Any]:
    del state.scopes[scope_of(state, request).name.lower()]
    return {}


def _given_value(request: Request) -> bytes:
    fields = request.fields()
    text, encoded = fields.get("string_value"), fields.get("bytes_value")
    if (text is None) == (encoded is None):
        message = "Exactly one of string_value and bytes_value must be given."
        raise ApiError(400, "MALFORMED_REQUEST", message)
    if text is not None:
        return text.encode()
    try:
        return base64.b64decode(encoded, validate=True)
    except ValueError:
        raise ApiError(400, "MALFORMED_REQUEST", "bytes_value is not base64.") from None


@ROUTES.on("POST", f"{SECRETS}/put")
def put_secret(state: State, request: Request) -> dict[str, Any]:
    scope = scope_of(state, request)
    (key,) = request.require("key")
    value = _given_value(request)
    if not _KEY_NAME.fullmatch(key) or len(value) > MOST_BYTES:
        raise invalid("The key is invalid, or the value is larger than 128 KB.")
    if key not in scope.secrets and len(scope.secrets) >= MOST_SECRETS:
        raise ApiError(400, "RESOURCE_LIMIT_EXCEEDED", "There are too many secrets.")
    scope.secrets[key] = Secret(value, int(time.time() * 1000))
    return {}


def _secret(scope: Scope, key: str) -> Secret:
    if key not in scope.secrets:
        raise missing(f"Secret does not exist with scope: {scope.name} and key: {key}")
    return scope.secrets[key]


@ROUTES.on("GET", f"{SECRETS}/get")
def get_secret(state: State, request: Request) -> dict[str, Any]:
    (key,) = request.require("key")
    secret = _secret(scope_of(state, request), key)
    return {"key": key, "value": base64.b64encode(secret.value).decode()}


@ROUTES.on("GET", f"{SECRETS}/list")
def list_secrets(state: State, request: Request) -> dict[str, Any]:
    secrets = scope_of(state, request).secrets.items()
    return {
        "secrets": [{"key": key, "last_updated_timestamp": one.updated} for key, one in secrets]
    }


@ROUTES.on("POST", f"{SECRETS}/delete")
def delete_secret(state: State, request: Request) -> dict[str, Any]:
    scope = scope_of(state, request)
    (key,) = request.require("key")
    _secret(scope, key)
    del scope.secrets[key]
    return {}
