"""Two stand-in workspaces."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

from big_models import folder_of, run_with_files
from clients import call
from command import side_inputs
from faults.places import Broken
from faults.registering_place import Registering
from faults.registrations import FILES, Goal, Registered, Version
from workspace import Workspace

STAGING = "/databricks/mlflow/tmp-external-source"
TRACKING = "/databricks/mlflow-tracking"
PREVIOUS = "/Shared/previous/model"


class BetweenWorkspaces(Registering):
    """By the staging folder on DBFS; without DBFS by a staging run."""

    def __init__(
        self, source: Workspace, registry: Workspace, *, dbfs: bool, has_previous: bool
    ) -> None:
        self.goal = Goal(has_previous)
        self._source, self._registry, self._dbfs = source, registry, dbfs
        self.controls = {"source": source.control, "registry": registry.control}
        self._run_id = run_with_files(source, FILES)
        previous = registry.on_disk(PREVIOUS)
        previous.mkdir(parents=True, exist_ok=True)
        (previous / "MLmodel").write_bytes(b"flavors: {other: {}}\n")

    @property
    def secrets(self) -> list[str]:
        return [self._source.token, self._registry.token]

    def inputs(self, name: str) -> dict[str, str]:
        return {
            "run-id": self._run_id,
            "artifact-path": "model",
            "model-name": name,
            "stage": self.goal.target,
            **side_inputs("tracking", self._source),
            **side_inputs("registry", self._registry),
        }

    def prepare(self, name: str) -> None:
        self._registry.control.set(ready_after=0.05, dbfs=self._dbfs)
        for folder in self._folders():
            shutil.rmtree(folder)
        for experiment in self._experiments():
            self._ask("POST", "experiments/delete", experiment_id=experiment["experiment_id"])
        if self.goal.has_previous:
            self._ask("POST", "registered-models/create", name=name)
            self._ask("POST", "model-versions/create", name=name, source=f"dbfs:{PREVIOUS}")
            self._until_ready(name)
            move = {"name": name, "version": "1", "stage": self.goal.target}
            self._ask("POST", "model-versions/transition-stage", **move)

    def lag(self, seconds: float) -> None:
        self._registry.control.set(search_lag=seconds)

    def state(self, name: str) -> Registered:
        models = self._search("registered-models", "registered_models", name)
        versions = self._search("model-versions", "model_versions", name)
        left = [f"the folder {folder.name}" for folder in self._folders() if _holds_files(folder)]
        left += [f"the experiment {one['name']}" for one in self._experiments()]
        ordered = sorted(versions, key=lambda one: int(one["version"]))
        return Registered(bool(models), [self._version(one) for one in ordered], left)

    def _version(self, found: dict[str, Any]) -> Version:
        return Version(
            found["version"],
            found["status"],
            found["current_stage"] == self.goal.target,
            {tag["key"]: tag["value"] for tag in found.get("tags", [])},
            self._files(found) if found["status"] == "READY" else {},
        )

    def _files(self, found: dict[str, Any]) -> dict[str, bytes]:
        where = {"name": found["name"], "version": found["version"]}
        uri = self._ask("GET", "model-versions/get-download-uri", **where)["artifact_uri"]
        folder = folder_of(self._registry, uri)
        paths = [path for path in folder.rglob("*") if path.is_file()]
        return {str(path.relative_to(folder)): path.read_bytes() for path in paths}

    def _folders(self) -> list[Path]:
        staging = self._registry.on_disk(STAGING).glob("remote-registry-*")
        runs = self._registry.on_disk(TRACKING).glob("*/*")
        return [*staging, *(run for run in runs if _holds_files(run))]

    def _experiments(self) -> list[dict[str, Any]]:
        body = {"filter": "name LIKE '/Users/%/remote-registry-%'", "max_results": 100}
        return self._ask("POST", "experiments/search", **body).get("experiments", [])

    def _search(self, what: str, field: str, name: str) -> list[dict[str, Any]]:
        return self._ask("GET", f"{what}/search", filter=f"name='{name}'").get(field, [])

    def _until_ready(self, name: str) -> None:
        deadline = time.monotonic() + 20
        while self._search("model-versions", "model_versions", name)[0]["status"] != "READY":
            if time.monotonic() > deadline:
                raise Broken(f"the version before ours of {name} is not READY")
            time.sleep(0.03)

    def _ask(self, method: str, what: str, **fields: Any) -> Any:
        body: dict[str, Any] = {"params": fields} if method == "GET" else {"json": fields}
        reply = call(self._registry, method, f"mlflow/{what}", **body)
        if not reply.ok:
            raise Broken(f"{what}: {reply.text}")
        return reply.json()


def _holds_files(folder: Path) -> bool:
    return any(path.is_file() for path in folder.rglob("*"))
