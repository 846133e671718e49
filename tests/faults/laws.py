"""What must hold from the outside of every verb, after the first run and in the end."""

from __future__ import annotations

import signal
from collections.abc import Generator, Iterator
from typing import Any

from faults.cases import Fault
from faults.places import Log, Place
from faults.product import Ended

CANCELLED_WITHIN = 5.0
SAID_WITHIN = 9.0  # where it says what it has left behind


def broken_by_the_first(
    fault: Fault, place: Place[Any], run: Ended, before: Any, state: Any, log: Log
) -> Iterator[str]:
    """Laws that hold however the run ended."""
    if not was_killed(run):
        yield from _of_the_end(fault, run)
    yield from _of_any(place, run, before, state, log)


def broken_in_the_end(
    place: Place[Any], first: Ended, run: Ended, before: Any, state: Any, log: Log
) -> Iterator[str]:
    """Laws that hold once a run has succeeded."""
    if run.code:
        yield f"the next run ended with {run.code}"
        return
    yield from _of_any(place, run, before, state, log)
    if first.code == 0 and first.output and run.output:
        yield from place.broken_by_a_rerun(first, run)


def _of_any(place: Place[Any], run: Ended, before: Any, state: Any, log: Log) -> Iterator[str]:
    yield from _of_the_machine(place, run)
    if was_killed(run) or (yield from _told(run)):
        yield from place.broken_by(run, before, state, log)


def was_killed(run: Ended) -> bool:
    """Whether it could tell nothing."""
    return run.code == -signal.SIGKILL


def _of_the_machine(place: Place[Any], run: Ended) -> Iterator[str]:
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
    within = SAID_WITHIN if "Left behind" in run.log else CANCELLED_WITHIN
    if run.seconds > within:
        yield f"it took {run.seconds:.1f} s to end after {fault.name}"


def _told(run: Ended) -> Generator[str, None, bool]:
    """Returns whether there are outputs, as the runner reads them."""
    try:
        told = run.outputs
    except AssertionError as error:
        yield f"the outputs can't be read: {error}"
        return False
    if not run.summary:
        yield "no summary"
    if not told:
        yield "no outputs"
    return bool(told)
