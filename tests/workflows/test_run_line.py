"""The action's one step as a runner runs it: its own shell, its own process to signal.

Act can't show this: it kills its steps, and takes no folder with a space in its name.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from clients import clean_environment
from workflows.act import ROOT
from workflows.registries import call, staging_copies, versions
from workspace import Workspace

NAMES = ("action.yml", "entrypoint", "src", "requirements")


class Step:
    """A step of a job, in a checkout and with files of the runner's own."""

    def __init__(self, folder: Path, environments: Path) -> None:
        self.action = folder / "an action"
        self.workspace = folder / "a checkout"
        self.home = folder / "a home"
        self.temporary = folder / "temporary files"
        self.files = {
            name: folder / name for name in ("GITHUB_ENV", "GITHUB_PATH", "GITHUB_OUTPUT", "LOG")
        }
        for path in self.files.values():
            path.touch()
        self.home.mkdir()
        self.temporary.mkdir()
        self.action.mkdir()
        self.environments = environments
        for name in NAMES:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, self.action / name)

    def start(self, inputs: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """Starts the shell as `shell: bash` says it."""
        action = yaml.safe_load((self.action / "action.yml").read_text())
        (step,) = action["runs"]["steps"]
        script = self.home / "script.sh"
        script.write_text(step["run"])
        defaults = {name: it.get("default", "") for name, it in action["inputs"].items()}
        texts = defaults | {"github-token": ""} | inputs
        variables = {
            name: texts[value.removeprefix("${{ inputs.").removesuffix(" }}")]
            for name, value in step["env"].items()
        }
        runner = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": self.action,
            "GITHUB_WORKSPACE": self.workspace,
            "RUNNER_TOOL_CACHE": self.environments.parent,
            "HOME": self.home,
            "TMPDIR": self.temporary,
            **self.files,
        }
        with self.files["LOG"].open("wb") as log:
            return subprocess.Popen(
                ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", script],
                cwd=self.workspace,
                env=clean_environment(**{k: str(v) for k, v in runner.items()}, **variables),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def log(self) -> str:
        return self.files["LOG"].read_text()

    def text(self, name: str) -> str:
        return self.files[name].read_text()

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + 60
        while text not in self.log:
            assert time.monotonic() < deadline, self.log
            time.sleep(0.05)


@pytest.fixture
def step(tmp_path: Path, environments: Path, repository: Path) -> Step:
    step = Step(tmp_path, environments)
    shutil.copytree(repository, step.workspace)
    return step


@pytest.fixture
def inputs(secrets: dict[str, str]) -> dict[str, str]:
    return {
        "model-path": "models/churn",
        "model-name": "churn",
        "registry-host": secrets["REGISTRY_HOST"],
        "registry-token": secrets["REGISTRY_TOKEN"],
    }


def models(registry: Workspace) -> list[dict[str, Any]]:
    named = {"filter": "name='churn'"}
    reply = call(registry, "GET", "registered-models/search", params=named)
    return reply.get("registered_models", [])


def test_folders_with_spaces(
    step: Step, inputs: dict[str, str], registry_workspace: Workspace
) -> None:
    process = step.start(inputs)
    assert process.wait(60) == 0, step.log
    assert len(versions(registry_workspace, "churn")) == 1
    assert "version<<" in step.text("GITHUB_OUTPUT")
    assert step.text("GITHUB_ENV") == step.text("GITHUB_PATH") == ""
    assert list(step.temporary.iterdir()) == []


@pytest.mark.parametrize(
    ("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["SIGINT", "SIGTERM"]
)
def test_cancelling_takes_back_what_was_begun(
    step: Step,
    inputs: dict[str, str],
    registry_workspace: Workspace,
    signum: signal.Signals,
    code: int,
) -> None:
    """The runner signals the step's own process alone."""
    registry_workspace.control.set(hold_ready=True)
    process = step.start(inputs)
    step.wait_for("created version 1")
    assert staging_copies(registry_workspace)
    registry_workspace.control.set(latency=0.5)
    os.kill(process.pid, signum)
    assert process.wait(60) == code, step.log
    registry_workspace.reset()
    (error,) = [line for line in step.log.splitlines() if line.startswith("::error")]
    assert error.startswith(f"::error title=Cancelled::{signum.name} was received")
    assert "Left behind" not in error
    assert not staging_copies(registry_workspace)
    assert versions(registry_workspace, "churn") == []
    assert models(registry_workspace) == []
    assert list(step.temporary.iterdir()) == []
