"""Starting once more in the environment that has `obstore`, where the model's files call for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping

from .errors import NeedsStores
from .outcome import Log

ENTRYPOINT = "REGISTER_REMOTE_MODEL_ENTRYPOINT"
LOCK = "REGISTER_REMOTE_MODEL_LOCK"


def may_start_again(environment: Mapping[str, str]) -> bool:
    """Whether `entrypoint` started us, and not in the environment that has `obstore`."""
    return bool(environment.get(ENTRYPOINT)) and not environment.get(LOCK)


def start_again_with_stores(needed: NeedsStores, environment: Mapping[str, str], log: Log) -> None:
    """Gives this process to `entrypoint`, which makes and takes the environment with `obstore`.

    Returns only where `entrypoint` did not start us, or has done so in that environment before.

    Args:
        environment: The variables that this process began with, the secrets among them.
    """
    if not may_start_again(environment):
        return
    entrypoint = environment[ENTRYPOINT]
    log.line(f"the files are in {needed.place}: beginning again, with obstore")
    command = ["bash", entrypoint, *sys.argv[1:]]
    again = {**environment, LOCK: "stores"}
    if sys.platform == "win32":  # where exec makes a second process and ends the first
        sys.exit(subprocess.run(command, env=again, check=False).returncode)
    # What is ignored stays so; Python ignores this one, and a shell needs it.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.execvpe(command[0], command, again)  # noqa: S606
