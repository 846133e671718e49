"""The ways to carry a model over, each as the processes that a workflow's step would run."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from measure import Step
from sides import ARTIFACT_PATH, ROOT, Run, Sides

sys.path.insert(0, str(ROOT / "tests"))

from clients import clean_environment
from command import command_environment, side_inputs

REGISTERED = "carried"
PYTHON = [sys.executable, "-I", "-B", "-X", "utf8"]
Steps = Callable[[Sides, Run, Path], list[Step]]


@dataclass(frozen=True)
class Tool:
    name: str
    steps: Steps


def ours(sides: Sides, run: Run, folder: Path) -> list[Step]:
    """As the entrypoint calls it, once its environment is made."""
    inputs = {
        "run-id": run.run_id,
        "artifact-path": ARTIFACT_PATH,
        "model-name": REGISTERED,
        "timeout": "1800",
        **side_inputs("tracking", sides.source),
        **side_inputs("registry", sides.registry),
    }
    command = [*PYTHON, str(ROOT / "src"), "register", "--json"]
    return [Step(command, command_environment(folder, inputs))]


def mlflow_registers(sides: Sides, run: Run, folder: Path) -> list[Step]:
    profiles = folder / "databrickscfg"
    profiles.write_text(
        "".join(
            f"[{side.name}]\nhost = {side.host}\ntoken = {side.token}\n"
            for side in sides.both.values()
        )
    )
    environment = clean_environment(
        DATABRICKS_CONFIG_FILE=str(profiles),
        # Without it the default profile is read, whatever the URI says.
        MLFLOW_DISABLE_DATABRICKS_SDK_FOR_RUN_ARTIFACTS="true",
    )
    script = str(Path(__file__).with_name("register_with_mlflow.py"))
    uri = f"runs:/{run.run_id}/{ARTIFACT_PATH}"
    return [Step([*PYTHON, script, uri, REGISTERED], environment)]


def export_import(sides: Sides, run: Run, folder: Path) -> list[Step]:
    """Its commands for a version, for which the source has one of the run's model."""
    exported = ["--output-dir", "exported", "--model", run.registered, "--version", "1"]
    imported = ["--input-dir", "exported", "--model", REGISTERED, "--create-model", "true"]
    imported += ["--experiment-name", f"/Shared/{folder.name}"]
    package = "mlflow_export_import.model_version"
    return [
        Step(
            [*PYTHON, "-m", f"{package}.{module}", *options],
            clean_environment(**side.environment()),
        )
        for side, module, options in (
            (sides.source, "export_model_version", exported),
            (sides.registry, "import_model_version", imported),
        )
    ]


TOOLS = {
    tool.name: tool
    for tool in (
        Tool("ours", ours),
        Tool("mlflow", mlflow_registers),
        Tool("export-import", export_import),
    )
}
