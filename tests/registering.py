"""Small steps of registering in a stand-in workspace, for its tests."""

from __future__ import annotations

import hashlib
import time
import uuid
from typing import Any

from clients import call
from workspace import Workspace

MISSING_SOURCE = "dbfs:/nothing/is/here"
FILES = {"MLmodel": b"flavors: {}\n", "data/weights": bytes(range(256)) * 40}


def staged(workspace: Workspace) -> str:
    """The DBFS folder of a new staging copy that looks like a model."""
    folder = f"/databricks/mlflow/tmp-external-source/{uuid.uuid4().hex}/model"
    for name, content in FILES.items():
        assert call(workspace, "POST", f"/dbfs{folder}/{name}", data=content).status_code == 200
    return folder


def staged_digest() -> str:
    """The digest of every such model."""
    lines = [
        f"{hashlib.sha256(content).hexdigest()}  {len(content)}  {path}\n"
        for path, content in sorted(FILES.items())
    ]
    return f"sha256:{hashlib.sha256(''.join(lines).encode()).hexdigest()}"


def make_model(workspace: Workspace) -> str:
    name = f"model-{uuid.uuid4().hex}"
    answer = call(workspace, "POST", "mlflow/registered-models/create", json={"name": name})
    assert answer.status_code == 200
    return name


def make_version(workspace: Workspace, name: str, source: str) -> dict[str, Any]:
    body = {"name": name, "source": source}
    answer = call(workspace, "POST", "mlflow/model-versions/create", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["model_version"]


def version_of(workspace: Workspace, name: str, version: str) -> dict[str, Any]:
    where = {"name": name, "version": version}
    return call(workspace, "GET", "mlflow/model-versions/get", params=where).json()["model_version"]


def ended(workspace: Workspace, name: str, version: str) -> dict[str, Any]:
    """The version as soon as it is pending no more."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        found = version_of(workspace, name, version)
        if found["status"] != "PENDING_REGISTRATION":
            return found
        time.sleep(0.02)
    raise AssertionError(f"{name}/{version} is still pending")
