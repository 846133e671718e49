"""Who this workspace is, and who is asking."""

from __future__ import annotations

import zlib
from typing import Any

from ..state import State
from ..wire.message import Request
from .routes import ROUTES


@ROUTES.on("GET", "/.well-known/databricks-config")
def host_metadata(state: State, request: Request) -> dict[str, Any]:
    return {
        "oidc_endpoint": f"{state.host}/oidc",
        "workspace_id": state.identity.workspace_id,
    }


@ROUTES.on("GET", "/api/2.0/preview/scim/v2/Me")
def me(state: State, request: Request) -> dict[str, Any]:
    return {
        "id": str(zlib.crc32(request.user.encode())),
        "userName": request.user,
        "displayName": request.user.partition("@")[0],
        "active": True,
        "emails": [{"type": "work", "value": request.user, "primary": True}],
        "groups": [],
        "entitlements": [],
    }
