"""`retire`: versions go to Archived or are deleted, and with them what nobody needs any more."""

from __future__ import annotations

import time

from .attempt import Attempt
from .cancelling import shielded
from .clearing import clear, left_by_mlflow, named, orphans, staging_of_run
from .connection import connect_registry
from .errors import Cancelled, Failure, RegistryFailed
from .github import GitHub
from .inputs.retire import ARCHIVE, RetireInputs
from .outcome import Log
from .plan import Found
from .reached import Retired
from .registry.api import PENDING, READY, RegistryApi, Version
from .retirement import Retirement
from .retiring import (
    ARCHIVED,
    DELETING_TAG,
    Choice,
    choose,
    half_gone,
    in_use,
    words_of_deleting,
)
from .select import find, look, nearest_to

_IN_USE = ("Staging", "Production")  # of which a workspace deletes no version


def retire(
    inputs: RetireInputs, attempt: Attempt, github: GitHub, outcome: Retired, log: Log
) -> None:
    """Retires what is meant; where nothing is, there is nothing to do.

    Args:
        attempt: This process's, by which it is told which tries have ended.
        outcome: Is filled as things come true; also when this raises.

    Raises:
        RegistryFailed: A version that is named is in use, or the registry refuses.
        Failure: The registry or GitHub can't be asked.
    """
    side = connect_registry(inputs, log)
    job = Retirement(inputs, side, RegistryApi(side, inputs.model_name), attempt, log, outcome)
    with log.group("Find what goes"):
        found, choice = _found(job, github)
        outcome.mlflow_staging = left_by_mlflow(job)
        of_run = staging_of_run(job, found)
    _tell_plan(job, found, choice, of_run)
    if inputs.dry_run:
        outcome.status = "planned"
        return
    with log.group("Retire"):
        _retire(job, found, choice)
        clear(job, found, of_run)
    outcome.status = "retired"


def _found(job: Retirement, github: GitHub) -> tuple[Found, Choice]:
    inputs = job.inputs
    found = look(job.api, job.side)
    fitting = list(found.versions or ())
    if inputs.select:
        fitting = find(job.api, found, inputs.select, github, job.log)
        fitting += [one for one in half_gone(found, inputs) if one not in fitting]
        if not fitting:
            near = nearest_to(job.api, found, inputs.select)
            job.log.line(f"no version fits {inputs.select}. {near}")
    elif not inputs.has_policy:
        fitting = []  # only a staging copy is named
    choice = choose(found, fitting, inputs, time.time())
    if choice.staying and (inputs.names_versions or inputs.deletes_model):
        told = "; ".join(f"version {one.number}: {why}" for one, why in choice.staying)
        raise RegistryFailed(
            f"What is to go has to stay. {told}. Nothing was changed.",
            where=job.api.where,
            todo=_what_lets_go(choice),
        )
    if choice.going and inputs.to == ARCHIVE and not choice.going[0].stage:
        job.api.in_stage(ARCHIVED)  # which a registry without stages does not have
    return found, choice


def _what_lets_go(choice: Choice) -> str:
    statuses = {version.status for version, _ in choice.staying}
    if PENDING in statuses:
        return "Wait until it is READY, or has FAILED."
    if statuses != {READY}:
        return "Say to: delete."
    return "Promote another version first, or say force: true if you mean it."


def _tell_plan(job: Retirement, found: Found, choice: Choice, of_run: list[str]) -> None:
    inputs, plan = job.inputs, []
    for version in choice.going:
        stage = f" in {version.stage}" if version.stage else ""
        plan.append(f"{inputs.to} version {version.number}, {version.status}{stage}")
    plan += [f"keep version {version.number}: {why}" for version, why in choice.staying]
    if inputs.deletes_model and found.versions is not None:
        plan.append(f"delete the registered model {inputs.model_name}")
    plan += [f"delete MLflow's staging copy {name}" for name in of_run]
    if inputs.dry_run:
        plan += [f"delete {named(job, home)}" for home in orphans(job, found, set())]
    job.outcome.plan = plan or ["nothing"]
    job.outcome.kept = [{"version": one.number, "why": why} for one, why in choice.staying]
    with job.log.group("Plan"):
        for text in job.outcome.plan:
            job.log.line(text)


def _retire(job: Retirement, found: Found, choice: Choice) -> None:
    for version in choice.going:
        now = job.api.version_or_none(version.number)
        if now is None or not now.is_same(version):
            job.log.line(f"version {version.number} is gone already")
        elif why := _used_meanwhile(job, version, now):
            _keep(job, now, why)
        else:
            _let_go(job, now)
    if job.inputs.deletes_model and found.versions is not None:
        _delete_model(job, found)


def _keep(job: Retirement, version: Version, why: str) -> None:
    job.log.warning(f"version {version.number} stays, for meanwhile {why}")
    job.outcome.kept.append({"version": version.number, "why": why})


def _used_meanwhile(job: Retirement, chosen: Version, now: Version) -> str:
    """How somebody has begun to use a version since it was chosen."""
    if job.inputs.force:
        return ""
    model = None if job.side.is_databricks else job.api.model()
    if why := in_use(Found((now,), aliases=model.aliases if model else {}), now):
        return why
    return f"it was moved to {now.stage}" if now.stage != chosen.stage else ""


def _let_go(job: Retirement, version: Version) -> None:
    archives = job.inputs.to == ARCHIVE
    with shielded():  # so that it is known whether it was done
        try:
            if archives or (job.side.is_databricks and version.stage in _IN_USE):
                if words := words_of_deleting(job.inputs):
                    job.api.set_tag(version.number, DELETING_TAG, words)
                job.api.transition(version.number, ARCHIVED, archive_existing=False)
            if not archives:
                job.api.delete_version(version.number)
        except (Failure, Cancelled):
            _tell_all_the_same(job, version)
            raise
        _tell_gone(job, version, "archived" if archives else "deleted")


def _tell_gone(job: Retirement, version: Version, done: str) -> None:
    told = {"version": version.number, "stage": version.stage, "done": done}
    job.outcome.retired.append(told)
    job.log.line(f"{done} version {version.number}")


def _tell_all_the_same(job: Retirement, version: Version) -> None:
    """Looks what became of a version where a call failed in the end."""
    try:
        now = job.api.version_or_none(version.number)
    except (Failure, Cancelled) as error:
        job.log.warning(f"version {version.number} may be retired: {error}")
        return
    if now is None:
        _tell_gone(job, version, "deleted")
    elif now.stage == ARCHIVED != version.stage:
        _tell_gone(job, version, "archived")


def _delete_model(job: Retirement, found: Found) -> None:
    """Deletes the registered model, if no version is left that would go with it."""
    known = found.versions or ()
    for version in look(job.api, job.side).versions or ():
        if not any(version.is_same(one) for one in known):
            _keep(job, version, "it was made")
    if job.outcome.kept:
        return
    with shielded():
        try:
            job.api.delete_model()
        except (Failure, Cancelled):
            job.outcome.model_deleted = _is_gone(job)
            raise
        job.outcome.model_deleted = True
    job.log.line(f"deleted the registered model {job.inputs.model_name}")


def _is_gone(job: Retirement) -> bool:
    try:
        return job.api.model() is None
    except (Failure, Cancelled) as error:
        job.log.warning(f"the registered model may be deleted: {error}")
        return False
