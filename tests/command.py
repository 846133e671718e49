"""Runs the command as a workflow would, and reads what a runner would read."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clients import clean_environment
from servers import MlflowServer
from workspace import Workspace

SOURCES = Path(__file__).parents[1] / "src"
Side = Workspace | MlflowServer
Predict = Callable[[Side, str, list[list[float]]], list[float]]
REPOSITORY = "your-org/churn"


@dataclass(frozen=True)
class Run:
    """How the command ended, and what it said."""

    code: int
    outputs: dict[str, str] = field(default_factory=dict)
    log: str = ""
    summary: str = ""
    stdout: str = ""

    @property
    def result(self) -> dict[str, Any]:
        return json.loads(self.outputs["result"])

    def annotations(self, kind: str = "error") -> list[str]:
        """The texts of the annotations, with their lines."""
        found = re.findall(rf"^::{kind} title=([^:]*)::(.*)$", self.log, re.MULTILINE)
        return [f"{title}: {text}".replace("%0A", "\n") for title, text in found]


def side_inputs(prefix: str, side: Side) -> dict[str, str]:
    """The inputs that name one side: `registry` or `tracking`."""
    if isinstance(side, Workspace):
        return {
            f"{prefix}-host": side.host,
            f"{prefix}-token": side.token,
            f"{prefix}-workspace-id": side.workspace_id,
        }
    signed_in = {f"{prefix}-username": side.username, f"{prefix}-password": side.password}
    return {f"{prefix}-uri": side.url, **(signed_in if side.username else {})}


def command_environment(folder: Path, inputs: dict[str, str], **more: str) -> dict[str, str]:
    """What a runner puts into a step's environment, and nothing of the machine's own clients."""
    variables = {f"INPUT_{name.upper().replace('-', '_')}": text for name, text in inputs.items()}
    runner = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_OUTPUT": str(folder / "output"),
        "GITHUB_STEP_SUMMARY": str(folder / "summary"),
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_SHA": "c0ffee" * 6 + "c0ff",
        "GITHUB_REF": "refs/tags/v1.4.0",
        "GITHUB_RUN_ID": "42",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_WORKSPACE": str(folder),
    }
    return clean_environment(**{**runner, **variables, **more})


def register(inputs: dict[str, str], *sides: dict[str, str], **environment: str) -> Run:
    """Runs `register` to its end."""
    return call("register", inputs, *sides, **environment)


def call(
    verb: str,
    inputs: dict[str, str],
    *sides: dict[str, str],
    limit: float = 100,
    **environment: str,
) -> Run:
    """Runs a verb to its end, within so many seconds."""
    merged = {name: text for part in (inputs, *sides) for name, text in part.items()}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        done = subprocess.run(
            [sys.executable, "-I", "-B", str(SOURCES), verb, "--json"],
            env=command_environment(folder, merged, **environment),
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=limit,
        )
        return Run(
            done.returncode,
            json.loads(done.stdout) if done.stdout.strip() else {},
            done.stderr,
            _text(folder / "summary"),
            _text(folder / "output"),
        )


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""
