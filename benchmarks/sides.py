"""The two stand-in workspaces, and the run that a model is in."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import models
from measure import Broken
from models import Model

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from clients import call  # noqa: E402
from servers import started_workspaces  # noqa: E402
from workspace import MlflowServers, Workspace  # noqa: E402

ARTIFACT_PATH = "model"
TRACKING = "/databricks/mlflow-tracking"
STAGING = "/databricks/mlflow/tmp-external-source"
REGISTRY = "/databricks/mlflow-registry"
MEMORY_DISK = Path("/dev/shm")
NO_THROTTLE = {
    "latency": 0.0,
    "connection_bandwidth": 0,
    "total_bandwidth_in": 0,
    "total_bandwidth_out": 0,
}


@dataclass(frozen=True)
class Run:
    """A run of the source that holds a model, and the version of it that the source has."""

    model: Model
    run_id: str
    registered: str
    folder: Path


@dataclass(frozen=True)
class Sides:
    source: Workspace
    registry: Workspace
    knobs: dict[str, Any]

    @property
    def both(self) -> dict[str, Workspace]:
        return {"source": self.source, "registry": self.registry}

    def throttle(self) -> None:
        """As slow as the benchmark has it, with empty access logs."""
        for side in self.both.values():
            side.control.set(**self.knobs)
            side.control.clear_requests()

    def release(self) -> None:
        for side in self.both.values():
            side.control.set(**NO_THROTTLE)

    @contextmanager
    def run(self, model: Model) -> Iterator[Run]:
        """A run that holds the model, until it has been measured."""
        name = f"benchmark-{model.name}"
        experiment = answer(self.source, "experiments/create", name=f"/Shared/{name}")
        info = answer(self.source, "runs/create", **experiment)["run"]["info"]
        artifacts = info["artifact_uri"].removeprefix("dbfs:")
        folder = self.source.on_disk(artifacts) / ARTIFACT_PATH
        models.write_model(model, folder, info["run_id"])
        answer(self.source, "runs/update", run_id=info["run_id"], status="FINISHED")
        answer(self.source, "registered-models/create", name=name)
        version = {"source": f"{info['artifact_uri']}/{ARTIFACT_PATH}", "run_id": info["run_id"]}
        answer(self.source, "model-versions/create", name=name, **version)
        while _status(self.source, name) != "READY":
            time.sleep(0.1)
        try:
            yield Run(model, info["run_id"], name, folder)
        finally:
            answer(self.source, "registered-models/delete", method="DELETE", name=name)
            answer(self.source, "experiments/delete", **experiment)
            shutil.rmtree(folder)

    def check(self, run: Run, name: str) -> None:
        """The version is READY with the files of the run, and no staging copy is left."""
        status = _status(self.registry, name)
        if status != "READY":
            raise Broken(f"the version is {status}")
        where = {"name": name, "version": "1"}
        uri = answer(self.registry, "model-versions/get-download-uri", method="GET", **where)
        kept = self.registry.on_disk(uri["artifact_uri"].removeprefix("dbfs:"))
        if _sizes(kept) != _sizes(run.folder):
            raise Broken("the version has other files than its run")
        if _sizes(self.registry.on_disk(STAGING)):
            raise Broken("a staging copy is left")

    def clear(self, name: str) -> None:
        """The registry as it was: no model, no staging copy, no run."""
        call(self.registry, "DELETE", "mlflow/registered-models/delete", json={"name": name})
        for folder in (STAGING, TRACKING, REGISTRY):
            shutil.rmtree(self.registry.on_disk(folder), ignore_errors=True)


def answer(side: Workspace, what: str, *, method: str = "POST", **fields: Any) -> Any:
    body: dict[str, Any] = {"params": fields} if method == "GET" else {"json": fields}
    reply = call(side, method, f"mlflow/{what}", **body)
    if not reply.ok:
        raise Broken(f"{what}: {reply.text}")
    return reply.json()


def _status(side: Workspace, name: str) -> str:
    found = answer(side, "model-versions/get", method="GET", name=name, version="1")
    return str(found["model_version"]["status"])


def _sizes(folder: Path) -> dict[str, int]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.stat().st_size for path in files}


@contextmanager
def started(knobs: dict[str, Any]) -> Iterator[Sides]:
    servers = MlflowServers()
    try:
        with started_workspaces(servers) as running:
            yield Sides(running["source"], running["registry"], knobs)
    finally:
        servers.stop()


@contextmanager
def private_folder(asked: Path | None, needed: int) -> Iterator[None]:
    """Where all is written: in memory where there is room, so that no disk is in the figures."""
    signal.signal(signal.SIGTERM, _stop)
    place = asked.resolve() if asked else (MEMORY_DISK if _room(MEMORY_DISK) > needed else None)
    before = os.environ.get("TMPDIR")
    with tempfile.TemporaryDirectory(prefix="benchmark-", dir=place) as folder:
        tempfile.tempdir = os.environ["TMPDIR"] = folder
        try:
            yield
        finally:
            tempfile.tempdir = None
            os.environ.pop("TMPDIR")
            os.environ |= {"TMPDIR": before} if before else {}


def _stop(signum: int, _: FrameType | None) -> None:
    raise SystemExit(128 + signum)


def _room(folder: Path) -> int:
    """What fits there with half of the machine's free memory left for everything else."""
    if not folder.is_dir():
        return 0
    available = Path("/proc/meminfo").read_text().split("MemAvailable:")[1].split()[0]
    return min(shutil.disk_usage(folder).free, (int(available) << 10) // 2)
