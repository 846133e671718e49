"""`promote`: a version that is there goes to a stage or under an alias, or what was before does."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .cancelling import shielded
from .connection import Connection, connect_registry
from .errors import Cancelled, Failure, RegistryFailed, VersionMissing
from .github import GitHub
from .inputs.promote import PromoteInputs
from .judging import judge_version
from .outcome import Log, Outcome
from .plan import Found, Planned, Step, Wanted, finishing
from .promote import (
    is_there,
    promote,
    recalled,
    require_stages,
    standing,
    targets,
    tell_there,
)
from .provenance import Provenance
from .reached import Promoted
from .registry.api import PENDING, READY, RegistryApi, Version
from .registry.lifecycle import CommentingApi
from .resolve import aliases_of, tell_version
from .select import find_one, look
from .trust import check_trust


@dataclass(frozen=True)
class Promotion:
    """What the steps of a promotion work on; `side` is the registry's connection."""

    inputs: PromoteInputs
    side: Connection
    api: RegistryApi
    log: Log
    outcome: Promoted

    @property
    def target(self) -> tuple[Step, str]:
        """The stage or the alias that is asked for."""
        (target,) = targets(self)
        return target


def promote_version(
    inputs: PromoteInputs, provenance: Provenance, github: GitHub, outcome: Promoted, log: Log
) -> None:
    """Promotes the version that is meant, or goes back to what stood there before it.

    Args:
        outcome: Is filled as things come true; also when this raises.

    Raises:
        VersionMissing: No such version, or nothing to go back to.
        GateNotMet: It does not meet its gate, or its creator is not trusted.
        RegistryFailed: It is not READY, not what its digest says, or the registry refuses.
    """
    side = connect_registry(inputs, log)
    job = Promotion(inputs, side, _api(inputs, side, provenance), log, outcome)
    outcome.to_stage, outcome.to_alias = inputs.stage, "".join(inputs.aliases)
    outcome.goes_back, outcome.trusted = inputs.undo, inputs.trusted_creators
    found, version = find_one(job.api, side, inputs.select, github, log)
    require_stages(job, found)
    if inputs.undo:
        _go_back(job, found, version)
    else:
        _promote(job, found, version)


def _api(inputs: PromoteInputs, side: Connection, provenance: Provenance) -> RegistryApi:
    comment = "\n".join(filter(None, (inputs.comment, provenance.workflow_run)))
    if side.is_databricks and comment:
        return CommentingApi(side, inputs.model_name, comment)
    return RegistryApi(side, inputs.model_name)


def _promote(job: Promotion, before: Found, version: Version) -> None:
    inputs, outcome, (step, target) = job.inputs, job.outcome, job.target
    tell_version(job.side, job.api, version, before, outcome)
    stood = [number for number in standing(before, step, target) if number != version.number]
    steps = _steps(job, before, version)
    plan = [planned.text for planned in steps] or ["nothing: it stands there already"]
    tell_plan(job.log, outcome, plan)
    judge_version(job, job.side, version, before)
    check(job, version, by_tags=inputs.select.by_tags)
    if inputs.dry_run:
        outcome.status, outcome.previous = "planned", stood
        return
    now = look(job.api, job.side)
    version = still(job, now, version)
    if standing(now, step, target) != standing(before, step, target):
        judge_version(job, job.side, version, now)
    with job.log.group("Promote"):
        if steps := _steps(job, now, version):
            move_up(job, version, steps, before, now)
        else:
            outcome.previous = recalled(job, version)
            job.log.line(f"version {version.number} stands in {target} already")
    warn_of_higher(job, now, version)


def move_up(
    job: Promotion, version: Version, steps: Iterable[Planned], before: Found, now: Found
) -> None:
    """Promotes; the outcome tells of a move also where something fails after it."""
    outcome = job.outcome
    stood = (outcome.stage, *outcome.aliases)
    is_done = False
    try:
        for planned in steps:
            promote(job, version, planned, before, now)
        is_done = True
    finally:
        outcome.moved = is_done or (outcome.stage, *outcome.aliases) != stood
        outcome.came_from = version.stage if outcome.moved else ""


def _steps(job: Promotion, found: Found, version: Version) -> list[Planned]:
    inputs = job.inputs
    wanted = Wanted(inputs.stage, inputs.archive_existing, inputs.aliases)
    return list(finishing(found, wanted, version))


def warn_of_higher(job: Promotion, now: Found, version: Version) -> None:
    """By its stage, clients load the highest number that stands there."""
    if not job.inputs.archive_existing:
        todo = f"Say archive-existing: true where version {version.number} is meant."
        _warn_of_higher(job, now, version, todo)


def _warn_of_higher(
    job: Promotion, now: Found, version: Version, todo: str, gone: str = ""
) -> None:
    step, target = job.target
    others = standing(now, step, target) if step is Step.PROMOTE else []
    higher = [number for number in others if int(number) > version.order and number != gone]
    if higher:
        job.log.warning(
            f"Version {higher[0]} stands in {target} too, and is what loading by stage gives: the "
            f"highest number. {todo}"
        )


def _go_back(job: Promotion, found: Found, version: Version) -> None:
    """The version that stood there before goes back; the other one to Archived, if a stage."""
    outcome, (step, target) = job.outcome, job.target
    earlier = _before(job, found, version)
    tell_version(job.side, job.api, earlier, found, outcome)
    moves = _moves_back(job, found, version, earlier)
    plan = [f"{step.value} {to}: version {one.number}" for one, to in moves]
    tell_plan(job.log, outcome, plan or [f"nothing: version {earlier.number} stands there already"])
    check(job, earlier, by_tags=True)
    if job.inputs.dry_run:
        outcome.status, outcome.previous = "planned", [version.number]
        return
    now = look(job.api, job.side)
    earlier = still(job, now, earlier)
    moves = _moves_back(job, now, version, earlier)
    with job.log.group("Go back"), shielded():  # of two moves, both are done or none
        outcome.previous = [version.number]
        for one, to in moves:
            _move_back(job, one, to)
        tell_there(outcome, step, target)
    _warn_of_the_rest(job, now, version, earlier)


def _move_back(job: Promotion, version: Version, to: str) -> None:
    outcome, (step, _) = job.outcome, job.target
    with shielded():
        try:
            if step is Step.PROMOTE:
                job.api.transition(version.number, to, archive_existing=False)
            else:
                job.api.set_alias(version.number, to)
        except (Failure, Cancelled):
            there = is_there(job, version, step, to)
            if there:
                _tell_move(job, to)
            elif there is False and not outcome.moved:
                outcome.previous = []
            raise
        _tell_move(job, to)
    job.log.line(f"{step.value} {to}: version {version.number}")


def _tell_move(job: Promotion, to: str) -> None:
    step, target = job.target
    job.outcome.moved = True
    if to == target:
        tell_there(job.outcome, step, target)


def _warn_of_the_rest(job: Promotion, now: Found, version: Version, earlier: Version) -> None:
    """Of several that stood there, the one comes back that loading by stage gave."""
    step, target = job.target
    todo = f"Archive it where version {earlier.number} is meant."
    _warn_of_higher(job, now, earlier, todo, gone=version.number)
    there = standing(now, step, target)
    numbers = {one.number for one in now.versions or ()}
    if left := [one for one in recalled(job, version)[1:] if one in numbers and one not in there]:
        job.log.warning(
            f"Before version {version.number}, {target} held version {', '.join(left)} too, which "
            "did not come back. Promote what you need of it."
        )


def _before(job: Promotion, found: Found, version: Version) -> Version:
    kept = recalled(job, version)
    numbered = {one.number: one for one in found.versions or ()}
    if not kept or kept[0] not in numbered:
        gone = f"version {kept[0]} stood there and is no more" if kept else "it keeps nothing of it"
        raise VersionMissing(
            f"What stood in {job.target[1]} before version {version.number} can't be told: {gone}.",
            where=job.api.where,
            todo="Promote the version that you mean: select: version=<number>.",
        )
    return numbered[kept[0]]


def _moves_back(
    job: Promotion, found: Found, version: Version, earlier: Version
) -> list[tuple[Version, str]]:
    """What is still to be done, the new one in first, so that never nothing stands there.

    Raises:
        RegistryFailed: Neither of the two stands there.
    """
    step, target = job.target
    stand = standing(found, step, target)
    if not {version.number, earlier.number} & set(stand):
        raise RegistryFailed(
            f"Version {version.number} does not stand in {target}: "
            f"{f'version {stand[0]} does' if stand else 'nothing does'}. Nothing was changed.",
            where=job.api.where,
            todo="Look at who promoted since, then promote the version that you mean.",
        )
    moves = [] if earlier.number in stand else [(earlier, target)]
    leaves = step is Step.PROMOTE and version.number in stand
    return [*moves, (version, "Archived")] if leaves else moves


def tell_plan(log: Log, outcome: Outcome, plan: list[str]) -> None:
    """Tells what is going to be done, before it is."""
    outcome.plan = plan
    with log.group("Plan"):
        for text in plan:
            log.line(text)


def check(job: Promotion, version: Version, *, by_tags: bool) -> None:
    """Sees that a version may be promoted.

    Raises:
        RegistryFailed: It is not READY, or has another digest than was given.
        GateNotMet: Its creator is not trusted.
    """
    check_ready(job.api, version)
    check_trust(job, version, by_tags=by_tags)


def check_ready(api: RegistryApi, version: Version) -> None:
    """Sees that a version is READY.

    Raises:
        RegistryFailed: It is not.
    """
    if version.status != READY:
        is_pending = version.status == PENDING
        raise RegistryFailed(
            f"Version {version.number} is {version.status}, not READY. Nothing was changed.",
            where=api.where,
            todo="Wait until it is READY." if is_pending else "Register its model once more.",
        )


def still(job: Promotion, now: Found, version: Version) -> Version:
    """The version as it is now; tells where it stands.

    Raises:
        VersionMissing: It was deleted, and maybe another has its number.
        RegistryFailed: It is not READY any more.
    """
    for one in now.versions or ():
        if one.is_same(version):
            check_ready(job.api, one)
            job.outcome.stage, job.outcome.aliases = one.stage, aliases_of(one, now)
            return one
    raise job.api.deleted(version.number)
