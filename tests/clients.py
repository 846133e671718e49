"""Unmodified clients, and nothing of this machine's own settings near them."""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from workspace import Workspace

OURS = ("DATABRICKS_", "MLFLOW_", "_DATABRICKS", "_MLFLOW", "AWS_", "AZURE_", "GOOGLE_")
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["mlflow.pyfunc", "mlflow.sklearn", "sklearn.linear_model"])


def clean_environment(**additional: str) -> dict[str, str]:
    """This process's environment without anything that a client would take for its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return {**kept, "NO_PROXY": "127.0.0.1", "MLFLOW_DISABLE_TELEMETRY": "true", **additional}


def run_script(script: Path, environment: dict[str, str], *arguments: str) -> Any:
    """What the script says in its last line of output, which is JSON."""
    return _said_by(script.read_text(encoding="utf-8"), environment, arguments)


def run_code(code: str, environment: dict[str, str], *arguments: str) -> Any:
    """The same for a few lines, which find their arguments in `sys.argv[1:]`."""
    return _said_by(f"import json, sys\n{code}", environment, arguments)


def _said_by(code: str, environment: dict[str, str], arguments: tuple[str, ...]) -> Any:
    """Runs the code in a process of its own, forked from one that has the clients imported."""
    with tempfile.TemporaryDirectory() as folder:
        outputs = Path(folder, "stdout"), Path(folder, "stderr")
        process = _FORKS.Process(
            target=_become, args=(code, clean_environment(**environment), arguments, outputs)
        )
        process.start()
        try:
            process.join()
        finally:
            process.kill()
        said, complained = (output.read_text(encoding="utf-8") for output in outputs)
        assert process.exitcode == 0, complained
        return json.loads(said.splitlines()[-1])


def _become(
    code: str,
    environment: dict[str, str],
    arguments: tuple[str, ...],
    outputs: tuple[Path, Path],
) -> None:
    os.chdir(outputs[0].parent)  # MLflow may write a database to where it is run
    os.environ.clear()
    os.environ.update(environment)
    for number, output in enumerate(outputs, start=1):
        os.dup2(os.open(output, os.O_WRONLY | os.O_CREAT), number)
    sys.argv = ["", *arguments]
    exec(compile(code, "<client>", "exec"), {"__name__": "__main__"})
    sys.stdout.flush()


def sdk(workspace: Workspace, token: str | None = None, **tuning: Any) -> WorkspaceClient:
    """Databricks' own client; `tuning` is set on its Config, which takes no such arguments."""
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.config import Config

    config = Config(host=workspace.host, token=token or workspace.token, auth_type="pat")
    for name, value in tuning.items():
        assert hasattr(config, name), name
        setattr(config, name, value)
    return WorkspaceClient(config=config)


def call(
    workspace: Workspace, method: str, path: str, token: str | None = None, **arguments: Any
) -> requests.Response:
    """One bare request, nothing repeated: below `/api/2.0/` unless the path starts with `/`."""
    with requests.Session() as session:
        session.trust_env = False
        session.headers["Authorization"] = f"Bearer {token or workspace.token}"
        url = workspace.host + (path if path.startswith("/") else f"/api/2.0/{path}")
        return session.request(method, url, timeout=30, **arguments)
