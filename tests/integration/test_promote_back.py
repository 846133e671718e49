"""`promote` there and back again."""

from __future__ import annotations

from collections.abc import Callable

from command import Side, call, side_inputs
from made_versions import (
    alias,
    api,
    make_model,
    make_version,
    move,
    set_alias,
    stages,
    tags,
)
from promoting import promote
from servers import MlflowServer
from sides import BOTH
from told import assert_told, writes
from workspace import Workspace


@BOTH
def test_there_again_and_back(registry: str, side: Callable[[str], Side]) -> None:
    target = side(registry)
    name = make_model(target)
    for _ in range(2):
        make_version(target, name)
    move(target, name, "1", "Production")

    first = promote(target, name, "version=2", archive_existing="true")

    assert first.code == 0, first.log
    assert stages(target, name) == {"1": "Archived", "2": "Production"}
    told = {"version": "2", "stage": "Production", "previous-version": "1", "status": "READY"}
    assert {output: first.outputs[output] for output in told} == told
    assert tags(target, name, "2")["previous.stage.Production"] == "1"
    assert "version 2 moved to Production" in first.summary
    back = f"--model-name {name} --select version=2 --stage Production --undo true"
    assert first.summary.rstrip().endswith(f"./entrypoint promote {back}\n```")

    again = promote(target, name, "version=2", archive_existing="true")

    assert again.code == 0, again.log
    assert {output: again.outputs[output] for output in told} == told
    assert "stood already in Production" in again.summary
    assert f"./entrypoint promote {back}" in again.summary

    for _ in range(2):
        undone = promote(target, name, "version=2", undo="true")
        assert undone.code == 0, undone.log
        assert stages(target, name) == {"1": "Production", "2": "Archived"}
        told = {"version": "1", "stage": "Production", "previous-version": "2"}
        assert {output: undone.outputs[output] for output in told} == told
        assert "--select version=2 --stage Production --archive-existing true" in undone.summary


def test_what_stood_there_is_kept_before_anything_moves(registry_workspace: Workspace) -> None:
    name = make_model(registry_workspace)
    for _ in range(2):
        make_version(registry_workspace, name)
    move(registry_workspace, name, "1", "Production")
    registry_workspace.reset()

    promote(registry_workspace, name, "version=2")

    mlflow = "POST /api/2.0/mlflow"
    assert writes(registry_workspace) == [
        f"{mlflow}/model-versions/set-tag",
        f"{mlflow}/databricks/model-versions/transition-stage",
    ]
    registry_workspace.reset()
    promote(registry_workspace, name, "version=2")
    assert writes(registry_workspace) == []


def test_an_alias_there_again_and_back(mlflow_server: MlflowServer) -> None:
    name = make_model(mlflow_server)
    for _ in range(2):
        make_version(mlflow_server, name)
    set_alias(mlflow_server, name, "1", "champion")

    for _ in range(2):
        moved = promote(mlflow_server, name, "latest", alias="champion")
        assert moved.code == 0, moved.log
        assert alias(mlflow_server, name, "champion") == "2"
        assert (moved.outputs["previous-version"], moved.result["aliases"]) == ("1", ["champion"])
        assert "--select version=2 --alias champion --undo true" in moved.summary
    for _ in range(2):
        undone = promote(mlflow_server, name, "version=2", alias="champion", undo="true")
        assert undone.code == 0, undone.log
        assert alias(mlflow_server, name, "champion") == "1"
        assert (undone.outputs["version"], undone.outputs["previous-version"]) == ("1", "2")
        assert undone.result["aliases"] == ["champion"]


def test_where_nothing_stood_the_way_back_is_out_again(registry_workspace: Workspace) -> None:
    name = make_model(registry_workspace)
    make_version(registry_workspace, name)

    moved = promote(registry_workspace, name, "latest", stage="Staging")

    assert (moved.code, moved.outputs["previous-version"]) == (0, "")
    assert "--select version=1 --stage None" in moved.summary
    assert "previous.stage.Staging" not in tags(registry_workspace, name, "1")


@BOTH
def test_of_several_that_stood_there_the_newest_comes_back_and_the_rest_is_told(
    registry: str, side: Callable[[str], Side]
) -> None:
    target = side(registry)
    name = make_model(target)
    for _ in range(4):
        make_version(target, name)
    for number in ("1", "2", "3"):
        move(target, name, number, "Production")
    assert promote(target, name, "version=4", archive_existing="true").code == 0
    api(target, "DELETE", "model-versions/delete", json={"name": name, "version": "1"})

    undone = promote(target, name, "version=4", undo="true")

    assert undone.code == 0, undone.log
    assert stages(target, name) == {"2": "Archived", "3": "Production", "4": "Archived"}
    (warning,) = undone.annotations("warning")
    assert "held version 2 too, which did not come back" in warning


def test_a_higher_number_beside_the_one_that_came_back_is_a_warning(
    mlflow_server: MlflowServer,
) -> None:
    name = make_model(mlflow_server)
    for _ in range(3):
        make_version(mlflow_server, name)
    move(mlflow_server, name, "1", "Production")
    assert promote(mlflow_server, name, "version=2", archive_existing="true").code == 0
    move(mlflow_server, name, "3", "Production")

    undone = promote(mlflow_server, name, "version=2", undo="true")

    assert undone.code == 0, undone.log
    (warning,) = undone.annotations("warning")
    assert "Version 3 stands in Production too" in warning


def test_who_may_not_keep_what_stood_there_promotes_nothing(
    registry_workspace: Workspace,
) -> None:
    workspace = registry_workspace
    name = make_model(workspace)
    for _ in range(2):
        make_version(workspace, name)
    move(workspace, name, "1", "Production")
    denied = {"error_code": "PERMISSION_DENIED", "message": "Not you."}
    workspace.control.fault("reply", path="*set-tag", status=403, body=denied)

    refused = promote(workspace, name, "version=2")

    words = ("No permission to keep", "Not you. Nothing was promoted", "right to edit the model")
    assert_told(refused, 5, *words)
    assert "To go back" not in refused.summary
    assert stages(workspace, name) == {"1": "Production", "2": "None"}


def test_nothing_to_go_back_to(mlflow_server: MlflowServer) -> None:
    name = make_model(mlflow_server)
    make_version(mlflow_server, name)
    make_version(mlflow_server, name, **{"previous.stage.Production": "9"})
    for number in ("1", "2"):
        move(mlflow_server, name, number, "Production")

    assert_told(promote(mlflow_server, name, "version=1", undo="true"), 4, "keeps nothing of it")
    assert_told(promote(mlflow_server, name, "version=2", undo="true"), 4, "version 9 stood there")
    assert stages(mlflow_server, name) == {"1": "Production", "2": "Production"}


@BOTH
def test_what_anybody_may_have_written_of_what_stood_there_is_numbers_of_others(
    registry: str, side: Callable[[str], Side]
) -> None:
    target = side(registry)
    name = make_model(target)
    make_version(target, name, **{"previous.stage.Production": "1"})
    make_version(target, name, **{"previous.stage.Production": "$(reboot),2"})
    for number in ("1", "2"):
        move(target, name, number, "Production")
        refused = promote(target, name, f"version={number}", undo="true")
        assert_told(refused, 4, "keeps nothing of it")
        again = promote(target, name, f"version={number}")
        resolved = call(
            "resolve",
            {"model-name": name, "select": f"version={number}"},
            side_inputs("registry", target),
        )
        for run in (again, resolved):
            assert (run.code, run.outputs["previous-version"]) == (0, ""), run.log
            assert run.result["previous-versions"] == []
    assert stages(target, name) == {"1": "Production", "2": "Production"}


def test_going_back_where_somebody_promoted_since(mlflow_server: MlflowServer) -> None:
    name = make_model(mlflow_server)
    make_version(mlflow_server, name)
    make_version(mlflow_server, name, **{"previous.stage.Production": "1"})
    make_version(mlflow_server, name)
    move(mlflow_server, name, "3", "Production")

    refused = promote(mlflow_server, name, "version=2", undo="true")

    assert_told(refused, 5, "Version 2 does not stand in Production: version 3 does")
    assert stages(mlflow_server, name) == {"1": "None", "2": "None", "3": "Production"}


def test_going_back_is_ended_by_the_next_run(registry_workspace: Workspace) -> None:
    workspace = registry_workspace
    name = make_model(workspace)
    make_version(workspace, name)
    make_version(workspace, name, **{"previous.stage.Production": "1"})
    move(workspace, name, "2", "Production")
    refusal = {"error_code": "INVALID_STATE", "message": "not now"}
    workspace.control.fault("reply", path="*transition-stage", skip=1, status=400, body=refusal)

    broken = promote(workspace, name, "version=2", undo="true")

    assert_told(broken, 5, "not now")
    assert "though version 1 moved to Production" in broken.summary
    assert (broken.outputs["stage"], broken.outputs["previous-version"]) == ("Production", "2")
    assert stages(workspace, name) == {"1": "Production", "2": "Production"}
    planned = promote(workspace, name, "version=2", undo="true", dry_run="true")
    assert planned.result["plan"] == ["promote Archived: version 2"]
    assert promote(workspace, name, "version=2", undo="true").code == 0
    assert stages(workspace, name) == {"1": "Production", "2": "Archived"}
