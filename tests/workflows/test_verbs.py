"""Each verb's action in a job, as a team would write it."""

from __future__ import annotations

import json
from pathlib import Path

import made_versions
import pytest
import runnable
from workflows.act import Runner
from workspace import Workspace

HEAD = """
name: A workflow
on: push
permissions: {}
jobs:
  job:
    runs-on: ubuntu-latest
    timeout-minutes: 5
    steps:
"""
STEP = """
      - id: %s
        uses: your-org/register-remote-model/actions/%s@v1
        with:
          registry-host: ${{ secrets.REGISTRY_HOST }}
          registry-token: ${{ secrets.REGISTRY_TOKEN }}
          registry-workspace-id: ${{ secrets.REGISTRY_WORKSPACE_ID }}
"""


def step(name: str, verb: str, **inputs: str) -> str:
    lines = [f"          {key.replace('_', '-')}: {text}\n" for key, text in inputs.items()]
    return STEP % (name, verb) + "".join(lines)


# Doubles each row, and tells the variables that it has first.
SPY = """
import os

class Model:
    def predict(self, data, params=None):
        return [sorted(os.environ), *(2 * row for row in data["x"])]

def _load_pyfunc(path):
    return Model()
"""


@pytest.fixture
def workflow(tmp_path: Path) -> Path:
    return tmp_path / "workflow.yml"


@pytest.fixture
def model(registry_workspace: Workspace) -> str:
    """A registered model with two versions."""
    name = made_versions.make_model(registry_workspace)
    for commit in ("a" * 40, "b" * 40):
        made_versions.make_version(registry_workspace, name, commit=commit)
    return name


def test_resolve(workflow: Path, runner: Runner, secrets: dict[str, str], model: str) -> None:
    found = step("found", "resolve", model_name=model, select=f"commit={'a' * 40}")
    latest = step("latest", "resolve", model_name=model, select="latest")
    workflow.write_text(HEAD + found + latest)

    done = runner.run(workflow, "push", secrets=secrets)

    assert done.code == 0, str(done)
    assert done.outputs("found")["version"] == "1"
    assert done.outputs("latest")["model-uri"] == f"models:/{model}/2"
    assert [text.splitlines()[0].split()[-3:] for text in done.summaries] == [
        ["version", "1", "found"],
        ["version", "2", "found"],
    ]


def test_download(workflow: Path, runner: Runner, secrets: dict[str, str], model: str) -> None:
    brought = step("brought", "download", model_name=model, select="version=2", path="a/model")
    looks = "      - run: test -f a/model/MLmodel\n"
    workflow.write_text(HEAD + brought + looks)

    done = runner.run(workflow, "push", secrets=secrets)

    assert done.code == 0, str(done)
    assert done.outputs("brought")["path"] == "a/model"


def test_a_version_is_tested(
    workflow: Path, runner: Runner, secrets: dict[str, str], registry_workspace: Workspace
) -> None:
    name = made_versions.make_model(registry_workspace)
    files = runnable.model_files(SPY)
    runnable.registered(registry_workspace, name, files)
    packages = runnable.of_the_tests(runner.home)
    rows = "      - run: printf 'x\\n1\\n2.5\\n' > rows.csv\n"
    tried = step("tried", "test", model_name=name, select="latest", rows="rows.csv")
    asked = "          run-model-code: true\n        env:\n"
    asked += "".join(f"          {key}: {text!r}\n" for key, text in packages.items())
    workflow.write_text(HEAD + rows + tried + asked)

    done = runner.run(workflow, "push", secrets=secrets)

    assert done.code == 0, str(done)
    told = done.outputs("tried")
    assert (told["passed"], told["version"]) == ("true", "1")
    first, *rows = json.loads(told["prediction"])
    assert rows == [2, 5]
    names = set(first)
    assert not {one for one in names if one.startswith(("GITHUB_", "ACTIONS_", "INPUT_"))}
    assert registry_workspace.token not in told["prediction"]
    assert "passed its test" in done.summaries[0]
    assert runner.temporary_files == []


def test_promote_and_back(
    workflow: Path,
    runner: Runner,
    secrets: dict[str, str],
    model: str,
    registry_workspace: Workspace,
) -> None:
    made_versions.move(registry_workspace, model, "1", "Production")
    asked = {"model_name": model, "stage": "Production"}
    commit = "b" * 40
    gated = {"select": f"commit={commit}", "gate": f"tags.remote_registry.commit == '{commit}'"}
    there = step("there", "promote", archive_existing="true", **gated, **asked)
    undone = "version=${{ steps.there.outputs.version }}"
    back = step("back", "promote", select=undone, undo="true", **asked)
    workflow.write_text(HEAD + there + back)

    done = runner.run(workflow, "push", secrets=secrets)

    assert done.code == 0, str(done)
    names = ("version", "previous-version", "stage")
    assert [done.outputs("there")[name] for name in names] == ["2", "1", "Production"]
    assert [done.outputs("back")[name] for name in names] == ["1", "2", "Production"]
    assert '"met": true' in done.outputs("there")["result"]
    stages = made_versions.stages(registry_workspace, model)
    assert stages == {"1": "Production", "2": "Archived"}


def test_asked_for_and_approved(
    workflow: Path,
    runner: Runner,
    secrets: dict[str, str],
    model: str,
    registry_workspace: Workspace,
) -> None:
    asked = {"model_name": model, "select": f"commit={'b' * 40}", "stage": "Staging"}
    refused = step("asked", "request", **asked) + step("refused", "reject", **asked)
    again = step("again", "request", comment="It is better now.", **asked)
    workflow.write_text(HEAD + refused + again + step("done", "approve", **asked))

    done = runner.run(workflow, "push", secrets=secrets)

    assert done.code == 0, str(done)
    names = ("status", "created", "stage")
    assert [done.outputs("asked")[name] for name in names] == ["requested", "true", "None"]
    assert [done.outputs("refused")[name] for name in names] == ["rejected", "false", "None"]
    assert "It is better now." in done.outputs("again")["requests"]
    assert [done.outputs("done")[name] for name in names] == ["approved", "false", "Staging"]
    assert made_versions.stages(registry_workspace, model) == {"1": "None", "2": "Staging"}


def test_retire(
    workflow: Path,
    runner: Runner,
    secrets: dict[str, str],
    model: str,
    registry_workspace: Workspace,
) -> None:
    asked = {"model_name": model, "to": "delete", "keep_last": "1"}
    shown = step("shown", "retire", dry_run="true", **asked)
    workflow.write_text(HEAD + shown + step("done", "retire", **asked))

    done = runner.run(workflow, "push", secrets=secrets)

    assert done.code == 0, str(done)
    assert done.outputs("shown")["status"] == "planned"
    assert '"version": "1"' in done.outputs("done")["retired"]
    assert list(made_versions.stages(registry_workspace, model)) == ["2"]
