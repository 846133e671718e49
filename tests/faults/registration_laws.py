"""What must hold from the outside of a registration, after the first run and in the end."""

from __future__ import annotations

import json
from collections.abc import Iterator

from faults.laws import was_killed
from faults.places import Log
from faults.product import Ended
from faults.registrations import FILES, Goal, Registered, Version


def broken_by(goal: Goal, run: Ended, state: Registered, log: Log) -> Iterator[str]:
    """Laws that hold however the run ended, unless it was killed."""
    yield from _of_the_promotion(goal, log)
    if was_killed(run):
        return
    yield from _of_the_outputs(goal, run, state)
    if run.code == 0:
        yield from _of_success(goal, run, state)
    elif "Left behind" not in run.log:
        yield from (f"{what} is left" for what in _rubbish(state))


def _of_the_promotion(goal: Goal, log: Log) -> Iterator[str]:
    """Not before the version is READY, which comes before it is verified."""
    paths = [
        entry["path"] for entry in log["registry"] if entry["method"] in ("GET", "POST", "PATCH")
    ]
    if not (moves := [at for at, path in enumerate(paths) if path.endswith(goal.promoting)]):
        return
    made = [at for at, path in enumerate(paths) if path.endswith("/model-versions/create")]
    looks = [at for at, path in enumerate(paths) if path.endswith(goal.verifying)]
    if not any(max(made, default=-1) < at < moves[0] for at in looks):
        yield "it was promoted before it was verified"


def _of_the_outputs(goal: Goal, run: Ended, state: Registered) -> Iterator[str]:
    """What is told is true."""
    told = run.outputs
    promoted = [version.number for version in state.own if version.promoted]
    if promoted != ([told["version"]] if _says_promoted(goal, run) else []):
        yield f"the outputs say stage {told['stage']!r}, and promoted is {promoted}"
    if told["status"] == "READY" and told["version"] not in [
        version.number for version in state.own if version.status == "READY"
    ]:
        yield f"the outputs say version {told['version']!r} is READY, and it is not there"
    if promoted and told["previous-version"] != goal.previous:
        yield f"the outputs say {told['previous-version']!r} stood there before"


def _says_promoted(goal: Goal, run: Ended) -> bool:
    told = run.outputs
    return goal.target in (told["stage"], *json.loads(told["result"])["aliases"])


def _of_success(goal: Goal, run: Ended, state: Registered) -> Iterator[str]:
    yield from (f"{what} is left" for what in state.left)
    if len(state.own) != 1:
        yield f"there are {len(state.own)} versions of ours"
        return
    (version,) = state.own
    if version.status != "READY":
        yield f"version {version.number} is {version.status}"
    if version.number != run.outputs.get("version"):
        yield f"the outputs name version {run.outputs.get('version')}, not {version.number}"
    if version.files != FILES:
        yield f"the registry serves other bytes: {_differing(version)}"
    if not version.promoted:
        yield f"version {version.number} does not stand in {goal.target}"
    if version.tags.get(goal.previous_tag, "") != goal.previous:
        yield f"its tags say that {version.tags.get(goal.previous_tag)!r} stood there before"
    if len(state.versions) != (2 if goal.has_previous else 1):
        yield "a version of somebody else is gone, or is new"


def _differing(version: Version) -> str:
    names = sorted(version.files.keys() | FILES.keys())
    return ", ".join(name for name in names if version.files.get(name) != FILES.get(name))


def broken_by_a_rerun(first: Ended, run: Ended) -> Iterator[str]:
    """It finds the version, and tells the same of it."""
    if run.outputs["created"] != "false":
        yield "a re-run made a version"
    for name in ("version", "digest", "download-uri", "stage", "previous-version"):
        if first.outputs.get(name) != run.outputs.get(name):
            yield f"a re-run says {name} {run.outputs.get(name)!r}, not {first.outputs.get(name)!r}"


def _rubbish(state: Registered) -> Iterator[str]:
    """What a failed or cancelled run has to take back; a version that is good may stay."""
    yield from state.left
    for version in state.own:
        if version.status != "READY" or version.files != FILES:
            yield f"version {version.number}, {version.status}"
    if state.exists and not state.versions:
        yield "the empty registered model"
