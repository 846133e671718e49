"""Versions made by the bare API, for the verbs that work on what is there."""

from __future__ import annotations

import uuid
from typing import Any

import registering
import requests
from command import Side
from servers import MlflowServer
from workspace import Workspace

TAG = "remote_registry."


def api(side: Side, method: str, call: str, token: str = "", **arguments: Any) -> dict[str, Any]:
    """The answer to one call of the MLflow API, which succeeds."""
    with requests.Session() as session:
        session.trust_env = False
        if isinstance(side, Workspace):
            session.headers["Authorization"] = f"Bearer {token or side.token}"
        elif side.username:
            session.auth = (side.username, side.password)
        url = side.host if isinstance(side, Workspace) else side.url
        reply = session.request(method, f"{url}/api/2.0/mlflow/{call}", timeout=30, **arguments)
    assert reply.status_code == 200, reply.text
    return reply.json()


def make_model(side: Side) -> str:
    """The name of a new registered model."""
    name = f"churn-{uuid.uuid4().hex[:8]}"
    api(side, "POST", "registered-models/create", json={"name": name})
    return name


def make_version(
    side: Side, name: str, token: str = "", *, ready: bool = True, **recorded: str
) -> str:
    """The number of a new version that is READY; what registering recorded on it are its tags."""
    tags = [{"key": f"{TAG}{key}", "value": text} for key, text in recorded.items()]
    body = {"name": name, "tags": tags}
    if isinstance(side, MlflowServer):
        body["source"] = f"s3://nowhere/{uuid.uuid4().hex}"
        return api(side, "POST", "model-versions/create", json=body)["model_version"]["version"]
    body["source"] = f"dbfs:{registering.staged(side)}"
    made = api(side, "POST", "model-versions/create", token, json=body)["model_version"]["version"]
    if ready:
        assert registering.ended(side, name, made)["status"] == "READY"
    return made


def make_failed_version(workspace: Workspace, name: str) -> str:
    """The number of a new version of which nothing will come."""
    made = registering.make_version(workspace, name, registering.MISSING_SOURCE)["version"]
    assert registering.ended(workspace, name, made)["status"] == "FAILED_REGISTRATION"
    return str(made)


def move(side: Side, name: str, version: str, stage: str) -> None:
    body = {"name": name, "version": version, "stage": stage}
    api(side, "POST", "model-versions/transition-stage", json=body)


def set_alias(side: Side, name: str, version: str, alias: str) -> None:
    body = {"name": name, "version": version, "alias": alias}
    api(side, "POST", "registered-models/alias", json=body)


def stages(side: Side, name: str) -> dict[str, str]:
    """The versions that there are, with their stages."""
    found = api(side, "GET", "model-versions/search", params={"filter": f"name='{name}'"})
    return {one["version"]: one["current_stage"] for one in found.get("model_versions", [])}


def tags(side: Side, name: str, version: str) -> dict[str, str]:
    """The tags of a version; ours without their prefix."""
    params = {"name": name, "version": version}
    found = api(side, "GET", "model-versions/get", params=params)["model_version"]
    return {tag["key"].removeprefix(TAG): tag["value"] for tag in found.get("tags", [])}


def alias(side: Side, name: str, which: str) -> str:
    """The version that has an alias; empty where none has."""
    found = api(side, "GET", "registered-models/get", params={"name": name})["registered_model"]
    return {one["alias"]: one["version"] for one in found.get("aliases", [])}.get(which, "")
