"""What `secrets` wrote is what plain MLflow reads in a notebook of the source's workspace."""

from __future__ import annotations

import json
from pathlib import Path

import notebook
import pytest
from clients import run_script
from command import call, register, side_inputs
from conftest import LogModels
from log_models import LoggedModels
from scopes import PREFIX, Scope, new_name
from workspace import Workspace


@pytest.fixture(scope="module")
def models(source_workspace: Workspace, log_models: LogModels) -> LoggedModels:
    return log_models(source_workspace)


@pytest.fixture(scope="module")
def name(source_workspace: Workspace, registry_workspace: Workspace, models: LoggedModels) -> str:
    """A model of the registry with a version in Production."""
    name = new_name()
    made = register(
        {"run-id": models.as_logged_model.run_id, "model-name": name, "stage": "Production"},
        side_inputs("tracking", source_workspace),
        side_inputs("registry", registry_workspace),
    )
    assert made.code == 0, made.log
    return name


@pytest.fixture(scope="module")
def scope(source_workspace: Workspace, registry_workspace: Workspace) -> Scope:
    scope = Scope(source_workspace, new_name())
    kept = call(
        "secrets",
        {"scope": scope.name, "prefix": PREFIX},
        side_inputs("tracking", source_workspace),
        side_inputs("registry", registry_workspace),
    )
    assert kept.code == 0, kept.log
    assert kept.outputs["uri"] == scope.uri
    return scope


def predicted(scope: Scope, registry_uri: str, model_uri: str, models: LoggedModels) -> list[float]:
    side = scope.workspace
    arguments = (side.host, side.token, registry_uri, model_uri, json.dumps(models.inputs))
    return run_script(Path(notebook.__file__), {}, *arguments)


@pytest.mark.parametrize("which", ["Production", "1"])
def test_a_model_is_loaded_by_the_uri_that_names_the_scope(
    scope: Scope, name: str, models: LoggedModels, which: str
) -> None:
    uri = f"models://{scope.name}:{PREFIX}@databricks/{name}/{which}"

    assert predicted(scope, "", uri, models) == models.predictions


@pytest.mark.parametrize("which", ["Production", "1"])
def test_a_model_is_loaded_with_the_scope_as_the_registry_uri(
    scope: Scope,
    name: str,
    models: LoggedModels,
    registry_workspace: Workspace,
    which: str,
) -> None:
    registry_workspace.reset()

    assert predicted(scope, scope.uri, f"models:/{name}/{which}", models) == models.predictions

    asked = registry_workspace.requests(path="/api/2.0/mlflow/*")
    assert asked
    assert {one["user"] for one in asked} == {registry_workspace.user}


def test_without_the_secrets_the_notebook_has_no_way_to_the_model(
    scope: Scope, name: str, models: LoggedModels
) -> None:
    nowhere = Scope(scope.workspace, "nowhere")

    with pytest.raises(AssertionError, match="Scope nowhere does not exist"):
        predicted(nowhere, nowhere.uri, f"models:/{name}/1", models)
