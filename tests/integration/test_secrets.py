"""`secrets`: what a scope holds works, and putting it again changes nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from clients import call as ask
from clients import sdk
from command import Run, call, register, side_inputs
from conftest import LogModels
from scopes import PREFIX, Scope, assert_none_is_told, made_scope, new_name
from told import assert_told, writes
from workspace import Workspace

HOST, TOKEN, NUMBER = (f"{PREFIX}-{kind}" for kind in ("host", "token", "workspace-id"))


def held(scope: Scope) -> dict[str, str]:
    """What a scope holds, as Databricks' own client reads it."""
    client = sdk(scope.workspace)
    keys = [one.key for one in client.secrets.list_secrets(scope.name)]
    return {key: client.dbutils.secrets.get(scope.name, key) for key in keys}


class Sides:
    """The source's workspace with a scope that is not there yet, and the registry's."""

    def __init__(self, source: Workspace, registry: Workspace) -> None:
        self.source, self.registry, self.name = source, registry, new_name()
        self.inputs = {
            "scope": self.name,
            "prefix": PREFIX,
            **side_inputs("tracking", source),
            **side_inputs("registry", registry),
        }

    def secrets(self, **changed: str) -> Run:
        named = {name.replace("_", "-"): text for name, text in changed.items()}
        return call("secrets", {**self.inputs, **named})

    def held(self) -> dict[str, str]:
        return held(Scope(self.source, self.name))

    @property
    def wanted(self) -> dict[str, str]:
        return {
            HOST: self.registry.host,
            TOKEN: self.registry.token,
            NUMBER: self.registry.workspace_id,
        }

    def permissions(self) -> dict[str, str]:
        listed = ask(self.source, "GET", "secrets/acls/list", params={"scope": self.name}).json()
        return {one["principal"]: one["permission"] for one in listed["items"]}


@pytest.fixture
def sides(source_workspace: Workspace, registry_workspace: Workspace) -> Sides:
    source_workspace.reset()
    registry_workspace.reset()
    return Sides(source_workspace, registry_workspace)


def changes(run: Run) -> dict[str, Any]:
    return {what.split()[0]: how for what, how in run.result["changes"].items()}


def test_a_scope_is_made_and_filled_and_again_nothing_changes(sides: Sides) -> None:
    run = sides.secrets(readers="data-scientists, ana@example.com")

    assert run.code == 0, run.log
    assert sides.held() == sides.wanted
    assert changes(run) == {
        "scope": "made", HOST: "put", NUMBER: "put", TOKEN: "put", "READ": "granted",
    }  # fmt: skip
    assert sides.permissions() == {
        sides.source.user: "MANAGE", "data-scientists": "READ", "ana@example.com": "READ",
    }  # fmt: skip
    assert {key: run.outputs[key] for key in ("uri", "status", "changed")} == {
        "uri": f"databricks://{sides.name}:{PREFIX}", "status": "in place", "changed": "true",
    }  # fmt: skip
    assert "replaced" not in run.summary
    assert "data&#45;" not in run.summary
    assert_none_is_told(run, sides.registry)

    sides.source.reset()
    again = sides.secrets(readers="data-scientists, ana@example.com")
    assert again.code == 0, again.log
    assert set(changes(again).values()) == {"the same"}
    assert again.outputs["changed"] == "false"
    assert "nothing had to change" in again.summary.replace("&#59;", ";")
    assert writes(sides.source, sides.registry) == []


def test_only_what_differs_is_put(sides: Sides) -> None:
    sides.secrets()
    Scope(sides.source, sides.name).put("token", "dapi-of-last-month")
    sides.source.reset()

    run = sides.secrets()

    assert changes(run) == {
        "scope": "the same", HOST: "the same", NUMBER: "the same", TOKEN: "replaced",
    }  # fmt: skip
    assert writes(sides.source) == ["POST /api/2.0/secrets/put"]
    assert sides.held() == sides.wanted


def test_another_host_is_put_while_there_is_no_token(sides: Sides) -> None:
    scope = made_scope(sides.source, sides.source)
    sides.source.reset()

    run = sides.secrets(scope=scope.name)

    assert run.code == 0, run.log
    assert [path.rpartition("/")[2] for path in writes(sides.source)] == [
        "delete", "put", "put", "put",
    ]  # fmt: skip
    read = [ask(sides.source, "GET", "secrets/get", params={"scope": scope.name, "key": key})
            for key in sides.wanted]  # fmt: skip
    assert all(one.ok for one in read)
    assert changes(run) == {
        "scope": "the same", HOST: "replaced", NUMBER: "replaced", TOKEN: "replaced",
    }  # fmt: skip


def test_the_id_is_the_workspaces_own_where_none_is_given(sides: Sides) -> None:
    assert sides.secrets(registry_workspace_id="").code == 0
    assert sides.held() == sides.wanted


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"registry_token": "dapi-wrong"}, "registry-token"),
        ({"registry_workspace_id": "7777777777777777"}, "Nothing was written."),
        ({"tracking_token": "dapi-wrong"}, "tracking-token"),
        ({"tracking_workspace_id": "7777777777777777"}, "tracking-workspace-id"),
    ],
)
def test_a_scope_never_holds_what_does_not_work(
    sides: Sides, changed: dict[str, str], words: str
) -> None:
    run = sides.secrets(**changed)

    assert_told(run, 3, words)
    assert writes(sides.source, sides.registry) == []
    assert sides.registry.token not in run.log.replace(f"::add-mask::{sides.registry.token}", "")


def test_the_three_are_taken_out_and_only_those(sides: Sides) -> None:
    sides.secrets(readers="team")
    Scope(sides.source, sides.name).put("other", "kept")
    sides.registry.reset()
    without = {"registry_host": "", "registry_token": "", "registry_workspace_id": ""}

    run = sides.secrets(remove="true", **without)

    assert run.code == 0, run.log
    assert sides.held() == {f"{PREFIX}-other": "kept"}
    assert changes(run) == dict.fromkeys((TOKEN, HOST, NUMBER), "taken out")
    assert run.outputs["status"] == "taken out"
    assert sides.permissions()["team"] == "READ"
    assert sides.registry.requests() == []

    again = sides.secrets(remove="true", **without)
    assert (again.code, again.outputs["changed"]) == (0, "false")
    nowhere = sides.secrets(remove="true", scope="nowhere", **without)
    assert (nowhere.code, set(changes(nowhere).values())) == (0, {"was not there"})


def test_what_is_left_of_the_three_is_taken_out(sides: Sides) -> None:
    sides.secrets()
    Scope(sides.source, sides.name).take_out("host")

    run = sides.secrets(remove="true")

    assert run.code == 0, run.log
    assert changes(run) == {TOKEN: "taken out", HOST: "was not there", NUMBER: "taken out"}
    assert sides.held() == {}


def test_a_job_that_was_cut_short_is_healed_by_the_next(sides: Sides) -> None:
    body = {"error_code": "INTERNAL_ERROR", "message": "Not now."}
    last = {"path": "*/secrets/put", "skip": 2, "times": 0, "status": 500, "body": body}
    sides.source.control.fault("reply", **last)
    first = sides.secrets(retry_timeout="1")
    assert first.code != 0
    assert first.outputs["changed"] == "true"
    assert TOKEN not in sides.held()
    sides.source.control.clear_faults()

    run = sides.secrets()

    assert changes(run) == {
        "scope": "the same", HOST: "the same", NUMBER: "the same", TOKEN: "put",
    }  # fmt: skip
    assert sides.held() == sides.wanted


@pytest.mark.parametrize("path", ["scopes/create", "put"])
def test_a_limit_of_the_workspace_is_told_at_once(sides: Sides, path: str) -> None:
    body = {"error_code": "RESOURCE_LIMIT_EXCEEDED", "message": "There are too many."}
    sides.source.control.fault("reply", path=f"*/secrets/{path}", status=429, body=body)

    run = sides.secrets()

    assert_told(run, 3, "RESOURCE_LIMIT_EXCEEDED There are too many.")
    assert len(sides.source.requests("POST", f"*/secrets/{path}")) == 1


@pytest.mark.parametrize("remove", ["false", "true"])
def test_a_dry_run_tells_and_writes_nothing(sides: Sides, remove: str) -> None:
    made_scope(sides.source, sides.source)
    sides.source.reset()

    run = sides.secrets(dry_run="true", remove=remove)

    assert run.code == 0, run.log
    assert run.outputs["status"] == "planned"
    assert "What would change" in run.summary
    assert writes(sides.source, sides.registry) == []


@pytest.mark.parametrize("path", ["scopes/create", "put", "acls/put"])
def test_a_lost_reply_is_harmless(sides: Sides, path: str) -> None:
    sides.source.control.fault("lost-reply", method="POST", path=f"*/secrets/{path}")

    run = sides.secrets(readers="team")

    assert run.code == 0, run.log
    assert sides.held() == sides.wanted
    assert sides.permissions()["team"] == "READ"


def test_a_lost_reply_to_delete_is_harmless(sides: Sides) -> None:
    sides.secrets()
    sides.source.control.fault("lost-reply", method="POST", path="*/secrets/delete")

    assert sides.secrets(remove="true").code == 0
    assert sides.held() == {}


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("scopes/list", "No permission to list the scopes"),
        ("scopes/create", "No permission to make the scope"),
        ("put", f"No permission to put {HOST}"),
        ("acls/put", "No permission to let team read"),
    ],
)
def test_a_refusal_is_told_and_what_was_done_is_too(sides: Sides, path: str, words: str) -> None:
    body = {"error_code": "PERMISSION_DENIED", "message": "Not for you."}
    sides.source.control.fault("reply", path=f"*/secrets/{path}", status=403, body=body)

    run = sides.secrets(readers="team")

    assert_told(run, 3, words, "Not for you.")
    assert run.outputs["status"] == ""
    assert run.outputs["changed"] == ("true" if path in ("put", "acls/put") else "false")
    assert_none_is_told(run, sides.registry)


def test_a_greater_right_is_left_as_it_is(sides: Sides) -> None:
    run = sides.secrets(readers=sides.source.user)
    assert run.code == 0
    assert sides.secrets(readers=sides.source.user).outputs["changed"] == "false"
    assert sides.permissions()[sides.source.user] == "MANAGE"


@pytest.mark.parametrize("spell", [str.upper, str.title])
def test_a_greater_right_is_left_however_its_principal_is_spelt(
    sides: Sides, spell: Callable[[str], str]
) -> None:
    sides.secrets()
    sides.source.reset()

    run = sides.secrets(readers=spell(sides.source.user))

    assert run.outputs["changed"] == "false", run.log
    assert writes(sides.source) == []
    assert sides.permissions() == {sides.source.user: "MANAGE"}


@pytest.mark.parametrize("kind", ["host", "token", "workspace-id"])
def test_a_line_break_after_a_value_is_taken_away(sides: Sides, kind: str) -> None:
    sides.secrets()
    Scope(sides.source, sides.name).put(kind, f"{sides.wanted[f'{PREFIX}-{kind}']}\n")

    run = sides.secrets()

    assert changes(run)[f"{PREFIX}-{kind}"] == "replaced", run.log
    assert sides.held() == sides.wanted


@pytest.mark.parametrize("dry_run", ["false", "true"])
def test_a_scope_that_a_key_vault_keeps_is_told_before_anything_is_written(
    sides: Sides, dry_run: str
) -> None:
    sides.secrets()
    listed = {"scopes": [{"name": sides.name.upper(), "backend_type": "AZURE_KEYVAULT"}]}
    kept = {"path": "*/secrets/scopes/list", "status": 200, "body": listed, "times": 0}
    sides.source.control.fault("reply", **kept)
    same = sides.secrets(dry_run=dry_run)
    assert (same.code, same.outputs["changed"]) == (0, "false"), same.log
    Scope(sides.source, sides.name).take_out("host")
    sides.source.control.clear_requests()

    run = sides.secrets(dry_run=dry_run)

    assert_told(run, 3, "kept by AZURE_KEYVAULT", f"Change {HOST}, -token and -workspace-id there")
    assert writes(sides.source) == []


def test_who_may_read_is_seen_before_anything_is_written(sides: Sides) -> None:
    sides.secrets()
    Scope(sides.source, sides.name).take_out("token")
    sides.source.reset()
    body = {"error_code": "PERMISSION_DENIED", "message": "Not for you."}
    sides.source.control.fault("reply", path="*/secrets/acls/list", status=403, body=body)

    run = sides.secrets(readers="team")

    assert_told(run, 3, "No permission to see who may read")
    assert writes(sides.source) == []


def test_two_jobs_that_put_different_workspaces_at_once_leave_no_token_beside_a_wrong_host(
    sides: Sides,
) -> None:
    scope = made_scope(sides.source, sides.registry)
    for kind in ("host", "token", "workspace-id"):
        scope.take_out(kind)
    second = {"method": "POST", "path": "*/secrets/put", "skip": 1}
    sides.source.control.fault("silence", after_handler=True, seconds=2, **second)

    with ThreadPoolExecutor(1) as pool:
        job = pool.submit(sides.secrets, scope=scope.name)
        deadline = time.monotonic() + 30
        while NUMBER not in held(scope):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        scope.put("host", sides.source.host)
        run = job.result()

    assert_told(run, 3, f"Somebody else has written {HOST} at the same time")
    assert held(scope) == {HOST: sides.source.host, NUMBER: sides.registry.workspace_id}
    assert sides.secrets(scope=scope.name).code == 0
    assert held(scope) == sides.wanted


def test_what_was_put_is_what_register_reads(sides: Sides, log_models: LogModels) -> None:
    run_id = log_models(sides.source).as_logged_model.run_id
    uri = sides.secrets().outputs["uri"]
    inputs = {"run-id": run_id, "model-name": new_name(), "registry-uri": uri}

    run = register(inputs, side_inputs("tracking", sides.source))

    assert run.code == 0, run.log
    assert run.outputs["version"] == "1"
    assert_none_is_told(run, sides.registry)
