"""`resolve` in a workspace and on an MLflow server."""

from __future__ import annotations

import json
from collections.abc import Callable

from command import Run, Side, call, side_inputs
from made_versions import make_model, make_version, move, set_alias
from servers import MlflowServer
from sides import BOTH
from told import assert_told, writes
from workspace import Workspace

SHA = "d" * 40


def resolve(side: Side, name: str, select: str, **environment: str) -> Run:
    inputs = {"model-name": name, "select": select}
    return call("resolve", inputs, side_inputs("registry", side), **environment)


@BOTH
def test_a_version_is_found_and_all_is_told(registry: str, side: Callable[[str], Side]) -> None:
    target = side(registry)
    name = make_model(target)
    recorded = {"commit": SHA, "digest": "sha256:" + "1" * 64, "source_run_id": "run1"}
    first = make_version(target, name, **recorded, **{"previous.stage.Staging": "7,6"})
    second = make_version(target, name)
    move(target, name, first, "Staging")

    found = resolve(target, name, "stage=Staging")

    assert found.code == 0, found.log
    expected = {
        "version": first,
        "model-uri": f"models:/{name}/{first}",
        "stage": "Staging",
        "previous-version": "7",
        "status": "READY",
        "created": "false",
        "digest": recorded["digest"],
        "source-run-id": "run1",
    }
    assert {output: found.outputs[output] for output in expected} == expected
    assert found.outputs["download-uri"]
    (told,) = json.loads(found.outputs["versions"])
    assert (told["version"], told["commit"]) == (first, SHA)
    assert found.result["versions"] == [told]
    assert found.summary.startswith(f"### ✅ {name} version {first} found")
    assert resolve(target, name, "latest").outputs["version"] == second
    assert resolve(target, name, f"commit={SHA}").outputs["version"] == first
    assert resolve(target, name, f"version={second}").outputs["version"] == second
    if isinstance(target, Workspace):
        mine = [one for one in writes(target) if "/create" not in one]
        assert not [one for one in mine if "transition" not in one and "/dbfs/" not in one]
    secrets = set(side_inputs("registry", target).values())
    for output, text in found.outputs.items():
        assert output == "registry-url" or not any(secret in text for secret in secrets)


def test_an_alias_is_found(mlflow_server: MlflowServer) -> None:
    name = make_model(mlflow_server)
    first, _ = make_version(mlflow_server, name), make_version(mlflow_server, name)
    set_alias(mlflow_server, name, first, "champion")

    found = resolve(mlflow_server, name, "alias=champion")

    assert (found.code, found.outputs["version"]) == (0, first)
    assert found.result["aliases"] == ["champion"]


def test_a_version_that_is_pending_is_told_and_not_waited_for(
    registry_workspace: Workspace,
) -> None:
    name = make_model(registry_workspace)
    first = make_version(registry_workspace, name)
    registry_workspace.control.set(hold_ready=True)
    make_version(registry_workspace, name, ready=False)

    latest, pending = (resolve(registry_workspace, name, one) for one in ("latest", "version=2"))

    assert latest.outputs["version"] == first
    assert (pending.code, pending.outputs["status"]) == (0, "PENDING_REGISTRATION")
    assert pending.outputs["download-uri"] == ""


def test_what_search_does_not_show_yet_is_found(registry_workspace: Workspace) -> None:
    name = make_model(registry_workspace)
    registry_workspace.control.set(search_lag=60.0)
    number = make_version(registry_workspace, name, commit=SHA)

    assert resolve(registry_workspace, name, f"commit={SHA}").outputs["version"] == number


@BOTH
def test_none_is_told_with_what_there_is(registry: str, side: Callable[[str], Side]) -> None:
    target = side(registry)
    name = make_model(target)
    make_version(target, name)

    assert_told(resolve(target, name, "version=9"), 4, "No such version", "Nearest: version 1")
    assert_told(resolve(target, name, "stage=Production"), 4, "It has version 1 (READY)")
    misspelt = resolve(target, name[:-1], "latest")
    assert_told(misspelt, 4, "There is no such registered model", repr(name))


@BOTH
def test_several_are_listed_and_are_an_output(registry: str, side: Callable[[str], Side]) -> None:
    target = side(registry)
    name = make_model(target)
    for _ in range(2):
        make_version(target, name, commit=SHA)

    found = resolve(target, name, f"commit={SHA}")

    assert_told(found, 4, "2 versions of", "version 2 (READY), version 1 (READY)")
    assert [one["version"] for one in json.loads(found.outputs["versions"])] == ["2", "1"]
    assert found.outputs["version"] == ""
    assert "All that fit" in found.summary


def test_bad_input_is_told_before_any_call(registry_workspace: Workspace) -> None:
    registry_workspace.reset()
    assert_told(resolve(registry_workspace, "churn", "Production"), 2, "select: 'Production'")
    assert_told(resolve(registry_workspace, "churn", "alias=a"), 2, "no aliases")
    assert registry_workspace.requests() == []


def test_the_wrong_workspace_and_the_wrong_token(registry_workspace: Workspace) -> None:
    right = side_inputs("registry", registry_workspace)
    inputs = {"model-name": "churn", "select": "latest"}
    wrong_id = call("resolve", inputs, right, {"registry-workspace-id": "77"})
    assert_told(wrong_id, 3, "registry-workspace-id is 77")
    assert_told(call("resolve", inputs, right, {"registry-token": "other"}), 3, "refused")


def test_a_registry_that_fails_is_told(registry_workspace: Workspace) -> None:
    registry_workspace.control.fault("reply", path="*/model-versions/search", status=400, body={})
    assert_told(resolve(registry_workspace, "churn", "latest"), 5, "Registry failed")


def test_another_repositorys_pull_request_is_not_taken(mlflow_server: MlflowServer) -> None:
    name = make_model(mlflow_server)
    make_version(mlflow_server, name, pull_request="12", repository="somebody/churn")
    ours = make_version(mlflow_server, name, pull_request="12", repository="your-org/churn")

    assert resolve(mlflow_server, name, "pull-request=12").outputs["version"] == ours
