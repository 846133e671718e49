"""One registration by one tool, measured."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from measure import measure
from results import Round
from sides import Run, Sides
from tools import REGISTERED, Tool

TIMEOUT = 1800


def carry(sides: Sides, run: Run, tool: Tool) -> Round:
    """One registration, and everything as it was."""
    folder = Path(tempfile.mkdtemp(prefix="tool-"))
    runner = Path(tempfile.mkdtemp(prefix="runner-"))
    try:
        steps = tool.steps(sides, run, runner)
        sides.throttle()
        usage = measure(steps, folder, runner / "log", TIMEOUT)
        requests = {name: side.requests() for name, side in sides.both.items()}
        sides.release()
        sides.check(run, REGISTERED)
    finally:
        sides.clear(REGISTERED)
        shutil.rmtree(folder)
        shutil.rmtree(runner)
    began = min(one["started"] for entries in requests.values() for one in entries)
    return Round(
        seconds=usage.seconds,
        cpu=usage.cpu,
        memory=usage.memory,
        disk=usage.disk,
        first_request=began - usage.began,
        requests={name: len(entries) for name, entries in requests.items()},
    )
