"""`doctor`: what would stand in the way, told of both sides, and nothing changed."""

from __future__ import annotations

import pytest
from clients import call as ask
from command import Run, call, side_inputs
from conftest import LogModels
from scopes import PREFIX, assert_none_is_told, made_scope, new_name
from servers import MlflowServer
from told import assert_told, writes
from workspace import Workspace

SEARCH = "POST /api/2.0/mlflow/experiments/search"  # reads
PROBE = "/databricks/mlflow/tmp-external-source"


class Sides:
    """Both stand-ins."""

    def __init__(self, source: Workspace, registry: Workspace) -> None:
        self.source, self.registry = source, registry
        self.inputs = {**side_inputs("tracking", source), **side_inputs("registry", registry)}

    def doctor(self, **changed: str) -> Run:
        named = {name.replace("_", "-"): text for name, text in changed.items()}
        return call("doctor", {**self.inputs, **named})

    def written(self) -> list[str]:
        return [one for one in writes(self.source, self.registry) if one != SEARCH]


@pytest.fixture
def sides(source_workspace: Workspace, registry_workspace: Workspace) -> Sides:
    source_workspace.reset()
    registry_workspace.reset()
    return Sides(source_workspace, registry_workspace)


def marks(run: Run) -> dict[tuple[str, str], str]:
    """The marks by the side and the first words of what was looked at."""
    return {
        (one["side"], " ".join(one["what"].split()[:3])): one["mark"]
        for one in run.result["checks"]
    }


def test_all_is_well_and_nothing_is_changed(sides: Sides) -> None:
    run = sides.doctor()

    assert run.code == 0, run.log
    assert run.outputs["ready"] == "true"
    assert marks(run) == {
        ("source", "the host is"): "✓",
        ("source", "sign-in, by host"): "✓",
        ("source", "the workspace's id"): "✓",
        ("registry", "the host is"): "✓",
        ("registry", "sign-in, by host"): "✓",
        ("registry", "the workspace's id"): "✓",
        ("source", "experiments can be"): "✓",
        ("source", "way out: the"): "✓",
        ("registry", "the model registry"): "✓",
        ("registry", "DBFS is on"): "✓",
        ("registry", "way in: the"): "?",
        ("registry", "way in: a"): "?",
    }
    assert sides.written() == []
    for told in (sides.source.user, sides.registry.user, sides.registry.workspace_id):
        assert told in run.log
        assert told.replace("@", "&#64;").replace(".", "&#46;") in run.summary
    for hidden in (sides.registry.workspace_id, sides.registry.host, sides.registry.token):
        assert hidden not in run.outputs["result"]


def test_a_probe_writes_one_empty_file_and_deletes_it(sides: Sides) -> None:
    run = sides.doctor(probe="true")

    assert marks(run)["registry", "way in: the"] == "✓"
    assert sides.written() == [
        f"POST /dbfs{PROBE}/remote-registry-probe",
        "POST /api/2.0/dbfs/delete",
    ]
    (sent,) = sides.registry.requests("POST", "/dbfs/*")
    assert sent["bytes_in"] == 0
    assert "remote-registry-probe" not in sides.registry.files(PROBE)


def test_dbfs_that_is_off_is_told_and_is_no_failure(sides: Sides) -> None:
    sides.registry.control.set(dbfs=False)

    run = sides.doctor(probe="true")

    assert run.code == 0, run.log
    assert marks(run)["registry", "DBFS is on"] == "✗"
    assert "staging run is allowed" in run.log + run.summary.replace("&#59;", ";")
    assert sides.written() == []


def test_a_probe_that_is_refused_is_a_cross(sides: Sides) -> None:
    body = {"error_code": "PERMISSION_DENIED", "message": "Look, but don't touch."}
    sides.registry.control.fault("reply", method="POST", path="/dbfs/*", status=403, body=body)

    run = sides.doctor(probe="true")

    assert marks(run)["registry", "way in: the"] == "✗"
    assert "Look, but don't touch." in run.log


@pytest.mark.parametrize("action", ["lost-reply", "reply"])
def test_a_probe_whose_reply_is_lost_is_deleted_all_the_same(sides: Sides, action: str) -> None:
    rule = {"method": "POST", "path": "/dbfs/*", "times": 0, "after_handler": True}
    sides.registry.control.fault(action, **rule)

    run = sides.doctor(probe="true", retry_timeout="1")

    assert run.code == 0, run.log
    assert marks(run)["registry", "way in: the"] == "✗"
    assert "remote-registry-probe" not in sides.registry.files(PROBE)


def test_a_probe_that_cannot_be_deleted_names_what_it_leaves(sides: Sides) -> None:
    body = {"error_code": "PERMISSION_DENIED", "message": "It stays."}
    rule = {"path": "/api/2.0/dbfs/delete", "status": 403, "body": body}
    sides.registry.control.fault("reply", **rule)

    run = sides.doctor(probe="true")

    assert marks(run)["registry", "way in: the"] == "✗"
    assert f"dbfs:{PROBE}/remote-registry-probe is left" in run.log
    assert "remote-registry-probe" in sides.registry.files(PROBE)
    sides.doctor(probe="true")
    assert "remote-registry-probe" not in sides.registry.files(PROBE)


@pytest.mark.parametrize("status", [500, 404])
def test_a_dbfs_that_answers_oddly_is_a_question_and_does_not_hide_the_rest(
    sides: Sides, status: int
) -> None:
    rule = {"path": "/api/2.0/dbfs/list", "status": status, "times": 0}
    sides.registry.control.fault("reply", **rule)

    run = sides.doctor(retry_timeout="1")

    assert run.code == 0, run.log
    assert marks(run)["registry", "DBFS is on"] == "?"
    assert marks(run)["registry", "way in: a"] == "?"


@pytest.mark.parametrize(
    ("path", "what", "mark", "code"),
    [
        ("*/registered-models/search", "the model registry", "✗", 3),
        ("/api/2.0/dbfs/list", "DBFS is on", "?", 0),
    ],
)
def test_a_side_that_falls_silent_is_not_asked_again_and_the_other_is(
    sides: Sides, path: str, what: str, mark: str, code: int
) -> None:
    sides.registry.control.fault("lost-reply", path=path, times=0)

    run = sides.doctor(model_name="nothing-yet", retry_timeout="1")

    assert run.code == code, run.log
    found = marks(run)
    assert found["registry", what] == mark
    assert found["registry", "all else"] == "?"
    assert ("registry", "versions of nothing-yet") not in found
    assert found["source", "way out: the"] == "✓"
    assert sides.registry.requests(path="*/registered-models/get") == []


def test_a_closed_files_api_is_told(sides: Sides) -> None:
    sides.source.control.set(workspace_internal=False)

    run = sides.doctor()

    assert (run.code, marks(run)["source", "way out: the"]) == (0, "✗")


@pytest.mark.parametrize(
    ("changed", "what", "mark", "words"),
    [
        ({"registry_token": "dapi-wrong"}, "sign-in, by host", "✗", "registry-token"),
        ({"registry_workspace_id": "77777777"}, "the workspace's id", "✗", "of one workspace"),
        ({"registry_host": "https://nowhere.invalid"}, "the host is", "✗", "can't be resolved"),
        ({"registry_host": "http://127.0.0.1:9"}, "the host is", "✗", "refused the connection"),
    ],
)
def test_one_side_that_refuses_does_not_hide_the_other(
    sides: Sides, changed: dict[str, str], what: str, mark: str, words: str
) -> None:
    run = sides.doctor(probe="true", **changed)

    assert_told(run, 3, "Not ready", words)
    assert run.outputs["ready"] == "false"
    found = marks(run)
    assert found["registry", what] == mark
    assert found["source", "sign-in, by host"] == "✓"
    assert found["source", "experiments can be"] == "✓"
    assert sides.written() == []


def test_both_sides_that_refuse_are_told_at_once(sides: Sides) -> None:
    run = sides.doctor(registry_token="dapi-wrong", tracking_token="dapi-wrong")

    assert_told(run, 3, "source: sign-in", "registry: sign-in", "tracking-token", "registry-token")


def test_a_host_that_is_no_workspace(sides: Sides, mlflow_server: MlflowServer) -> None:
    run = sides.doctor(registry_host=mlflow_server.url)

    assert_told(run, 3, "not as a Databricks workspace does")
    assert marks(run)["registry", "the host is"] == "✗"


@pytest.mark.parametrize(
    ("rights", "stage", "make", "move"),
    [
        (["write", "create-models", "transition"], "Production", "✓", "✓"),
        (["write", "create-models"], "Production", "✓", "✗"),
        ([], "Staging", "✗", "✗"),
    ],
)
def test_rights_on_a_model(
    sides: Sides, rights: list[str], stage: str, make: str, move: str
) -> None:
    name = new_name()
    assert ask(sides.registry, "POST", "mlflow/registered-models/create", json={"name": name}).ok
    sides.registry.reset()
    limited = {"dapi-limited": {"user": "limited@example.com", "rights": rights}}
    sides.registry.control.set(tokens=limited)

    run = sides.doctor(model_name=name, stage=stage, registry_token="dapi-limited")

    found = marks(run)
    assert found["registry", f"versions of {name}"] == make
    assert found["registry", "a version may"] == move
    assert run.code == (3 if "✗" in (make, move) else 0)
    assert sides.written() == []


def test_a_model_that_is_not_there_yet_is_a_question(sides: Sides) -> None:
    run = sides.doctor(model_name="nothing-yet", stage="Staging")

    assert run.code == 0, run.log
    assert marks(run)["registry", "versions of nothing-yet"] == "?"


def test_a_scope_that_works(sides: Sides) -> None:
    scope = made_scope(sides.source, sides.registry)
    sides.source.reset()

    run = sides.doctor(scope=scope.name, prefix=PREFIX)

    assert run.code == 0, run.log
    assert marks(run)["source", f"the scope {scope.name}"] == "✓"
    assert marks(run)["registry", "sign-in, by the"] == "✓"
    assert sides.written() == []
    told = run.log.replace(f"::add-mask::{sides.registry.token}", "") + run.summary + run.stdout
    assert sides.registry.token not in told


def test_a_scope_that_says_another_workspace_than_the_registry(sides: Sides) -> None:
    scope = made_scope(sides.source, sides.source)

    run = sides.doctor(scope=scope.name, prefix=PREFIX)

    assert_told(run, 3, "it says another workspace")
    assert marks(run)["registry", f"{scope.uri} says this"] == "✗"


def test_a_scope_that_lacks_a_secret_and_one_that_no_longer_works(sides: Sides) -> None:
    scope = made_scope(sides.source, sides.registry)
    scope.put("token", "dapi-of-last-month")
    run = sides.doctor(scope=scope.name, prefix=PREFIX)
    assert_told(run, 3, f"by the secrets of {scope.uri}", "refused the sign-in")

    scope.take_out("token")
    run = sides.doctor(scope=scope.name, prefix=PREFIX)
    assert_told(run, 3, f"there is no {PREFIX}-token")


def test_a_registry_that_a_scope_says(sides: Sides) -> None:
    scope = made_scope(sides.source, sides.registry)
    own = dict.fromkeys(("registry_host", "registry_token", "registry_workspace_id"), "")

    run = sides.doctor(registry_uri=scope.uri, **own)
    assert run.code == 0, run.log
    assert marks(run)["registry", "the model registry"] == "✓"
    assert_none_is_told(run, sides.registry)

    run = sides.doctor(registry_uri=scope.uri, tracking_token="dapi-wrong", **own)
    assert_told(run, 3, "source: sign-in")
    assert marks(run)["source", f"the scope {scope.name}"] == "?"


def test_two_mlflow_servers(
    mlflow_server: MlflowServer, other_mlflow_server: MlflowServer, log_models: LogModels
) -> None:
    sides = side_inputs("tracking", mlflow_server), side_inputs("registry", other_mlflow_server)

    run = call("doctor", {"model-name": "nothing-yet"}, *sides)

    assert run.code == 0, run.log
    assert marks(run)["registry", "the model registry"] == "✓"
    assert marks(run)["registry", "way in: the"] == "?"


def test_one_workspace_for_both(sides: Sides) -> None:
    run = call("doctor", side_inputs("registry", sides.registry))

    assert run.code == 0, run.log
    assert marks(run)["source", "experiments can be"] == "✓"


def test_bad_input_is_told_before_any_call(sides: Sides) -> None:
    run = sides.doctor(scope="a b", prefix="", stage="x")

    assert_told(run, 2, "scope:", "stage:")
    assert sides.source.requests() == sides.registry.requests() == []
