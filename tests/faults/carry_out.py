"""One case: the product runs into its fault, runs again, and the laws are looked at."""

from __future__ import annotations

import itertools
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faults.cases import Case, Request, requests_of
from faults.laws import broken_by_the_first, broken_in_the_end
from faults.places import Broken, Place
from faults.product import Ended, Started

_numbers = itertools.count(1)
_AFTER_HANDLER = 0.45  # seconds in which a handler has surely run
_WAIT_SECONDS = 60
_TRIES = 3  # for what is polled is not asked equally often in each run


@dataclass(frozen=True)
class Result:
    """What came of a case.

    Attributes:
        met: Whether the fault came to pass.
        codes: Of the first run and the next.
    """

    case: Case
    met: bool
    codes: tuple[int, int]
    violations: list[str]
    seconds: float
    logs: list[str] = field(default_factory=list, repr=False)


def learn(place: Place[Any]) -> list[Request]:
    """The requests of clean runs, on both sides: those that two of them have made."""
    one, other = _clean_run(place), _clean_run(place)
    return [request for request in one if request in other]


def _clean_run(place: Place[Any]) -> list[Request]:
    name = _new_name()
    place.prepare(name)
    with tempfile.TemporaryDirectory(prefix="sweep-") as folder:
        place.clear()
        run = Started(Path(folder, "clean"), place.step(name)).end()
        logs = place.requests()
    if run.code:
        raise Broken(f"a clean run ended with {run.code}:\n{run.log}")
    return [one for side, log in logs.items() for one in requests_of(side, log)]


def carry_out(case: Case, place: Place[Any]) -> Result:
    """Runs a case to its end; begins again where its fault did not come to pass."""
    for _ in range(_TRIES):
        if (result := _once(case, place)).met or result.violations:
            break
    return result


def _once(case: Case, place: Place[Any]) -> Result:
    begun = time.monotonic()
    name = _new_name()
    place.prepare(name)
    before = place.state(name)
    place.clear()
    with tempfile.TemporaryDirectory(prefix="sweep-") as folder:
        rule = {"method": case.request.method, "path": case.request.path}
        control = place.controls[case.request.side]
        control.fault(**case.fault.rule, **rule, skip=case.request.nth - 1)
        first = _first_run(case, place, Path(folder, "first"), name)
        _until(lambda: place.is_quiet)
        log = place.requests()
        met = _is_met(log[case.request.side])
        place.clear()
        was = place.state(name)
        found = [*broken_by_the_first(case.fault, place, first, before, was, log)]
        place.clear()
        again = _started(place, Path(folder, "again"), name, attempt=2).end()
        log = place.requests()
        state = place.state(name)
        found += broken_in_the_end(place, first, again, was, state, log)
    logs = [_told(first), _told(again)] if found else []
    seconds = time.monotonic() - begun
    return Result(case, met, (first.code, again.code), found, seconds, logs)


def _first_run(case: Case, place: Place[Any], folder: Path, name: str) -> Ended:
    started = _started(place, folder, name, attempt=1)
    if not case.fault.signum:
        return started.end()
    control = place.controls[case.request.side]
    _until(lambda: started.has_ended or _is_met(control.requests()))
    if case.fault.rule["after_handler"]:
        time.sleep(_AFTER_HANDLER)
    started.signal(case.fault.signum)
    return started.end()


def _started(place: Place[Any], folder: Path, name: str, attempt: int) -> Started:
    actions = {"GITHUB_RUN_ID": name.partition("x")[2], "GITHUB_RUN_ATTEMPT": str(attempt)}
    return Started(folder, place.step(name), **actions)


def _is_met(log: list[dict[str, Any]]) -> bool:
    return any(entry["fault"] for entry in log)


def _until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _WAIT_SECONDS
    while not happened():
        if time.monotonic() > deadline:
            raise Broken("a request never ends")
        time.sleep(0.03)


def _new_name() -> str:
    return f"sweep-{os.getpid()}x{next(_numbers)}"


def _told(run: Ended) -> str:
    return f"exit {run.code} after {run.seconds:.1f} s\n{run.log}\n{run.output}"
