"""MLflow servers, each in a fork of one process that has imported MLflow once.

Reads one JSON object a line from standard input (`id`, `artifact_root`, `environment`, and for the
plain servers `artifacts` and `auth`), writes one a line to standard output (`id`, `port`) when that
server is ready, and ends with all its servers when its standard input closes. Each fork runs
what `mlflow server` runs: MLflow's application, under uvicorn, in one worker.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"
os.environ["_MLFLOW_SGI_NAME"] = "uvicorn"

import mlflow.server.fastapi_app
import uvicorn
from mlflow.server import (
    ARTIFACT_ROOT_ENV_VAR,
    ARTIFACTS_DESTINATION_ENV_VAR,
    BACKEND_STORE_URI_ENV_VAR,
    SERVE_ARTIFACTS_ENV_VAR,
)
from mlflow.server.handlers import initialize_backend_stores

KEEP_ALIVE_SECONDS = 3600
logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)


def serve(spec: dict[str, Any]) -> None:
    folder = Path.cwd() / spec["id"]
    folder.mkdir()
    os.chdir(folder)
    store = f"sqlite:///{folder}/mlflow.db"
    os.environ[BACKEND_STORE_URI_ENV_VAR] = store
    os.environ[ARTIFACT_ROOT_ENV_VAR] = spec["artifact_root"]
    os.environ.update(spec["environment"])
    if artifacts := spec.get("artifacts"):
        os.environ[SERVE_ARTIFACTS_ENV_VAR] = "true"
        place = artifacts if "://" in artifacts else str(folder / artifacts)
        os.environ[ARTIFACTS_DESTINATION_ENV_VAR] = place
    initialize_backend_stores(store, store, spec["artifact_root"])
    app = _protected(folder, spec["auth"]) if spec.get("auth") else mlflow.server.fastapi_app.app
    config = uvicorn.Config(app, log_level="warning", timeout_keep_alive=KEEP_ALIVE_SECONDS)
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        ready = {"id": spec["id"], "port": listener.getsockname()[1]}
        print(json.dumps(ready), flush=True)
        uvicorn.Server(config).run([listener])


def _protected(folder: Path, auth: dict[str, str]) -> Any:
    """MLflow's own basic-auth application, with `username` and `password` as its admin."""
    config = folder / "basic_auth.ini"
    config.write_text(
        "[mlflow]\ndefault_permission = READ\n"
        f"database_uri = sqlite:///{folder}/basic_auth.db\n"
        f"admin_username = {auth['username']}\nadmin_password = {auth['password']}\n"
        "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n",
        encoding="utf-8",
    )
    os.environ["MLFLOW_AUTH_CONFIG_PATH"] = str(config)
    os.environ["MLFLOW_FLASK_SERVER_SECRET_KEY"] = "only-for-tests"
    from mlflow.server.auth import bootstrap_admin_user, create_app

    bootstrap_admin_user()
    return create_app()


def serve_or_tell(spec: dict[str, Any]) -> NoReturn:
    """A fork's whole life: nothing of what the first process does at its end is done here."""
    try:
        serve(spec)
    except BaseException as error:  # noqa: BLE001 whoever started it is told
        traceback.print_exc()
        print(json.dumps({"id": spec["id"], "error": repr(error)}), flush=True)
    finally:
        os._exit(0)


def end_with(lifeline: int) -> None:
    """End this process as soon as the other end of the pipe is gone, however it went."""

    def wait() -> None:
        os.read(lifeline, 1)
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


def fork_for_each(lines: Iterable[str], children: list[int]) -> None:
    lifeline, held_open = os.pipe()
    try:
        for line in lines:
            child = os.fork()
            if not child:
                os.close(held_open)
                end_with(lifeline)
                serve_or_tell(json.loads(line))
            children.append(child)
    finally:
        os.close(held_open)


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    children: list[int] = []
    with tempfile.TemporaryDirectory(prefix="mlflow-servers-") as folder:
        os.chdir(folder)
        try:
            fork_for_each(sys.stdin, children)
        finally:
            for child in children:
                os.waitpid(child, 0)


if __name__ == "__main__":
    main()
