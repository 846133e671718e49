"""`obstore` is no part of the environment until files are met that are in an object store."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest
from command import SOURCES, command_environment, side_inputs
from conftest import LogModels
from servers import MlflowServer
from stores import S3
from workspace import MlflowServers, ServerSpec, Workspace

ENTRYPOINT = SOURCES.parent / "entrypoint"
LINE = "beginning again, with obstore"


@pytest.fixture(scope="module")
def server(mlflow_servers: MlflowServers, s3: S3) -> MlflowServer:
    """A real MLflow server whose files are in S3."""
    (url,) = mlflow_servers.start([ServerSpec(f"s3://{s3.bucket}/environment")])
    return MlflowServer(url, store=s3.variables)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where `entrypoint` keeps its environments; empty at first."""
    return tmp_path_factory.mktemp("cache")


class Step:
    """Runs the command from a workspace into the server, as a runner does."""

    def __init__(
        self, source: Workspace, run_id: str, server: MlflowServer, folder: Path, cache: Path
    ) -> None:
        self.name = f"churn-{uuid.uuid4().hex[:8]}"
        inputs = {**side_inputs("tracking", source), **side_inputs("registry", server)}
        environment = command_environment(folder, inputs, XDG_CACHE_HOME=str(cache))
        environment.pop("RUNNER_TOOL_CACHE", None)
        self.environment = {**environment, **server.store, "INPUT_RUN_ID": run_id}

    def run(self, *program: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
        options = ["--model-name", self.name, "--description", "two  words, 'quoted'", "--json"]
        return subprocess.run(
            [*program, "register", *options],
            env=self.environment | more,
            capture_output=True,
            text=True,
            check=False,
            timeout=110,
        )


@pytest.fixture
def step(
    source_workspace: Workspace,
    log_models: LogModels,
    server: MlflowServer,
    tmp_path: Path,
    cache: Path,
) -> Step:
    run_id = log_models(source_workspace).as_logged_model.run_id
    return Step(source_workspace, run_id, server, tmp_path, cache)


def environments(cache: Path) -> list[str]:
    return sorted(folder.name.split("-")[0] for folder in cache.glob("register-remote-model/*"))


def test_it_is_installed_when_it_is_needed(step: Step, cache: Path, tmp_path: Path) -> None:
    """With the options, secrets and Python of the first start, and one report."""
    python = ("--python", sys.executable)

    done = step.run(ENTRYPOINT, PATH="/usr/bin:/bin", INPUT_PYTHON=sys.executable)

    assert done.returncode == 0, done.stderr
    assert environments(cache) == ["run", "stores"]
    assert done.stderr.count(LINE) == 1
    assert json.loads(done.stdout)["version"] == "1"
    outputs = (tmp_path / "output").read_text().splitlines()
    assert len([line for line in outputs if line.startswith("version<<")]) == 1
    assert (tmp_path / "summary").read_text().count("### ") == 1
    again = subprocess.run(
        [ENTRYPOINT, *python, "register", "--model-name", step.name, "--json"],
        env=step.environment, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["created"] == "false"
    assert environments(cache) == ["run", "stores"]


@pytest.mark.parametrize(
    "started",
    [
        pytest.param({}, id="without entrypoint"),
        pytest.param(
            {
                "REGISTER_REMOTE_MODEL_ENTRYPOINT": str(ENTRYPOINT),
                "REGISTER_REMOTE_MODEL_LOCK": "stores",
            },
            id="in vain before",
        ),
    ],
)
def test_where_it_can_not_be_installed_it_is_said(
    step: Step, cache: Path, s3: S3, started: dict[str, str]
) -> None:
    step.run(ENTRYPOINT, INPUT_DRY_RUN="true", INPUT_PYTHON=sys.executable)
    (python,) = cache.glob("register-remote-model/run-*/bin/python")
    before = s3.names()

    done = step.run(python, "-I", "-B", SOURCES, **started)

    assert done.returncode == 7, done.stderr
    assert done.stderr.count("::error title=obstore is missing::") == 1
    assert "pip install 'register-remote-model[stores]'" in done.stderr
    assert LINE not in done.stderr
    assert s3.names() == before


class ManyStep:
    """Runs `many` for a folder, and a run whose files are in S3, as a runner does."""

    def __init__(
        self, source: MlflowServer, run_id: str, registry: MlflowServer, folder: Path, cache: Path
    ) -> None:
        (folder / "model").mkdir()
        (folder / "model" / "MLmodel").write_text("flavors: {}\n")
        self.names = [f"many-{uuid.uuid4().hex[:8]}" for _ in range(2)]
        entries = [
            {"model-name": self.names[0], "model-path": str(folder / "model")},
            {"model-name": self.names[1], "run-id": run_id},
        ]
        (folder / "models.yml").write_text(json.dumps({"models": entries}))
        inputs = {
            "models": str(folder / "models.yml"),
            **side_inputs("tracking", source),
            **side_inputs("registry", registry),
        }
        environment = command_environment(folder, inputs, XDG_CACHE_HOME=str(cache))
        environment.pop("RUNNER_TOOL_CACHE", None)
        self.environment = {**environment, **source.store, "INPUT_PYTHON": sys.executable}

    def run(self, *program: str | Path, **more: str) -> tuple[int, list[dict[str, Any]], str]:
        done = subprocess.run(
            [*program, "many", "--json"],
            env=self.environment | more,
            capture_output=True,
            text=True,
            check=False,
            timeout=110,
        )
        return done.returncode, json.loads(json.loads(done.stdout)["results"]), done.stderr


@pytest.fixture
def many_step(
    server: MlflowServer,
    mlflow_server: MlflowServer,
    log_models: LogModels,
    tmp_path: Path,
    cache: Path,
) -> ManyStep:
    run_id = log_models(server).as_logged_model.run_id
    return ManyStep(server, run_id, mlflow_server, tmp_path, cache)


def test_many_begin_again_once_and_before_anything_is_written(many_step: ManyStep) -> None:
    """Or what the first beginning had made would be found by the second, and called an old one."""
    code, results, log = many_step.run(ENTRYPOINT)
    assert code == 0, log
    assert log.count(LINE) == 1
    assert [one["created"] for one in results] == [True, True]
    assert [one["version"] for one in results] == ["1", "1"]
    code, results, log = many_step.run(ENTRYPOINT, GITHUB_RUN_ATTEMPT="2")
    assert code == 0, log
    assert [one["created"] for one in results] == [False, False]


def test_where_it_can_not_be_installed_other_models_are_registered(
    many_step: ManyStep, cache: Path, step: Step
) -> None:
    step.run(ENTRYPOINT, INPUT_DRY_RUN="true", INPUT_PYTHON=sys.executable)
    (python,) = cache.glob("register-remote-model/run-*/bin/python")
    code, results, log = many_step.run(python, "-I", "-B", SOURCES)
    assert code == 7, log
    assert [one["exit-code"] for one in results] == [0, 7]
    assert results[0]["created"] is True
    assert log.count("::error title=obstore is missing") == 1
