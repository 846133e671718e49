"""The second half of `test` alone, with a model that is there already: no registry is needed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from command import Run, command_environment

BEGINNING = Path(__file__).with_name("hand_over.py")
SECRET = "dapi-that-nobody-may-see"
ROWS = '[{"x": 1}, {"x": 2}]'


def started(
    folder: Path, files: Mapping[str, str], environment: Mapping[str, str], **inputs: str
) -> subprocess.Popen[str]:
    """Starts the second half on a model of these files, in a job that has a secret."""
    model = folder / "the-model"
    for path, content in files.items():
        file = model / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    home = folder / "home"
    for name in ("temporary", "home"):
        (folder / name).mkdir(exist_ok=True)
    variables = {
        "HOME": str(home),
        "INPUT_REGISTRY_TOKEN": SECRET,
        "GITHUB_TOKEN": SECRET,
        "RUNNER_TEMP": str(folder / "temporary"),
        **environment,
    }
    given = json.dumps([str(model), {"rows": ROWS, "timeout": "60", **inputs}])
    return subprocess.Popen(
        [sys.executable, "-I", "-B", str(BEGINNING), given],
        env=command_environment(folder, {}, **variables),
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )


def ended(process: subprocess.Popen[str], folder: Path) -> Run:
    """How it ended."""
    _, log = process.communicate(timeout=100)
    output, summary = folder / "output", folder / "summary"
    outputs = _outputs(output.read_text()) if output.exists() else {}
    return Run(process.returncode, outputs, log, summary.read_text() if summary.exists() else "")


def _outputs(text: str) -> dict[str, str]:
    found = {}
    lines = iter(text.splitlines())
    for line in lines:
        name, _, end = line.partition("<<")
        value = []
        while (part := next(lines)) != end:
            value.append(part)
        found[name] = "\n".join(value)
    return found


def second_half(
    folder: Path, files: Mapping[str, str], environment: Mapping[str, str], **inputs: str
) -> Run:
    """Runs the second half to its end."""
    return ended(started(folder, files, environment, **inputs), folder)
