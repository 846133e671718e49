"""`approve`: a version goes to the stage that somebody has asked for."""

from __future__ import annotations

from .asked import Approved
from .asking import asked_by, others_in, see_open, signed_in, tell_open
from .cancelling import shielded
from .errors import Cancelled, RequestMissing
from .github import GitHub
from .inputs.promote import PromoteInputs
from .outcome import Log
from .plan import Found, Planned, Step
from .promote import recalled
from .promotion import Promotion, check, move_up, still, tell_plan, warn_of_higher
from .provenance import Provenance
from .registry.api import Version
from .registry.transition_requests import RequestsApi, TransitionRequest
from .resolve import tell_version
from .select import find_one, look


def approve(
    inputs: PromoteInputs, provenance: Provenance, github: GitHub, outcome: Approved, log: Log
) -> None:
    """Approves what was asked for, so that the version stands in the stage.

    Args:
        outcome: Is filled as things come true; also when this raises.

    Raises:
        VersionMissing: No such version.
        RequestMissing: Nobody asks for it.
        GateNotMet: The version's creator is not trusted.
        RegistryFailed: It is not READY, not what its digest says, or the workspace refuses.
    """
    side, api = signed_in(inputs, provenance, outcome, log)
    job = Promotion(inputs, side, api, log, outcome)
    outcome.trusted = inputs.trusted_creators
    found, version = find_one(api, side, inputs.select, github, log)
    tell_version(side, api, version, found, outcome)
    outcome.previous = others_in(inputs.stage, found, version)
    tell_plan(log, outcome, [_planned(job, version, tell_open(api, version, outcome))])
    check(job, version, by_tags=inputs.select.by_tags)
    if inputs.dry_run:
        outcome.status = "planned"
        return
    outcome.previous = []
    now = look(api, side)
    version = still(job, now, version)
    try:
        with log.group("Approve"):
            _carry_out(job, version, found, now)
    except Cancelled:
        _tell_left(api, version, outcome, log)  # for it may be done
        raise
    with shielded():
        _tell_left(api, version, outcome, log)
    warn_of_higher(job, now, version)


def _planned(job: Promotion, version: Version, all_open: list[TransitionRequest]) -> str:
    stage = job.inputs.stage
    asked = [one for one in all_open if one.stage == stage]
    if version.stage == stage:
        return "nothing: it stands there already"
    if not asked:
        open_ = ", ".join(dict.fromkeys(f"{one.stage} by {one.creator}" for one in all_open))
        raise RequestMissing(
            f"Nobody asks for {stage} of version {version.number}. "
            f"{f'Asked for is: {open_}.' if open_ else 'No other request is open.'}",
            where=job.api.where,
            todo="Ask for it by the verb request; or promote, which needs no request.",
        )
    archive = ", and what stands there to Archived" if job.inputs.archive_existing else ""
    return f"approve {stage}: {asked_by(asked)}{archive}"


def _carry_out(job: Promotion, version: Version, before: Found, now: Found) -> None:
    outcome, stage = job.outcome, job.inputs.stage
    if version.stage == stage:
        outcome.previous = recalled(job, version)
        outcome.status = "in place"
        job.log.line(f"version {version.number} stands in {stage} already")
        return
    move_up(job, version, [Planned(Step.PROMOTE, "as asked for", stage)], before, now)
    outcome.status = "approved"


def _tell_left(api: RequestsApi, version: Version, outcome: Approved, log: Log) -> None:
    seen = see_open(api, version, outcome, log) or ()
    left = [one for one in seen if one.stage == outcome.to_stage]
    if left:
        log.line(f"open all the same: {outcome.to_stage}, {asked_by(left)}; reject closes it")
