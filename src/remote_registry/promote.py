"""Promoting: the last thing that is done, and what stood there before is kept."""

from __future__ import annotations

import re
from typing import Protocol

from .cancelling import shielded
from .errors import Cancelled, Failure, RegistryFailed
from .inputs.gates import STAGES_OF_CHAMPIONS
from .inputs.values import TAG_PREFIX
from .outcome import Log, Outcome
from .plan import Found, Planned, Step
from .registry.api import RegistryApi, Version
from .rest import ApiError

_MOST_KEPT = 500  # numbers, in a tag of at most 5,000 characters


class Asked(Protocol):
    """Where a version is to stand, and what is to become of who stands there."""

    @property
    def stage(self) -> str:
        """One of the four stages, or empty."""

    @property
    def aliases(self) -> tuple[str, ...]:
        """The aliases to set."""

    @property
    def archive_existing(self) -> bool:
        """Whether what stands in the stage goes to Archived."""

    @property
    def expect_previous(self) -> str:
        """The version that must stand there before, `none`, or empty for any."""


class Promoting(Protocol):
    """What promoting works on: a registration, or a version that is there already."""

    @property
    def inputs(self) -> Asked:
        """What is asked for."""

    @property
    def api(self) -> RegistryApi:
        """The model in the registry."""

    @property
    def log(self) -> Log:
        """Where it is told."""

    @property
    def outcome(self) -> Outcome:
        """Is filled as things come true."""


def targets(job: Promoting) -> list[tuple[Step, str]]:
    """The stage and the aliases that are asked for."""
    stage = [(Step.PROMOTE, job.inputs.stage)] if job.inputs.stage else []
    return [*stage, *((Step.SET_ALIAS, alias) for alias in job.inputs.aliases)]


def standing(found: Found, step: Step, target: str) -> list[str]:
    """The versions that stand in a stage, newest first, or the one that has an alias.

    In None and Archived any number rests: there none takes the place of another.
    """
    if step is Step.PROMOTE:
        if target not in STAGES_OF_CHAMPIONS:
            return []
        return [version.number for version in found.versions or () if version.stage == target]
    return [found.aliases[target]] if target in found.aliases else []


def holders(job: Promoting, found: Found) -> list[str]:
    """The versions that stand where ours is to stand: in the stage, or else under the aliases.

    Raises:
        RegistryFailed: Stages are asked of a registry that has none.
    """
    require_stages(job, found)
    usable = found.usable()
    own = usable.number if usable else ""
    for step, target in targets(job):
        if numbers := [number for number in standing(found, step, target) if number != own]:
            return numbers
    return []


def require_stages(job: Promoting, found: Found) -> None:
    """Asked before anything is written, for nobody knows yet whether a registry has stages.

    Raises:
        RegistryFailed: Stages are asked of one that has none.
    """
    stage = job.inputs.stage
    if stage and not any(version.stage for version in found.versions or ()):
        job.api.in_stage(stage)


def promote(job: Promoting, version: Version, planned: Planned, before: Found, now: Found) -> None:
    """Moves a READY and verified version to a stage, or sets an alias on it.

    Args:
        before: What was found when this job began.
        now: What stands there at this moment.

    Raises:
        RegistryFailed: The registry refuses, or another version stands there than was expected.
    """
    step, target = planned.step, planned.of
    stood = [number for number in standing(now, step, target) if number != version.number]
    first = [number for number in standing(before, step, target) if number != version.number]
    if stood != first:
        told = f"version {stood[0]} stands in" if stood else "nothing stands in"
        job.log.line(f"another job promoted meanwhile: {told} {target} now")
    if step is Step.SET_ALIAS or target in STAGES_OF_CHAMPIONS:
        _check_expected(job, target, stood)
    _keep(job, version, _tag(step, target), stood)
    with shielded():  # so that it is known whether it was done
        before_this = job.outcome.previous
        job.outcome.previous = before_this or stood
        try:
            _move(job, version, step, target)
        except (Failure, Cancelled):
            there = is_there(job, version, step, target)
            if there:
                tell_there(job.outcome, step, target)
            if there is False or (step is Step.PROMOTE and version.stage == target):
                job.outcome.previous = before_this
            raise
        tell_there(job.outcome, step, target)
    was = f"; version {stood[0]} stood there before" if stood else ""
    job.log.line(f"{step.value} {target}: version {version.number}{was}")


def _move(job: Promoting, version: Version, step: Step, target: str) -> None:
    if step is Step.PROMOTE:
        archive = job.inputs.archive_existing
        job.api.transition(version.number, target, archive_existing=archive)
    else:
        job.api.set_alias(version.number, target)


def is_there(job: Promoting, version: Version, step: Step, target: str) -> bool | None:
    """Looks whether a call was carried out that failed in the end.

    Returns:
        `None`, and a warning, where that can't be seen.
    """
    try:
        if step is Step.PROMOTE:
            found = job.api.version_or_none(version.number)
            return bool(found and found.stage == target)
        model = job.api.model()
    except (Failure, Cancelled) as error:
        job.log.warning(f"version {version.number} may have been moved to {target}: {error}")
        return None
    return bool(model and model.aliases.get(target) == version.number)


def tell_there(outcome: Outcome, step: Step, target: str) -> None:
    """Fills in where the version stands now."""
    if step is Step.PROMOTE:
        outcome.stage = target
    elif target not in outcome.aliases:
        outcome.aliases.append(target)


def _check_expected(job: Promoting, target: str, stood: list[str]) -> None:
    expected = job.inputs.expect_previous
    found = stood[0] if stood else "none"
    if expected and expected != found:
        raise RegistryFailed(
            f"expect-previous is {expected}, and in {target} stands {found}: nothing was promoted.",
            where=job.api.where,
            todo="Another job has promoted meanwhile; look at what it did, then run again.",
        )


def _keep(job: Promoting, version: Version, tag: str, stood: list[str]) -> None:
    """Before the move, for afterwards nobody could tell what stood there."""
    try:
        if stood:
            job.api.set_tag(version.number, tag, ",".join(stood[:_MOST_KEPT]))
        elif tag in version.tags:
            job.api.delete_tag(version.number, tag)
    except ApiError as error:
        if error.is_missing:
            raise job.api.deleted(version.number) from error
        if not error.is_denied:
            raise
        raise RegistryFailed(
            f"No permission to keep on version {version.number} what stood there before it: "
            f"{error.message} Nothing was promoted.",
            where=job.api.where,
            todo=f"Give the token's user the right to edit the model{job.api.or_ask}.",
        ) from error


def recalled(job: Promoting, version: Version) -> list[str]:
    """A re-run finds itself in place, and reads on its tags who stood there before."""
    kept = [numbers_in(version, _tag(step, target)) for step, target in targets(job)]
    return next(filter(None, kept), [])


def numbers_in(version: Version, tag: str) -> list[str]:
    """The other versions that a tag names, which anybody may have written who may edit."""
    named = version.tags.get(tag, "").split(",")
    return [one for one in named if re.fullmatch("[0-9]{1,18}", one) and one != version.number]


def _tag(step: Step, target: str) -> str:
    kind = "stage" if step is Step.PROMOTE else "alias"
    return f"{TAG_PREFIX}previous.{kind}.{target}"
