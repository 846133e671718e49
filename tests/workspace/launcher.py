"""A workspace as a subprocess, for tests and benchmarks."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from types import TracebackType
from typing import Any

from .control_client import ControlClient

COMMAND = Path(__file__).parent


@dataclass(frozen=True)
class Workspace:
    """A running stand-in; use it as a context manager, or call `stop`."""

    name: str
    host: str
    storage: str
    workspace_id: str
    token: str = field(repr=False)
    user: str
    folder: Path
    control: ControlClient = field(repr=False)
    process: subprocess.Popen[str] = field(repr=False)

    @classmethod
    def start(
        cls,
        name: str = "workspace",
        *,
        workspace_id: str | None = None,
        token: str | None = None,
        user: str | None = None,
        mlflow_url: str | None = None,
        **knobs: Any,
    ) -> Workspace:
        """Start one and wait until it is ready."""
        options = {
            "workspace-id": workspace_id,
            "token": token,
            "user": user,
            "mlflow-url": mlflow_url,
            **{key.replace("_", "-"): _as_text(value) for key, value in knobs.items()},
        }
        given = [f"--{key}={value}" for key, value in options.items() if value is not None]
        process = subprocess.Popen(
            [sys.executable, str(COMMAND), "--name", name, "--end-with-stdin", *given],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert process.stdout
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"the workspace {name!r} ended with {process.wait()} at its start")
        return cls.of(json.loads(line), process)

    @classmethod
    def of(cls, ready: dict[str, Any], process: subprocess.Popen[str]) -> Workspace:
        """The workspace that said this when it was ready."""
        return cls(
            name=ready["name"],
            host=ready["host"],
            storage=ready["storage"],
            workspace_id=ready["workspace_id"],
            token=ready["token"],
            user=ready["user"],
            folder=Path(ready["folder"]),
            control=ControlClient(ready["host"], ready["control_key"]),
            process=process,
        )

    def __enter__(self) -> Workspace:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        self.process.communicate()

    def reset(self) -> None:
        """Knobs as at the start, no faults, an empty access log; files and models stay."""
        self.control.reset()

    def requests(
        self, method: str = "*", path: str = "*", origin: str = "*"
    ) -> list[dict[str, Any]]:
        """The access log's entries that fit; `method`, `path` and `origin` are globs."""
        return [
            entry
            for entry in self.control.requests()
            if fnmatchcase(entry["method"], method)
            and fnmatchcase(entry["path"], path)
            and fnmatchcase(entry["origin"], origin)
        ]

    def on_disk(self, dbfs_path: str) -> Path:
        """Where a DBFS path, such as `/databricks/mlflow-registry`, lies on the local disk."""
        return self.folder / "dbfs" / dbfs_path.strip("/")

    def files(self, dbfs_path: str) -> set[str]:
        """All files below a DBFS folder, relative to it."""
        top = self.on_disk(dbfs_path)
        return {str(path.relative_to(top)) for path in top.rglob("*") if path.is_file()}

    def environment(self) -> dict[str, str]:
        """What an unmodified client has to find in its environment."""
        return {
            "DATABRICKS_HOST": self.host,
            "DATABRICKS_TOKEN": self.token,
            "MLFLOW_TRACKING_URI": "databricks",
            "MLFLOW_REGISTRY_URI": "databricks",
        }


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
