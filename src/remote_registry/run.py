"""What all verbs share: secrets taken first, one report of what was reached, one exit code."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn, TypeVar

from . import cancelling
from .again import start_again_with_stores
from .errors import BadInput, Cancelled, Ending, Failure, NeedsStores, OutputsLost, bug
from .inputs.stores import Taken, take_stores
from .outcome import Outcome
from .provenance import Provenance, provenance_from
from .report.console import Console
from .report.files import print_outputs, write_outputs, write_summary
from .report.masks import SECRET_INPUTS, variable
from .verbs import Verb

T = TypeVar("T")
_LONGEST_SECRET = 1 << 16  # bytes


@dataclass(frozen=True)
class Call:
    """One verb that was called.

    Attributes:
        texts: All its inputs by name, the secrets included.
        problems: What is wrong with them that is known before they are read.
        calls_nobody: Whether it is asked for what needs no secrets, for nobody is signed in to.
        taken: The variables of object stores.
        as_json: Whether the outputs are to be printed.
        begun: When, as `time.monotonic` tells it.
    """

    texts: Mapping[str, str | None]
    problems: tuple[str, ...]
    calls_nobody: bool
    taken: Taken
    provenance: Provenance
    outcome: Outcome
    console: Console
    as_json: bool = False
    begun: float = 0.0

    def read(self, parse: Callable[[Mapping[str, str | None], Path | None], T]) -> T:
        """The inputs.

        Args:
            parse: Reads the texts, and what they name in the checkout, if there is one.

        Raises:
            BadInput: With all that is wrong.
        """
        checkout = os.environ.get("GITHUB_WORKSPACE") if self.console.on_runner else None
        try:
            inputs = parse(self.texts, Path(checkout) if checkout else None)
        except BadInput as error:
            raise BadInput(*self.problems, *error.problems) from error
        if self.problems:
            raise BadInput(*self.problems)
        return inputs

    @property
    def lacks_secrets(self) -> bool:
        """Whether GitHub withholds the secrets, and no other way gave them."""
        given = any(self.texts.get(name) for name in SECRET_INPUTS if name != "github-token")
        return self.provenance.from_fork and not given and not self.calls_nobody


def run(
    verb: Verb,
    options: Mapping[str, str | None],
    outcome: Outcome,
    as_json: bool,
    carry_out: Callable[[Call], None],
) -> None:
    """Runs a verb, reports what it has reached, and exits with what that means."""
    begun_with = dict(os.environ)
    console = Console(os.environ)
    begun = time.monotonic()

    def work() -> None:
        try:
            call = _call(verb, options, outcome, console)
            _carry_out(replace(call, as_json=as_json, begun=begun), carry_out)
        except NeedsStores as error:
            start_again_with_stores(error, begun_with, console)
            raise

    to_the_end(work, Report(outcome, console, as_json, os.environ, begun))


@dataclass(frozen=True)
class Report:
    """What is told at the end, and where.

    Attributes:
        places: Variables that name the runner's files.
        begun: As `time.monotonic` tells it.
    """

    outcome: Outcome
    console: Console
    as_json: bool
    places: Mapping[str, str]
    begun: float


def to_the_end(work: Callable[[], None], report: Report) -> NoReturn:
    """Does the work, reports what it has reached, and exits with what that means."""
    failure: Ending | None = None
    cancelling.listen()
    try:
        work()
        cancelling.deafen()
    except (Failure, Cancelled) as error:
        failure = error
    except cancelling.Hurry as hurry:
        failure = Cancelled(cancelling.received())
        failure.left += hurry.left
    except Exception as error:  # noqa: BLE001 - the last resort: a bug of ours
        failure = bug(error, report.console.line)
    cancelling.deafen()
    if failure:
        failure.left += [thing for thing in cancelling.left() if thing not in failure.left]
    report.outcome.seconds = time.monotonic() - report.begun
    failure = _report(report, failure)
    sys.exit(failure.exit_code if failure else 0)


def _carry_out(call: Call, carry_out: Callable[[Call], None]) -> None:
    if not call.lacks_secrets:
        carry_out(call)
        return
    call.outcome.status = "skipped"
    call.console.notice(
        f"Nothing was {call.outcome.participle}: GitHub withholds this repository's secrets from "
        "pull requests of forks and of Dependabot. The workflow does it when the change is "
        "pushed or merged here."
    )


def _call(
    verb: Verb, options: Mapping[str, str | None], outcome: Outcome, console: Console
) -> Call:
    """The call with all its inputs; what is secret is taken out of the environment."""
    taken = take_stores(os.environ)
    console.hide(taken.secrets)
    texts = {name: options.get(name.replace("-", "_")) for name in verb.inputs}
    variables = {name: os.environ.pop(variable(name), None) for name in SECRET_INPUTS}
    problems = []
    for name in verb.secrets:
        texts[name] = variables[name]
        if path := options.get(f"{name.replace('-', '_')}_file"):
            try:
                texts[name] = _secret_in(path)
                console.hide([texts[name] or ""])
            except (OSError, ValueError):
                texts[name] = "unread"
                problems.append(f"{name}-file: {path!r} can't be read.")
    provenance = provenance_from(os.environ)
    calls_nobody = (texts.get(verb.calls_nobody_with) or "").strip().lower() == "true"
    return Call(texts, tuple(problems), calls_nobody, taken, provenance, outcome, console)


def _secret_in(path: str) -> str:
    with Path(path).open("rb") as file:
        text = file.read(_LONGEST_SECRET + 1)
    if len(text) > _LONGEST_SECRET:
        raise ValueError("that is no secret")
    return text.decode().strip()


def _report(report: Report, failure: Ending | None) -> Ending | None:
    """Tells what was reached; the failure, which may be that it can't be told."""
    from .report.summary import summary

    console = report.console
    outcome = report.outcome.redacted(console.redacted)
    problems = _write_outputs(outcome.outputs(), report)
    lost = _outputs_lost(outcome, problems) if problems else None
    if told := failure or lost:
        console.error(told)
    elif outcome.version:
        console.line(f"{outcome.model_uri} {outcome.stage}".strip())
    if failure and lost:
        console.warning(lost.what)
    if path := report.places.get("GITHUB_STEP_SUMMARY"):
        try:
            write_summary(path, summary(outcome, told, console.redacted))
        except OSError as error:
            console.warning(f"The summary can't be written: {error.strerror}.")
    return told


def _write_outputs(outputs: Mapping[str, str], report: Report) -> list[str]:
    """Writes outputs to where they are wanted, and says where they can't be."""
    problems = []
    try:
        if path := report.places.get("GITHUB_OUTPUT"):
            write_outputs(path, outputs)
    except OSError as error:
        problems.append(f"the file that GITHUB_OUTPUT names: {error.strerror}")
    try:
        if report.as_json:
            print_outputs(outputs)
    except OSError as error:
        problems.append(f"stdout: {error.strerror}")
    return problems


def _outputs_lost(outcome: Outcome, problems: list[str]) -> OutputsLost:
    reached = f" {outcome.subject}: {outcome.reached}." if outcome.reached else ""
    return OutputsLost(
        f"The outputs can't be written to {'; nor to '.join(problems)}.{reached}",
        todo="Look at the disk of the runner, and run again: what was done is found again.",
    )
