"""Two real MLflow servers, each behind a proxy that breaks things."""

from __future__ import annotations

from typing import Any

from faults.proxy import FaultyProxy
from faults.registering_place import Registering
from faults.registrations import FILES, Goal, Registered, Version
from faults.served_homes import ARTIFACTS, ServedHomes, Server


class BetweenServers(Registering):
    """From server to server: promoted by an alias, or to a stage.

    Args:
        source: In front of a server; so is `registry`.
    """

    def __init__(
        self, source: FaultyProxy, registry: FaultyProxy, *, by_alias: bool, has_previous: bool
    ) -> None:
        self._source, self._registry = Server(source.behind), Server(registry.behind)
        self._homes = ServedHomes(self._registry)
        self._by_alias = by_alias
        self.goal = Goal(has_previous, verifying=ARTIFACTS)
        if by_alias:
            alias = "/registered-models/alias"
            self.goal = Goal(has_previous, "champion", promoting=alias, verifying=ARTIFACTS)
        self._proxies = {"source": source, "registry": registry}
        self.controls = {**self._proxies}
        self._run = self._source.run(FILES)
        self._other = self._registry.run({"MLmodel": b"flavors: {other: {}}\n"})

    @property
    def secrets(self) -> list[str]:
        return []

    def inputs(self, name: str) -> dict[str, str]:
        return {
            "run-id": self._run["run_id"],
            "artifact-path": "model",
            "model-name": name,
            "alias" if self._by_alias else "stage": self.goal.target,
            "tracking-uri": self._proxies["source"].url,
            "registry-uri": self._proxies["registry"].url,
        }

    def prepare(self, name: str) -> None:
        self._homes.put_aside(name)
        if self.goal.has_previous:
            self._registry.ask("POST", "registered-models/create", name=name)
            body = {"name": name, "source": f"{self._other['artifact_uri']}/model"}
            run = {"run_id": self._other["run_id"]}
            self._registry.ask("POST", "model-versions/create", **body, **run)
            self._promote(name)

    def _promote(self, name: str) -> None:
        if self._by_alias:
            body = {"name": name, "alias": self.goal.target, "version": "1"}
            self._registry.ask("POST", "registered-models/alias", **body)
        else:
            move = {"name": name, "version": "1", "stage": self.goal.target}
            self._registry.ask("POST", "model-versions/transition-stage", **move)

    def lag(self, seconds: float) -> None:
        """A server's search never lags."""

    def state(self, name: str) -> Registered:
        asked = {"filter": f"name='{name}'"}
        models = self._registry.ask("GET", "registered-models/search", **asked)
        found = self._registry.ask("GET", "model-versions/search", **asked)
        aliased = [
            alias["version"]
            for model in models.get("registered_models", [])
            for alias in model.get("aliases", [])
            if alias["alias"] == self.goal.target
        ]
        versions = sorted(found.get("model_versions", []), key=lambda one: int(one["version"]))
        used = {one["source"].removeprefix("models:/") for one in versions}
        left = [f"the logged model {home}" for home in self._homes.ids() if home not in used]
        left += [
            f"the folder {path}"
            for path in self._homes.folders()
            if path.split("/")[-1] not in used
        ]
        return Registered(
            bool(models.get("registered_models")),
            [self._version(one, aliased) for one in versions],
            left,
        )

    def _version(self, found: dict[str, Any], aliased: list[str]) -> Version:
        where = {"name": found["name"], "version": found["version"]}
        uri = self._registry.ask("GET", "model-versions/get-download-uri", **where)["artifact_uri"]
        stands = found["version"] in aliased
        return Version(
            found["version"],
            found["status"],
            stands if self._by_alias else found["current_stage"] == self.goal.target,
            {tag["key"]: tag["value"] for tag in found.get("tags", [])},
            self._registry.all_files(uri.removeprefix("mlflow-artifacts:/").strip("/")),
        )
