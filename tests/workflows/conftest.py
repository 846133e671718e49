"""A team's repository, the models that it trained, and a runner for its workflows."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import clients
import pytest
from servers import MlflowServer
from workflows.act import ROOT, Runner
from workflows.registries import set_aside
from workspace import Workspace

MODELS = ("churn", "demand", "fraud")
AS_A_SCRIPT = """
import runpy
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@dataclass(frozen=True)
class Trained:
    """What the team's training logged: the runs by their model's name."""

    commit: str
    runs: dict[str, str]


Train = Callable[..., Trained]


@pytest.fixture(scope="session")
def environments() -> Path:
    """Where `entrypoint` keeps its environments; with that of its commands made."""
    environment = clients.clean_environment()
    subprocess.run(
        [ROOT / "entrypoint", "--help"], env=environment, stdout=subprocess.DEVNULL, check=True
    )
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("RUNNER_TOOL_CACHE") or home, "register-remote-model")


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small repository with a training script and a model in it."""
    folder = tmp_path_factory.mktemp("repository")
    shutil.copy(Path(__file__).with_name("train.py"), folder)
    model = folder / "models/churn"
    model.mkdir(parents=True)
    (model / "MLmodel").write_text("flavors:\n  python_function:\n    loader_module: churn\n")
    (model / "weights.txt").write_text("0.5\n")
    git(folder, "init", "--initial-branch=main")
    git(folder, "remote", "add", "origin", "https://github.com/your-org/churn")
    commit(folder, "The training script, and a model")
    return folder


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=A person", "-c", "user.email=person@example.com"]
    command = ["git", *identity, *arguments]
    return subprocess.check_output(command, cwd=folder, text=True, stderr=subprocess.PIPE).strip()


def commit(folder: Path, message: str) -> str:
    git(folder, "add", ".")
    git(folder, "commit", "--allow-empty", f"--message={message}")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture(scope="session")
def train(repository: Path) -> Train:
    """Runs the team's training script in its repository, once for each model and place to log."""
    logged: dict[str, dict[str, str]] = {}
    script = str(repository / "train.py")

    def run(side: Workspace | MlflowServer, *models: str) -> Trained:
        environment = side.environment()
        runs = logged.setdefault(str(environment), {})
        if missing := [name for name in models if name not in runs]:
            runs.update(clients.run_code(AS_A_SCRIPT, environment, script, *missing))
        return Trained(git(repository, "rev-parse", "HEAD"), {name: runs[name] for name in models})

    return run


@pytest.fixture
def runner(tmp_path: Path, repository: Path, environments: Path) -> Runner:
    return Runner.make(tmp_path, repository, environments)


@pytest.fixture
def secrets(source_workspace: Workspace, registry_workspace: Workspace) -> dict[str, str]:
    """The secrets of the repository, as the examples name them; no model is registered yet."""
    for name in MODELS:
        set_aside(registry_workspace, name)
    registry_workspace.control.clear_requests()
    return {
        "TRACKING_HOST": source_workspace.host,
        "TRACKING_TOKEN": source_workspace.token,
        "REGISTRY_HOST": registry_workspace.host,
        "REGISTRY_TOKEN": registry_workspace.token,
        "REGISTRY_WORKSPACE_ID": registry_workspace.workspace_id,
    }
