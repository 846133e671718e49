"""`retire` in a workspace and on an MLflow server."""

from __future__ import annotations

import html
import json
import uuid
from collections.abc import Callable
from typing import Any

import clients
import pytest
import requests
from command import Run, Side, call, side_inputs
from made_versions import (
    api,
    make_failed_version,
    make_model,
    make_version,
    move,
    set_alias,
    stages,
)
from registering import FILES
from servers import MlflowServer
from sides import BOTH
from told import assert_told, writes
from workspace import Workspace

from remote_registry.attempt import Attempt

pytestmark = pytest.mark.usefixtures("staging_is_cleared")
STAGING = "/databricks/mlflow/tmp-external-source"
AT_ONCE = {"REMOTE_REGISTRY_ABANDONED_AFTER": "0"}


def retire(side: Side, name: str, **inputs: str) -> Run:
    environment = {key: inputs.pop(key) for key in list(inputs) if key.isupper()}
    asked = {key.replace("_", "-"): text for key, text in inputs.items()}
    given = {"model-name": name, **asked}
    return call("retire", given, side_inputs("registry", side), **environment)


def some_versions(side: Side, count: int) -> str:
    name = make_model(side)
    for _ in range(count):
        make_version(side, name)
    return name


@BOTH
def test_the_newest_are_kept_and_what_is_in_use(registry: str, side: Callable[[str], Side]) -> None:
    target = side(registry)
    name = some_versions(target, 5)
    move(target, name, "1", "Production")
    move(target, name, "2", "Staging")

    planned = retire(target, name, keep_last="1", to="delete", dry_run="true")
    assert planned.code == 0, planned.log
    assert planned.outputs["status"] == "planned"
    assert planned.result["plan"][:2] == [
        "delete version 3, READY in None",
        "delete version 4, READY in None",
    ]
    assert len(stages(target, name)) == 5

    done = retire(target, name, keep_last="1", to="delete")

    assert done.code == 0, done.log
    assert done.outputs["status"] == "retired"
    assert json.loads(done.outputs["retired"]) == [
        {"version": number, "stage": "None", "done": "deleted"} for number in ("3", "4")
    ]
    assert stages(target, name) == {"1": "Production", "2": "Staging", "5": "None"}
    assert f"{name}: 2 versions deleted" in done.summary.replace("&#58;", ":")
    again = retire(target, name, keep_last="1", to="delete")
    assert (again.code, again.outputs["retired"]) == (0, "[]")
    assert "nothing to retire" in again.summary


@BOTH
def test_to_archived(registry: str, side: Callable[[str], Side]) -> None:
    target = side(registry)
    name = some_versions(target, 3)
    move(target, name, "2", "Production")

    done = retire(target, name, older_than="0")

    assert done.code == 0, done.log
    assert stages(target, name) == {"1": "Archived", "2": "Production", "3": "Archived"}
    assert done.result["kept"] == [{"version": "2", "why": "it stands in Production"}]
    assert retire(target, name, older_than="0").result["retired"] == []
    assert retire(target, name, older_than="1").result["kept"] == []


@BOTH
def test_what_is_named_and_in_use_changes_nothing(
    registry: str, side: Callable[[str], Side]
) -> None:
    target = side(registry)
    name = make_model(target)
    for _ in range(2):
        make_version(target, name, team="risk")
    move(target, name, "1", "Production")

    for to in ("archive", "delete"):
        told = retire(target, name, select="tag=remote_registry.team=risk", to=to)
        assert_told(told, 5, "version 1: it stands in Production", "force: true")
    told = retire(target, name, select="all", to="delete", confirm=name)
    assert_told(told, 5, "version 1: it stands in Production")
    assert stages(target, name) == {"1": "Production", "2": "None"}
    forced = retire(target, name, select="stage=Production", to="delete", force="true")
    assert forced.code == 0, forced.log
    assert stages(target, name) == {"2": "None"}


def test_an_alias_keeps_its_version(mlflow_server: MlflowServer) -> None:
    name = some_versions(mlflow_server, 3)
    set_alias(mlflow_server, name, "1", "champion")

    assert_told(retire(mlflow_server, name, select="version=1"), 5, "it has the alias champion")
    done = retire(mlflow_server, name, keep_last="1", to="delete")
    assert done.result["kept"] == [{"version": "1", "why": "it has the alias champion"}]
    assert list(stages(mlflow_server, name)) == ["3", "1"]


@BOTH
def test_the_registered_model_with_all_its_versions(
    registry: str, side: Callable[[str], Side]
) -> None:
    target = side(registry)
    name = some_versions(target, 2)
    move(target, name, "1", "Staging")

    assert_told(retire(target, name, select="all", to="delete"), 2, "confirm: ")
    assert len(stages(target, name)) == 2
    done = retire(target, name, select="all", to="delete", confirm=name)

    assert done.code == 0, done.log
    assert done.result["model-deleted"] is True
    assert len(done.result["retired"]) == 2
    found = api(target, "GET", "registered-models/search", params={"filter": f"name='{name}'"})
    assert not found.get("registered_models")
    again = retire(target, name, select="all", to="delete", confirm=name)
    assert (again.code, again.result["model-deleted"]) == (0, False)
    assert "There is no such registered model" in again.log


def test_what_is_not_there_is_told_and_is_no_failure(mlflow_server: MlflowServer) -> None:
    name = some_versions(mlflow_server, 1)

    done = retire(mlflow_server, name, select="version=7", to="delete")

    assert (done.code, done.outputs["retired"]) == (0, "[]")
    assert "no version fits version=7. Nearest: version 1" in done.log


def test_who_may_not_is_told_and_the_next_run_ends_it(registry_workspace: Workspace) -> None:
    name = some_versions(registry_workspace, 3)
    refusal = {"error_code": "PERMISSION_DENIED", "message": "not you"}
    registry_workspace.control.fault(
        "reply", method="DELETE", path="*/model-versions/delete", skip=1, status=403, body=refusal
    )

    broken = retire(registry_workspace, name, keep_last="0", to="delete")

    assert_told(broken, 5, "not you")
    assert [one["version"] for one in broken.result["retired"]] == ["1"]
    assert "though 1 version deleted" in broken.summary
    assert retire(registry_workspace, name, keep_last="0", to="delete").code == 0
    assert stages(registry_workspace, name) == {}


def test_a_reply_that_is_lost(registry_workspace: Workspace) -> None:
    name = some_versions(registry_workspace, 1)
    registry_workspace.control.fault("lost-reply", path="*/model-versions/delete")

    done = retire(registry_workspace, name, select="version=1", to="delete")

    assert done.code == 0, done.log
    assert stages(registry_workspace, name) == {}


def test_a_version_that_is_being_made_stays(registry_workspace: Workspace) -> None:
    name = make_model(registry_workspace)
    registry_workspace.control.set(hold_ready=True)
    make_version(registry_workspace, name, ready=False)

    done = retire(registry_workspace, name, keep_last="0", to="delete", force="true")

    assert (done.code, done.result["retired"]) == (0, [])
    assert stages(registry_workspace, name) == {"1": "None"}


def test_what_has_to_stay_whatever_is_forced_is_told_with_what_helps(
    registry_workspace: Workspace,
) -> None:
    workspace = registry_workspace
    name = make_model(workspace)
    failed = make_failed_version(workspace, name)
    workspace.control.set(hold_ready=True)
    pending = make_version(workspace, name, ready=False)

    archived = retire(workspace, name, select=f"version={failed}", force="true")
    assert_told(archived, 5, "can only be deleted", "Say to: delete")
    deleted = retire(workspace, name, select=f"version={pending}", to="delete", force="true")
    assert_told(deleted, 5, "somebody is making it", "Wait until it is READY")
    assert len(stages(workspace, name)) == 2


def put(workspace: Workspace, path: str, content: bytes) -> None:
    assert clients.call(workspace, "POST", f"/dbfs{path}", data=content).status_code == 200


def staging_copy(workspace: Workspace, renewed: float | None) -> str:
    """A staging copy of ours, with the mark of a try of another run; or without a mark."""
    folder = f"remote-registry-{uuid.uuid4().hex[:12]}-{uuid.uuid4().hex[:16]}"
    put(workspace, f"{STAGING}/{folder}/model/MLmodel", FILES["MLmodel"])
    if renewed is not None:
        attempt = Attempt(workflow_run="https://github.com/your-org/churn/actions/runs/7")
        fields = {**json.loads(attempt.mark("a-key").text), "renewed": renewed}
        put(workspace, f"{STAGING}/{folder}/try.json", json.dumps(fields).encode())
    return folder


def left(workspace: Workspace) -> set[str]:
    return {path.name for path in workspace.on_disk(STAGING).glob("*")}


def test_only_staging_copies_that_are_marked_and_over_go(registry_workspace: Workspace) -> None:
    name = some_versions(registry_workspace, 1)
    over, young, unmarked = (staging_copy(registry_workspace, at) for at in (1.0, 4e9, None))

    planned = retire(registry_workspace, name, keep_last="1", dry_run="true")
    assert f"delete dbfs:{STAGING}/{over}" in planned.result["plan"]
    assert {over, young, unmarked} <= left(registry_workspace)
    done = retire(registry_workspace, name, keep_last="1")

    assert done.code == 0, done.log
    assert json.loads(done.outputs["staging-copies"]) == [f"dbfs:{STAGING}/{over}"]
    assert left(registry_workspace) & {over, young, unmarked} == {young, unmarked}
    assert registry_workspace.host not in json.dumps(done.outputs)


def test_a_staging_copy_that_cannot_be_deleted_is_a_warning(
    registry_workspace: Workspace,
) -> None:
    name = some_versions(registry_workspace, 1)
    over = staging_copy(registry_workspace, 1.0)
    refusal = {"error_code": "PERMISSION_DENIED", "message": "not yours"}
    registry_workspace.control.fault("reply", path="*/dbfs/delete", status=403, body=refusal)

    done = retire(registry_workspace, name, keep_last="1")

    assert (done.code, done.outputs["staging-copies"]) == (0, "[]")
    assert any(over in warning for warning in done.annotations("warning"))


def test_a_staging_copy_that_is_being_read_stays(registry_workspace: Workspace) -> None:
    name = make_model(registry_workspace)
    over = staging_copy(registry_workspace, 1.0)
    registry_workspace.control.set(hold_ready=True)
    body = {"name": name, "source": f"dbfs:{STAGING}/{over}/model"}
    api(registry_workspace, "POST", "model-versions/create", json=body)

    done = retire(registry_workspace, name, keep_last="0")

    assert done.code == 0, done.log
    assert over in left(registry_workspace)


def staging_run(workspace: Workspace, user: str = "") -> tuple[str, str]:
    """The name and the id of the experiment of a staging run whose try has ended."""
    attempt = Attempt(workflow_run="https://github.com/your-org/churn/actions/runs/7")
    mark = {**json.loads(attempt.mark("a-key").text), "renewed": 1.0}
    experiment = f"/Users/{user or workspace.user}/remote-registry-{uuid.uuid4().hex}"
    tag = {"key": "remote_registry.try", "value": json.dumps(mark)}
    body = {"name": experiment, "tags": [tag]}
    made = api(workspace, "POST", "experiments/create", json=body)["experiment_id"]
    return experiment, made


def test_staging_runs_of_ours_go_too(registry_workspace: Workspace) -> None:
    workspace = registry_workspace
    name = some_versions(workspace, 1)
    experiment, made = staging_run(workspace)

    done = retire(workspace, name, keep_last="1")

    assert f"the experiment {experiment} with its run" in done.result["staging-copies"]
    found = api(workspace, "GET", "experiments/get", params={"experiment_id": made})["experiment"]
    assert found["lifecycle_stage"] == "deleted"


def test_staging_runs_of_a_user_whose_name_means_something_to_a_filter(
    registry_workspace: Workspace,
) -> None:
    workspace = registry_workspace
    name = some_versions(workspace, 1)
    token, user = "dapi-of-o-brien", "o'brien_a@example.com"
    workspace.control.set(tokens={token: {"user": user}})
    theirs, others = staging_run(workspace, user), staging_run(workspace, "o'brien.a@example.com")

    asked = {"model-name": name, "keep-last": "1"}
    done = call("retire", asked, side_inputs("registry", workspace), {"registry-token": token})

    assert done.result["staging-copies"] == [f"the experiment {theirs[0]} with its run"], done.log
    api(workspace, "POST", "experiments/delete", json={"experiment_id": others[1]})


LOOKS: dict[str, dict[str, Any]] = {
    "refused": {"path": "*/experiments/search", "status": 400},
    "failed": {"path": "*/experiments/search", "status": 500},
    "of its run": {"path": "*/runs/search", "status": 500},
}


@pytest.mark.parametrize("look", LOOKS)
def test_what_cannot_be_looked_for_is_a_warning_and_hides_nothing(
    registry_workspace: Workspace, look: str
) -> None:
    workspace = registry_workspace
    name = some_versions(workspace, 2)
    staging_run(workspace)
    workspace.control.fault("reply", body={}, times=0, **LOOKS[look])
    given = {"keep_last": "1", "to": "delete", "retry_timeout": "1"}

    planned = retire(workspace, name, dry_run="true", **given)
    assert (planned.code, planned.outputs["status"]) == (0, "planned"), planned.log
    done = retire(workspace, name, **given)

    assert (done.code, done.outputs["status"]) == (0, "retired"), done.log
    assert [one["version"] for one in done.result["retired"]] == ["1"]
    for run in (planned, done):
        assert "what nobody needs any more can't be looked for" in run.annotations("warning")[0]


def test_where_mlflows_copies_cannot_be_listed(registry_workspace: Workspace) -> None:
    workspace = registry_workspace
    name = some_versions(workspace, 2)
    denied = {"error_code": "PERMISSION_DENIED", "message": "Not you."}

    for status, body, warnings in ((500, {}, 1), (403, denied, 0)):
        workspace.control.fault("reply", path="*dbfs/list", status=status, body=body, times=0)
        named = retire(workspace, name, mlflow_staging="0" * 32, retry_timeout="1")
        assert_told(named, 5, "staging copies can't be listed", "Nothing was changed")
        done = retire(workspace, name, keep_last="1", retry_timeout="1")
        assert done.code == 0, done.log
        assert "what plain MLflow has left can't be listed" in done.log
        assert len(done.annotations("warning")) == warnings
        workspace.control.clear_faults()
    workspace.control.fault("lost-reply", path="*dbfs/list", times=0)
    done = retire(workspace, name, keep_last="1", retry_timeout="1")
    assert done.code == 0, done.log


LATE: dict[str, Any] = {"status": 500, "body": {}, "times": 0, "after_handler": True}


def test_of_a_call_that_fails_it_is_told_what_became_of_it(
    registry_workspace: Workspace,
) -> None:
    workspace = registry_workspace
    name = some_versions(workspace, 3)
    move(workspace, name, "1", "Staging")

    def went(fault: dict[str, Any], told: str, **inputs: str) -> list[tuple[str, str]]:
        workspace.control.fault("reply", **fault)
        failed = retire(workspace, name, retry_timeout="1", **inputs)
        workspace.control.clear_faults()
        assert failed.code == 5, failed.log
        assert f"though {told}" in html.unescape(failed.summary)
        return [(one["version"], one["done"]) for one in failed.result["retired"]]

    deleting = "*/model-versions/delete"
    refusal = {"error_code": "INVALID_STATE", "message": "not now"}
    refused = {"path": deleting, "status": 400, "body": refusal}
    select = {"select": "version=1", "to": "delete"}
    assert went(refused, "1 version archived", **select) == [("1", "archived")]
    assert went({"path": deleting} | LATE, "1 version deleted", **select) == [("1", "deleted")]
    moving = {"path": "*/transition-stage"} | LATE
    assert went(moving, "1 version archived", select="version=2") == [("2", "archived")]
    whole = {"select": "all", "to": "delete", "confirm": name}
    told = "the registered model was deleted, 2 versions deleted"
    assert len(went({"path": "*/registered-models/delete"} | LATE, told, **whole)) == 2


def seen_before(workspace: Workspace, name: str) -> dict[str, Any]:
    """What search tells now, to be told once later on."""
    where = {"filter": f"name='{name}'"}
    body = api(workspace, "GET", "model-versions/search", params=where)
    return {"path": "*/model-versions/search", "status": 200, "body": body}


def test_a_version_that_was_made_meanwhile_keeps_the_model(registry_workspace: Workspace) -> None:
    workspace = registry_workspace
    name = some_versions(workspace, 1)
    before = seen_before(workspace, name)
    make_version(workspace, name)
    missing = {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "not yet"}
    workspace.control.fault("reply", **before)
    workspace.control.fault("reply", path="*/model-versions/get", status=404, body=missing)

    done = retire(workspace, name, select="all", to="delete", confirm=name)

    assert (done.code, done.result["model-deleted"]) == (0, False), done.log
    assert done.result["kept"] == [{"version": "2", "why": "it was made"}]
    assert stages(workspace, name) == {"2": "None"}


def test_a_version_that_was_moved_meanwhile_stays(registry_workspace: Workspace) -> None:
    workspace = registry_workspace
    name = some_versions(workspace, 2)
    before = seen_before(workspace, name)
    move(workspace, name, "1", "Staging")
    workspace.control.fault("reply", **before)

    done = retire(workspace, name, keep_last="0", to="delete")

    assert done.result["kept"] == [{"version": "1", "why": "it was moved to Staging"}], done.log
    assert stages(workspace, name) == {"1": "Staging"}


def test_a_version_that_another_has_taken_the_number_of_stays(
    registry_workspace: Workspace,
) -> None:
    workspace = registry_workspace
    name = some_versions(workspace, 1)
    before = seen_before(workspace, name)
    before["body"]["model_versions"][0]["creation_timestamp"] -= 1000
    workspace.control.fault("reply", **before)

    done = retire(workspace, name, keep_last="0", to="delete")

    assert (done.code, done.result["retired"]) == (0, []), done.log
    assert "version 1 is gone already" in done.log
    assert stages(workspace, name) == {"1": "None"}


def test_what_plain_mlflow_left_goes_by_name_only(registry_workspace: Workspace) -> None:
    workspace = registry_workspace
    name = some_versions(workspace, 1)
    runs = [uuid.uuid4().hex for _ in range(2)]
    folders = [runs[0], f"{runs[0]}-0a1b", runs[1], f"{runs[0]}-other"]
    for folder in folders:
        put(workspace, f"{STAGING}/{folder}/model/MLmodel", FILES["MLmodel"])

    listed = retire(workspace, name, keep_last="1")
    assert set(folders) <= set(json.loads(listed.outputs["mlflow-staging"]))
    assert set(folders) <= left(workspace)
    assert runs[1] in listed.summary
    planned = retire(workspace, name, mlflow_staging=runs[0], dry_run="true")
    assert f"delete MLflow's staging copy {runs[0]}" in planned.result["plan"]
    assert set(folders) <= left(workspace)
    for _ in range(2):
        done = retire(workspace, name, mlflow_staging=runs[0])
        assert done.code == 0, done.log
        assert left(workspace) & set(folders) == set(folders[2:])
    assert stages(workspace, name) == {"1": "None"}


def test_a_staging_copy_of_mlflow_that_is_being_read_stays(registry_workspace: Workspace) -> None:
    workspace, run = registry_workspace, uuid.uuid4().hex
    put(workspace, f"{STAGING}/{run}/model/MLmodel", FILES["MLmodel"])
    workspace.control.set(hold_ready=True)
    other = make_model(workspace)
    body = {"name": other, "source": f"dbfs:{STAGING}/{run}/model", "run_id": run}
    api(workspace, "POST", "model-versions/create", json=body)
    workspace.control.clear_requests()

    told = retire(workspace, make_model(workspace), mlflow_staging=run)

    assert_told(told, 5, "is being made of the staging copy", "Nothing was changed")
    assert run in left(workspace)


@pytest.mark.parametrize("registry", ["mlflow_server", "mlflow_2_server"])
def test_on_a_server_the_files_go_with_their_version_and_orphans_too(
    registry: str, side: Callable[[str], Side], tmp_path_factory: pytest.TempPathFactory
) -> None:
    target, name = side(registry), f"churn-{uuid.uuid4().hex[:8]}"
    for content in ("one", "two", "three"):
        folder = tmp_path_factory.mktemp("model")
        (folder / "MLmodel").write_text(f"flavors: {{}}\n# {content}\n")
        inputs = {"model-path": str(folder), "model-name": name}
        registry_side = side_inputs("registry", target)
        made = call("register", inputs, registry_side, GITHUB_WORKSPACE=str(folder))
        assert made.code == 0, made.log
    api(target, "DELETE", "model-versions/delete", json={"name": name, "version": "1"})
    assert len(homes(target, name)) == 3

    done = retire(target, name, select="version=2", to="delete")

    assert done.code == 0, done.log
    assert len(done.result["staging-copies"]) == 1
    assert len(homes(target, name)) == 2  # the try of version 1 may still run
    later = retire(target, name, keep_last="1", **AT_ONCE)
    assert len(later.result["staging-copies"]) == 1, later.log
    assert len(homes(target, name)) == 1
    assert list(stages(target, name)) == ["3"]
    assert target.url not in json.dumps(later.outputs)


def homes(server: Side, name: str) -> list[str]:
    """What holds the files of a model's versions on a server, and is not deleted."""
    params = {"experiment_name": "remote_registry"}
    experiment = api(server, "GET", "experiments/get-by-name", params=params)["experiment"]
    body = {"experiment_ids": [experiment["experiment_id"]]}
    if server_is_2(server):
        runs = api(server, "POST", "runs/search", json=body).get("runs", [])
        return [one["info"]["run_id"] for one in runs if one["info"]["run_name"] == name]
    models = api(server, "POST", "logged-models/search", json=body).get("models", [])
    return [one["info"]["model_id"] for one in models if one["info"]["name"] == name]


def server_is_2(server: Side) -> bool:
    return requests.get(f"{server.url}/version", timeout=30).text.startswith("2.")


def test_a_dry_run_writes_nothing(registry_workspace: Workspace) -> None:
    name = some_versions(registry_workspace, 2)
    staging_copy(registry_workspace, 1.0)
    registry_workspace.reset()

    for more in ({"keep_last": "0"}, {"select": "all", "confirm": name, "to": "delete"}):
        assert retire(registry_workspace, name, dry_run="true", **more).code == 0

    assert writes(registry_workspace) == []
