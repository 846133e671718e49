"""MLflow servers that keep their files in an object store and don't serve them themselves."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from command import Predict, Run, register, side_inputs
from conftest import LogModels
from integration.test_errors import assert_told
from integration.test_register import api, downloaded, numbers
from servers import MlflowServer
from stores import S3, Azure
from workspace import MlflowServers, ServerSpec, Workspace

HOME = "remote_registry"  # the experiment in which versions have their files


@pytest.fixture(scope="session")
def s3_servers(mlflow_servers: MlflowServers, s3: S3) -> list[MlflowServer]:
    """Two real MLflow servers whose files are in one bucket, each under its own prefix."""
    specs = [ServerSpec(f"s3://{s3.bucket}/{prefix}") for prefix in ("first-server", "second")]
    return [MlflowServer(url, store=s3.variables) for url in mlflow_servers.start(specs)]


@pytest.fixture(scope="session")
def s3_server(s3_servers: list[MlflowServer]) -> MlflowServer:
    return s3_servers[0]


@pytest.fixture(scope="session")
def other_s3_server(s3_servers: list[MlflowServer]) -> MlflowServer:
    return s3_servers[1]


@pytest.fixture(scope="session")
def azure_server(mlflow_servers: MlflowServers, azure: Azure) -> MlflowServer:
    """A real MLflow server whose files are in an Azure container."""
    (url,) = mlflow_servers.start([ServerSpec(f"{azure.uri}/root")])
    return MlflowServer(url, store=azure.variables)


@pytest.fixture
def name() -> str:
    return f"churn-{uuid.uuid4().hex[:8]}"


def prefixed(prefix: str, variables: dict[str, str]) -> dict[str, str]:
    return {f"{prefix}_{name}": text for name, text in variables.items()}


@pytest.mark.parametrize("kind", ["run", "logged model"])
def test_from_s3_into_a_workspace(
    s3_server: MlflowServer,
    s3: S3,
    registry_workspace: Workspace,
    log_models: LogModels,
    kind: str,
    name: str,
    predict: Predict,
) -> None:
    models = log_models(s3_server)
    run = models.as_run_artifacts if kind == "run" else models.as_logged_model
    made = register(
        {"run-id": run.run_id, "model-name": name},
        side_inputs("tracking", s3_server),
        side_inputs("registry", registry_workspace),
        **s3.variables,
    )
    assert made.code == 0, made.log
    assert made.result["copied-bytes"] == made.result["bytes"] > 0
    uri = f"models:/{name}/1"
    assert predict(registry_workspace, uri, models.inputs) == models.predictions


@pytest.mark.parametrize("source", ["source_workspace", "mlflow_server", "other_s3_server"])
def test_into_a_server_that_keeps_its_files_in_s3(
    source: str,
    request: pytest.FixtureRequest,
    s3_server: MlflowServer,
    s3: S3,
    log_models: LogModels,
    name: str,
    predict: Predict,
) -> None:
    origin = request.getfixturevalue(source)
    models = log_models(origin)
    inputs = {"run-id": models.as_logged_model.run_id, "model-name": name}
    sides = (side_inputs("tracking", origin), side_inputs("registry", s3_server))
    before = s3.names()

    made = register(inputs, *sides, **s3.variables)

    assert made.code == 0, made.log
    assert f"keeps its files in s3://{s3.bucket}" in made.log
    new = set(s3.names()) - set(before)
    assert len(new) == made.result["files"]
    assert all(key.startswith("first-server/") for key in new)
    assert made.outputs["download-uri"].startswith(f"s3://{s3.bucket}/first-server/")
    assert predict(s3_server, f"models:/{name}/1", models.inputs) == models.predictions

    again = register(inputs, *sides, **s3.variables)

    assert again.code == 0, again.log
    assert (again.outputs["created"], again.result["copied-bytes"]) == ("false", 0)
    assert set(s3.names()) - set(before) == new


def test_within_one_server_no_byte_is_written(
    s3_server: MlflowServer, s3: S3, log_models: LogModels, name: str, predict: Predict
) -> None:
    models = log_models(s3_server)
    before = s3.names()
    made = register(
        {"run-id": models.as_run_artifacts.run_id, "model-name": name},
        side_inputs("registry", s3_server),
        **s3.variables,
    )
    assert made.code == 0, made.log
    assert made.result["copied-bytes"] == 0
    assert s3.names() == before
    assert predict(s3_server, f"models:/{name}/1", models.inputs) == models.predictions


def test_a_version_in_s3_is_a_source_too(
    s3_server: MlflowServer,
    s3: S3,
    registry_workspace: Workspace,
    log_models: LogModels,
    name: str,
    predict: Predict,
) -> None:
    models = log_models(s3_server)
    own = register(
        {"run-id": models.as_logged_model.run_id, "model-name": name},
        side_inputs("registry", s3_server),
        **s3.variables,
    )
    assert own.code == 0, own.log
    made = register(
        {"model-uri": f"models:/{name}/1", "model-name": name},
        side_inputs("tracking", s3_server),
        side_inputs("registry", registry_workspace),
        **s3.variables,
    )
    assert made.code == 0, made.log
    assert made.outputs["digest"] == own.outputs["digest"]
    uri = f"models:/{name}/1"
    assert predict(registry_workspace, uri, models.inputs) == models.predictions


def test_into_azure_and_out_of_it(
    source_workspace: Workspace,
    azure_server: MlflowServer,
    azure: Azure,
    registry_workspace: Workspace,
    log_models: LogModels,
    name: str,
    predict: Predict,
) -> None:
    models = log_models(source_workspace)
    there = register(
        {"run-id": models.as_logged_model.run_id, "model-name": name},
        side_inputs("tracking", source_workspace),
        side_inputs("registry", azure_server),
        **prefixed("REGISTRY", azure.variables),
    )
    assert there.code == 0, there.log
    back = register(
        {"model-uri": f"models:/{name}/1", "model-name": name},
        side_inputs("tracking", azure_server),
        side_inputs("registry", registry_workspace),
        **prefixed("TRACKING", azure.variables),
    )
    assert back.code == 0, back.log
    assert back.outputs["digest"] == there.outputs["digest"]
    uri = f"models:/{name}/1"
    assert predict(registry_workspace, uri, models.inputs) == models.predictions
    assert "AccountKey" not in _without_masks(there) + _without_masks(back)


class Sides:
    """A source in the one S3 server, and the other as the registry; users who may this or that."""

    def __init__(self, s3: S3, source: MlflowServer, registry: MlflowServer, run_id: str) -> None:
        self.s3, self.source, self.registry = s3, source, registry
        self.inputs = {
            "run-id": run_id,
            "model-name": f"churn-{uuid.uuid4().hex[:8]}",
            **side_inputs("tracking", source),
            **side_inputs("registry", registry),
        }

    def user(self, prefix: str, *actions: str) -> dict[str, str]:
        """The variables of a user who may do this, and only below the prefix."""
        listing = [action for action in actions if action.startswith("s3:List")]
        others = [action for action in actions if action not in listing]
        bucket = f"arn:aws:s3:::{self.s3.bucket}"
        statements = [
            {"Effect": "Allow", "Action": names, "Resource": resource}
            for names, resource in ((listing, bucket), (others, f"{bucket}/{prefix}/*"))
            if names
        ]
        return self.s3.new_user(*statements)

    def register(self, **environment: str) -> Run:
        with self.s3.checking_sign_in():
            return register(self.inputs, **environment)


READ = ("s3:ListBucket", "s3:GetObject")
WRITE = (*READ, "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload")


@pytest.fixture
def sides(
    s3: S3, s3_server: MlflowServer, other_s3_server: MlflowServer, log_models: LogModels
) -> Sides:
    run_id = log_models(s3_server).as_logged_model.run_id
    return Sides(s3, s3_server, other_s3_server, run_id)


def assert_nothing_is_left(sides: Sides, before: list[str]) -> None:
    assert sides.s3.names() == before
    assert sides.s3.unfinished() == []
    assert numbers(sides.registry, sides.inputs["model-name"]) == []
    assert homes(sides.registry) == []


def homes(server: MlflowServer) -> list[str]:
    """The logged models in which there is no version's home."""
    found = api(server, "GET", "experiments/get-by-name", params={"experiment_name": HOME})
    if "experiment" not in found:
        return []
    body = {"experiment_ids": [found["experiment"]["experiment_id"]]}
    models = api(server, "POST", "logged-models/search", json=body).get("models", [])
    return [m["info"]["model_id"] for m in models if "PENDING" in m["info"]["status"]]


def test_each_side_has_its_own_sign_in(sides: Sides) -> None:
    """Neither user may do what the other is for, and the plain set may nothing at all."""
    run = sides.register(
        **sides.user("nothing", "s3:GetObject"),
        AWS_SKIP_SIGNATURE="true",  # which obstore itself would heed
        **prefixed("TRACKING", sides.user("first-server", *READ)),
        **prefixed("REGISTRY", sides.user("second", *WRITE)),
    )
    assert run.code == 0, run.log


@pytest.mark.parametrize(
    ("changed", "code", "words"),
    [
        ({"TRACKING_AWS_SECRET_ACCESS_KEY": "wrong-secret-of-tests"}, 3, "store of the source"),
        ({"TRACKING_AWS_ACCESS_KEY_ID": "nobody"}, 3, "store of the source"),
        ({"REGISTRY_AWS_SECRET_ACCESS_KEY": "wrong-secret-of-tests"}, 3, "store of the registry"),
        ({"REGISTRY_AWS_SECRET_ACCESS_KEY": ""}, 3, "store of the registry"),
        ({"REGISTRY_MLFLOW_S3_ENDPOINT_URL": "http://127.0.0.1:9"}, 5, "refused the connection"),
        ({"TRACKING_MLFLOW_S3_ENDPOINT_URL": "http://127.0.0.1:9"}, 4, "refused the connection"),
    ],
)
def test_what_is_told_before_anything_is_written(
    sides: Sides, changed: dict[str, str], code: int, words: str
) -> None:
    before = sides.s3.names()
    good = {
        # Complete, and never mixed with the sets of the sides.
        **sides.s3.variables,
        **prefixed("TRACKING", sides.user("first-server", *READ)),
        **prefixed("REGISTRY", sides.user("second", *WRITE)),
    }
    run = sides.register(**{**good, **changed})

    assert_told(run, code, words)
    assert_nothing_is_left(sides, before)
    for text in (*good.values(), *changed.values()):
        assert not ("secret" in text and text in _without_masks(run)), text


def _without_masks(run: Run) -> str:
    lines = [line for line in run.log.splitlines() if not line.startswith("::add-mask::")]
    return "\n".join([*lines, run.summary, run.stdout])


@pytest.mark.parametrize(
    ("source", "registry", "code", "words"),
    [
        (("s3:GetObject",), WRITE, 4, "No permission to list"),
        (("s3:ListBucket",), WRITE, 4, "No permission to read"),
        (READ, ("s3:PutObject",), 5, "No permission to list"),
        (READ, READ, 5, "No permission to write"),
    ],
)
def test_a_right_that_is_missing_is_named_and_nothing_is_left(
    sides: Sides, source: tuple[str, ...], registry: tuple[str, ...], code: int, words: str
) -> None:
    before = sides.s3.names()
    run = sides.register(
        **prefixed("TRACKING", sides.user("first-server", *source)),
        **prefixed("REGISTRY", sides.user("second", *registry)),
    )
    assert_told(run, code, words)
    assert_nothing_is_left(sides, before)


def test_an_undone_registration_leaves_no_object(sides: Sides) -> None:
    """All files may be written but one."""
    before = sides.s3.names()
    not_this_one = {
        "Effect": "Deny",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{sides.s3.bucket}/*/MLmodel",
    }
    user = sides.s3.new_user({"Effect": "Allow", "Action": "s3:*", "Resource": "*"}, not_this_one)
    run = sides.register(**user)

    assert_told(run, 5, "No permission to write 'MLmodel'")
    assert "took back s3://" in run.log
    assert_nothing_is_left(sides, before)


def test_files_with_odd_names_arrive(
    s3_server: MlflowServer,
    s3: S3,
    registry_workspace: Workspace,
    source_workspace: Workspace,
    log_models: LogModels,
    name: str,
    tmp_path: Path,
) -> None:
    """From a folder, which has such names, into S3; and from there into a workspace."""
    folder = downloaded(log_models(source_workspace), source_workspace, tmp_path)
    for odd in ("a b", "a%20b", "a#b", "a+b", "a'b\"c", "e\u0301", "\u00e9", "data/a?b"):
        (folder / odd).parent.mkdir(exist_ok=True)
        (folder / odd).write_text(odd, encoding="utf-8")
    made = register(
        {"model-path": str(folder), "model-name": name},
        side_inputs("registry", s3_server),
        **s3.variables,
        GITHUB_WORKSPACE=str(tmp_path),
    )
    assert made.code == 0, made.log
    onwards = register(
        {"model-uri": f"models:/{name}/1", "model-name": name},
        side_inputs("tracking", s3_server),
        side_inputs("registry", registry_workspace),
        **s3.variables,
    )
    assert onwards.code == 0, onwards.log
    assert onwards.outputs["digest"] == made.outputs["digest"]


def test_an_unknown_scheme_is_told(
    mlflow_servers: MlflowServers,
    source_workspace: Workspace,
    log_models: LogModels,
    name: str,
) -> None:
    (url,) = mlflow_servers.start([ServerSpec("hdfs://store/root")])
    source_workspace.reset()
    run = register(
        {"run-id": log_models(source_workspace).as_logged_model.run_id, "model-name": name},
        side_inputs("tracking", source_workspace),
        side_inputs("registry", MlflowServer(url)),
    )
    assert_told(run, 5, "keeps these files in hdfs://store")
    assert homes(MlflowServer(url)) == []


def test_a_dry_run_tells_the_way_and_writes_nothing(sides: Sides) -> None:
    before = sides.s3.names()
    sides.inputs["dry-run"] = "true"
    run = sides.register(
        **sides.s3.new_user({"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    )
    assert run.code == 0, run.log
    assert f"keeps its files in s3://{sides.s3.bucket}" in run.log
    assert_nothing_is_left(sides, before)
