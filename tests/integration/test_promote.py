"""`promote` in a workspace and on an MLflow server."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from command import Run, Side, call, side_inputs
from made_versions import (
    api,
    make_failed_version,
    make_model,
    make_version,
    move,
    stages,
    tags,
)
from promoting import promote
from servers import MlflowServer
from sides import BOTH
from tiny_server import Reply, TinyServer
from told import assert_told, writes
from workspace import Workspace

MALLORY = "dapi-of-mallory"
MLFLOW = "/api/2.0/mlflow"
MISSING = Reply.of({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no"}, 404)
FAILS: dict[str, dict[str, Any]] = {
    "refused": {"status": 400, "body": {"error_code": "INVALID_STATE", "message": "not now"}},
    "done": {"status": 500, "body": {}, "times": 0, "after_handler": True},
}


@BOTH
def test_in_none_and_archived_no_version_takes_the_place_of_another(
    registry: str, side: Callable[[str], Side]
) -> None:
    target = side(registry)
    name = make_model(target)
    for _ in range(3):
        make_version(target, name)
    move(target, name, "1", "Archived")
    move(target, name, "2", "Production")

    for stage, back in (("None", "Production"), ("Archived", "None")):
        moved = promote(target, name, "version=2", stage=stage)
        assert (moved.code, moved.outputs["previous-version"]) == (0, "")
        command = f"./entrypoint promote --model-name {name} --select version=2 --stage {back}"
        assert moved.summary.rstrip().endswith(f"{command}\n```")
    assert tags(target, name, "2") == {}


@pytest.mark.parametrize("how", FAILS)
def test_of_a_move_that_fails_it_is_told_whether_it_was_made(
    registry_workspace: Workspace, how: str
) -> None:
    workspace, done = registry_workspace, how == "done"
    name = make_model(workspace)
    for _ in range(2):
        make_version(workspace, name)
    move(workspace, name, "1", "Production")

    def assert_is_told(run: Run, moved: str, previous: str) -> None:
        assert_told(run, 5, "it answered 500" if done else "not now")
        assert (f"though version {moved} moved to Production" in run.summary) is done
        assert ("To go back" in run.summary) is done
        assert run.outputs["previous-version"] == (previous if done else "")
        assert (run.outputs["stage"] == "Production") is done

    workspace.control.fault("reply", path="*transition-stage", **FAILS[how])
    assert_is_told(promote(workspace, name, "version=2", retry_timeout="1"), "2", "1")
    workspace.control.clear_faults()
    assert promote(workspace, name, "version=2", archive_existing="true").code == 0
    workspace.control.fault("reply", path="*transition-stage", **FAILS[how])
    back = promote(workspace, name, "version=2", undo="true", retry_timeout="1")
    assert_is_told(back, "1", "2")


@pytest.mark.parametrize("call_", ["set-tag", "transition-stage"])
def test_a_version_that_is_deleted_while_it_is_promoted(
    registry_workspace: Workspace, call_: str
) -> None:
    workspace = registry_workspace
    name = make_model(workspace)
    for _ in range(2):
        make_version(workspace, name)
    move(workspace, name, "1", "Production")
    gone = {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no such version"}
    workspace.control.fault("reply", path=f"*{call_}", status=404, body=gone)

    missing = promote(workspace, name, "version=2")

    assert_told(missing, 4, "Version 2 was deleted meanwhile")
    assert "To go back" not in missing.summary


def test_a_version_that_another_job_promotes_at_the_same_moment(
    registry_workspace: Workspace,
) -> None:
    workspace = registry_workspace
    name = make_model(workspace)
    make_version(workspace, name)
    where = {"filter": f"name='{name}'"}
    before = api(workspace, "GET", "model-versions/search", params=where)
    move(workspace, name, "1", "Production")
    workspace.control.fault("reply", path="*/model-versions/search", status=200, body=before)
    workspace.control.clear_requests()

    done = promote(workspace, name, "version=1")

    assert (done.code, done.outputs["stage"]) == (0, "Production"), done.log
    assert "stood already in Production" in done.summary
    assert writes(workspace) == []


def test_a_model_that_is_made_anew_meanwhile_has_other_versions(
    registry_workspace: Workspace,
) -> None:
    workspace = registry_workspace
    name = make_model(workspace)
    make_version(workspace, name)
    where = {"filter": f"name='{name}'"}
    earlier = api(workspace, "GET", "model-versions/search", params=where)
    earlier["model_versions"][0]["creation_timestamp"] -= 1000
    workspace.control.fault("reply", path="*/model-versions/search", status=200, body=earlier)
    workspace.control.clear_requests()

    assert_told(promote(workspace, name, "version=1"), 4, "Version 1 was deleted meanwhile")
    assert writes(workspace) == []


def test_what_is_there_already_and_cannot_be_alone_has_no_way_back(
    registry_workspace: Workspace,
) -> None:
    workspace = registry_workspace
    name = make_model(workspace)
    for number in ("1", "2"):
        make_version(workspace, name)
        move(workspace, name, number, "Production")
    workspace.control.fault("reply", path="*transition-stage", **FAILS["refused"])

    refused = promote(workspace, name, "version=2", archive_existing="true")

    assert_told(refused, 5, "not now")
    assert "To go back" not in refused.summary


@BOTH
def test_another_version_than_was_expected(registry: str, side: Callable[[str], Side]) -> None:
    target = side(registry)
    name = make_model(target)
    for _ in range(2):
        make_version(target, name)
    move(target, name, "1", "Production")

    for expected in ("7", "none"):
        refused = promote(target, name, "version=2", expect_previous=expected)
        assert_told(refused, 5, f"expect-previous is {expected}", "stands 1")
    assert stages(target, name) == {"1": "Production", "2": "None"}
    assert tags(target, name, "2") == {}
    assert promote(target, name, "version=2", expect_previous="1").code == 0


def test_a_version_that_is_not_ready(registry_workspace: Workspace) -> None:
    name = make_model(registry_workspace)
    registry_workspace.control.set(hold_ready=True)
    make_version(registry_workspace, name, ready=False)
    registry_workspace.control.clear_requests()

    pending = promote(registry_workspace, name, "version=1")
    assert_told(pending, 5, "PENDING_REGISTRATION", "Wait until it is READY")
    assert writes(registry_workspace) == []
    registry_workspace.control.set(hold_ready=False)
    failed = make_failed_version(registry_workspace, name)
    registry_workspace.control.clear_requests()
    told = promote(registry_workspace, name, f"version={failed}")
    assert_told(told, 5, "FAILED_REGISTRATION", "Register its model once more")
    assert writes(registry_workspace) == []


@BOTH
def test_a_dry_run_shows_the_plan(registry: str, side: Callable[[str], Side]) -> None:
    target = side(registry)
    name = make_model(target)
    for _ in range(2):
        make_version(target, name)
    move(target, name, "1", "Production")

    planned = promote(target, name, "version=2", archive_existing="true", dry_run="true")

    assert planned.code == 0, planned.log
    assert (planned.outputs["status"], planned.outputs["previous-version"]) == ("planned", "1")
    assert planned.result["plan"] == [
        "promote Production: as asked for, and what stands there to Archived"
    ]
    assert stages(target, name) == {"1": "Production", "2": "None"}
    assert tags(target, name, "2") == {}


def test_a_higher_number_in_the_stage_is_a_warning(mlflow_server: MlflowServer) -> None:
    name = make_model(mlflow_server)
    for _ in range(2):
        make_version(mlflow_server, name)
    move(mlflow_server, name, "2", "Production")

    beside = promote(mlflow_server, name, "version=1")
    (warning,) = beside.annotations("warning")
    assert "Version 2 stands in Production too" in warning
    alone = promote(mlflow_server, name, "version=1", archive_existing="true")
    assert alone.annotations("warning") == []
    assert stages(mlflow_server, name) == {"1": "Production", "2": "Archived"}


@pytest.mark.parametrize("fault", ["lost-reply", "reply"])
def test_a_reply_that_is_lost(registry_workspace: Workspace, fault: str) -> None:
    name = make_model(registry_workspace)
    make_version(registry_workspace, name)
    how = {"status": 503, "body": {}} if fault == "reply" else {}
    registry_workspace.control.fault(fault, path="*transition-stage", **how)

    assert promote(registry_workspace, name, "version=1").code == 0
    assert stages(registry_workspace, name) == {"1": "Production"}


def test_who_may_not_promote_is_told_what_is_missing(registry_workspace: Workspace) -> None:
    workspace = registry_workspace
    workspace.control.set(tokens={MALLORY: {"user": "mallory@example.com", "rights": ["write"]}})
    name = make_model(workspace)
    make_version(workspace, name)
    sides = side_inputs("registry", workspace), {"registry-token": MALLORY}

    asked = {"model-name": name, "select": "latest", "stage": "Production"}
    words = ("No permission", "CAN_MANAGE_PRODUCTION_VERSIONS", "ask for it by the verb request")
    assert_told(call("promote", asked, *sides), 5, *words)
    assert stages(workspace, name) == {"1": "None"}


def test_a_fork_is_told_why_and_passes(registry_workspace: Workspace) -> None:
    asked = {"model-name": "churn", "select": "latest", "stage": "Production"}
    asked["registry-host"] = registry_workspace.host
    github = {"GITHUB_ACTOR": "dependabot[bot]", "INPUT_GITHUB_TOKEN": "ghs_of-the-job"}
    registry_workspace.reset()

    skipped = call("promote", asked, **github)

    assert (skipped.code, skipped.outputs["status"]) == (0, "skipped")
    (notice,) = skipped.annotations("notice")
    assert "Nothing was promoted: GitHub withholds" in notice
    assert registry_workspace.requests() == []


def of_one_version(tiny: TinyServer, **fields: str) -> None:
    """A registry with one version, and nothing that is not asked for here."""
    version = {"name": "churn", "version": "1", "status": "READY", **fields}
    tiny.replies = [Reply.of({"error_code": "ENDPOINT_NOT_FOUND", "message": "none"}, 404)]
    tiny.pages = {
        "/version": Reply(body=b"3.1.0"),
        "/api/2.0/preview/scim/v2/Me": Reply.of({"userName": "a"}, X_Databricks_Org_Id="5"),
        f"{MLFLOW}/model-versions/search": Reply.of({"model_versions": [version]}),
        f"{MLFLOW}/registered-models/get": Reply.of({"registered_model": {"name": "churn"}}),
        f"{MLFLOW}/model-versions/get": MISSING,
        f"{MLFLOW}/model-versions/get-download-uri": Reply.of({"artifact_uri": "dbfs:/x"}),
    }


def test_a_registry_without_stages(tiny: TinyServer) -> None:
    of_one_version(tiny)

    refused = promote(MlflowServer(tiny.url), "churn", "latest")

    assert_told(refused, 5, "This registry has no stages", "Use alias")
    asked = {request.method for request in tiny.requests}
    changed = [one for one in tiny.requests if "get-latest-versions" not in one.path]
    assert asked == {"GET", "POST"}
    assert {one.method for one in changed} == {"GET"}


def test_a_registry_without_aliases(tiny: TinyServer) -> None:
    of_one_version(tiny, current_stage="None")

    refused = promote(MlflowServer(tiny.url), "churn", "latest", alias="champion")

    assert_told(refused, 5, "This registry has no aliases", "Use stage")
    changed = [one.path for one in tiny.requests if one.method != "GET"]
    assert changed == [f"{MLFLOW}/registered-models/alias"]


def test_the_comment_links_to_the_workflow_run(tiny: TinyServer) -> None:
    of_one_version(tiny, current_stage="None")
    moved = {"name": "churn", "version": "1", "status": "READY", "current_stage": "Production"}
    path = f"{MLFLOW}/databricks/model-versions/transition-stage"
    tiny.pages[path] = Reply.of({"model_version_databricks": moved})
    side = {"registry-host": tiny.url, "registry-token": "dapi"}
    asked = {"model-name": "churn", "select": "latest", "stage": "Production", "comment": "Why."}

    done = call("promote", asked, side)

    assert done.code == 0, done.log
    (request,) = [one for one in tiny.requests if one.path == path]
    run = "https://github.com/your-org/churn/actions/runs/42/attempts/1"
    assert json.loads(request.body)["comment"] == f"Why.\n{run}"


@pytest.mark.parametrize("is_set", [True, False])
def test_of_an_alias_it_is_told_too_whether_it_was_set(tiny: TinyServer, is_set: bool) -> None:
    of_one_version(tiny)
    del tiny.pages[f"{MLFLOW}/registered-models/get"]
    others = {"name": "churn", "aliases": [{"alias": "champion", "version": "7"}]}
    ours = {"name": "churn", "aliases": [{"alias": "champion", "version": "1"}]}
    seen = (others, others, ours if is_set else others)  # at first, before it is set, and after
    tiny.replies = [Reply.of({"registered_model": one}) for one in seen]
    tiny.pages[f"{MLFLOW}/model-versions/set-tag"] = Reply()
    tiny.pages[f"{MLFLOW}/registered-models/alias"] = Reply.of({}, 500)

    failed = promote(MlflowServer(tiny.url), "churn", "latest", alias="champion", retry_timeout="1")

    assert_told(failed, 5, "refused to set the alias champion: it answered 500")
    assert ("though version 1 got the alias champion" in failed.summary) is is_set
    assert ("To go back" in failed.summary) is is_set
    assert failed.result["aliases"] == (["champion"] if is_set else [])
    assert failed.outputs["previous-version"] == ("7" if is_set else "")
