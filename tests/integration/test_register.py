"""Every kind of source into every kind of registry; what comes out predicts what it did before."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path

import clients
import pytest
import requests
from command import Predict, Run, Side, register, side_inputs
from conftest import LogModels
from log_models import LoggedModels
from servers import MlflowServer
from workspace import Workspace

STAGING = "/databricks/mlflow/tmp-external-source"
KINDS = ("run", "logged model", "version", "folder")


@pytest.fixture
def name() -> str:
    return f"churn-{uuid.uuid4().hex[:8]}"


def source_inputs(kind: str, side: Side, models: LoggedModels, folder: Path) -> dict[str, str]:
    """The inputs that name the tiny model, as it lies in a side, in one of the ways."""
    if kind == "run":
        run = models.as_run_artifacts
        return {"run-id": run.run_id, "artifact-path": run.path, **side_inputs("tracking", side)}
    if kind == "logged model":
        return {"run-id": models.as_logged_model.run_id, **side_inputs("tracking", side)}
    if kind == "version":
        name = f"own-{uuid.uuid4().hex[:8]}"
        own = register(
            {"run-id": models.as_logged_model.run_id, "model-name": name},
            side_inputs("registry", side),
        )
        assert own.code == 0, own.log
        return {"model-uri": own.outputs["model-uri"], **side_inputs("tracking", side)}
    return {"model-path": str(downloaded(models, side, folder))}


def downloaded(models: LoggedModels, side: Side, folder: Path) -> Path:
    script = folder / "download.py"
    script.write_text(
        "import json, sys, mlflow\n"
        "print(json.dumps(mlflow.artifacts.download_artifacts(sys.argv[1], dst_path=sys.argv[2])))"
    )
    target = folder / "checkout"
    target.mkdir()
    uri = models.as_run_artifacts.uri
    return Path(clients.run_script(script, side.environment(), uri, str(target)))


def numbers(side: Side, name: str) -> list[str]:
    """The numbers of the versions that there are."""
    found = api(side, "GET", "model-versions/search", params={"filter": f"name='{name}'"})
    return sorted(version["version"] for version in found.get("model_versions", []))


def api(side: Side, method: str, call: str, **arguments: object) -> dict:
    token = side.token if isinstance(side, Workspace) else ""
    url = side.host if isinstance(side, Workspace) else side.url
    auth = (
        (side.username, side.password) if isinstance(side, MlflowServer) and side.username else None
    )
    reply = requests.request(
        method,
        f"{url}/api/2.0/mlflow/{call}",
        headers={"Authorization": f"Bearer {token}"} if token else {},
        auth=auth,
        timeout=30,
        **arguments,
    )
    return reply.json()


SOURCES = ("source_workspace", "mlflow_server")
REGISTRIES = ("registry_workspace", "other_mlflow_server", "mlflow_2_server")


@pytest.mark.parametrize("registry", REGISTRIES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("source", SOURCES)
def test_any_source_into_any_registry(
    source: str,
    kind: str,
    registry: str,
    side: Callable[[str], Side],
    log_models: LogModels,
    name: str,
    predict: Predict,
    tmp_path: Path,
) -> None:
    origin, target = side(source), side(registry)
    models = log_models(origin)
    inputs = source_inputs(kind, origin, models, tmp_path)
    inputs |= {"model-name": name, "tags": "team=risk", "stage": "Staging"}
    environment = {"GITHUB_WORKSPACE": str(tmp_path)} if kind == "folder" else {}

    made = register(inputs, side_inputs("registry", target), **environment)

    assert made.code == 0, made.log
    assert made.outputs["version"] == "1"
    assert made.outputs["created"] == "true"
    assert made.outputs["status"] == "READY"
    assert made.outputs["stage"] == "Staging"
    assert made.result["copied-bytes"] == made.result["bytes"] > 0
    assert predict(target, f"models:/{name}/1", models.inputs) == models.predictions
    assert_nothing_is_left(target)

    again = register(inputs, side_inputs("registry", target), **environment)

    assert again.code == 0, again.log
    assert again.outputs["created"] == "false"
    assert again.result["copied-bytes"] == 0
    same = ("version", "download-uri", "model-uri", "stage", "status", "digest", "source-run-id")
    assert {key: again.outputs[key] for key in same} == {key: made.outputs[key] for key in same}
    assert numbers(target, name) == ["1"]


def assert_nothing_is_left(target: Side) -> None:
    if isinstance(target, Workspace):
        assert list(target.on_disk(STAGING).glob("remote-registry-*")) == []


@pytest.mark.parametrize("kind", KINDS[:3])
@pytest.mark.parametrize("registry", ["source_workspace", "mlflow_server"])
def test_within_one_workspace_or_server_no_byte_is_copied(
    registry: str,
    kind: str,
    side: Callable[[str], Side],
    log_models: LogModels,
    name: str,
    predict: Predict,
    tmp_path: Path,
) -> None:
    target = side(registry)
    models = log_models(target)
    inputs = source_inputs(kind, target, models, tmp_path)
    without_tracking = {key: text for key, text in inputs.items() if "tracking" not in key}

    for given in (without_tracking, inputs):
        made = register({"model-name": name, **given}, side_inputs("registry", target))
        assert made.code == 0, made.log
        assert made.result["copied-bytes"] == 0
        assert made.outputs["digest"].startswith("sha256:")
    assert numbers(target, name) == ["1"]
    assert predict(target, f"models:/{name}/1", models.inputs) == models.predictions
    if isinstance(target, Workspace):
        assert target.requests("POST", "/dbfs/*") == []


def test_the_newest_finished_run_that_fits_is_found(
    source_workspace: Workspace,
    registry_workspace: Workspace,
    log_models: LogModels,
    name: str,
) -> None:
    run = log_models(source_workspace).as_logged_model
    found = api(source_workspace, "GET", "runs/get", params={"run_id": run.run_id})
    experiment = found["run"]["info"]["experiment_id"]
    for which in (experiment, _experiment_name(source_workspace, experiment)):
        made = register(
            {
                "run-filter": f"attributes.run_id = '{run.run_id}' and metrics.accuracy > 0.9",
                "experiment": which,
                "model-name": name,
                "dry-run": "true",
            },
            side_inputs("tracking", source_workspace),
            side_inputs("registry", registry_workspace),
        )
        assert made.code == 0, made.log
        assert made.outputs["source-run-id"] == run.run_id
        assert made.outputs["status"] == "planned"


def _experiment_name(side: Side, experiment_id: str) -> str:
    found = api(side, "GET", "experiments/get", params={"experiment_id": experiment_id})
    return found["experiment"]["name"]


def test_a_dry_run_shows_the_plan_and_writes_nothing(
    source_workspace: Workspace,
    registry_workspace: Workspace,
    log_models: LogModels,
    name: str,
) -> None:
    run = log_models(source_workspace).as_logged_model
    registry_workspace.reset()

    planned = register(
        {"run-id": run.run_id, "model-name": name, "dry-run": "true", "stage": "Staging"},
        side_inputs("tracking", source_workspace),
        side_inputs("registry", registry_workspace),
    )

    assert planned.code == 0, planned.log
    assert [step.split(":")[0] for step in planned.result["plan"]] == [
        "copy",
        "make the model",
        "create",
        "wait",
        "verify",
        "clean up",
        "promote Staging",
    ]
    assert writes(registry_workspace) == []
    assert "clean up" in planned.summary


READING_POSTS = (
    "get-latest-versions",
    "credentials-for-read",
    "credentials-for-download",
    "search",
)


def writes(workspace: Workspace) -> list[str]:
    """The requests that could have changed something."""
    return [
        f"{request['method']} {request['path']}"
        for request in workspace.requests()
        if request["method"] not in ("GET", "HEAD")
        and not request["path"].endswith(READING_POSTS)
        and "/__control__/" not in request["path"]
    ]


def test_what_is_recorded_on_the_version(
    source_workspace: Workspace,
    registry_workspace: Workspace,
    log_models: LogModels,
    name: str,
) -> None:
    run = log_models(source_workspace).as_logged_model
    made = register(
        {
            "run-id": run.run_id,
            "model-name": name,
            "tags": "team: risk\nrelease: 1.10\n",
            "description": "the *first*",
        },
        side_inputs("tracking", source_workspace),
        side_inputs("registry", registry_workspace),
    )
    version = api(
        registry_workspace,
        "GET",
        "model-versions/get",
        params={"name": name, "version": made.outputs["version"]},
    )["model_version"]

    tags = {tag["key"]: tag["value"] for tag in version["tags"]}
    assert tags["team"] == "risk"
    assert tags["release"] == "1.10"
    ours = {key.removeprefix("remote_registry."): text for key, text in tags.items() if "." in key}
    assert ours["source_workspace"] == source_workspace.workspace_id
    assert ours["source_run_id"] == run.run_id
    assert ours["digest"] == made.outputs["digest"]
    assert ours["repository"] == "your-org/churn"
    assert ours["commit"].startswith("c0ffee")
    assert ours["ref"] == "refs/tags/v1.4.0"
    assert ours["workflow_run"] == "https://github.com/your-org/churn/actions/runs/42/attempts/1"
    assert version["description"] == "the *first*"
    assert version["run_id"] == run.run_id
    assert version["run_link"] == (
        f"{source_workspace.host}?o={source_workspace.workspace_id}"
        f"#mlflow/experiments/{run.experiment_id}/runs/{run.run_id}"
    )


def test_no_output_that_crosses_jobs_holds_a_secret_of_the_registry(
    source_workspace: Workspace,
    registry_workspace: Workspace,
    other_mlflow_server: MlflowServer,
    log_models: LogModels,
    name: str,
) -> None:
    run = log_models(source_workspace).as_logged_model
    for target in (registry_workspace, other_mlflow_server):
        made = register(
            {"run-id": run.run_id, "model-name": name},
            side_inputs("tracking", source_workspace),
            side_inputs("registry", target),
        )
        assert made.code == 0, made.log
        secrets = {*side_inputs("registry", target).values()}
        secrets |= {*side_inputs("tracking", source_workspace).values()}
        for output, text in made.outputs.items():
            held = [secret for secret in secrets if secret in text]
            assert not held or output == "registry-url", output
        assert made.outputs["registry-url"]


def test_a_model_that_this_run_makes_gets_its_permissions(
    source_workspace: Workspace,
    registry_workspace: Workspace,
    log_models: LogModels,
    name: str,
) -> None:
    run = log_models(source_workspace).as_logged_model
    given = "ml-team=CAN_EDIT\nana@example.com=CAN_READ"
    inputs = {"run-id": run.run_id, "model-name": name, "permissions": given}
    sides = (
        side_inputs("tracking", source_workspace),
        side_inputs("registry", registry_workspace),
    )
    made = register(inputs, *sides)
    assert made.code == 0, made.log
    (grant,) = registry_workspace.requests("PATCH", "/api/2.0/permissions/registered-models/*")
    found = api(
        registry_workspace, "GET", "databricks/registered-models/get", params={"name": name}
    )
    model_id = found["registered_model_databricks"]["id"]
    assert grant["path"].endswith(f"/{model_id}")
    reply = requests.get(
        f"{registry_workspace.host}/api/2.0/permissions/registered-models/{model_id}",
        headers={"Authorization": f"Bearer {registry_workspace.token}"},
        timeout=30,
    ).json()
    levels = {
        entry.get("group_name") or entry.get("user_name"): [
            permission["permission_level"] for permission in entry["all_permissions"]
        ]
        for entry in reply["access_control_list"]
    }
    assert levels["ml-team"] == ["CAN_EDIT"]
    assert levels["ana@example.com"] == ["CAN_READ"]

    register(inputs, *sides)
    again = registry_workspace.requests("PATCH", "/api/2.0/permissions/registered-models/*")
    assert len(again) == 1


def promoted(name: str, run_id: str, *sides: dict[str, str], **inputs: str) -> Run:
    given = {"run-id": run_id, "model-name": name, "stage": "Production", **inputs}
    made = register(given, *sides)
    assert made.code == 0, made.log
    return made


def test_what_stood_in_the_stage_before_is_an_output_and_goes_to_archived(
    source_workspace: Workspace,
    registry_workspace: Workspace,
    log_models: LogModels,
    name: str,
) -> None:
    models = log_models(source_workspace)
    sides = (
        side_inputs("tracking", source_workspace),
        side_inputs("registry", registry_workspace),
    )
    first = promoted(name, models.as_logged_model.run_id, *sides)
    assert first.outputs["previous-version"] == ""
    archive = {"archive-existing": "true"}
    second = promoted(name, models.as_run_artifacts.run_id, *sides, **archive)
    assert (second.outputs["version"], second.outputs["previous-version"]) == ("2", "1")
    stages = {
        version["version"]: version["current_stage"]
        for version in api(
            registry_workspace, "GET", "model-versions/search", params={"filter": f"name='{name}'"}
        )["model_versions"]
    }
    assert stages == {"1": "Archived", "2": "Production"}
    again = promoted(name, models.as_run_artifacts.run_id, *sides, **archive)
    assert again.outputs["previous-version"] == "1"
    assert again.outputs["created"] == "false"


def test_an_alias_moves_and_tells_where_it_was(
    mlflow_server: MlflowServer,
    other_mlflow_server: MlflowServer,
    log_models: LogModels,
    name: str,
    predict: Predict,
) -> None:
    models = log_models(mlflow_server)
    sides = (side_inputs("tracking", mlflow_server), side_inputs("registry", other_mlflow_server))
    inputs = {"model-name": name, "alias": "champion, blue"}
    first = register({"run-id": models.as_logged_model.run_id, **inputs}, *sides)
    assert first.code == 0, first.log
    second = register({"run-id": models.as_run_artifacts.run_id, **inputs}, *sides)
    assert second.outputs["previous-version"] == "1"
    assert second.result["aliases"] == ["champion", "blue"]
    uri = f"models:/{name}@champion"
    assert predict(other_mlflow_server, uri, models.inputs) == models.predictions
    alias = api(
        other_mlflow_server,
        "GET",
        "registered-models/alias",
        params={"name": name, "alias": "blue"},
    )
    assert alias["model_version"]["version"] == "2"


def test_a_server_with_sign_in(
    mlflow_server: MlflowServer,
    authenticated_mlflow_server: MlflowServer,
    log_models: LogModels,
    name: str,
    predict: Predict,
) -> None:
    models = log_models(mlflow_server)
    sides = (
        side_inputs("tracking", mlflow_server),
        side_inputs("registry", authenticated_mlflow_server),
    )
    made = register({"run-id": models.as_logged_model.run_id, "model-name": name}, *sides)
    assert made.code == 0, made.log
    uri = f"models:/{name}/1"
    assert predict(authenticated_mlflow_server, uri, models.inputs) == models.predictions
