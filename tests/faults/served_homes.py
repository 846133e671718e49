"""An MLflow server asked directly, and the homes there of what the product has brought."""

from __future__ import annotations

from typing import Any

import requests
from faults.places import Broken

EXPERIMENT = "remote_registry"
ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"


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


class ServedHomes:
    """The homes of versions on a server: logged models, or runs, and their files."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def put_aside(self, name: str) -> None:
        """What there is now belongs to earlier cases."""
        if experiment := self.experiment():
            new_name = f"{EXPERIMENT} before {name}"
            self._server.ask(
                "POST", "experiments/update", experiment_id=experiment, new_name=new_name
            )

    def make(self, name: str, tags: dict[str, str], files: dict[str, bytes]) -> str:
        """The id of a new one, as registering makes it."""
        experiment = self.experiment()
        if not experiment:
            made = self._server.ask("POST", "experiments/create", name=EXPERIMENT)
            experiment = made["experiment_id"]
        marks = [{"key": key, "value": text} for key, text in tags.items()]
        body = {"experiment_id": experiment, "name": name, "tags": marks}
        info = self._server.ask("POST", "logged-models", **body)["model"]["info"]
        folder = info["artifact_uri"].removeprefix("mlflow-artifacts:/").strip("/")
        for path, content in files.items():
            self._server.files("PUT", f"{folder}/{path}", data=content)
        which = f"logged-models/{info['model_id']}"
        ready = {"model_id": info["model_id"], "status": "LOGGED_MODEL_READY"}
        self._server.ask("PATCH", which, **ready)
        return str(info["model_id"])

    def experiment(self) -> str:
        asked = {"filter": f"name = '{EXPERIMENT}'", "max_results": 1}
        found = self._server.ask("POST", "experiments/search", **asked).get("experiments", [])
        return found[0]["experiment_id"] if found else ""

    def ids(self) -> list[str]:
        """The logged models, and the runs, in the experiment of the homes."""
        if not (experiment := self.experiment()):
            return []
        found = self._server.ask("POST", "logged-models/search", experiment_ids=[experiment])
        runs = self._server.ask("POST", "runs/search", experiment_ids=[experiment])
        homes = [one["info"]["model_id"] for one in found.get("models", [])]
        return homes + [one["info"]["run_id"] for one in runs.get("runs", [])]

    def folders(self) -> list[str]:
        """The folders that hold files of the homes, whether these are there or not."""
        if not (experiment := self.experiment()):
            return []
        homes = self._server.listed(f"{experiment}/models")
        return [path for path in homes if self._server.all_files(path)]
