"""`request`, `approve` and `reject`: a version moves with somebody's consent."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from clients import sdk
from command import SOURCES, Run, call, command_environment, side_inputs
from made_versions import api, make_model, make_version, move, stages, tags
from registering import staged_digest
from tiny_server import Reply, TinyServer
from told import assert_told, writes
from workspace import Workspace

BUILDER, ANA, READER = "dapi-of-builder", "dapi-of-ana", "dapi-of-reader"
USERS: dict[str, dict[str, Any]] = {
    BUILDER: {"user": "builder@example.com", "rights": ["write"]},
    ANA: {"user": "ana@example.com"},
    READER: {"user": "reader@example.com", "rights": []},
}
SHA = "f" * 40
POST = "POST /api/2.0/mlflow"
ASKING = f"{POST}/transition-requests/create"
RUN_PAGE = "https://github.com/your-org/churn/actions/runs/42/attempts/1"
EACH = pytest.mark.parametrize("verb", ["request", "approve", "reject"])
Say = Callable[..., Run]


@pytest.fixture
def workspace(registry_workspace: Workspace) -> Workspace:
    registry_workspace.control.set(tokens=USERS)
    return registry_workspace


@pytest.fixture
def name(workspace: Workspace) -> str:
    """A model with two versions, the first of them in Production."""
    made = make_model(workspace)
    for _ in range(2):
        make_version(workspace, made, BUILDER, commit=SHA)
    move(workspace, made, "1", "Production")
    workspace.control.clear_requests()
    return made


@pytest.fixture
def say(workspace: Workspace, name: str) -> Say:
    """Calls a verb as whom a token says, by default as who may decide."""

    def called(verb: str, token: str = "", **inputs: str) -> Run:
        given = {key.replace("_", "-"): text for key, text in inputs.items()}
        asked = {"model-name": name, "select": "version=2", "stage": "Production", **given}
        signed_in = {"registry-token": token} if token else {}
        return call(verb, asked, side_inputs("registry", workspace), signed_in)

    return called


def ask(
    workspace: Workspace,
    name: str,
    stage: str = "Production",
    token: str = BUILDER,
    version: str = "2",
) -> None:
    """Asks as another client would."""
    body = {"name": name, "version": version, "stage": stage, "comment": f"{stage}?"}
    api(workspace, "POST", "transition-requests/create", token, json=body)


def open_requests(workspace: Workspace, name: str) -> list[tuple[str, str]]:
    params = {"name": name, "version": "2"}
    found = api(workspace, "GET", "transition-requests/list", params=params)["requests"]
    return [(one["to_stage"], one["user_id"]) for one in found]


def told_open(run: Run) -> list[tuple[str, str]]:
    return [(one["stage"], one["creator"]) for one in json.loads(run.outputs["requests"])]


def test_asked_for_approved_and_back(workspace: Workspace, name: str, say: Say) -> None:
    asked = say("request", BUILDER, comment="As good as it gets.")

    assert asked.code == 0, asked.log
    told = {"status": "requested", "created": "true", "version": "2", "previous-version": "1"}
    assert {output: asked.outputs[output] for output in told} == told
    (one,) = asked.result["requests"]
    assert (one["creator"], one["stage"]) == ("builder@example.com", "Production")
    assert one["comment"] == f"As good as it gets.\n{RUN_PAGE}"
    assert "Production was asked for" in asked.summary.splitlines()[0]
    assert "#### Open requests\n\n| stage | creator | since | comment |" in asked.summary
    assert stages(workspace, name) == {"1": "Production", "2": "None"}

    trusted = "builder@example.com"
    approved = say("approve", archive_existing="true", trusted_creators=trusted)

    assert approved.code == 0, approved.log
    told = {"status": "approved", "stage": "Production", "previous-version": "1", "requests": "[]"}
    assert {output: approved.outputs[output] for output in told} == told
    assert approved.result["plan"] == [
        "approve Production: asked for by builder@example.com, and what stands there to Archived"
    ]
    assert stages(workspace, name) == {"1": "Archived", "2": "Production"}
    back = f"--model-name {name} --select version=2 --stage Production --undo true"
    back += f" --trusted-creators {trusted}"
    assert approved.summary.rstrip().endswith(f"./entrypoint promote {back}\n```")
    undone = say("promote", undo="true", trusted_creators=trusted)
    assert undone.code == 0, undone.log
    assert stages(workspace, name) == {"1": "Production", "2": "Archived"}


def test_each_verb_again_changes_nothing(workspace: Workspace, name: str, say: Say) -> None:
    def twice(verb: str, token: str = "", **told: str) -> Run:
        first = say(verb, token)
        workspace.control.clear_requests()
        second = say(verb, token)
        assert (first.code, second.code) == (0, 0), first.log + second.log
        assert writes(workspace) == []
        assert {output: second.outputs[output] for output in told} == told
        return second

    again = twice("request", BUILDER, status="requested", created="false")
    assert "Production was already asked for" in again.summary
    twice("reject", status="none open", requests="[]")
    say("request", BUILDER)
    again = twice("approve", status="in place", stage="Production", **{"previous-version": "1"})
    assert f"./entrypoint promote --model-name {name} --select version=2" in again.summary
    twice("request", BUILDER, status="in place", created="false")


def test_what_stood_there_is_kept_before_it_is_approved(
    workspace: Workspace, name: str, say: Say
) -> None:
    ask(workspace, name)
    workspace.control.clear_requests()

    assert say("approve").code == 0
    assert writes(workspace) == [
        f"{POST}/model-versions/set-tag",
        f"{POST}/transition-requests/approve",
    ]
    assert tags(workspace, name, "2")["previous.stage.Production"] == "1"
    assert stages(workspace, name) == {"1": "Production", "2": "Production"}


def test_databricks_own_client_sees_it(workspace: Workspace, name: str, say: Say) -> None:
    assert say("request", BUILDER, comment="Why.").code == 0

    registry = sdk(workspace).model_registry
    (seen,) = registry.list_transition_requests(name, "2")
    assert (seen.user_id, seen.to_stage) == ("builder@example.com", "Production")
    assert seen.comment == f"Why.\n{RUN_PAGE}"
    registry.approve_transition_request(name, "2", "Production", archive_existing_versions=True)
    assert say("approve").outputs["status"] == "in place"


@pytest.mark.parametrize("all_at_once", [False, True])
def test_two_who_ask_for_the_same(
    workspace: Workspace, name: str, say: Say, all_at_once: bool
) -> None:
    workspace.control.set(decide_all=all_at_once)
    ask(workspace, name, "Staging")
    ask(workspace, name)

    second = say("request", ANA)

    assert "builder@example.com asks for Production too, since 20" in second.log
    both = [
        (stage, f"{user}@example.com")
        for stage, user in (
            ("Staging", "builder"),
            ("Production", "builder"),
            ("Production", "ana"),
        )
    ]
    assert told_open(second) == open_requests(workspace, name) == both
    rejected = say("reject")
    assert rejected.code == 0, rejected.log
    assert "2 requests for Production rejected" in rejected.summary
    assert told_open(rejected) == open_requests(workspace, name) == both[:1]

    for token in (BUILDER, ANA):
        ask(workspace, name, token=token)
    approved = say("approve")
    assert (approved.code, approved.outputs["status"]) == (0, "approved")
    assert "asked for by builder@example.com, ana@example.com" in approved.log
    assert told_open(approved) == open_requests(workspace, name)
    left = [] if all_at_once else [("Production", "ana@example.com")]
    assert open_requests(workspace, name) == [both[0], *left]
    assert ("open all the same: Production" in approved.log) is not all_at_once
    workspace.control.clear_requests()
    again = say("approve")
    assert (again.outputs["status"], writes(workspace)) == ("in place", [])


LOST: list[dict[str, Any]] = [
    {"action": "lost-reply"},
    {"action": "reply", "status": 503, "body": {}, "headers": {"Retry-After": "6"}},
    {"action": "reply", "status": 500, "body": {}, "after_handler": True},
    {"action": "html", "after_handler": True},
    {"action": "truncated"},
]


@EACH
@pytest.mark.parametrize("fault", LOST, ids=lambda fault: fault["action"])
def test_a_reply_that_is_lost(
    workspace: Workspace, name: str, say: Say, verb: str, fault: dict[str, Any]
) -> None:
    if verb != "request":
        ask(workspace, name)
    path = "*transition-requests/" + {"request": "create"}.get(verb, verb)
    workspace.control.clear_requests()
    workspace.control.fault(path=path, **fault)

    done = say(verb, BUILDER if verb == "request" else "")

    assert done.code == 0, done.log
    asked = [("Production", "builder@example.com")] if verb == "request" else []
    assert told_open(done) == open_requests(workspace, name) == asked
    assert stages(workspace, name)["2"] == ("Production" if verb == "approve" else "None")
    sent = [one for one in writes(workspace) if "transition-requests" in one]
    carried_out = fault.get("after_handler") or "status" not in fault
    assert len(sent) == (1 if carried_out else 2)
    if not carried_out:
        refused, taken = workspace.requests("POST", path)
        assert taken["started"] - refused["started"] >= 6


@EACH
def test_a_workspace_that_goes_on_failing(
    workspace: Workspace, name: str, say: Say, verb: str
) -> None:
    if verb != "request":
        ask(workspace, name)
    path = "*transition-requests/" + {"request": "create"}.get(verb, verb)
    workspace.control.fault("reply", path=path, status=500, body={}, times=0)

    failed = say(verb, BUILDER if verb == "request" else "", retry_timeout="1")

    assert_told(failed, 5, "The registry answered 500")
    assert stages(workspace, name)["2"] == "None"


def silent_list(workspace: Workspace, after: int) -> None:
    """From then on nobody is told what is open."""
    path = "*transition-requests/list"
    workspace.control.fault("reply", path=path, status=500, body={}, times=0, skip=after)


def test_what_was_done_is_told_where_what_is_open_is_not(
    workspace: Workspace, name: str, say: Say
) -> None:
    silent_list(workspace, after=1)
    asked = say("request", BUILDER, retry_timeout="1")
    assert (asked.code, asked.outputs["created"]) == (0, "true"), asked.log
    (warning,) = asked.annotations("warning")
    assert "which requests of version 2 are open now is unknown" in warning

    workspace.control.clear_faults()
    silent_list(workspace, after=1)
    approved = say("approve", retry_timeout="1")
    assert (approved.code, approved.outputs["status"]) == (0, "approved"), approved.log
    assert "is unknown" in approved.annotations("warning")[0]

    workspace.control.clear_faults()
    ask(workspace, name, "Archived")
    silent_list(workspace, after=1)
    rejected = say("reject", stage="Archived", retry_timeout="1")
    assert_told(rejected, 5, "answered 500")
    assert "though 1 request for Archived rejected" in rejected.summary


@pytest.mark.parametrize("verb", ["request", "reject"])
def test_of_a_call_that_fails_it_is_told_what_became_of_it(
    workspace: Workspace, name: str, say: Say, verb: str
) -> None:
    """It is carried out, its reply lost, and the look whether it was fails, but not the next."""
    if verb == "reject":
        ask(workspace, name)
    call_, token = ("create", BUILDER) if verb == "request" else ("reject", "")
    workspace.control.fault("lost-reply", path=f"*requests/{call_}")
    denied = {"error_code": "PERMISSION_DENIED", "message": "no"}
    listing = {"path": "*requests/list", "status": 403, "body": denied, "skip": 1}
    workspace.control.fault("reply", **listing)

    failed = say(verb, token)

    assert_told(failed, 5, "No permission to see who asks")
    assert told_open(failed) == open_requests(workspace, name)
    if verb == "request":
        assert failed.outputs["created"] == "true"
        assert "though Production was asked for" in failed.summary
    else:
        assert "though 1 request for Production rejected" in failed.summary


def test_one_that_is_asked_for_anew_meanwhile_does_not_hide_what_was_rejected(
    workspace: Workspace, name: str, say: Say
) -> None:
    ask(workspace, name)
    params = {"name": name, "version": "2"}
    before = api(workspace, "GET", "transition-requests/list", params=params)
    other = {**before["requests"][0], "user_id": "ana@example.com"}
    listing = {"path": "*requests/list", "status": 200, "body": {"requests": [other]}, "skip": 1}
    workspace.control.fault("reply", **listing)

    rejected = say("reject")

    assert_told(rejected, 5, "open all the same: asked for by ana@example.com")
    assert "though 1 request for Production rejected" in rejected.summary


def test_a_version_that_is_deleted_meanwhile(workspace: Workspace, name: str, say: Say) -> None:
    gone = {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no such version"}
    for skip in (0, 1):  # before it is approved, and after
        ask(workspace, name)
        if not skip:
            workspace.control.fault("reply", path="*/approve", status=404, body=gone)
        getting = {"path": "*/model-versions/get", "status": 404, "body": gone, "times": 0}
        workspace.control.fault("reply", **getting, skip=1 + skip)
        missing = say("approve")
        assert_told(missing, 4, "Version 2 was deleted meanwhile")
        assert "To go back" not in missing.summary
        workspace.control.clear_faults()
        assert say("reject").code == 0


def test_two_jobs_of_ours_at_the_same_moment(workspace: Workspace, name: str, say: Say) -> None:
    workspace.control.fault("silence", method="POST", path="*requests/create", seconds=1, times=0)

    with ThreadPoolExecutor(2) as both:
        runs = list(both.map(lambda _: say("request", BUILDER), range(2)))

    assert [run.code for run in runs] == [0, 0], runs[0].log + runs[1].log
    assert writes(workspace) == [ASKING] * 2
    assert open_requests(workspace, name) == [("Production", "builder@example.com")]
    assert sorted(run.outputs["created"] for run in runs) == ["false", "true"]


def test_another_job_decides_meanwhile(workspace: Workspace, name: str, say: Say) -> None:
    gone = {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no such request"}
    refusal = {"path": "*/approve", "status": 404, "body": gone}
    ask(workspace, name)
    workspace.control.fault("reply", **refusal)
    closed = say("approve")
    assert_told(closed, 4, "was closed meanwhile")
    assert stages(workspace, name) == {"1": "Production", "2": "None"}

    workspace.control.fault("reply", after_handler=True, **refusal)
    assert say("approve").code == 0
    assert stages(workspace, name)["2"] == "Production"


def test_nobody_asks_for_it(workspace: Workspace, name: str, say: Say) -> None:
    assert_told(say("approve"), 4, "Nobody asks for Production of version 2", "No other request")
    ask(workspace, name, "Staging")

    workspace.control.clear_requests()
    missing = say("approve")
    assert_told(missing, 4, "Asked for is: Staging by builder@example.com", "verb request")
    assert told_open(missing) == [("Staging", "builder@example.com")]
    assert say("reject").outputs["status"] == "none open"
    assert writes(workspace) == []
    assert_told(say("request", select="version=7"), 4, "fits version=7")


def test_who_may_only_read_may_ask_and_not_decide(
    workspace: Workspace, name: str, say: Say
) -> None:
    asked = say("request", READER)
    assert asked.code == 0, asked.log
    for verb in ("approve", "reject"):
        refused = say(verb, BUILDER)
        assert_told(refused, 5, "No permission to", "CAN_MANAGE_PRODUCTION_VERSIONS")
        assert "verb request" not in refused.log
    assert stages(workspace, name)["2"] == "None"
    assert open_requests(workspace, name) == [("Production", "reader@example.com")]
    denied = {"error_code": "PERMISSION_DENIED", "message": "no"}
    workspace.control.fault("reply", path="*/create", status=403, body=denied)
    assert_told(say("request", BUILDER), 5, "No permission to ask for Production", "CAN_READ")
    workspace.control.fault("reply", path="*/list", status=403, body=denied)
    assert_told(say("request", BUILDER), 5, "No permission to see who asks", "CAN_READ")


def test_approving_promotes_and_checks_what_promoting_checks(
    workspace: Workspace, name: str, say: Say
) -> None:
    make_version(workspace, name, BUILDER, commit="a" * 40)
    ask(workspace, name, version="3")
    found = {"select": f"commit={'a' * 40}"}
    workspace.control.clear_requests()

    assert_told(say("approve", **found), 6, "made by builder@example.com", "trusted-creators")
    assert_told(say("approve", digest=f"sha256:{'0' * 64}", **found), 5, staged_digest())
    others = {"select": "version=3", "trusted_creators": "ana@example.com"}
    assert_told(say("approve", **others), 6, "Trusted are: ana@example.com")
    for right in ({"trusted_creators": "builder@example.com"}, {"digest": staged_digest()}):
        planned = say("approve", dry_run="true", **found, **right)
        assert (planned.code, planned.outputs["status"]) == (0, "planned"), planned.log
    assert writes(workspace) == []
    for expected in ("7", "none"):
        refused = say("approve", select="version=3", expect_previous=expected)
        assert_told(refused, 5, f"expect-previous is {expected}", "stands 1")
    assert writes(workspace) == []
    asked = say("request", BUILDER, **found)
    assert asked.code == 0, asked.log
    assert say("reject", **found).code == 0


def test_a_version_that_is_not_ready(workspace: Workspace, name: str, say: Say) -> None:
    workspace.control.set(hold_ready=True)
    make_version(workspace, name, ready=False)
    ask(workspace, name, version="3")
    workspace.control.clear_requests()

    for verb in ("request", "approve"):
        assert_told(say(verb, select="version=3"), 5, "PENDING_REGISTRATION")
    assert writes(workspace) == []
    assert say("reject", select="version=3").outputs["status"] == "rejected"


@EACH
def test_a_dry_run_shows_the_plan(workspace: Workspace, name: str, say: Say, verb: str) -> None:
    if verb != "request":
        ask(workspace, name)
    workspace.control.clear_requests()

    planned = say(verb, dry_run="true")

    assert (planned.code, planned.outputs["status"]) == (0, "planned"), planned.log
    assert planned.outputs["previous-version"] == "1"
    assert (
        planned.result["plan"]
        == {
            "request": [f"ask for Production, as {workspace.user}"],
            "approve": ["approve Production: asked for by builder@example.com"],
            "reject": ["reject Production: asked for by builder@example.com"],
        }[verb]
    )
    assert writes(workspace) == []


@EACH
def test_a_fork_is_told_why_and_passes(workspace: Workspace, verb: str) -> None:
    asked = {"model-name": "churn", "select": "latest", "stage": "Production"}
    skipped = call(verb, asked | {"registry-host": workspace.host}, GITHUB_ACTOR="dependabot[bot]")

    assert (skipped.code, skipped.outputs["status"]) == (0, "skipped")
    assert f"Nothing was {verb.rstrip('e')}ed" in skipped.annotations("notice")[0]


def test_a_signal_while_it_is_approved(workspace: Workspace, name: str, tmp_path: Path) -> None:
    ask(workspace, name)
    workspace.control.fault("silence", path="*/approve", seconds=1.5, after_handler=True)
    inputs = {"model-name": name, "select": "version=2", "stage": "Production"}
    environment = command_environment(tmp_path, inputs | side_inputs("registry", workspace))
    with subprocess.Popen(
        [sys.executable, "-I", "-B", str(SOURCES), "approve", "--json"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as started:
        deadline = time.monotonic() + 20
        while stages(workspace, name)["2"] != "Production" and time.monotonic() < deadline:
            time.sleep(0.05)
        started.terminate()
        outputs = json.loads(started.communicate(timeout=20)[0])

    assert started.returncode == 143
    assert (outputs["stage"], outputs["previous-version"]) == ("Production", "1")


MLFLOW = "/api/2.0/mlflow"
REQUEST = {"user_id": "a@example.com", "to_stage": "Staging", "creation_timestamp": 1594437249910}


def lying(tiny: TinyServer, *requests: object, user: str = "a@example.com") -> None:
    """A workspace with one version, which keeps these requests whatever it is told."""
    version = {"name": "churn", "version": "1", "status": "READY", "current_stage": "None"}
    missing = {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no"}
    tiny.replies = [Reply.of({"error_code": "ENDPOINT_NOT_FOUND", "message": "none"}, 404)]
    tiny.pages = {
        "/api/2.0/preview/scim/v2/Me": Reply.of({"userName": user}, X_Databricks_Org_Id="5"),
        f"{MLFLOW}/model-versions/search": Reply.of({"model_versions": [version]}),
        f"{MLFLOW}/model-versions/get": Reply.of(missing, 404),
        f"{MLFLOW}/model-versions/get-download-uri": Reply.of({"artifact_uri": "dbfs:/x"}),
        f"{MLFLOW}/transition-requests/list": Reply.of({"requests": requests}),
        f"{MLFLOW}/transition-requests/create": Reply(),
        f"{MLFLOW}/transition-requests/reject": Reply(),
    }


def of(tiny: TinyServer, verb: str) -> Run:
    side = {"registry-host": tiny.url, "registry-token": "dapi", "retry-timeout": "1"}
    return call(verb, {"model-name": "churn", "select": "latest", "stage": "Staging"}, side)


@pytest.mark.parametrize(
    "odd",
    [
        [1],
        [None],
        ["Staging"],
        [{"user_id": "a@example.com"}],
        [{"to_stage": "Staging"}],
        [REQUEST | {"user_id": ["a"]}],
        [REQUEST | {"comment": {"a": 1}}],
        [REQUEST | {"creation_timestamp": "soon"}],
    ],
)
@EACH
def test_an_odd_list_is_the_registrys_failure(tiny: TinyServer, odd: Any, verb: str) -> None:
    lying(tiny, *odd)
    assert_told(of(tiny, verb), 5, "The registry's reply")


def test_others_texts_are_data(tiny: TinyServer) -> None:
    evil = {
        "user_id": "::error::<b>eve</b>\n::stop-commands::x",
        "to_stage": "Staging",
        "comment": "|<img src=x>](http://x)@everyone\n::set-output name=a::b\r" + "long " * 999,
        "creation_timestamp": 10**17,
    }
    lying(tiny, evil)

    told = of(tiny, "approve")

    assert told.log.count("\n::error ") == 1
    assert "\n::stop-commands" not in told.log
    assert "<img" not in told.summary
    assert "<b>" not in told.summary
    (one,) = json.loads(told.outputs["requests"])
    assert (one["since"], len(one["comment"])) == ("", 1000)
    assert "::set-output" not in [line[:12] for line in told.stdout.splitlines()]


def test_requests_that_stay_open_whatever_is_told(tiny: TinyServer) -> None:
    lying(tiny, REQUEST, REQUEST)

    assert_told(of(tiny, "reject"), 5, "open all the same: asked for by a@example.com")
    sent = [one for one in tiny.requests if one.path.endswith("/reject")]
    assert len(sent) == 2


def test_a_workspace_that_has_no_requests(tiny: TinyServer) -> None:
    lying(tiny)
    del tiny.pages[f"{MLFLOW}/transition-requests/list"]

    assert_told(of(tiny, "request"), 5, "has no transition requests", "Use promote")


def test_a_workspace_that_does_not_tell_who_signs_in(tiny: TinyServer) -> None:
    lying(tiny, user="")

    assert_told(of(tiny, "request"), 5, "does not tell who signs in")
    assert not [one for one in tiny.requests if one.path.endswith("/create")]
    lying(tiny, REQUEST, user="A@Example.com")
    assert of(tiny, "request").outputs["created"] == "false"
