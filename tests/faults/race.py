"""Many processes register the same source at once: all succeed, and all name one version."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "src")]

from command import SOURCES  # noqa: E402
from faults.product import Ended, Started  # noqa: E402
from faults.registering_place import Registering  # noqa: E402
from faults.registrations import FILES, Registered  # noqa: E402
from faults.scenarios import SCENARIOS, place_of  # noqa: E402
from workspace import MlflowServers  # noqa: E402

_REGISTERING = [name for name, one in SCENARIOS.items() if one.verb == "register"]


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    names = ", ".join(_REGISTERING)
    parser = argparse.ArgumentParser(prog="tests/faults/sweep race", description=__doc__)
    parser.add_argument("--scenario", default="databricks-new", metavar="GLOB", help=names)
    parser.add_argument("--processes", type=int, default=20, help="at once")
    parser.add_argument("--rounds", type=int, default=20, help="with each lag of the search")
    parser.add_argument("--lags", type=_lags, default=[0.0, 2.0], help="seconds; default: 0,2")
    return parser.parse_args(argv)


def _lags(text: str) -> list[float]:
    return [float(lag) for lag in text.split(",")]


def main(argv: Sequence[str] | None = None) -> int:
    asked = parse(argv)
    running = MlflowServers()
    violations = 0
    try:
        for scenario in _REGISTERING:
            if fnmatchcase(scenario, asked.scenario):
                with place_of(scenario, running) as place:
                    assert isinstance(place, Registering)
                    violations += sum(_rounds(place, scenario, asked, lag) for lag in asked.lags)
    finally:
        running.stop()
    print(f"violations: {violations}")
    return 1 if violations else 0


def _rounds(place: Registering, scenario: str, asked: argparse.Namespace, lag: float) -> int:
    """How many laws were broken."""
    begun = time.monotonic()
    violations = 0
    for number in range(asked.rounds):
        # Half of them as jobs of one workflow run, half of them as workflow runs of their own.
        found = race(place, asked.processes, lag, one_workflow_run=number % 2 == 0)
        violations += len(found)
        told = "; ".join(found) or "ok"
        print(f"{scenario}, lag {lag:g} s, round {number + 1}: {told}", file=sys.stderr, flush=True)
    seconds = time.monotonic() - begun
    print(
        f"{scenario}, search lags {lag:g} s: {asked.processes} processes, {asked.rounds} rounds, "
        f"{violations} violations, {seconds:.0f} s"
    )
    return violations


def race(place: Registering, processes: int, lag: float, *, one_workflow_run: bool) -> list[str]:
    """One round; what is wrong after it."""
    name = f"race-{uuid.uuid4().hex[:8]}"
    place.prepare(name)
    place.lag(lag)
    with tempfile.TemporaryDirectory(prefix="race-") as folder:
        started = []
        for number in range(processes):
            run_id = {"GITHUB_RUN_ID": "42" if one_workflow_run else str(number)}
            step = place.step(name)
            started.append(Started(Path(folder, str(number)), step, SOURCES, **run_id))
        runs = [one.end() for one in started]
    place.lag(0)
    return [*_broken(runs, place.state(name))]


def _broken(runs: list[Ended], state: Registered) -> Iterator[str]:
    for run in runs:
        yield from run.left
        if run.code:
            yield f"one ended with {run.code}:\n{run.log}"
    yield from (f"{what} is left" for what in state.left)
    versions = {run.outputs.get("version", "") for run in runs if run.output}
    if len(versions) != 1:
        yield f"they name versions {sorted(versions)}"
    if len(state.versions) != 1:
        yield f"there are {len(state.versions)} versions"
    for version in state.versions:
        if {version.number} != versions or not version.promoted or version.files != FILES:
            yield f"version {version.number} is not theirs, not promoted, or has other files"


if __name__ == "__main__":
    sys.exit(main())
