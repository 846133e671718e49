"""What a person is told when it goes wrong: one annotation, an exit code, and nothing written."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from command import Run, register, side_inputs
from conftest import LogModels
from servers import MlflowServer
from told import assert_told, writes
from workspace import Workspace

GOOD = {
    "run-id": "0" * 32,
    "model-name": "churn",
    "registry-host": "https://adb-5555555555555555.15.azuredatabricks.net",
    "registry-token": "dapi-1",
}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"registry-host": "adb-5.15.azuredatabricks.net"}, "https://adb-5.15.azuredatabricks.net"),
        ({"registry-host": "https://a.azuredatabricks.net/?o=5"}, "registry-host"),
        ({"registry-host": "http://a.azuredatabricks.net"}, "https://"),
        (
            {"registry-host": "", "registry-token": "", "registry-uri": "http://m.example"},
            "allow-http",
        ),
        ({"stage": "prodution"}, "Did you mean Production?"),
        ({"stage": "Staging", "alias": "champion"}, "alias"),
        ({"archive-existing": "true", "stage": "Archived"}, "archive-existing"),
        ({"model-name": "a.b.c"}, "Unity Catalog is to come"),
        ({"model-name": "a/b"}, "model-name"),
        ({"model-uri": "models:/churn/1"}, "exactly one"),
        ({"gate": "loss < 0.2\naccuracy = 1"}, "gate: line 2, 'accuracy = 1': has after the name"),
        ({"gate": "accuracy > champion.accuracy"}, "champion.… needs stage"),
    ],
)
def test_bad_input_is_told_before_any_call(changed: dict[str, str], words: str) -> None:
    assert_told(register({**GOOD, **changed}), 2, "Bad input", words)


def test_all_bad_inputs_are_told_at_once() -> None:
    bad = {"stage": "x", "timeout": "0", "tags": "nonsense", "model-name": ""}
    assert_told(register({**GOOD, **bad}), 2, "stage:", "timeout:", "tags:", "model-name:")


class Sides:
    """Both stand-ins, and the inputs that name them and a source."""

    def __init__(self, source: Workspace, registry: Workspace, run_id: str) -> None:
        self.source, self.registry = source, registry
        self.inputs = {
            "run-id": run_id,
            "model-name": f"churn-{uuid.uuid4().hex[:8]}",
            **side_inputs("tracking", source),
            **side_inputs("registry", registry),
        }

    def register(self, **changed: str) -> Run:
        named = {name.replace("_", "-"): text for name, text in changed.items()}
        return register({**self.inputs, **named})


@pytest.fixture
def sides(
    source_workspace: Workspace, registry_workspace: Workspace, log_models: LogModels
) -> Sides:
    run_id = log_models(source_workspace).as_logged_model.run_id
    source_workspace.reset()
    registry_workspace.reset()
    return Sides(source_workspace, registry_workspace, run_id)


@pytest.mark.parametrize(
    ("changed", "code", "words"),
    [
        ({"registry_token": "dapi-wrong"}, 3, "refused the sign-in"),
        ({"tracking_token": "dapi-of-the-registry-workspace"}, 3, "tracking-token"),
        ({"registry_workspace_id": "7777777777777777"}, 3, "7777777777777777"),
        ({"tracking_workspace_id": "7777777777777777"}, 3, "7777777777777777"),
        ({"registry_host": "https://nowhere.invalid"}, 5, "can't be resolved"),
        ({"registry_host": "http://127.0.0.1:9"}, 5, "refused the connection"),
        ({"run_id": "f" * 32}, 4, "There is no run"),
        ({"artifact_path": "elsewhere"}, 4, "elsewhere"),
        ({"run_id": "", "model_uri": "models:/m-nothing"}, 4, "m-nothing"),
        ({"run_id": "", "model_uri": "models:/nothing/1"}, 4, "nothing"),
        ({"run_id": "", "run_filter": "tags.a = 'b'", "experiment": "/none"}, 4, "/none"),
    ],
)
def test_what_can_be_told_before_anything_is_written(
    sides: Sides, changed: dict[str, str], code: int, words: str
) -> None:
    run = sides.register(**changed)

    assert_told(run, code, words)
    assert writes(sides.source, sides.registry) == []


def test_an_mlflow_server_is_no_workspace(sides: Sides, mlflow_server: MlflowServer) -> None:
    assert_told(sides.register(registry_host=mlflow_server.url), 3, "registry-host")


def test_a_host_that_answers_with_a_page(sides: Sides) -> None:
    sides.registry.control.fault("html", path="/api/2.0/preview/scim/v2/Me", times=9)

    assert_told(sides.register(), 3, "registry-host")
    assert writes(sides.registry) == []


def test_a_registration_that_fails_is_taken_back(sides: Sides) -> None:
    sides.registry.control.set(registration_error="The disk of the registry is full.")

    run = sides.register()

    assert_told(run, 5, "FAILED_REGISTRATION", "The disk of the registry is full.")
    assert run.outputs["version"] == ""
    assert_nothing_is_left(sides)


def test_ready_not_reached_in_time_is_taken_back(sides: Sides) -> None:
    sides.registry.control.set(hold_ready=True)

    assert_told(sides.register(timeout="1"), 5, "not READY after 1 s")
    assert_nothing_is_left(sides)


def test_no_way_into_the_workspace_is_open(sides: Sides) -> None:
    refusal = {"error_code": "PERMISSION_DENIED", "message": "Not here."}
    sides.registry.control.set(dbfs=False)
    sides.registry.control.fault("reply", path="*/runs/create", status=403, body=refusal)

    assert_told(sides.register(), 5, "staging run is refused", "Not here.")
    assert_nothing_is_left(sides)


@pytest.mark.parametrize("how", ["drop", "size"])
def test_what_the_registry_serves_is_not_what_was_logged(sides: Sides, how: str) -> None:
    sides.registry.control.set(corrupt=[{"path": "*MLmodel", "how": how}])

    assert_told(sides.register(), 5, "is not what was logged", "MLmodel")
    assert_nothing_is_left(sides)


def test_a_registry_that_takes_no_more_versions(sides: Sides) -> None:
    sides.registry.control.set(pending_limit=0)

    assert_told(sides.register(timeout="1"), 5, "takes no more versions at the moment")
    assert_nothing_is_left(sides)


@pytest.mark.parametrize(
    ("rights", "words"),
    [(["write", "transition"], "make the model"), ([], "lacks: write")],
)
def test_no_permission_to_create(sides: Sides, rights: list[str], words: str) -> None:
    limited = {"dapi-limited": {"user": "limited@example.com", "rights": rights}}
    sides.registry.control.set(tokens=limited)

    assert_told(sides.register(registry_token="dapi-limited"), 5, words)
    assert_nothing_is_left(sides)


def test_no_permission_to_promote_leaves_the_version_and_its_outputs(sides: Sides) -> None:
    limited = {
        "dapi-limited": {"user": "limited@example.com", "rights": ["write", "create-models"]}
    }
    sides.registry.control.set(tokens=limited)

    run = sides.register(registry_token="dapi-limited", stage="Production")

    assert_told(run, 5, "No permission to move a version to Production")
    assert run.outputs["version"] == "1"
    assert run.outputs["stage"] == "None"
    assert "model-uri" in run.stdout


def assert_nothing_is_left(sides: Sides) -> None:
    sides.registry.control.reset()
    staging = sides.registry.on_disk("/databricks/mlflow/tmp-external-source")
    assert list(staging.glob("remote-registry-*")) == []
    again = sides.register(dry_run="true")
    assert "make the model: the registry has none of that name" in again.result["plan"]


def test_a_folder_without_an_mlmodel(tmp_path: Path) -> None:
    (tmp_path / "README").touch()
    changed = {"run-id": "", "model-path": str(tmp_path)}
    run = register({**GOOD, **changed}, GITHUB_WORKSPACE=str(tmp_path))
    assert_told(run, 2, "holds no MLmodel", "README")
