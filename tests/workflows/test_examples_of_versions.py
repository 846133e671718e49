"""The examples of what comes after registering, as they stand, under act."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command import register, side_inputs
from local_github import REPOSITORY, TOKEN, LocalGitHub, local_github
from runnable import MLMODEL, model_files, of_the_tests
from workflows.act import Runner
from workflows.conftest import MODELS, Train, commit, git
from workflows.registries import call, versions
from workflows.test_examples import EXAMPLES, assert_clean, pull_request
from workspace import Workspace

PAGE = f"https://github.com/{REPOSITORY}/pull/7"


@pytest.fixture
def github() -> Iterator[LocalGitHub]:
    with local_github() as running:
        yield running


def proposed(head: str, repository: str = REPOSITORY, **more: Any) -> dict[str, Any]:
    """What GitHub sends of a pull request that has the label."""
    event = pull_request(head, repository)
    event["pull_request"] |= {"html_url": PAGE, "labels": [{"name": "candidate"}], **more}
    return event


def requests(registry: Workspace, version: str) -> list[dict[str, Any]]:
    """The transition requests of a version that are open."""
    params = {"name": "churn", "version": version}
    return call(registry, "GET", "transition-requests/list", params=params).get("requests", [])


def in_production(registry: Workspace) -> list[str]:
    found = versions(registry, "churn")
    return [it["version"] for it in found if it["current_stage"] == "Production"]


def test_propose(
    runner: Runner, secrets: dict[str, str], train: Train, github: LocalGitHub,
    source_workspace: Workspace, registry_workspace: Workspace,
) -> None:  # fmt: skip
    event = proposed(train(source_workspace, *MODELS).commit)
    options = {
        "secrets": {**secrets, "GITHUB_TOKEN": TOKEN},
        "variables": {"GITHUB_API_URL": github.url},
    }

    for _ in range(2):
        done = runner.run(EXAMPLES / "propose.yml", "pull_request", event, **options)

        assert_clean(done, runner, registry_workspace, {**secrets, "GITHUB_TOKEN": TOKEN})
        (version,) = versions(registry_workspace, "churn")
        assert version["current_stage"] == "None"
        (request,) = requests(registry_workspace, "1")
        assert request["to_stage"] == "Production"
        assert PAGE in request["comment"]
        (comment,) = github.comments
        assert (comment.pull_request, comment.author) == (7, "github-actions[bot]")
        assert "| ✅ | `accuracy >= 0.95` | `0.97` | `0.95` |  |" in comment.body
        assert f"| Commit | `{event['pull_request']['head']['sha']}` |" in comment.body
        assert "./entrypoint promote --model-name churn --select version=1" in comment.body
        assert not [name for name, text in secrets.items() if text in comment.body]
        assert done.commands("notice") == done.commands("warning") == []
    assert "was already registered" in github.comments[0].body


def test_propose_of_a_fork(runner: Runner, github: LocalGitHub) -> None:
    event = proposed("1" * 40, repository="somebody/churn")
    variables = {"GITHUB_API_URL": github.url}

    done = runner.run(EXAMPLES / "propose.yml", "pull_request", event, variables=variables)

    assert done.code == 0, str(done)
    assert len(done.commands("notice")) == 1
    assert github.calls == []


def register_and_ask(
    runner: Runner, secrets: dict[str, str], train: Train, source: Workspace, registry: Workspace
) -> dict[str, Any]:
    """The event of a pull request that has proposed version 2; version 1 is in Production."""
    trained = train(source, *MODELS)
    before = register(
        {"run-id": trained.runs["demand"], "model-name": "churn", "stage": "Production"},
        side_inputs("tracking", source),
        side_inputs("registry", registry),
    )
    assert before.code == 0, before.log
    event = proposed(trained.commit)
    asked = runner.run(EXAMPLES / "propose.yml", "pull_request", event, secrets=secrets)
    assert asked.code == 0, str(asked)
    assert len(requests(registry, "2")) == 1
    return event


def test_merge(
    runner: Runner, secrets: dict[str, str], train: Train,
    source_workspace: Workspace, registry_workspace: Workspace,
) -> None:  # fmt: skip
    event = register_and_ask(runner, secrets, train, source_workspace, registry_workspace)
    commit(runner.checkout, "The merge, or what squashing makes of it")
    event["pull_request"] |= {"merged": True, "merge_commit_sha": "2" * 40}
    event["action"] = "closed"

    done = runner.run(EXAMPLES / "merge.yml", "pull_request", event, secrets=secrets)

    assert_clean(done, runner, registry_workspace, secrets)
    assert done.jobs() == {"Approve": "success"}
    assert in_production(registry_workspace) == ["2"]
    assert requests(registry_workspace, "2") == []
    assert done.outputs("0")["previous-version"] == "1"


def test_closing_without_a_merge_rejects(
    runner: Runner, secrets: dict[str, str], train: Train,
    source_workspace: Workspace, registry_workspace: Workspace,
) -> None:  # fmt: skip
    event = register_and_ask(runner, secrets, train, source_workspace, registry_workspace)
    event["pull_request"] |= {"merged": False}
    event["action"] = "closed"

    done = runner.run(EXAMPLES / "merge.yml", "pull_request", event, secrets=secrets)

    assert_clean(done, runner, registry_workspace, secrets)
    assert done.jobs() == {"Reject": "success"}
    assert in_production(registry_workspace) == ["1"]
    assert requests(registry_workspace, "2") == []


def test_retire(runner: Runner, secrets: dict[str, str], registry_workspace: Workspace) -> None:
    for number in range(7):
        weights = runner.checkout / "models/churn/weights.txt"
        weights.write_text(f"{number}\n")
        made = register(
            {"model-path": str(weights.parent), "model-name": "churn"},
            side_inputs("registry", registry_workspace),
            GITHUB_WORKSPACE=str(runner.checkout),
        )
        assert made.code == 0, made.log

    done = runner.run(EXAMPLES / "retire.yml", "schedule", secrets=secrets)

    assert_clean(done, runner, registry_workspace, secrets)
    outputs = done.outputs("0")
    assert outputs["status"] == "planned"
    assert "archive" in done.summaries[0]
    stages = [version["current_stage"] for version in versions(registry_workspace, "churn")]
    assert stages == ["None"] * 7


WITH_AN_EXAMPLE = f"""{MLMODEL}
saved_input_example_info:
  artifact_path: input_example.json
  pandas_orient: split
  type: dataframe
"""


def test_promote(
    runner: Runner, secrets: dict[str, str], github: LocalGitHub, registry_workspace: Workspace,
    tmp_path: Path,
) -> None:  # fmt: skip
    """A tag on what squashing made: only GitHub knows from which pull request that came."""
    pushed = github.open(pushes=2)
    event = tmp_path / "event.json"
    event.write_text(json.dumps(proposed(pushed.commits[-1], number=pushed.number)))
    example = '{"columns": ["x"], "data": [[1], [2]]}'
    files = model_files(**{"MLmodel": WITH_AN_EXAMPLE, "input_example.json": example})
    for moved in ("Production", "None"):
        for path, text in {**files, "which.txt": moved}.items():
            file = runner.checkout / "model" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        made = register(
            {"model-path": str(runner.checkout / "model"), "model-name": "churn", "stage": moved},
            side_inputs("registry", registry_workspace),
            GITHUB_WORKSPACE=str(runner.checkout),
            GITHUB_EVENT_PATH=str(event if moved == "None" else ""),
        )
        assert made.code == 0, made.log
    github.merge(pushed, "squash", commit(runner.checkout, "What squashing makes"))
    git(runner.checkout, "tag", "v1.2.3")

    done = runner.run(
        EXAMPLES / "promote.yml",
        "push",
        {"ref": "refs/tags/v1.2.3"},
        secrets={**secrets, "GITHUB_TOKEN": TOKEN},
        variables={"GITHUB_API_URL": github.url, **of_the_tests(tmp_path)},
    )

    assert_clean(done, runner, registry_workspace, {**secrets, "GITHUB_TOKEN": TOKEN})
    assert done.jobs() == {"Test": "success", "Promote": "success"}
    assert json.loads(done.outputs("tested")["prediction"]) == [2, 4]
    assert in_production(registry_workspace) == ["2"]
    assert done.outputs("0")["previous-version"] == "1"
