"""What must hold from the outside, after the first run and in the end."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

from faults.cases import Case, Fault
from faults.places import FILES, Place, State, Version
from faults.product import Ended

CANCELLED_WITHIN = 5.0


def broken_by_the_first(
    case: Case, place: Place, run: Ended, state: State, log: list[dict[str, Any]]
) -> Iterator[str]:
    """Laws that hold however the run ended, unless it was killed."""
    yield from _of_the_machine(place, run)
    yield from _of_the_promotion(place, log)
    if run.code == -signal.SIGKILL:
        return
    yield from _of_the_end(case.fault, run)
    yield from _of_the_outputs(place, run, state)
    if run.code == 0:
        yield from _of_success(place, run, state)
    elif "Left behind" not in run.log:
        yield from (f"{what} is left" for what in _rubbish(place, state))


def broken_in_the_end(
    place: Place, first: Ended, run: Ended, state: State, log: list[dict[str, Any]]
) -> Iterator[str]:
    """Laws that hold once a run has succeeded."""
    if run.code:
        yield f"the next run ended with {run.code}"
        return
    yield from _of_the_machine(place, run)
    yield from _of_the_promotion(place, log)
    yield from _of_the_outputs(place, run, state)
    yield from _of_success(place, run, state)
    if first.code == 0:
        yield from _of_a_rerun(first, run)


def _of_the_machine(place: Place, run: Ended) -> Iterator[str]:
    yield from run.left
    said = [line for line in run.log.splitlines() if not line.startswith("::add-mask::")]
    for secret in place.secrets:
        if secret in "\n".join([*said, run.summary, run.output]):
            yield "a token is told"
    if "Traceback" in run.log or "A bug of ours" in run.log:
        yield "a bug of ours shows"


def _of_the_end(fault: Fault, run: Ended) -> Iterator[str]:
    if not fault.signum:
        if fault.passes and run.code:
            yield f"what passes is not waited out: it ended with {run.code}"
        return
    if run.code not in (0, 128 + fault.signum):
        yield f"after {fault.name} it ended with {run.code}"
    if run.seconds > CANCELLED_WITHIN:
        yield f"it took {run.seconds:.1f} s to end after {fault.name}"


def _of_the_promotion(place: Place, log: list[dict[str, Any]]) -> Iterator[str]:
    """Not before the version is READY, which comes before it is verified."""
    paths = [entry["path"] for entry in log if entry["method"] in ("GET", "POST", "PATCH")]
    if not (moves := [at for at, path in enumerate(paths) if path.endswith(place.promoting)]):
        return
    made = [at for at, path in enumerate(paths) if path.endswith("/model-versions/create")]
    looks = [at for at, path in enumerate(paths) if path.endswith(place.verifying)]
    if not any(max(made, default=-1) < at < moves[0] for at in looks):
        yield "it was promoted before it was verified"


def _of_the_outputs(place: Place, run: Ended, state: State) -> Iterator[str]:
    """What is told is true."""
    try:
        told = run.outputs
    except AssertionError as error:
        yield f"the outputs can't be read: {error}"
        return
    if not told:
        yield "no outputs"
        return
    if not run.summary:
        yield "no summary"
    promoted = [version.number for version in state.own if version.promoted]
    if promoted != ([told["version"]] if _says_promoted(place, run) else []):
        yield f"the outputs say stage {told['stage']!r}, and promoted is {promoted}"
    if told["status"] == "READY" and told["version"] not in [
        version.number for version in state.own if version.status == "READY"
    ]:
        yield f"the outputs say version {told['version']!r} is READY, and it is not there"
    if promoted and told["previous-version"] != _previous(place):
        yield f"the outputs say {told['previous-version']!r} stood there before"


def _says_promoted(place: Place, run: Ended) -> bool:
    import json

    told = run.outputs
    return place.target in (told["stage"], *json.loads(told["result"])["aliases"])


def _previous(place: Place) -> str:
    return "1" if place.has_previous else ""


def _of_success(place: Place, run: Ended, state: State) -> Iterator[str]:
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
        yield f"version {version.number} does not stand in {place.target}"
    if version.tags.get(place.previous_tag, "") != _previous(place):
        yield f"its tags say that {version.tags.get(place.previous_tag)!r} stood there before"
    if len(state.versions) != (2 if place.has_previous else 1):
        yield "a version of somebody else is gone, or is new"


def _differing(version: Version) -> str:
    names = sorted(version.files.keys() | FILES.keys())
    return ", ".join(name for name in names if version.files.get(name) != FILES.get(name))


def _of_a_rerun(first: Ended, run: Ended) -> Iterator[str]:
    """It finds the version, and tells the same of it."""
    if run.outputs["created"] != "false":
        yield "a re-run made a version"
    for name in ("version", "digest", "download-uri", "stage", "previous-version"):
        if first.outputs.get(name) != run.outputs.get(name):
            yield f"a re-run says {name} {run.outputs.get(name)!r}, not {first.outputs.get(name)!r}"


def _rubbish(place: Place, state: State) -> Iterator[str]:
    """What a failed or cancelled run has to take back; a version that is good may stay."""
    yield from state.left
    for version in state.own:
        if version.status != "READY" or version.files != FILES:
            yield f"version {version.number}, {version.status}"
    if state.exists and not state.versions:
        yield "the empty registered model"
