"""`request` and `reject`: a version's way to a stage is asked for, or refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .asked import Asked, Rejected, Requested
from .cancelling import shielded
from .connection import Connection, connect_registry
from .errors import Cancelled, Failure, RegistryFailed
from .github import GitHub
from .inputs.promote import PromoteInputs
from .inputs.transitions import TransitionInputs
from .outcome import Log
from .plan import Found, Step
from .promote import standing
from .promotion import check_ready, tell_plan
from .provenance import Provenance
from .registry.api import Version
from .registry.transition_requests import RequestsApi, TransitionRequest
from .resolve import tell_version
from .select import find_one

_A_FEW = 5  # names in a sentence


@dataclass(frozen=True)
class Question:
    """What is asked of a version: the requests for the stage that were open at first."""

    side: Connection
    api: RequestsApi
    version: Version
    asked: Sequence[TransitionRequest]


def request(
    inputs: TransitionInputs, provenance: Provenance, github: GitHub, outcome: Requested, log: Log
) -> None:
    """Asks for a stage, unless the version stands there or this was asked for by us already.

    Args:
        outcome: Is filled as things come true; also when this raises.

    Raises:
        VersionMissing: No such version.
        RegistryFailed: It is not READY, or the workspace refuses.
    """
    question = _question(inputs, provenance, github, outcome, log)
    api, version, stage = question.api, question.version, inputs.stage
    check_ready(api, version)
    user = _user(question)
    is_there = version.stage == stage
    is_asked = any(one.is_by(user) for one in question.asked)
    why_not = "it stands there already" if is_there else f"{user} asks for it already"
    tell_plan(
        log,
        outcome,
        [f"nothing: {why_not}" if is_there or is_asked else f"ask for {stage}, as {user}"],
    )
    for other in question.asked:
        if not other.is_by(user):
            log.line(f"{other.creator} asks for {stage} too, since {other.since}")
    if inputs.dry_run:
        outcome.status = "planned"
        return
    if not is_there and not is_asked:
        with log.group("Ask"):
            _ask(question, user, outcome, log)
    outcome.status = "in place" if is_there else "requested"


def _ask(question: Question, user: str, outcome: Requested, log: Log) -> None:
    api, version, stage = question.api, question.version, outcome.to_stage
    with shielded():  # so that it is known whether it was done
        try:
            outcome.created = api.ask(version.number, stage)
        except (Failure, Cancelled):
            seen = see_open(api, version, outcome, log) or ()
            outcome.created = any(one.stage == stage and one.is_by(user) for one in seen)
            raise
        log.line(f"asked for {stage}, as {user}")
        see_open(api, version, outcome, log)


def reject(
    inputs: TransitionInputs, provenance: Provenance, github: GitHub, outcome: Rejected, log: Log
) -> None:
    """Rejects whatever asks for a stage; where nothing does, there is nothing to do.

    Args:
        outcome: Is filled as things come true; also when this raises.

    Raises:
        VersionMissing: No such version.
        RegistryFailed: The workspace refuses.
    """
    question = _question(inputs, provenance, github, outcome, log)
    asked, stage = question.asked, inputs.stage
    tell_plan(
        log,
        outcome,
        [f"reject {stage}: {asked_by(asked)}" if asked else f"nothing: nobody asks for {stage}"],
    )
    if inputs.dry_run:
        outcome.status = "planned"
        return
    if asked:
        with log.group("Reject"):
            _reject_all(question, stage, outcome, log)
    outcome.status = "rejected" if asked else "none open"


def _reject_all(question: Question, stage: str, outcome: Rejected, log: Log) -> None:
    """One after the other, for whether one call closes one or all of them is not documented."""
    asked = left = question.asked
    for _ in asked:
        if left:
            with shielded():
                left = _reject_one(question, stage, left, outcome, log)
    log.line(f"rejected {stage}: {asked_by(asked)}")
    if left:
        raise RegistryFailed(
            f"Requests for {stage} are open all the same: {asked_by(left)}.",
            where=question.api.where,
            todo="Somebody may have asked anew; look who, then run again.",
        )


def _reject_one(
    question: Question,
    stage: str,
    left: Sequence[TransitionRequest],
    outcome: Rejected,
    log: Log,
) -> Sequence[TransitionRequest]:
    """Rejects one, and tells which are left; also of a call that fails, what became of it."""
    api, version = question.api, question.version

    def count(seen: Sequence[TransitionRequest]) -> list[TransitionRequest]:
        outcome.rejected = sum(one not in seen for one in question.asked)
        return [one for one in seen if one.stage == stage]

    try:
        api.reject(version.number, stage, len(left))
    except (Failure, Cancelled):
        if (seen := see_open(api, version, outcome, log)) is not None:
            count(seen)
        raise
    outcome.rejected += 1  # or more, and maybe that can't be seen
    return count(tell_open(api, version, outcome))


def _question(
    inputs: TransitionInputs, provenance: Provenance, github: GitHub, outcome: Asked, log: Log
) -> Question:
    side, api = signed_in(inputs, provenance, outcome, log)
    found, version = find_one(api, side, inputs.select, github, log)
    tell_version(side, api, version, found, outcome)
    outcome.previous = others_in(inputs.stage, found, version)
    asked = [one for one in tell_open(api, version, outcome) if one.stage == inputs.stage]
    return Question(side, api, version, asked)


def signed_in(
    inputs: TransitionInputs | PromoteInputs, provenance: Provenance, outcome: Asked, log: Log
) -> tuple[Connection, RequestsApi]:
    """The workspace, and the calls on the model there."""
    outcome.to_stage = inputs.stage
    side = connect_registry(inputs, log)
    comment = "\n".join(filter(None, (inputs.comment, provenance.workflow_run)))
    return side, RequestsApi(side, inputs.model_name, comment)


def others_in(stage: str, found: Found, version: Version) -> list[str]:
    """The other versions that stand in a stage, newest first."""
    stand = standing(found, Step.PROMOTE, stage)
    return [number for number in stand if number != version.number]


def tell_open(api: RequestsApi, version: Version, outcome: Asked) -> list[TransitionRequest]:
    """All requests of the version that are open now."""
    found = api.open(version.number)
    outcome.requests = [one.texts for one in found]
    return found


def see_open(
    api: RequestsApi, version: Version, outcome: Asked, log: Log
) -> list[TransitionRequest] | None:
    """The same, where it is no failure that it can't be seen, but a warning and `None`."""
    try:
        return tell_open(api, version, outcome)
    except (Failure, Cancelled) as error:
        log.warning(f"which requests of version {version.number} are open now is unknown: {error}")
        return None


def asked_by(asked: Sequence[TransitionRequest]) -> str:
    """Who asks, for a sentence."""
    names = list(dict.fromkeys(one.creator for one in asked))
    more = f" and {len(names) - _A_FEW} more" if len(names) > _A_FEW else ""
    return f"asked for by {', '.join(names[:_A_FEW])}{more}"


def _user(question: Question) -> str:
    if not question.side.user:
        raise RegistryFailed(
            "The workspace does not tell who signs in, so whether that one asks already can't be "
            "known. Nothing was changed.",
            where=question.api.where,
        )
    return question.side.user
