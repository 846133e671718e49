"""What is around the demo's story: a private folder, two workspaces, and an end in any case."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

from servers import started_workspaces
from workspace import MlflowServers, Workspace

TEXTS_OF_OTHERS = ("DATABRICKS_", "MLFLOW_", "INPUT_", "GITHUB_")

stopped: list[int] = []


def listen() -> None:
    """From now on SIGINT and SIGTERM end the demo, and all that it started."""
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, _stop)


def _stop(signum: int, _: FrameType | None) -> None:
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
            "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        }
        warnings.simplefilter("ignore")
        yield Path(folder)


def background() -> ThreadPoolExecutor:
    """Ctrl-C reaches the demo alone, and not what it starts: that is ended in its turn."""
    return ThreadPoolExecutor(
        1, initializer=signal.pthread_sigmask, initargs=(signal.SIG_BLOCK, {signal.SIGINT})
    )


def start_workspaces(stack: ExitStack) -> dict[str, Workspace]:
    """The workspaces `source` and `registry`, until the stack ends."""
    servers = MlflowServers()
    stack.callback(servers.stop)
    return stack.enter_context(started_workspaces(servers))


@contextmanager
def tell(chapter: str) -> Iterator[None]:
    """A chapter of the story, and how long it took."""
    begun = time.monotonic()
    print(_style("1", f"\n{chapter}"), flush=True)
    yield
    print(_style("2", f"  {time.monotonic() - begun:.1f} s"), flush=True)


def say(text: str) -> None:
    """A line of the story."""
    print(f"  {text}", flush=True)


def _style(code: str, text: str) -> str:
    shown = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    return f"\x1b[{code}m{text}\x1b[0m" if shown else text
