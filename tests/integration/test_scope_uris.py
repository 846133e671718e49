"""A side that is said by secrets in the other side's workspace."""

from __future__ import annotations

import uuid

import pytest
from command import Predict, Run, call, register, side_inputs
from conftest import LogModels
from made_versions import make_model, make_version, stages
from scopes import PREFIX, Scope, assert_none_is_told, made_scope
from told import assert_told, writes
from workspace import Workspace

SECRET_CALLS = "/api/2.0/secrets/*"
MALLORY = "dapi-of-mallory"


class Sides:
    """The source's workspace, the registry's, and a run in the one."""

    def __init__(self, source: Workspace, registry: Workspace, run_id: str) -> None:
        self.source, self.registry = source, registry
        self.inputs = {"run-id": run_id, "model-name": f"churn-{uuid.uuid4().hex[:8]}"}

    def by_registry_scope(self, scope: Scope, **changed: str) -> Run:
        given = {"registry-uri": scope.uri, **side_inputs("tracking", self.source)}
        return register({**self.inputs, **given, **changed})

    def by_tracking_scope(self, scope: Scope, **changed: str) -> Run:
        given = {"tracking-uri": scope.uri, **side_inputs("registry", self.registry)}
        return register({**self.inputs, **given, **changed})


@pytest.fixture
def sides(
    source_workspace: Workspace, registry_workspace: Workspace, log_models: LogModels
) -> Sides:
    run_id = log_models(source_workspace).as_logged_model.run_id
    source_workspace.reset()
    registry_workspace.reset()
    return Sides(source_workspace, registry_workspace, run_id)


@pytest.fixture
def scope(sides: Sides) -> Scope:
    """In the source's workspace, of the registry's."""
    return made_scope(sides.source, sides.registry)


def test_a_registry_is_said_by_a_scope(
    sides: Sides, scope: Scope, log_models: LogModels, predict: Predict
) -> None:
    run = sides.by_registry_scope(scope, stage="Staging")

    assert run.code == 0, run.log
    assert (run.outputs["version"], run.outputs["registry-url"]) == ("1", "")
    assert_none_is_told(run, sides.registry)
    models = log_models(sides.source)
    uri = f"models:/{sides.inputs['model-name']}/Staging"
    assert predict(sides.registry, uri, models.inputs) == models.predictions


def test_a_source_is_said_by_a_scope(sides: Sides) -> None:
    run = sides.by_tracking_scope(made_scope(sides.registry, sides.source))

    assert run.code == 0, run.log
    assert run.outputs["version"] == "1"
    assert_none_is_told(run, sides.source)


def test_it_is_one_version_however_the_registry_is_said(sides: Sides, scope: Scope) -> None:
    first = sides.by_registry_scope(scope)
    again = register(
        sides.inputs, side_inputs("tracking", sides.source), side_inputs("registry", sides.registry)
    )

    assert (first.code, again.code) == (0, 0)
    assert again.outputs["version"] == first.outputs["version"] == "1"
    assert again.outputs["created"] == "false"


def test_the_masks_come_before_anything_that_could_hold_a_value(sides: Sides, scope: Scope) -> None:
    lines = sides.by_registry_scope(scope).log.splitlines()

    for secret in (sides.registry.host, sides.registry.token, sides.registry.workspace_id):
        first = next(number for number, line in enumerate(lines) if secret in line)
        assert lines[first] == f"::add-mask::{secret}"
    told = next(number for number, line in enumerate(lines) if "signed in to" in line)
    assert first < told


def test_the_source_is_signed_in_to_first_and_the_registry_hears_of_no_secret(
    sides: Sides, scope: Scope
) -> None:
    sides.by_registry_scope(scope)

    asked = sides.source.requests()
    first = next(n for n, one in enumerate(asked) if "/secrets/get" in one["path"])
    assert any(one["path"].endswith("/Me") for one in asked[:first])
    assert sides.registry.requests(path=SECRET_CALLS) == []
    assert {one["org_id"] for one in sides.registry.requests()} == {sides.registry.workspace_id}
    assert {one["status"] for one in sides.registry.requests(path="*/Me")} == {200}


def test_the_id_may_be_missing_and_if_it_is_there_it_counts(sides: Sides, scope: Scope) -> None:
    scope.take_out("workspace-id")
    assert sides.by_registry_scope(scope).code == 0

    scope.put("workspace-id", "7777777777777777")
    sides.registry.reset()
    run = sides.by_registry_scope(scope)
    assert_told(run, 3, "Nothing was written.", f"{PREFIX}-host", scope.name)
    assert writes(sides.registry) == []


def test_a_pasted_line_break_is_no_part_of_a_secret(sides: Sides, scope: Scope) -> None:
    scope.put("host", f"{sides.registry.host}/\n")
    scope.put("token", f"{sides.registry.token}\r\n")
    run = sides.by_registry_scope(scope)

    assert run.code == 0, run.log
    assert_none_is_told(run, sides.registry)


@pytest.mark.parametrize(
    ("kind", "text", "words"),
    [
        ("host", "adb-5.15.azuredatabricks.net", "central-host is no https:// address"),
        ("host", "http://adb-hidden.azuredatabricks.net", "central-host is no https:// address"),
        ("host", "https://adb-hidden.net/?o=5", "central-host is no https:// address"),
        ("host", "https://me:hidden@adb.net", "central-host is no https:// address"),
        ("host", "", "central-host is no https:// address"),
        ("host", b"\xff\xfe", "central-host is no https:// address"),
        ("token", "two hidden words", "central-token is no token"),
        ("token", " ", "central-token is no token"),
        ("workspace-id", "?o=hidden", "central-workspace-id is no workspace's number"),
        ("token", "dapi-hidden", "refused the sign-in"),
        ("host", "http://127.0.0.1:9", "refused the connection"),
    ],
)
def test_what_a_scope_holds_passes_the_same_checks_and_is_not_repeated(
    sides: Sides, scope: Scope, kind: str, text: str | bytes, words: str
) -> None:
    scope.put(kind, text)
    sides.source.reset()
    run = sides.by_registry_scope(scope)

    code = 5 if "connection" in words else 3
    assert_told(run, code, words, scope.name, f"{PREFIX}-host")
    assert "hidden" not in "\n".join(run.annotations()) + run.summary
    assert_none_is_told(run, sides.registry)
    assert writes(sides.registry, sides.source) == []


def test_all_that_is_wrong_with_a_scope_is_told_at_once(sides: Sides, scope: Scope) -> None:
    scope.put("host", "x")
    scope.put("token", "x y")
    scope.put("workspace-id", "x")

    assert_told(sides.by_registry_scope(scope), 3, "-host is no", "-token is no", "-id is no")


@pytest.mark.parametrize("kind", ["host", "token"])
def test_a_secret_that_is_not_there_is_named(sides: Sides, scope: Scope, kind: str) -> None:
    scope.take_out(kind)

    run = sides.by_registry_scope(scope)

    assert_told(run, 3, f"there is no {PREFIX}-{kind}", scope.name)
    assert sides.registry.requests() == []


def test_a_scope_that_is_not_there_is_named(sides: Sides) -> None:
    run = sides.by_registry_scope(Scope(sides.source, "nowhere"))

    assert_told(run, 3, "no central-host and no central-token, or no such scope", "nowhere")


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (403, "PERMISSION_DENIED", "No permission to read central-host"),
        (400, "BAD_REQUEST", "refused to read central-host"),
    ],
)
def test_a_scope_that_may_not_be_read(
    sides: Sides, scope: Scope, status: int, code: str, words: str
) -> None:
    body = {"error_code": code, "message": "Not for you."}
    sides.source.control.fault("reply", path="*/secrets/get", status=status, body=body)

    assert_told(sides.by_registry_scope(scope), 3, words, "Not for you.", scope.name)


@pytest.mark.parametrize("value", [["dapi-hidden"], {"a": "dapi-hidden"}, "dapi-hidden!", 7, None])
def test_an_odd_reply_is_not_quoted(sides: Sides, scope: Scope, value: object) -> None:
    body = {"key": f"{PREFIX}-token", "value": value}
    sides.source.control.fault("reply", path="*/secrets/get", skip=1, body=body, status=200)

    run = sides.by_registry_scope(scope)

    assert_told(run, 3, "central-token is no token")
    assert "hidden" not in run.log + run.summary


def test_a_token_never_reaches_another_host_when_the_secrets_change_meanwhile(
    sides: Sides, scope: Scope
) -> None:
    import base64

    old = {"key": f"{PREFIX}-host", "value": base64.b64encode(sides.source.host.encode()).decode()}
    sides.source.control.fault("reply", path="*/secrets/get", body=old, status=200)

    run = sides.by_registry_scope(scope)

    assert run.code == 0, run.log
    assert len(sides.source.requests("GET", "*/secrets/get")) == 8
    assert {one["status"] for one in sides.source.requests(path="*/Me")} == {200}


def by_scope(verb: str, scope: Scope, name: str, **inputs: str) -> Run:
    """Runs a verb that knows no source."""
    named = {key.replace("_", "-"): text for key, text in inputs.items()}
    given = {"model-name": name, "registry-uri": scope.uri, "select": "latest"}
    return call(verb, given, side_inputs("tracking", scope.workspace), named)


VERBS = pytest.mark.parametrize(
    ("verb", "inputs"),
    [
        ("resolve", {}),
        ("download", {"path": "model"}),
        ("promote", {"stage": "Production", "comment": "Why."}),
        ("retire", {"to": "delete"}),
    ],
)


@VERBS
def test_the_verbs_that_know_no_source_take_a_scope(
    sides: Sides, scope: Scope, verb: str, inputs: dict[str, str]
) -> None:
    name = make_model(sides.registry)
    make_version(sides.registry, name)
    sides.registry.reset()
    sides.source.reset()

    run = by_scope(verb, scope, name, **inputs)

    assert run.code == 0, run.log
    assert_none_is_told(run, sides.registry)
    assert run.outputs.get("registry-url", "") == ""
    assert sides.registry.requests(path=SECRET_CALLS) == []
    assert writes(sides.source) == []
    asked = {one["path"] for one in sides.source.requests()}
    assert asked == {"/api/2.0/preview/scim/v2/Me", "/api/2.0/secrets/get"}
    now = {"promote": {"1": "Production"}, "retire": {}}.get(verb, {"1": "None"})
    assert stages(sides.registry, name) == now


@VERBS
def test_they_tell_what_is_wrong_with_it_and_change_nothing(
    sides: Sides, scope: Scope, verb: str, inputs: dict[str, str]
) -> None:
    scope.take_out("token")
    sides.source.reset()
    assert_told(by_scope(verb, scope, "churn", **inputs), 3, f"no {PREFIX}-token", scope.name)

    refused = by_scope(verb, scope, "churn", **inputs, tracking_token="dapi-wrong")
    assert_told(refused, 3, "refused the sign-in", sides.source.host)
    wrong = by_scope(verb, scope, "churn", **inputs, tracking_workspace_id="7")
    assert_told(wrong, 3, "tracking-workspace-id is 7")
    assert sides.registry.requests() == []
    assert writes(sides.source) == []


def test_whom_the_registry_takes_us_for_is_trusted_and_not_who_read_the_scope(
    sides: Sides, scope: Scope
) -> None:
    sides.registry.control.set(tokens={MALLORY: {"user": "mallory@example.com"}})
    name = make_model(sides.registry)
    make_version(sides.registry, name, MALLORY, commit="a" * 40)
    make_version(sides.registry, name, commit="b" * 40)
    asked = {"stage": "Production", "dry_run": "true"}

    theirs = by_scope("promote", scope, name, **asked, select=f"commit={'a' * 40}")
    assert_told(theirs, 6, "made by mallory@example.com")
    scope.put("token", MALLORY)
    assert by_scope("promote", scope, name, **asked, select=f"commit={'a' * 40}").code == 0
    others = by_scope("promote", scope, name, **asked, select=f"commit={'b' * 40}")
    assert_told(others, 6, "Trusted are: mallory@example.com")
