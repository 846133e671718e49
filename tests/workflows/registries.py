"""What is in a registry, as its own API tells it."""

from __future__ import annotations

import uuid
from typing import Any

import requests
from servers import MlflowServer
from workspace import Workspace

STAGING = "/databricks/mlflow/tmp-external-source"


def call(side: Workspace | MlflowServer, method: str, path: str, **options: Any) -> dict[str, Any]:
    session = requests.Session()
    session.trust_env = False
    if isinstance(side, Workspace):
        url, session.headers["Authorization"] = side.host, f"Bearer {side.token}"
    else:
        url, session.auth = side.url, (side.username, side.password)
    reply = session.request(method, f"{url}/api/2.0/mlflow/{path}", timeout=30, **options)
    reply.raise_for_status()
    return reply.json()


def versions(side: Workspace | MlflowServer, name: str) -> list[dict[str, Any]]:
    """The versions of a model, oldest first, with their tags as a mapping."""
    reply = call(side, "GET", "model-versions/search", params={"filter": f"name='{name}'"})
    found = sorted(reply.get("model_versions", []), key=lambda version: int(version["version"]))
    return [{**it, "tags": {tag["key"]: tag["value"] for tag in it["tags"]}} for it in found]


def set_aside(side: Workspace | MlflowServer, name: str) -> None:
    """Makes room for a model of this name."""
    found = call(side, "GET", "registered-models/search", params={"filter": f"name='{name}'"})
    if found.get("registered_models"):
        body = {"name": name, "new_name": f"{name}-{uuid.uuid4().hex}"}
        call(side, "POST", "registered-models/rename", json=body)


def staging_copies(registry: Workspace) -> list[str]:
    """The staging copies that the action left; plain MLflow leaves others, which are not ours."""
    return [path.name for path in registry.on_disk(STAGING).glob("remote-registry-*")]
