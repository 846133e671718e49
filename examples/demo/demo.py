"""`./entrypoint demo`: the life of a model, from one workspace into the registry of another.

Both workspaces are stand-ins on 127.0.0.1, and everything that is made here is gone at the end.
"""

from __future__ import annotations

import html
import os
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "examples/demo"), str(ROOT / "tests")]

from commands import SCOPE_URI, Commands  # noqa: E402
from surroundings import (  # noqa: E402
    background,
    listen,
    private_folder,
    say,
    start_workspaces,
    stopped,
    tell,
)
from workspace import Workspace  # noqa: E402

MODEL = "iris"


@dataclass(frozen=True)
class Trained:
    """A model with how well it does, and once it is logged its run and what it predicts."""

    model: Any
    accuracy: float
    run_id: str = ""
    predictions: tuple[int, ...] = ()


def main() -> None:
    listen()
    with ExitStack() as stack:
        stack.callback(print, "\nBoth workspaces are ended, and nothing is left of them.")
        folder = stack.enter_context(private_folder())
        with tell("Two workspaces start here, and meanwhile two models are trained"):
            starting = stack.enter_context(background()).submit(start_workspaces, stack)
            flowers, trained = train()
            source, registry = (starting.result()[name] for name in ("source", "registry"))
            for workspace in (source, registry):
                say(f"{workspace.name:<9} {workspace.host}  workspace {workspace.workspace_id}")
        commands = Commands(source, registry, folder / "summary.md")
        with tell("They are logged in the source, with plain MLflow"):
            first, better = log(source, flowers, trained)
        with tell("The source keeps the registry's host, token and id in a secret scope"):
            commands.secrets()
        register(commands, first, better)
        with tell("What is the latest version, and where are its files?"):
            latest = commands.of_registry("resolve", *_of("latest"))
            say(f"version {latest['version']}, {latest['stage']}: {latest['download-uri']}")
        with tell("A notebook of the source loads it from the registry, with plain MLflow"):
            load(source, flowers, "Staging", better)
        with tell("It is promoted, and what stood there goes to Archived"):
            to = ("--stage=Production", "--archive-existing=true")
            commands.of_registry("promote", *_of(f"version={latest['version']}"), *to)
        summary = commands.summary.read_text(encoding="utf-8")
        load(source, flowers, "Production", better)
        with tell("The version that was before is deleted"):
            commands.of_registry("retire", *_of("stage=Archived"), "--to=delete")
        with tell("The summary that the job's page showed of the promotion"):
            print(f"\n{html.unescape(summary).strip()}\n")


def _of(select: str) -> tuple[str, str]:
    return f"--model-name={MODEL}", f"--select={select}"


def train() -> tuple[Any, list[Trained]]:
    """The flowers, and two models that tell them apart, the second one better."""
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    flowers, kinds = load_iris(return_X_y=True, as_frame=True)
    import mlflow.sklearn  # noqa: F401 - takes its seconds while the workspaces start

    made = [LogisticRegression(max_iter=1000, C=c).fit(flowers, kinds) for c in (0.003, 1.0)]
    return flowers, [Trained(model, model.score(flowers, kinds)) for model in made]


def log(source: Workspace, flowers: Any, trained: list[Trained]) -> list[Trained]:
    """A run of each, in the source."""
    import mlflow

    os.environ |= source.environment()
    mlflow.set_tracking_uri("databricks")
    mlflow.set_experiment("/Shared/iris")
    logged = []
    for one in trained:
        predictions = one.model.predict(flowers)
        with mlflow.start_run() as run:
            mlflow.log_metric("accuracy", one.accuracy)
            mlflow.sklearn.log_model(
                one.model,
                name="model",
                signature=mlflow.models.infer_signature(flowers, predictions),
                pip_requirements=["scikit-learn"],
            )
        say(f"run {run.info.run_id}: {one.accuracy:.1%} are told apart rightly")
        told = tuple(map(int, predictions))
        logged.append(Trained(one.model, one.accuracy, run.info.run_id, told))
    for name in source.environment():
        del os.environ[name]
    return logged


def register(commands: Commands, first: Trained, better: Trained) -> None:
    """The first goes to Production; the second to Staging, if it is good enough."""
    with tell("The first is registered in the other workspace, as a workflow would do it"):
        named = f"--run-id={first.run_id}", f"--model-name={MODEL}"
        commands.register(*named, "--stage=Production")
    with tell("So is the second, if it is good enough"):
        named = f"--run-id={better.run_id}", f"--model-name={MODEL}"
        commands.register(*named, "--stage=Staging", "--gate=accuracy >= 0.95")


def load(source: Workspace, flowers: Any, stage: str, expected: Trained) -> None:
    """Loads what stands in a stage by both URIs that name the scope, and predicts."""
    import mlflow
    from notebook import be_in_a_notebook

    be_in_a_notebook(source.host, source.token)
    mlflow.set_registry_uri(SCOPE_URI)
    scoped = SCOPE_URI.removeprefix("databricks://")
    for uri in (f"models:/{MODEL}/{stage}", f"models://{scoped}@databricks/{MODEL}/{stage}"):
        predicted = mlflow.pyfunc.load_model(uri).predict(flowers)
        if tuple(map(int, predicted)) != expected.predictions:
            raise SystemExit(f"{uri} predicts something else than what was logged.")
        say(f"{uri} predicts all {len(predicted)} flowers as it did before")


if __name__ == "__main__":
    try:
        main()
    except Exception:
        # A library that is interrupted while it is imported raises what it likes.
        if not stopped:
            raise
        sys.exit(stopped[0])
