"""`./entrypoint demo`: a model goes from one workspace into the registry of another.

Both workspaces are stand-ins on 127.0.0.1, and everything that is made here is gone at the end.
"""

from __future__ import annotations

import html
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from servers import started_workspaces  # noqa: E402
from workspace import MlflowServers, Workspace  # noqa: E402

MODEL = "iris"
STAGE = "Staging"
TEXTS_OF_OTHERS = ("DATABRICKS_", "MLFLOW_", "INPUT_", "GITHUB_")

stopped: list[int] = []


def main() -> None:
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, stop)
    with ExitStack() as stack:
        stack.callback(print, "\nBoth workspaces are ended, and nothing is left of them.")
        folder = stack.enter_context(private_folder())
        with tell("Two workspaces start here, and meanwhile a model is trained"):
            starting = stack.enter_context(background()).submit(start_workspaces, stack)
            model, flowers, accuracy = train()
            source, registry = (starting.result()[name] for name in ("source", "registry"))
            for workspace in (source, registry):
                say(f"{workspace.name:<9} {workspace.host}  workspace {workspace.workspace_id}")
            say(f"trained   on {len(flowers)} iris flowers: {accuracy:.1%} are told apart rightly")
        os.environ |= source.environment()
        with tell("It is logged in the source, with plain MLflow"):
            run_id, expected = log(model, flowers)
            say(f"run       {run_id}")
        with tell("It is registered in the other workspace, as a workflow would do it"):
            outputs, summary = register(run_id, source, registry, folder)
        os.environ |= registry.environment()
        with tell("It is loaded back from the registry, with plain MLflow"):
            predictions = predict(flowers)
            say(f"loaded    models:/{MODEL}/{STAGE}, which is version {outputs['version']}")
            if predictions != expected:
                raise SystemExit("It predicts something else than before.")
            say(f"predicts  all {len(predictions)} flowers as it did before it was registered")
        with tell("The summary that the job's page would show"):
            print(f"\n{html.unescape(summary).strip()}\n")


def stop(signum: int, _: FrameType | None) -> None:
    for also in (signal.SIGINT, signal.SIGTERM):
        signal.signal(also, signal.SIG_IGN)
    os.write(1, "\nEnding what was started …\n".encode())
    stopped.append(128 + signum)
    raise SystemExit(128 + signum)


@contextmanager
def private_folder() -> Iterator[Path]:
    """A home for all that is written; and an environment that says nothing but what we say."""
    for name in [name for name in os.environ if name.startswith(TEXTS_OF_OTHERS)]:
        del os.environ[name]
    with tempfile.TemporaryDirectory(prefix="register-remote-model-demo-") as folder:
        tempfile.tempdir = os.environ["TMPDIR"] = folder
        os.environ |= {
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONWARNINGS": "ignore",
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
            "MLFLOW_LOGGING_LEVEL": "ERROR",
        }
        warnings.simplefilter("ignore")
        yield Path(folder)


def background() -> ThreadPoolExecutor:
    """Ctrl-C reaches the demo alone, and not what it starts: that is ended in its turn."""
    return ThreadPoolExecutor(
        1, initializer=signal.pthread_sigmask, initargs=(signal.SIG_BLOCK, {signal.SIGINT})
    )


def start_workspaces(stack: ExitStack) -> dict[str, Workspace]:
    servers = MlflowServers()
    stack.callback(servers.stop)
    return stack.enter_context(started_workspaces(servers))


def train() -> tuple[Any, Any, float]:
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    flowers, kinds = load_iris(return_X_y=True, as_frame=True)
    import mlflow.sklearn  # noqa: F401 - takes its seconds while the workspaces start

    model = LogisticRegression(max_iter=1000).fit(flowers, kinds)
    return model, flowers, model.score(flowers, kinds)


def log(model: Any, flowers: Any) -> tuple[str, list[int]]:
    """The run that the model is logged in, and what the model predicts."""
    import mlflow

    mlflow.set_tracking_uri("databricks")
    predictions = model.predict(flowers)
    experiment = mlflow.create_experiment("/Shared/iris")
    with mlflow.start_run(experiment_id=experiment) as run:
        mlflow.sklearn.log_model(
            model,
            name="model",
            signature=mlflow.models.infer_signature(flowers, predictions),
            pip_requirements=["scikit-learn"],
        )
    return run.info.run_id, predictions.tolist()


def register(
    run_id: str, source: Workspace, registry: Workspace, folder: Path
) -> tuple[dict[str, str], str]:
    """The outputs and the summary of `./entrypoint register`."""
    options = [
        f"--tracking-host={source.host}",
        f"--registry-host={registry.host}",
        f"--registry-workspace-id={registry.workspace_id}",
        f"--run-id={run_id}",
        f"--model-name={MODEL}",
        f"--stage={STAGE}",
    ]
    say(shlex.join(["./entrypoint", "register", *options]).replace(" --", " \\\n      --"))
    print(flush=True)
    summary = folder / "summary.md"
    environment = {
        "INPUT_TRACKING_TOKEN": source.token,
        "INPUT_REGISTRY_TOKEN": registry.token,
        "INPUT_PYTHON": os.path.realpath(sys.executable),
        "GITHUB_STEP_SUMMARY": str(summary),
    }
    with subprocess.Popen(
        [ROOT / "entrypoint", "register", "--json", *options],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            said, _ = process.communicate()
        except SystemExit:
            process.terminate()
            process.communicate()
            raise
    if process.returncode:
        raise SystemExit(process.returncode)
    return json.loads(said), summary.read_text(encoding="utf-8")


def predict(flowers: Any) -> list[int]:
    import mlflow

    mlflow.set_registry_uri("databricks")
    return mlflow.pyfunc.load_model(f"models:/{MODEL}/{STAGE}").predict(flowers).tolist()


@contextmanager
def tell(chapter: str) -> Iterator[None]:
    begun = time.monotonic()
    print(style("1", f"\n{chapter}"), flush=True)
    yield
    print(style("2", f"  {time.monotonic() - begun:.1f} s"), flush=True)


def say(text: str) -> None:
    print(f"  {text}", flush=True)


def style(code: str, text: str) -> str:
    shown = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    return f"\x1b[{code}m{text}\x1b[0m" if shown else text


if __name__ == "__main__":
    try:
        main()
    except Exception:
        # A library that is interrupted while it is imported raises what it likes.
        if not stopped:
            raise
        sys.exit(stopped[0])
