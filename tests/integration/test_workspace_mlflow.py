"""The stand-in workspace and plain MLflow: models are logged, carried over and loaded."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from clients import run_code
from conftest import LogModels
from registering import version_of
from workspace import Workspace

PREDICT = """
import mlflow
uri, inputs = sys.argv[1], json.loads(sys.argv[2])
print(json.dumps(mlflow.sklearn.load_model(uri).predict(inputs).tolist()))
"""
CARRY = """
import mlflow
uri, name, tracking_uri, registry_uri = sys.argv[1:]
mlflow.set_tracking_uri(tracking_uri)
mlflow.set_registry_uri(registry_uri)
made = mlflow.register_model(uri, name)
print(json.dumps([made.version, made.source]))
"""
BETWEEN = ("databricks://source", "databricks://registry")
OLD_WAY = {"MLFLOW_DISABLE_DATABRICKS_SDK_FOR_RUN_ARTIFACTS": "true"}


@pytest.fixture
def profiles(
    source_workspace: Workspace, registry_workspace: Workspace, tmp_path: Path
) -> dict[str, str]:
    """The environment in which `databricks://source` and `databricks://registry` are known."""
    file = tmp_path / "databrickscfg"
    file.write_text(
        "".join(
            f"[{one.name}]\nhost = {one.host}\ntoken = {one.token}\n"
            for one in (source_workspace, registry_workspace)
        )
    )
    return {"DATABRICKS_CONFIG_FILE": str(file), **OLD_WAY}


def predict(environment: dict[str, str], uri: str, inputs: Any) -> list[float]:
    return run_code(PREDICT, environment, uri, json.dumps(inputs))


@pytest.mark.parametrize("way", ["as_logged_model", "as_run_artifacts"])
def test_what_was_logged_is_loaded_back(
    source_workspace: Workspace, log_models: LogModels, way: str
) -> None:
    logged = log_models(source_workspace)
    uri = getattr(logged, way).uri
    assert predict(source_workspace.environment(), uri, logged.inputs) == logged.predictions


def test_artifacts_have_the_addresses_of_databricks(
    source_workspace: Workspace, log_models: LogModels
) -> None:
    logged = log_models(source_workspace)
    kept = source_workspace.files("/databricks/mlflow-tracking")
    model, run = logged.as_logged_model, logged.as_run_artifacts
    assert f"{model.experiment_id}/logged_models/{model.model_id}/artifacts/MLmodel" in kept
    assert f"{run.experiment_id}/{run.run_id}/artifacts/model/MLmodel" in kept


def test_a_run_is_read_by_signed_urls_where_the_files_api_refuses(
    source_workspace: Workspace, log_models: LogModels
) -> None:
    logged = log_models(source_workspace)
    source_workspace.control.set(workspace_internal=False, page_size=2)
    source_workspace.control.clear_requests()
    uri = logged.as_run_artifacts.uri
    assert predict(source_workspace.environment(), uri, logged.inputs) == logged.predictions
    assert source_workspace.requests("POST", "*/artifacts/credentials-for-read")
    listings = source_workspace.requests("GET", "*/mlflow/artifacts/list")
    assert any("page_token=2" in listing["query"] for listing in listings)


def test_mlflow_carries_a_model_from_one_workspace_to_the_other(
    registry_workspace: Workspace,
    source_workspace: Workspace,
    profiles: dict[str, str],
    log_models: LogModels,
) -> None:
    logged = log_models(source_workspace)
    run = logged.as_run_artifacts
    name = f"carried-{uuid.uuid4().hex}"
    version, source = run_code(CARRY, profiles, run.uri, name, *BETWEEN)
    assert source == f"dbfs:/databricks/mlflow/tmp-external-source/{run.run_id}/model"
    found = version_of(registry_workspace, name, version)
    assert (found["status"], found["run_id"]) == ("READY", run.run_id)
    loaded = predict(profiles, f"models://registry@databricks/{name}/{version}", logged.inputs)
    assert loaded == logged.predictions
    users = {entry["user"] for entry in registry_workspace.requests()} - {""}
    assert users == {registry_workspace.user}
    assert not any(
        entry["authorization"] for entry in registry_workspace.requests(origin="storage")
    )


def test_mlflow_registers_inside_one_workspace(
    source_workspace: Workspace, log_models: LogModels
) -> None:
    logged = log_models(source_workspace)
    name = f"own-{uuid.uuid4().hex}"
    environment = source_workspace.environment()
    uri = f"models:/{logged.as_logged_model.model_id}"
    version, source = run_code(CARRY, environment, uri, name, "databricks", "databricks")
    assert source.startswith("dbfs:/databricks/mlflow-tracking/")
    loaded = predict(environment, f"models:/{name}/{version}", logged.inputs)
    assert loaded == logged.predictions


def test_mlflow_takes_an_empty_file_for_a_success(
    registry_workspace: Workspace,
    source_workspace: Workspace,
    profiles: dict[str, str],
    log_models: LogModels,
) -> None:
    """Why sizes have to be compared after a copy."""
    logged = log_models(source_workspace)
    registry_workspace.control.fault("reply", method="POST", path="/dbfs/*/MLmodel", status=500)
    name = f"emptied-{uuid.uuid4().hex}"
    run_code(CARRY, profiles, logged.as_run_artifacts.uri, name, *BETWEEN)
    staged = registry_workspace.on_disk("/databricks/mlflow/tmp-external-source")
    copies = list(staged.glob(f"{logged.as_run_artifacts.run_id}*/model/MLmodel"))
    assert min(copy.stat().st_size for copy in copies) == 0
