"""Every example, as it stands, under act; and what is in the registry afterwards."""

from __future__ import annotations

import json
import re
import shutil
from html import unescape
from pathlib import Path
from typing import Any

from command import register, side_inputs
from servers import MlflowServer
from workflows.act import ROOT, Done, Runner
from workflows.conftest import MODELS, Train, commit, git
from workflows.registries import call, set_aside, staging_copies, versions
from workspace import Workspace

EXAMPLES = ROOT / "examples"


def pull_request(head: str, repository: str = "your-org/churn") -> dict[str, Any]:
    """What GitHub sends when somebody sets the label."""
    return {
        "action": "labeled",
        "label": {"name": "candidate"},
        "pull_request": {
            "number": 7,
            "head": {"ref": "better", "sha": head, "repo": {"full_name": repository}},
            "base": {"ref": "main", "sha": "0" * 40, "repo": {"full_name": "your-org/churn"}},
        },
    }


def assert_clean(done: Done, runner: Runner, registry: Workspace, secrets: dict[str, str]) -> None:
    assert done.code == 0, str(done)
    assert not staging_copies(registry)
    assert runner.temporary_files == []
    for name, secret in secrets.items():
        if name.endswith("TOKEN"):
            assert secret not in done.shown


def test_pull_request(
    runner: Runner, secrets: dict[str, str], train: Train,
    source_workspace: Workspace, registry_workspace: Workspace,
) -> None:  # fmt: skip
    head = train(source_workspace, *MODELS).commit
    merge = commit(runner.checkout, "Merge of the pull request")
    workflow = EXAMPLES / "pull-request.yml"
    done = runner.run(workflow, "pull_request", pull_request(head), secrets=secrets)
    assert_clean(done, runner, registry_workspace, secrets)
    (version,) = versions(registry_workspace, "churn")
    assert version["status"] == "READY"
    assert version["current_stage"] == "None"
    assert version["run_id"] == train(source_workspace, *MODELS).runs["churn"]
    tags = version["tags"]
    assert tags["remote_registry.pull_request"] == "7"
    assert tags["remote_registry.head_commit"] == head
    assert tags["remote_registry.commit"] == merge
    assert tags["remote_registry.repository"] == "your-org/churn"
    assert done.groups[0] == "Connect"
    assert len(done.commands("endgroup")) == len(done.groups)
    (summary,) = done.summaries
    assert "✅ churn version 1 registered" in summary
    assert done.errors == []


def test_gate(
    runner: Runner, secrets: dict[str, str], train: Train,
    source_workspace: Workspace, registry_workspace: Workspace,
) -> None:  # fmt: skip
    trained = train(source_workspace, *MODELS)
    event = pull_request(trained.commit)
    done = runner.run(EXAMPLES / "gate.yml", "pull_request", event, secrets=secrets)
    assert_clean(done, runner, registry_workspace, secrets)
    (version,) = versions(registry_workspace, "churn")
    assert version["current_stage"] == "Staging"
    assert version["tags"]["remote_registry.metric.accuracy"] == "0.97"
    (summary,) = done.summaries
    assert summary.count("| &#9989; |") == 2

    better = register(
        {"run-id": trained.runs["demand"], "model-name": "churn"},
        side_inputs("tracking", source_workspace),
        side_inputs("registry", registry_workspace),
    )
    assert better.code == 0, better.log
    champion = {"name": "churn", "version": "2"}
    tag = {**champion, "key": "remote_registry.metric.accuracy", "value": "0.99"}
    move = {**champion, "stage": "Staging", "archive_existing_versions": True}
    call(registry_workspace, "POST", "model-versions/set-tag", json=tag)
    call(registry_workspace, "POST", "model-versions/transition-stage", json=move)
    worse = runner.run(EXAMPLES / "gate.yml", "pull_request", event, secrets=secrets)
    assert worse.code == 1, str(worse)
    (error,) = worse.errors
    assert "0.97 against 0.98; version 2 has 0.99" in error
    assert "❌ Gate not met: churn" in worse.summaries[0]
    stages = [version["current_stage"] for version in versions(registry_workspace, "churn")]
    assert stages == ["Archived", "Staging"]
    assert not staging_copies(registry_workspace)


def test_pull_request_of_a_fork(
    runner: Runner, secrets: dict[str, str], registry_workspace: Workspace
) -> None:
    """GitHub hands no secrets to it."""
    event = pull_request("1" * 40, repository="somebody/churn")
    done = runner.run(EXAMPLES / "pull-request.yml", "pull_request", event)
    assert done.code == 0, str(done)
    (notice,) = done.commands("notice")
    assert "withholds this repository's secrets" in notice["arg"]
    assert done.outputs("0")["status"] == "skipped"
    assert done.errors == []
    assert versions(registry_workspace, "churn") == []


def test_release(
    runner: Runner, secrets: dict[str, str], train: Train,
    source_workspace: Workspace, registry_workspace: Workspace,
) -> None:  # fmt: skip
    trained = train(source_workspace, *MODELS)
    before = register(
        {"run-id": trained.runs["demand"], "model-name": "churn", "stage": "Production"},
        side_inputs("tracking", source_workspace),
        side_inputs("registry", registry_workspace),
    )
    assert before.code == 0, before.log
    git(runner.checkout, "tag", "v1.2.3")
    event = {"ref": "refs/tags/v1.2.3"}
    done = runner.run(EXAMPLES / "release.yml", "push", event, secrets=secrets)
    assert_clean(done, runner, registry_workspace, secrets)
    earlier, released = versions(registry_workspace, "churn")
    assert (earlier["current_stage"], released["current_stage"]) == ("Archived", "Production")
    assert released["run_id"] == trained.runs["churn"]
    assert released["tags"]["release"] == "v1.2.3"
    assert released["tags"]["remote_registry.ref"] == "refs/tags/v1.2.3"
    assert released["tags"]["remote_registry.commit"] == trained.commit
    assert done.outputs("0")["previous-version"] == "1"


def test_mlflow_servers(
    runner: Runner, train: Train,
    mlflow_server: MlflowServer, authenticated_mlflow_server: MlflowServer,
) -> None:  # fmt: skip
    registry = authenticated_mlflow_server
    set_aside(registry, "churn")
    trained = train(mlflow_server, "churn")
    done = runner.run(
        EXAMPLES / "mlflow-servers.yml",
        "workflow_dispatch",
        {"inputs": {"run-id": trained.runs["churn"]}},
        secrets={
            "TRACKING_URI": mlflow_server.url,
            "TRACKING_USERNAME": "anybody",
            "TRACKING_PASSWORD": "nobody-asks",
            "REGISTRY_URI": registry.url,
            "REGISTRY_USERNAME": registry.username,
            "REGISTRY_PASSWORD": registry.password,
        },
    )
    assert done.code == 0, str(done)
    assert registry.password not in done.shown
    (version,) = versions(registry, "churn")
    assert version["status"] == "READY"
    assert version["tags"]["remote_registry.source_run_id"] == trained.runs["churn"]
    model = call(registry, "GET", "registered-models/get", params={"name": "churn"})
    assert model["registered_model"]["aliases"] == [{"alias": "champion", "version": "1"}]
    assert runner.temporary_files == []


def test_matrix(
    runner: Runner, secrets: dict[str, str], train: Train,
    source_workspace: Workspace, registry_workspace: Workspace,
) -> None:  # fmt: skip
    trained = train(source_workspace, *MODELS)
    done = runner.run(EXAMPLES / "matrix.yml", "schedule", secrets=secrets)
    assert_clean(done, runner, registry_workspace, secrets)
    for name in MODELS:
        (version,) = versions(registry_workspace, name)
        assert version["current_stage"] == "Staging"
        assert version["run_id"] == trained.runs[name]


def test_matrix_goes_on_where_one_model_fails(
    runner: Runner, secrets: dict[str, str], train: Train,
    source_workspace: Workspace, registry_workspace: Workspace,
) -> None:  # fmt: skip
    train(source_workspace, *MODELS)
    source_workspace.control.fault("reply", path="*/experiments/get-by-name", status=403)
    done = runner.run(EXAMPLES / "matrix.yml", "schedule", secrets=secrets)
    assert done.code == 1
    assert len(done.errors) == 1
    assert sum(len(versions(registry_workspace, name)) for name in MODELS) == len(MODELS) - 1
    assert not staging_copies(registry_workspace)


def list_models(runner: Runner) -> None:
    """The team keeps the documented file of models in its repository."""
    shutil.copy(ROOT / "docs/models.yml", runner.checkout / "models.yml")
    commit(runner.checkout, "The models that are registered")


def assert_listed_models(registry: Workspace, runs: dict[str, str]) -> None:
    """What the documented file asks for."""
    for name in MODELS:
        (version,) = versions(registry, name)
        fraud = name == "fraud"
        assert version["run_id"] == runs[name]
        assert version["current_stage"] == ("None" if fraud else "Staging")
        assert version["tags"]["team"] == ("payments" if fraud else "customers")


def test_many(
    runner: Runner, secrets: dict[str, str], train: Train,
    source_workspace: Workspace, registry_workspace: Workspace,
) -> None:  # fmt: skip
    trained = train(source_workspace, *MODELS)
    list_models(runner)
    workflow = EXAMPLES / "many.yml"
    proposed = runner.run(workflow, "pull_request", pull_request(trained.commit), secrets=secrets)
    assert_clean(proposed, runner, registry_workspace, secrets)
    assert proposed.outputs("models")["status"] == "planned"
    assert [versions(registry_workspace, name) for name in MODELS] == [[], [], []]

    done = runner.run(workflow, "schedule", secrets=secrets)
    assert_clean(done, runner, registry_workspace, secrets)
    assert_listed_models(registry_workspace, trained.runs)
    outputs = done.outputs("models")
    assert [one["created"] for one in json.loads(outputs["results"])] == [True] * 3
    assert not [n for n, text in outputs.items() if any(it in text for it in secrets.values())]
    assert done.groups == ["Connect"]
    (summary,) = done.summaries
    assert "✅ 3 models: 3 registered, 0 already registered" in unescape(summary)


def test_many_of_a_fork(
    runner: Runner, secrets: dict[str, str], registry_workspace: Workspace
) -> None:
    list_models(runner)
    event = pull_request("1" * 40, repository="somebody/churn")
    done = runner.run(EXAMPLES / "many.yml", "pull_request", event)
    assert done.code == 0, str(done)
    assert done.outputs("models")["status"] == "skipped"
    assert done.errors == []


def test_many_matrix(
    runner: Runner, secrets: dict[str, str], train: Train,
    source_workspace: Workspace, registry_workspace: Workspace,
) -> None:  # fmt: skip
    trained = train(source_workspace, *MODELS)
    list_models(runner)
    done = runner.run(EXAMPLES / "many-matrix.yml", "schedule", secrets=secrets)
    assert_clean(done, runner, registry_workspace, secrets)
    assert_listed_models(registry_workspace, trained.runs)
    assert len(done.jobs()) == 1 + len(MODELS)


def test_outputs(
    runner: Runner, secrets: dict[str, str], train: Train,
    source_workspace: Workspace, registry_workspace: Workspace,
) -> None:  # fmt: skip
    event = {"inputs": {"run-id": train(source_workspace, *MODELS).runs["churn"]}}
    workflow = EXAMPLES / "outputs.yml"
    done = runner.run(workflow, "workflow_dispatch", event, secrets=secrets)
    assert_clean(done, runner, registry_workspace, secrets)
    outputs = done.outputs("churn")
    (version,) = versions(registry_workspace, "churn")
    digest = version["tags"]["remote_registry.digest"]
    files = version["tags"]["remote_registry.files"]
    deployed = f"Deploying models:/churn/1 ({digest}, {files} files) after version none"
    assert deployed in done.lines
    # GitHub lets no output into another job that holds a secret's text; act lets it.
    crossing = {name: text for name, text in outputs.items() if name != "registry-url"}
    assert registry_workspace.host in outputs["registry-url"]
    assert not [n for n, text in crossing.items() if any(it in text for it in secrets.values())]

    again = runner.run(workflow, "workflow_dispatch", event, secrets=secrets)
    assert_clean(again, runner, registry_workspace, secrets)
    assert {**again.outputs("churn"), "created": "true", "result": ""} == {**outputs, "result": ""}
    assert again.outputs("churn")["created"] == "false"
    assert not [line for line in again.lines if line.startswith("Deploying")]
    assert len(versions(registry_workspace, "churn")) == 1


def test_checkout(runner: Runner, secrets: dict[str, str], registry_workspace: Workspace) -> None:
    done = runner.run(EXAMPLES / "checkout.yml", "push", secrets=secrets)
    assert_clean(done, runner, registry_workspace, secrets)
    (version,) = versions(registry_workspace, "churn")
    assert version["tags"]["remote_registry.commit"] == git(runner.checkout, "rev-parse", "HEAD")
    kept = registry_workspace.on_disk(done.outputs("1")["download-uri"].removeprefix("dbfs:"))
    for name in ("MLmodel", "weights.txt"):
        assert (kept / name).read_bytes() == (runner.checkout / "models/churn" / name).read_bytes()


def test_every_example_has_a_test() -> None:
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_examples*.py"))
    tested = {
        name.replace("_", "-") for name in re.findall(r"^def test_(\w+)\(", tests, re.MULTILINE)
    }
    assert {path.stem for path in EXAMPLES.glob("*.yml")} <= tested
