"""What a registry holds, and the command as a process that can be signalled and killed."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from clients import call
from command import SOURCES, Run, command_environment
from workspace import Workspace

FILES = {"data/weights": 4096, "code/x.py": b"x = 1\n"}


STAGING = "/databricks/mlflow/tmp-external-source"


def versions(registry: Workspace, name: str) -> list[dict[str, Any]]:
    reply = call(
        registry, "GET", "mlflow/model-versions/search", params={"filter": f"name='{name}'"}
    )
    found = reply.json().get("model_versions", [])
    return sorted(found, key=lambda version: int(version["version"]))


def models(registry: Workspace, name: str) -> list[dict[str, Any]]:
    reply = call(
        registry, "GET", "mlflow/registered-models/search", params={"filter": f"name='{name}'"}
    )
    return reply.json().get("registered_models", [])


def assert_one_version(registry: Workspace, name: str, *runs: Run) -> None:
    assert {run.code for run in runs} == {0}, "\n".join(run.log for run in runs)
    (version,) = versions(registry, name)
    assert version["status"] == "READY"
    assert {run.outputs["version"] for run in runs} == {version["version"]}
    assert_nothing_left(registry)


def assert_nothing_left(registry: Workspace) -> None:
    staging = registry.on_disk("/databricks/mlflow/tmp-external-source")
    assert list(staging.glob("remote-registry-*")) == []
    body = {"filter": "name LIKE '/Users/%/remote-registry-%'", "max_results": 100}
    found = call(registry, "POST", "mlflow/experiments/search", json=body).json()
    assert found.get("experiments", []) == []
    runs = registry.on_disk("/databricks/mlflow-tracking").glob("*/*/artifacts/model/MLmodel")
    assert [path for path in runs if path.stat().st_size == len(b"flavors: {}\n")] == []


class Started:
    """The command as a process that can be signalled and killed."""

    def __init__(self, folder: Path, inputs: dict[str, str], **environment: str) -> None:
        folder.mkdir()
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-B", str(SOURCES), "register", "--json"],
            env=command_environment(folder, inputs, **environment),
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def end(self, *signals: int) -> tuple[int, str]:
        for signum in signals:
            self.process.send_signal(signum)
        _, log = self.process.communicate(timeout=60)
        return self.process.returncode, log


def is_quiet(registry: Workspace) -> bool:
    """Whether no request is under way."""
    return all("seconds" in one for one in registry.requests())


def until(happened: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)
