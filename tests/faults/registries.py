"""The registry alone, for the verbs that work on versions which are there."""

from __future__ import annotations

import json
import shutil
from abc import ABC, abstractmethod
from dataclasses import asdict, replace
from pathlib import Path

from command import Side, side_inputs
from faults.between_workspaces import STAGING, TRACKING
from faults.places import Control
from faults.proxy import FaultyProxy
from faults.served_homes import ServedHomes, Server
from faults.standing import ASKERS, Standing, look, make
from made_versions import api
from registering import FILES
from servers import MlflowServer
from workspace import Workspace

from remote_registry.attempt import Attempt

_LONG_AGO, _FAR_AHEAD = 1.0, 4e9
OURS = "remote-registry-"
RUN, OTHER_RUN = "0a1b" * 8, "5e5e" * 8  # of whose staging copies plain MLflow makes the names
STAGING_RUN, ITS_FILES = "a staging run", "its files"


class Registry(ABC):
    """One registry that a case has for itself.

    Attributes:
        side: The same for whoever looks from the outside.
        secrets: What must be told to nobody.
    """

    side: Side
    control: Control
    secrets: list[str]

    @property
    @abstractmethod
    def inputs(self) -> dict[str, str]:
        """Those that name it."""

    @abstractmethod
    def prepare(self, name: str, standing: Standing) -> None:
        """Nothing of earlier cases; a model that stands so, and this around it."""

    @abstractmethod
    def look(self, name: str) -> Standing:
        """How the model stands, and what is around it."""


class WorkspaceRegistry(Registry):
    """A stand-in workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self.side = self._workspace = workspace
        self.control = workspace.control
        self.secrets = [workspace.token]
        workspace.control.set(ready_after=0.02, tokens=ASKERS)

    @property
    def inputs(self) -> dict[str, str]:
        return side_inputs("registry", self._workspace)

    def prepare(self, name: str, standing: Standing) -> None:
        for one in self._experiments():
            body = {"experiment_id": one["experiment_id"]}
            api(self.side, "POST", "experiments/delete", json=body)
        for folder in self._runs():
            shutil.rmtree(folder)
        make(self.side, name, standing)
        for folder in self._folders():
            shutil.rmtree(folder)
        self._strew(name, standing.around)

    def look(self, name: str) -> Standing:
        around = {folder.name for folder in self._folders() if _holds_files(folder)}
        around |= {STAGING_RUN for _ in self._experiments()}
        around |= {ITS_FILES for folder in self._runs() if _holds_files(folder)}
        return look(self.side, name, frozenset(around), requests=True)

    def _strew(self, name: str, around: frozenset[str]) -> None:
        """What other tries have left, and plain MLflow."""
        staging = self._workspace.on_disk(STAGING)
        for folder in around - {STAGING_RUN, ITS_FILES}:
            _write(staging / folder / "model" / "MLmodel")
            if folder.endswith(("over", "young")):
                (staging / folder / "try.json").write_text(_mark(folder))
        if STAGING_RUN in around:
            self._make_staging_run(f"{OURS}{name}")

    def _make_staging_run(self, name: str) -> None:
        tag = {"key": "remote_registry.try", "value": _mark("over")}
        experiment = {"name": f"/Users/{self._workspace.user}/{name}", "tags": [tag]}
        made = api(self.side, "POST", "experiments/create", json=experiment)["experiment_id"]
        body = {"experiment_id": made, "start_time": 1}
        run = api(self.side, "POST", "runs/create", json=body)["run"]["info"]
        folder = self._workspace.on_disk(run["artifact_uri"].removeprefix("dbfs:"))
        _write(folder / "model" / "MLmodel")

    def _experiments(self) -> list[dict[str, str]]:
        body = {"filter": f"name LIKE '/Users/%/{OURS}%'", "max_results": 100}
        return api(self.side, "POST", "experiments/search", json=body).get("experiments", [])

    def _folders(self) -> list[Path]:
        return [*self._workspace.on_disk(STAGING).glob("*")]

    def _runs(self) -> list[Path]:
        return [*self._workspace.on_disk(TRACKING).glob("*/*")]


class ServerRegistry(Registry):
    """A real MLflow server behind a proxy that breaks things."""

    def __init__(self, proxy: FaultyProxy) -> None:
        self.side = MlflowServer(proxy.behind)
        self.secrets = []
        self.control = self._proxy = proxy
        self._homes = ServedHomes(Server(proxy.behind))
        self._names: dict[str, str] = {}

    @property
    def inputs(self) -> dict[str, str]:
        return {"registry-uri": self._proxy.url}

    def prepare(self, name: str, standing: Standing) -> None:
        self._homes.put_aside(name)
        if not standing.around:
            make(self.side, name, standing)
            return
        self._names = {}
        for one in sorted(standing.around):
            self._make_home(name, one)
        sources = {called: f"models:/{home}" for home, called in self._names.items()}
        make(self.side, name, standing, sources)

    def look(self, name: str) -> Standing:
        homes = {*self._homes.ids(), *(path.split("/")[-1] for path in self._homes.folders())}
        around = frozenset(self._names.get(home, home) for home in homes)
        return look(self.side, name, around, requests=False)

    def _make_home(self, name: str, called: str) -> None:
        tags = {"remote_registry.key": "a-key", "remote_registry.try": _mark(called)}
        home = self._homes.make(name, tags, {"MLmodel": FILES["MLmodel"]})
        self._names[home] = called


def _mark(called: str) -> str:
    """The mark of a try of another workflow run, which may still run where it is called young."""
    renewed = _FAR_AHEAD if called.endswith("young") else _LONG_AGO
    attempt = Attempt(workflow_run="https://github.com/your-org/churn/actions/runs/0")
    return json.dumps(asdict(replace(attempt.mark("a-key"), renewed=renewed)))


def _write(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(FILES["MLmodel"])


def _holds_files(folder: Path) -> bool:
    return any(path.is_file() for path in folder.rglob("*"))
