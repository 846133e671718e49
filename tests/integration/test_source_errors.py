"""What a person is told of a source without one model, and of a registry that is none."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import clients
import pytest
from certificates import self_signed
from command import Run, Side, register, side_inputs
from conftest import LogModels
from servers import MlflowServer
from tiny_server import Reply, TinyServer, serving
from told import assert_told, writes
from workspace import Workspace

Runs = dict[str, str]
MLFLOW = "/api/2.0/mlflow"
NO_MODEL = Reply.of({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "No such model."}, 404)
NO_CALL = Reply(404, b"<!doctype html><title>404 Not Found</title>")
# In the words of MLflow 3.17 with a --registry-store-uri that it does not know.
NO_STORE = Reply.of(
    {
        "error_code": "INVALID_PARAMETER_VALUE",
        "message": " Model registry functionality is unavailable; got unsupported URI 'x://y'",
    },
    400,
)
NO_RUN_TESTS = [
    ("deleted", {}, ["is deleted", "Restore it"]),
    ("other files", {}, ["no model (MLflow 3) and no 'model'", "data, notes.txt", "artifact-path"]),
    ("nothing", {}, ["no model (MLflow 3) and no 'model'", "no artifacts"]),
    ("other files", {"artifact-path": "elsewhere"}, ["'elsewhere'", "it has data, notes.txt"]),
    ("other files", {"artifact-path": "data"}, ["No MLmodel file", "it has weights.txt"]),
    ("two models", {"artifact-path": "third"}, ["'third'", "it has", "first", "second"]),
    ("artifacts", {"artifact-path": "model/MLmodel"}, ["'model/MLmodel'", "it has a b, model"]),
    ("artifacts", {"artifact-path": "model#x"}, ["'model#x'", "it has a b, model"]),
    ("artifacts", {"artifact-path": "model?x=y"}, ["'model?x=y'", "it has a b, model"]),
    ("artifacts", {"artifact-path": "a%20b"}, ["nothing at artifact-path", "it has a b, model"]),
    ("one of two deleted", {"artifact-path": "deleted"}, ["'deleted'", "it has kept"]),
]


def wrong_runs(side: Side) -> Runs:
    script = Path(__file__).with_name("log_wrong_runs.py")
    return clients.run_script(script, side.environment())


@pytest.fixture(scope="module")
def on_workspace(source_workspace: Workspace) -> Runs:
    return wrong_runs(source_workspace)


@pytest.fixture(scope="module")
def on_server(mlflow_server: MlflowServer) -> Runs:
    return wrong_runs(mlflow_server)


@pytest.fixture
def kept(source_workspace: Workspace, registry_workspace: Workspace) -> Iterator[None]:
    """Neither workspace was asked to change anything, and the registry holds what it held."""
    before = held_by(registry_workspace)
    source_workspace.reset()
    registry_workspace.reset()
    yield
    assert writes(source_workspace, registry_workspace) == []
    assert held_by(registry_workspace) == before


def held_by(registry: Workspace) -> tuple[set[str], set[str]]:
    """The names of its models, and the files on its disk."""
    models = clients.call(registry, "GET", "mlflow/registered-models/search").json()
    names = {model["name"] for model in models.get("registered_models", [])}
    return names, registry.files("/")


def register_run(run_id: str, *sides: dict[str, str], **changed: str) -> Run:
    named = {name.replace("_", "-"): text for name, text in changed.items()}
    inputs = {"run-id": run_id, "model-name": f"churn-{uuid.uuid4().hex[:8]}"}
    return register(inputs, *sides, named)


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize(("which", "inputs", "words"), NO_RUN_TESTS)
def test_a_run_of_a_workspace_without_that_model(
    source_workspace: Workspace,
    registry_workspace: Workspace,
    on_workspace: Runs,
    which: str,
    inputs: dict[str, str],
    words: list[str],
) -> None:
    sides = side_inputs("tracking", source_workspace), side_inputs("registry", registry_workspace)

    assert_told(register_run(on_workspace[which], *sides, inputs), 4, "No such source", *words)


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize(("which", "inputs", "words"), NO_RUN_TESTS)
def test_a_run_of_a_server_without_that_model(
    mlflow_server: MlflowServer,
    registry_workspace: Workspace,
    on_server: Runs,
    which: str,
    inputs: dict[str, str],
    words: list[str],
) -> None:
    sides = side_inputs("tracking", mlflow_server), side_inputs("registry", registry_workspace)

    assert_told(register_run(on_server[which], *sides, inputs), 4, "No such source", *words)


@pytest.mark.usefixtures("kept")
def test_a_run_with_several_models_lists_them_and_one_can_be_named(
    source_workspace: Workspace, registry_workspace: Workspace, on_workspace: Runs
) -> None:
    run_id = on_workspace["two models"]
    sides = side_inputs("tracking", source_workspace), side_inputs("registry", registry_workspace)

    told = register_run(run_id, *sides)
    assert_told(told, 4, "has 2 logged models", "first (m-", "second (m-", "artifact-path: <name>")

    named = register_run(run_id, *sides, artifact_path="second", dry_run="true")
    assert (named.code, named.outputs["status"]) == (0, "planned")


@pytest.fixture
def untrusted(tmp_path: Path) -> Iterator[TinyServer]:
    with serving(self_signed(tmp_path / "certificate.pem", "127.0.0.1")) as server:
        yield server


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize(("side", "code"), [("tracking", 4), ("registry", 5)])
def test_tls_that_fails(
    source_workspace: Workspace,
    registry_workspace: Workspace,
    untrusted: TinyServer,
    side: str,
    code: int,
) -> None:
    sides = side_inputs("tracking", source_workspace), side_inputs("registry", registry_workspace)

    run = register_run("0" * 32, *sides, {f"{side}-host": untrusted.url})

    assert_told(run, code, "TLS with the", "certificate", "REQUESTS_CA_BUNDLE", untrusted.url)
    assert untrusted.requests == []


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize(("side", "code"), [("tracking", 4), ("registry", 5)])
def test_a_name_that_cannot_be_resolved(
    source_workspace: Workspace, registry_workspace: Workspace, side: str, code: int
) -> None:
    sides = side_inputs("tracking", source_workspace), side_inputs("registry", registry_workspace)

    run = register_run("0" * 32, *sides, {f"{side}-host": "https://nowhere.invalid"})

    assert_told(run, code, "can't be resolved", f"{side}-host", "https://nowhere.invalid")


@pytest.fixture
def registry(tiny: TinyServer) -> TinyServer:
    """Answers as an MLflow server does that knows no model; every other call is unknown to it."""
    tiny.replies = [NO_CALL]
    tiny.pages = {
        "/version": Reply(body=b"3.17.2"),
        f"{MLFLOW}/registered-models/get": NO_MODEL,
        f"{MLFLOW}/model-versions/search": Reply.of({}),
    }
    return tiny


def changes(registry: TinyServer) -> list[str]:
    reading = ("/search", "/get-latest-versions")
    asked = [f"{one.method} {one.path}" for one in registry.requests if one.method != "GET"]
    return [one for one in asked if not one.endswith(reading)]


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize("reply", [NO_CALL, NO_STORE], ids=["no call", "no store"])
def test_a_server_without_a_registry(
    source_workspace: Workspace, log_models: LogModels, registry: TinyServer, reply: Reply
) -> None:
    run_id = log_models(source_workspace).as_logged_model.run_id
    source_workspace.reset()
    registry.pages[f"{MLFLOW}/registered-models/get"] = reply

    sides = side_inputs("tracking", source_workspace), {"registry-uri": registry.url}
    run = register_run(run_id, *sides)

    assert_told(run, 5, "The server has no model registry.", "database store")
    assert changes(registry) == []


@pytest.mark.usefixtures("kept")
def test_stages_asked_of_a_registry_without_them(
    source_workspace: Workspace, log_models: LogModels, registry: TinyServer
) -> None:
    run_id = log_models(source_workspace).as_logged_model.run_id
    source_workspace.reset()
    sides = side_inputs("tracking", source_workspace), {"registry-uri": registry.url}

    run = register_run(run_id, *sides, stage="Staging")

    assert_told(run, 5, "This registry has no stages.", "Use alias instead of stage.")
    assert changes(registry) == []


def test_a_name_that_the_registry_refuses_is_told_in_its_words_and_nothing_is_left(
    source_workspace: Workspace, registry_workspace: Workspace, log_models: LogModels
) -> None:
    run_id = log_models(source_workspace).as_logged_model.run_id
    before = held_by(registry_workspace)
    refusal = {"error_code": "INVALID_PARAMETER_VALUE", "message": "Invalid name: too good."}
    registry_workspace.control.fault(
        "reply", path="*/registered-models/create", status=400, body=refusal
    )
    sides = side_inputs("tracking", source_workspace), side_inputs("registry", registry_workspace)

    run = register_run(run_id, *sides)

    assert_told(run, 5, "Registry failed", "refused to make the model", "Invalid name: too good.")
    assert held_by(registry_workspace) == before
