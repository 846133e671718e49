"""What a job sees of the action, beyond what it registers."""

from __future__ import annotations

from pathlib import Path

import pytest
from workflows.act import Runner
from workflows.registries import versions
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
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1
"""
SURROUNDINGS = """
      - id: %s
        run: |
          {
            echo "python=$(command -v python3)"
            echo "path=$(python3 -c 'import sys; print(sys.path, sys.prefix)')"
            echo "variables=$(env | grep -v '^GITHUB_\\|^_=' | sort | base64 -w 0)"
          } >>"$GITHUB_OUTPUT"
"""
REGISTER = """
      - id: %s
        uses: your-org/register-remote-model@v1
        with:
          model-path: models/churn
          model-name: churn
          registry-host: ${{ secrets.REGISTRY_HOST }}
          registry-token: ${{ secrets.REGISTRY_TOKEN }}
"""

AFTERWARDS = """
      - run: echo it went on
      - if: failure()
        run: echo the step ended in ${{ steps.register.outcome }}
"""


@pytest.fixture
def workflow(tmp_path: Path) -> Path:
    return tmp_path / "workflow.yml"


def test_twice_in_a_job(
    workflow: Path, runner: Runner, secrets: dict[str, str], registry_workspace: Workspace
) -> None:
    steps = [SURROUNDINGS % "before", REGISTER % "first", REGISTER % "second"]
    workflow.write_text("".join([HEAD, *steps, SURROUNDINGS % "after"]))
    done = runner.run(workflow, "push", secrets=secrets)
    assert done.code == 0, str(done)
    first, second = done.outputs("first"), done.outputs("second")
    assert (first["created"], second["created"]) == ("true", "false")
    assert first["version"] == second["version"] == "1"
    assert first["digest"] == second["digest"]
    assert len(versions(registry_workspace, "churn")) == 1
    assert [text.splitlines()[0] for text in done.summaries] == [
        "### ✅ churn version 1 registered",
        "### ✅ churn version 1 was already registered",
    ]
    before = done.outputs("before")
    assert before["python"]
    assert done.outputs("after") == before


def test_a_token_is_masked_from_then_on(
    workflow: Path, runner: Runner, secrets: dict[str, str], registry_workspace: Workspace
) -> None:
    """Here the runner knows no secret: the action tells it which text is one."""
    say = '\n      - run: echo "{when} $(printf %s {text} | {way})"\n'
    shown = {"as it is": "cat", "in base64": "base64 -w 0"}
    token = registry_workspace.token
    before = say.format(when="before", text=token, way="cat")
    after = [say.format(when=when, text=token, way=way) for when, way in shown.items()]
    register = (REGISTER % "register").replace("${{ secrets.REGISTRY_TOKEN }}", token)
    workflow.write_text("".join([HEAD, before, register, *after]))
    host = {"REGISTRY_HOST": secrets["REGISTRY_HOST"]}
    done = runner.run(workflow, "push", secrets=host, masked=True)
    assert done.code == 0, str(done)
    assert f"before {token}" in done.lines
    assert [line for line in done.lines if line.split(" ***")[0] in shown] == [
        f"{when} ***" for when in shown
    ]


def test_bad_input_fails_the_job(
    workflow: Path, runner: Runner, secrets: dict[str, str], registry_workspace: Workspace
) -> None:
    bad = (REGISTER % "register") + "          stage: production\n          run-id: '1'\n"
    workflow.write_text(HEAD + bad + AFTERWARDS)
    done = runner.run(workflow, "push", secrets=secrets)
    assert done.code == 1
    assert done.jobs() == {"job": "failure"}
    assert "exit status 2" in [event.get("msg") for event in done.events]
    (error,) = done.errors
    assert error.startswith("Bad input: ")
    assert "Did you mean Production?" in error
    assert "give exactly one of" in error
    assert "it went on" not in done.lines
    assert "the step ended in failure" in done.lines
    (summary,) = done.summaries
    assert summary.startswith("### ❌ Bad input: churn")
    assert registry_workspace.requests() == []
