"""Real servers for whoever asks: started at their first use, once for the session."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import clients
import log_models as log_models_script
import pytest
import servers
from hypothesis import HealthCheck, settings
from log_models import LoggedModels
from servers import MlflowServer
from workspace import MlflowServers, Workspace

Target = Workspace | MlflowServer
LogModels = Callable[[Target], LoggedModels]

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
# A busy machine is no failure.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
# Who starts the tests in the background has them, and what they start, ignore SIGINT.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def mlflow_servers() -> Iterator[MlflowServers]:
    """One process that all real MLflow servers of the session are forked from."""
    running = MlflowServers()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def _started() -> list[Workspace]:
    return []


@pytest.fixture(scope="session")
def _workspaces(
    mlflow_servers: MlflowServers, _started: list[Workspace]
) -> Iterator[dict[str, Workspace]]:
    with servers.started_workspaces(mlflow_servers) as running:
        _started.extend(running.values())
        yield running
        _started.clear()


@pytest.fixture(scope="session")
def source_workspace(_workspaces: dict[str, Workspace]) -> Workspace:
    """The stand-in workspace that models come from."""
    return _workspaces["source"]


@pytest.fixture(scope="session")
def registry_workspace(_workspaces: dict[str, Workspace]) -> Workspace:
    """The stand-in workspace that models go to."""
    return _workspaces["registry"]


@pytest.fixture(autouse=True)
def _reset_workspaces(_started: list[Workspace]) -> Iterator[None]:
    """No knob, fault or access log survives its test."""
    yield
    for workspace in _started:
        workspace.reset()


@pytest.fixture(scope="session")
def _plain_servers(mlflow_servers: MlflowServers) -> list[MlflowServer]:
    return [MlflowServer(url) for url in mlflow_servers.start([servers.WITH_ARTIFACTS] * 2)]


@pytest.fixture(scope="session")
def mlflow_server(_plain_servers: list[MlflowServer]) -> MlflowServer:
    """A real MLflow server that serves its artifacts itself."""
    return _plain_servers[0]


@pytest.fixture(scope="session")
def other_mlflow_server(_plain_servers: list[MlflowServer]) -> MlflowServer:
    """Another one, which knows nothing of the first."""
    return _plain_servers[1]


@pytest.fixture(scope="session")
def authenticated_mlflow_server(mlflow_servers: MlflowServers) -> MlflowServer:
    """A real MLflow server with MLflow's own sign-in."""
    pytest.importorskip("flask_wtf")
    (url,) = mlflow_servers.start([servers.WITH_SIGN_IN])
    return MlflowServer(url, *servers.ADMIN)


@pytest.fixture(scope="session")
def log_models() -> LogModels:
    """Log the tiny model with plain MLflow, once in each workspace or server asked for."""
    logged: dict[str, LoggedModels] = {}

    def log(target: Target) -> LoggedModels:
        environment = target.environment()
        key = environment.get("DATABRICKS_HOST", environment["MLFLOW_TRACKING_URI"])
        if key not in logged:
            script = Path(log_models_script.__file__)
            logged[key] = LoggedModels.parse(clients.run_script(script, environment))
        return logged[key]

    return log
