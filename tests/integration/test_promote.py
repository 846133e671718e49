"""`promote` in a workspace and on an MLflow server, and back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from command import Run, Side, call, side_inputs
from made_versions import (
    alias,
    api,
    make_failed_version,
    make_model,
    make_version,
    move,
    set_alias,
    stages,
    tags,
)
from registering import staged_digest
from servers import MlflowServer
from tiny_server import Reply, TinyServer
from told import assert_told, writes
from workspace import Workspace

BOTH = pytest.mark.parametrize("registry", ["registry_workspace", "mlflow_server"])
SHA = "e" * 40
MALLORY = "dapi-of-mallory"


@pytest.fixture
def side(request: pytest.FixtureRequest) -> Callable[[str], Side]:
    return request.getfixturevalue


def promote(side: Side, name: str, select: str, **inputs: str) -> Run:
    given = {key.replace("_", "-"): text for key, text in inputs.items()}
    where = {} if "alias" in given or "stage" in given else {"stage": "Production"}
    asked = {"model-name": name, "select": select, **where, **given}
    return call("promote", asked, side_inputs("registry", side))


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


FAILS: dict[str, dict[str, Any]] = {
    "refused": {"status": 400, "body": {"error_code": "INVALID_STATE", "message": "not now"}},
    "done": {"status": 500, "body": {}, "times": 0, "after_handler": True},
}


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


def test_what_tags_have_found_must_be_of_who_is_trusted(registry_workspace: Workspace) -> None:
    workspace, digest = registry_workspace, staged_digest()
    workspace.control.set(tokens={MALLORY: {"user": "mallory@example.com"}})
    name = make_model(workspace)
    make_version(workspace, name, MALLORY, commit=SHA, digest=digest, pull_request="3")
    workspace.control.clear_requests()

    for select in (f"commit={SHA}", f"digest={digest}", "pull-request=3"):
        refused = promote(workspace, name, select)
        assert_told(refused, 6, "made by mallory@example.com", "trusted-creators")
    wrong = promote(workspace, name, f"commit={SHA}", digest=f"sha256:{'0' * 64}")
    assert_told(wrong, 5, "digest of version 1 is", digest)
    others = promote(workspace, name, f"commit={SHA}", trusted_creators="ana@example.com")
    assert_told(others, 6, "Trusted are: ana@example.com", "or take another version")
    assert promote(workspace, name, f"commit={SHA}", dry_run="true").code == 6
    assert writes(workspace) == []
    for right in (
        {"trusted_creators": "ana@example.com, mallory@example.com"},
        {"digest": digest},
    ):
        done = promote(workspace, name, f"commit={SHA}", dry_run="true", **right)
        assert done.code == 0, done.log
    assert promote(workspace, name, "version=1").code == 0


@pytest.mark.parametrize("select", ["version=1", "latest", "stage=Staging", f"commit={SHA}"])
def test_creators_that_are_given_are_checked_however_it_was_found(
    registry_workspace: Workspace, select: str
) -> None:
    workspace = registry_workspace
    workspace.control.set(tokens={MALLORY: {"user": "mallory@example.com"}})
    name = make_model(workspace)
    make_version(workspace, name, MALLORY, commit=SHA)
    move(workspace, name, "1", "Staging")
    workspace.control.clear_requests()

    for digest in ({}, {"digest": staged_digest()}):
        others = promote(workspace, name, select, trusted_creators="ana@example.com", **digest)
        assert_told(others, 6, "made by mallory@example.com", "Trusted are: ana@example.com")
    wrong = {"trusted_creators": "mallory@example.com", "digest": f"sha256:{'0' * 64}"}
    assert_told(promote(workspace, name, select, **wrong), 5, staged_digest())
    assert writes(workspace) == []
    theirs = promote(workspace, name, select, trusted_creators="mallory@example.com")
    assert theirs.code == 0, theirs.log


def test_who_signs_in_is_trusted(registry_workspace: Workspace) -> None:
    name = make_model(registry_workspace)
    make_version(registry_workspace, name, commit=SHA)

    assert promote(registry_workspace, name, f"commit={SHA}").code == 0


def test_a_server_that_names_no_creator_has_none_to_check(mlflow_server: MlflowServer) -> None:
    name = make_model(mlflow_server)
    make_version(mlflow_server, name, commit=SHA)

    done = promote(mlflow_server, name, f"commit={SHA}")
    assert (done.code, done.annotations("warning")) == (0, [])
    done = promote(mlflow_server, name, f"commit={SHA}", trusted_creators="ana@example.com")
    assert done.code == 0, done.log
    (warning,) = done.annotations("warning")
    assert "names no creator of version 1, so trusted-creators has none to check" in warning


def test_a_digest_on_a_server(mlflow_server: MlflowServer) -> None:
    name = make_model(mlflow_server)
    made = made_from_a_folder(mlflow_server, name)

    wrong = promote(mlflow_server, name, "latest", digest=f"sha256:{'0' * 64}")
    assert_told(wrong, 5, made.outputs["digest"], "Nothing was changed")
    right = promote(mlflow_server, name, "latest", digest=made.outputs["digest"])
    assert right.code == 0, right.log
    assert "verified: version 1 is sha256:" in right.log


def made_from_a_folder(side: Side, name: str) -> Run:
    """Registers a folder with one file."""
    with TemporaryDirectory() as folder:
        Path(folder, "MLmodel").write_text("flavors: {}\n")
        inputs = {"model-path": folder, "model-name": name}
        made = call("register", inputs, side_inputs("registry", side), GITHUB_WORKSPACE=folder)
    assert made.code == 0, made.log
    return made


def test_going_back_to_a_version_of_somebody_else(registry_workspace: Workspace) -> None:
    workspace = registry_workspace
    workspace.control.set(tokens={MALLORY: {"user": "mallory@example.com"}})
    name = make_model(workspace)
    make_version(workspace, name, MALLORY)
    make_version(workspace, name, **{"previous.stage.Production": "1"})
    move(workspace, name, "2", "Production")

    refused = promote(workspace, name, "version=2", undo="true")
    assert_told(refused, 6, "mallory@example.com")
    assert "To go back" not in refused.summary
    assert stages(workspace, name) == {"1": "None", "2": "Production"}
    trusted = promote(
        workspace, name, "version=2", undo="true", trusted_creators="mallory@example.com"
    )
    assert trusted.code == 0, trusted.log


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


MLFLOW = "/api/2.0/mlflow"
MISSING = Reply.of({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no"}, 404)


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
