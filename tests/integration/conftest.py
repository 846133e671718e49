"""A server of the older kind, in an environment of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import predict as predict_script
import pytest
import requests
import stores
from big_models import run_with_files
from clients import clean_environment
from command import Predict, Side, side_inputs
from exactly_once import FILES
from made_versions import api
from servers import MlflowServer
from stores import S3, Azure
from tiny_server import TinyServer, serving
from workspace import Workspace

ROOT = Path(__file__).parents[2]
MAKE_ENVIRONMENT = """
root=$PWD
source src/environment.sh
use_environment requirements/mlflow2.txt ""
echo "$environment/$interpreter"
"""


@pytest.fixture
def side(request: pytest.FixtureRequest) -> Callable[[str], Side]:
    """A server or workspace by the name of its fixture."""
    return request.getfixturevalue


@pytest.fixture(scope="session")
def mlflow_2_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    """A real MLflow 2 server, which has no logged models."""
    made = subprocess.run(
        ["bash", "-c", f"set -euo pipefail{MAKE_ENVIRONMENT}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [made.stdout.strip(), "-I", "-m", "mlflow", "server", "--port", str(port), "--workers", "1"]
        + ["--backend-store-uri", "sqlite:///mlflow.db", "--artifacts-destination", "./artifacts"],
        cwd=tmp_path_factory.mktemp("mlflow2"),
        env=clean_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield MlflowServer(_answering(f"http://127.0.0.1:{port}", server))
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def _answering(url: str, server: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        try:
            assert requests.get(f"{url}/version", timeout=5).text.startswith("2.")
            return url
        except requests.RequestException:
            time.sleep(0.1)
    raise AssertionError("the MLflow 2 server did not start")


@pytest.fixture
def staging_is_cleared(registry_workspace: Workspace) -> Iterator[None]:
    """For tests that leave staging copies on purpose, which others are not to find."""
    yield
    registry_workspace.reset()  # of the faults of the test
    staging = registry_workspace.on_disk("/databricks/mlflow/tmp-external-source")
    for folder in staging.glob("remote-registry-*"):
        shutil.rmtree(folder)
    named = {"filter": "name LIKE '/Users/%/remote-registry-%'", "max_results": 1000}
    found = api(registry_workspace, "POST", "experiments/search", json=named)
    for one in found.get("experiments", []):
        gone = {"experiment_id": one["experiment_id"]}
        api(registry_workspace, "POST", "experiments/delete", json=gone)


@pytest.fixture
def name() -> str:
    """A registered model's."""
    return f"once-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def inputs(
    source_workspace: Workspace,
    registry_workspace: Workspace,
    name: str,
    staging_is_cleared: None,
) -> dict[str, str]:
    """Of a registration from one workspace in another, whose access logs are empty."""
    run_id = run_with_files(source_workspace, FILES)
    registry_workspace.control.clear_requests()
    source_workspace.control.clear_requests()
    return {
        "run-id": run_id,
        "artifact-path": "model",
        "model-name": name,
        **side_inputs("tracking", source_workspace),
        **side_inputs("registry", registry_workspace),
    }


@pytest.fixture
def tiny() -> Iterator[TinyServer]:
    """A server that says what the test wants it to say."""
    with serving() as server:
        yield server


@pytest.fixture(scope="session")
def predict() -> Iterator[Predict]:
    """What a registry's model predicts, loaded by plain MLflow with that side's sign-in alone."""
    predictors: dict[str, subprocess.Popen[str]] = {}

    def ask(side: Side, model_uri: str, rows: list[list[float]]) -> list[float]:
        key = side.host if isinstance(side, Workspace) else side.url
        if key not in predictors:
            predictors[key] = subprocess.Popen(
                [sys.executable, predict_script.__file__],
                env=clean_environment(**side.environment()),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        registry = "databricks" if isinstance(side, Workspace) else side.url
        predictor = predictors[key]
        predictor.stdin.write(json.dumps([registry, model_uri, rows]) + "\n")
        predictor.stdin.flush()
        return json.loads(predictor.stdout.readline())

    yield ask
    for predictor in predictors.values():
        predictor.communicate()


@pytest.fixture(scope="session")
def s3() -> Iterator[S3]:
    """An S3 bucket."""
    with stores.started_s3() as store:
        yield store


@pytest.fixture(scope="session")
def azure() -> Iterator[Azure]:
    """An Azure Blob container."""
    with stores.started_azure() as store:
        yield store
