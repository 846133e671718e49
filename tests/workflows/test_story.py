"""The whole documented story in order, through the actions, as one job would tell it."""

from __future__ import annotations

import json
import shlex
import sys
import uuid
from pathlib import Path
from typing import Any

import notebook
import predict
import pytest
from servers import MlflowServer
from workflows.act import Done, Runner
from workflows.conftest import Train
from workflows.registries import call, staging_copies, versions
from workspace import Workspace

HEAD = """
name: The story
on: push
permissions: {}
jobs:
  story:
    runs-on: ubuntu-latest
    timeout-minutes: 5
    steps:
"""
ROWS, PREDICTED = [[3.0], [4.0]], [7.0, 9.0]
SCOPE, PREFIX = "the-registry", "production"
LOADED = "Loaded: "
Steps = list[dict[str, Any]]


def action(name: str, verb: str, **inputs: str) -> dict[str, Any]:
    folder = "" if verb == "register" else f"/actions/{verb}"
    given = {key.replace("_", "-"): text for key, text in inputs.items()}
    return {"id": name, "uses": f"your-org/register-remote-model{folder}@v1", "with": given}


def loads(command: list[str], *, stdin: str = "", **environment: str) -> dict[str, Any]:
    """A step that loads a model with plain MLflow, and says what it predicts."""
    given = f"printf '%s\\n' {shlex.quote(stdin)} | " if stdin else ""
    script = f'echo "{LOADED}$({given}{shlex.join(command)} | tail -n 1)"'
    return {"run": script, "env": {"NO_PROXY": "127.0.0.1", **environment}}


def tell(runner: Runner, folder: Path, steps: Steps, secrets: dict[str, str]) -> Done:
    workflow = folder / "story.yml"
    lines = [f"      - {json.dumps(step)}\n" for step in steps]
    workflow.write_text(HEAD + "".join(lines))
    done = runner.run(workflow, "push", secrets=secrets)
    assert done.code == 0, str(done)
    return done


def assert_loaded(done: Done, times: int) -> None:
    said = [line.removeprefix(LOADED) for line in done.lines if line.startswith(LOADED)]
    assert [json.loads(text) for text in said] == [pytest.approx(PREDICTED)] * times


def lives(
    name: str, runs: dict[str, str], source: dict[str, str], registry: dict[str, str]
) -> tuple[Steps, Steps]:
    """What comes before a model is loaded by its stage, and after."""
    named = {"model_name": name, **registry}
    before = [
        action("first", "register", run_id=runs["demand"], stage="Production", **source, **named),
        action("second", "register", run_id=runs["churn"], stage="Staging", **source, **named),
        action("latest", "resolve", select="latest", **named),
    ]
    archives = {"stage": "Production", "archive_existing": "true"}
    after = [
        action("promoted", "promote", select="version=2", **archives, **named),
        action("back", "promote", select="version=2", undo="true", stage="Production", **named),
        action("archived", "retire", select="version=1", force="true", **named),
        action("deleted", "retire", select="stage=Archived", to="delete", **named),
    ]
    return before, after


def assert_told(done: Done, name: str) -> None:
    latest = done.outputs("latest")
    assert [latest[key] for key in ("version", "stage", "status")] == ["2", "Staging", "READY"]
    assert latest["download-uri"] == done.outputs("second")["download-uri"] != ""
    assert latest["model-uri"] == f"models:/{name}/2"
    moved = {key: done.outputs(key) for key in ("promoted", "back")}
    names = ("version", "previous-version", "stage")
    assert [moved["promoted"][it] for it in names] == ["2", "1", "Production"]
    assert [moved["back"][it] for it in names] == ["1", "2", "Production"]
    archived = json.loads(done.outputs("archived")["retired"])
    assert archived == [{"version": "1", "stage": "Production", "done": "archived"}]
    deleted = json.loads(done.outputs("deleted")["retired"])
    assert [(one["version"], one["done"]) for one in deleted] == [
        ("1", "deleted"),
        ("2", "deleted"),
    ]


@pytest.fixture
def name() -> str:
    return f"story-{uuid.uuid4().hex[:8]}"


def test_between_two_workspaces(
    runner: Runner, tmp_path: Path, name: str, secrets: dict[str, str], train: Train,
    source_workspace: Workspace, registry_workspace: Workspace,
) -> None:  # fmt: skip
    runs = train(source_workspace, "churn", "demand", "fraud").runs
    source = {
        "tracking_host": "${{ secrets.TRACKING_HOST }}",
        "tracking_token": "${{ secrets.TRACKING_TOKEN }}",
    }
    registry = {
        "registry_host": "${{ secrets.REGISTRY_HOST }}",
        "registry_token": "${{ secrets.REGISTRY_TOKEN }}",
    }
    uri = f"databricks://{SCOPE}:{PREFIX}"
    before, after = lives(name, runs, source, registry)
    before[1]["with"] = {**before[1]["with"], "registry-uri": uri}
    del before[1]["with"]["registry-host"], before[1]["with"]["registry-token"]
    kept = action("kept", "secrets", scope=SCOPE, prefix=PREFIX, **source, **registry)
    reads = [sys.executable, notebook.__file__, source_workspace.host, source_workspace.token]
    rows = json.dumps(ROWS)
    by_uris = [
        loads([*reads, uri, f"models:/{name}/Staging", rows]),
        loads([*reads, "", f"models://{SCOPE}:{PREFIX}@databricks/{name}/Staging", rows]),
    ]

    done = tell(runner, tmp_path, [kept, *before, *by_uris, *after], secrets)

    assert done.outputs("kept")["uri"] == uri
    assert_loaded(done, 2)
    assert_told(done, name)
    assert versions(registry_workspace, name) == []
    assert staging_copies(registry_workspace) == []


def test_between_two_mlflow_servers(
    runner: Runner, tmp_path: Path, name: str, train: Train,
    mlflow_server: MlflowServer, authenticated_mlflow_server: MlflowServer,
) -> None:  # fmt: skip
    target = authenticated_mlflow_server
    runs = train(mlflow_server, "churn", "demand").runs
    source = {"tracking_uri": mlflow_server.url}
    registry = {
        "registry_uri": target.url,
        "registry_username": target.username,
        "registry_password": "${{ secrets.REGISTRY_PASSWORD }}",
    }
    before, after = lives(name, runs, source, registry)
    asked = json.dumps([target.url, f"models:/{name}/Staging", ROWS])
    reads = [sys.executable, predict.__file__]
    loading = loads(reads, stdin=asked, **target.environment())

    before_it = homes(target)
    secrets = {"REGISTRY_PASSWORD": target.password}
    done = tell(runner, tmp_path, [*before, loading, *after], secrets)

    assert_loaded(done, 1)
    assert_told(done, name)
    assert versions(target, name) == []
    assert homes(target) == before_it


def homes(server: MlflowServer) -> set[str]:
    """The logged models in which versions of ours have their files."""
    body = {"filter": "name = 'remote_registry'", "max_results": 1}
    for found in call(server, "POST", "experiments/search", json=body).get("experiments", []):
        asked = {"experiment_ids": [found["experiment_id"]]}
        models = call(server, "POST", "logged-models/search", json=asked).get("models", [])
        return {one["info"]["model_id"] for one in models}
    return set()
