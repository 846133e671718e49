"""Real MLflow servers, all forked from one process that has MLflow imported."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HOST_SCRIPT = Path(__file__).with_name("mlflow_host.py")


@dataclass(frozen=True)
class ServerSpec:
    """What a server is started with.

    Attributes:
        artifacts: Where it serves artifacts from itself: a folder of its own, or a store's URI.
        auth: Its admin, if it has any.
        environment: Variables of its own, such as a store's credentials.
    """

    artifact_root: str
    artifacts: str | None = None
    auth: tuple[str, str] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


class MlflowServers:
    """Importing MLflow takes most of a server's start, so it is done once for all of them."""

    def __init__(self) -> None:
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW", "_MLF"))}
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-W", "ignore", str(HOST_SCRIPT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            start_new_session=True,
        )

    def start(self, specs: Sequence[ServerSpec]) -> list[str]:
        """One server for each, started side by side; their URLs."""
        assert self._process.stdin
        with self._lock:
            names = [str(next(self._numbers)) for _ in specs]
            for name, spec in zip(names, specs, strict=True):
                self._process.stdin.write(json.dumps(_line(name, spec)) + "\n")
            self._process.stdin.flush()
            ports = dict(self._answer() for _ in specs)
        return [f"http://127.0.0.1:{ports[name]}" for name in names]

    def stop(self) -> None:
        self._process.communicate()

    def _answer(self) -> tuple[str, int]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the MLflow servers' process ended before they were ready")
        ready = json.loads(line)
        if "error" in ready:
            raise RuntimeError(f"an MLflow server did not start: {ready['error']}")
        return ready["id"], ready["port"]


def _line(name: str, spec: ServerSpec) -> dict[str, Any]:
    username, password = spec.auth or ("", "")
    return {
        "id": name,
        "artifact_root": spec.artifact_root,
        "artifacts": spec.artifacts,
        "environment": dict(spec.environment),
        "auth": spec.auth and {"username": username, "password": password},
    }
