"""Two real MLflow servers, each behind a proxy that breaks things."""

from __future__ import annotations

from typing import Any

import requests
from faults.places import FILES, Broken, Place, State, Version
from faults.proxy import FaultyProxy

EXPERIMENT = "remote_registry"
ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"


class BetweenServers(Place):
    """From server to server: promoted by an alias, or to a stage.

    Args:
        source: The URL of a server; so is `registry`.
    """

    verifying = ARTIFACTS

    def __init__(self, source: str, registry: str, *, by_alias: bool, has_previous: bool) -> None:
        super().__init__(has_previous=has_previous)
        self._source, self._registry = Server(source), Server(registry)
        self._by_alias = by_alias
        if by_alias:
            self.target, self.promoting = "champion", "/registered-models/alias"
        self._proxies = {"source": FaultyProxy(source), "registry": FaultyProxy(registry)}
        self.controls = {**self._proxies}
        self._run = self._source.run(FILES)
        self._other = self._registry.run({"MLmodel": b"flavors: {other: {}}\n"})

    @property
    def secrets(self) -> list[str]:
        return []

    def stop(self) -> None:
        for proxy in self._proxies.values():
            proxy.stop()

    def inputs(self, name: str) -> dict[str, str]:
        return {
            "run-id": self._run["run_id"],
            "artifact-path": "model",
            "model-name": name,
            "alias" if self._by_alias else "stage": self.target,
            "tracking-uri": self._proxies["source"].url,
            "registry-uri": self._proxies["registry"].url,
        }

    def prepare(self, name: str) -> None:
        if experiment := self._experiment():
            new_name = f"{EXPERIMENT} before {name}"
            self._registry.ask(
                "POST", "experiments/update", experiment_id=experiment, new_name=new_name
            )
        if self.has_previous:
            self._registry.ask("POST", "registered-models/create", name=name)
            body = {"name": name, "source": f"{self._other['artifact_uri']}/model"}
            run = {"run_id": self._other["run_id"]}
            self._registry.ask("POST", "model-versions/create", **body, **run)
            self._promote(name)

    def _promote(self, name: str) -> None:
        if self._by_alias:
            body = {"name": name, "alias": self.target, "version": "1"}
            self._registry.ask("POST", "registered-models/alias", **body)
        else:
            move = {"name": name, "version": "1", "stage": self.target}
            self._registry.ask("POST", "model-versions/transition-stage", **move)

    def lag(self, seconds: float) -> None:
        """A server's search never lags."""

    def state(self, name: str) -> State:
        asked = {"filter": f"name='{name}'"}
        models = self._registry.ask("GET", "registered-models/search", **asked)
        found = self._registry.ask("GET", "model-versions/search", **asked)
        aliased = [
            alias["version"]
            for model in models.get("registered_models", [])
            for alias in model.get("aliases", [])
            if alias["alias"] == self.target
        ]
        versions = sorted(found.get("model_versions", []), key=lambda one: int(one["version"]))
        used = {one["source"].removeprefix("models:/") for one in versions}
        left = [f"the logged model {home}" for home in self._homes() if home not in used]
        left += [
            f"the folder {path}" for path in self._folders() if path.split("/")[-1] not in used
        ]
        return State(
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
            stands if self._by_alias else found["current_stage"] == self.target,
            {tag["key"]: tag["value"] for tag in found.get("tags", [])},
            self._registry.all_files(uri.removeprefix("mlflow-artifacts:/").strip("/")),
        )

    def _experiment(self) -> str:
        asked = {"filter": f"name = '{EXPERIMENT}'", "max_results": 1}
        found = self._registry.ask("POST", "experiments/search", **asked).get("experiments", [])
        return found[0]["experiment_id"] if found else ""

    def _homes(self) -> list[str]:
        """The logged models, and the runs, in the experiment of the homes."""
        if not (experiment := self._experiment()):
            return []
        found = self._registry.ask("POST", "logged-models/search", experiment_ids=[experiment])
        runs = self._registry.ask("POST", "runs/search", experiment_ids=[experiment])
        homes = [one["info"]["model_id"] for one in found.get("models", [])]
        return homes + [one["info"]["run_id"] for one in runs.get("runs", [])]

    def _folders(self) -> list[str]:
        """The folders that hold files of the homes, whether these are there or not."""
        if not (experiment := self._experiment()):
            return []
        homes = self._registry.listed(f"{experiment}/models")
        return [path for path in homes if self._registry.all_files(path)]


class Server:
    """An MLflow server, asked directly."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False

    def ask(self, method: str, what: str, **fields: Any) -> Any:
        body: dict[str, Any] = {"params": fields} if method == "GET" else {"json": fields}
        url = f"{self._url}/api/2.0/mlflow/{what}"
        reply = self._session.request(method, url, timeout=30, **body)
        if not reply.ok:
            raise Broken(f"{what}: {reply.text}")
        return reply.json()

    def files(self, method: str, path: str, **arguments: Any) -> requests.Response:
        url = f"{self._url}{ARTIFACTS}/{path}".removesuffix("/")
        reply = self._session.request(method, url, timeout=30, **arguments)
        if not reply.ok:
            raise Broken(f"{path}: {reply.text}")
        return reply

    def run(self, files: dict[str, bytes]) -> dict[str, Any]:
        """A finished run that has these files under `model`."""
        info = self.ask("POST", "runs/create", experiment_id="0", start_time=1)["run"]["info"]
        folder = info["artifact_uri"].removeprefix("mlflow-artifacts:/").strip("/")
        for path, content in files.items():
            self.files("PUT", f"{folder}/model/{path}", data=content)
        self.ask("POST", "runs/update", run_id=info["run_id"], status="FINISHED")
        return info

    def listed(self, folder: str) -> list[str]:
        return [f"{folder}/{one['path']}" for one in self._entries(folder)]

    def _entries(self, folder: str) -> list[dict[str, Any]]:
        return self.files("GET", "", params={"path": folder}).json().get("files", [])

    def all_files(self, folder: str) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        for entry in self._entries(folder):
            path = f"{folder}/{entry['path']}"
            if entry.get("is_dir"):
                below = self.all_files(path)
                found |= {f"{entry['path']}/{name}": content for name, content in below.items()}
            else:
                found[entry["path"]] = self.files("GET", path).content
        return found
