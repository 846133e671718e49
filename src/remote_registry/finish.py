"""What is still missing of a READY and verified version; promotion comes last."""

from __future__ import annotations

from .existing import look
from .job import Job
from .plan import Found, Planned, Step, finishing
from .promote import promote, recalled
from .registry.api import Version


def finish(job: Job, version: Version, steps: tuple[Planned, ...], before: Found) -> None:
    """Describes, tags and promotes the version, so far as it is not.

    Args:
        before: What was found before the version was made or taken: others may have promoted since.
    """
    now = before
    promotes = any(step.step in (Step.PROMOTE, Step.SET_ALIAS) for step in steps)
    lost_a_race = before.usable() is None and not job.outcome.created
    if promotes or lost_a_race:
        now = look(job)
        version = job.api.version(version.number)
        job.tell(version)
        steps = tuple(finishing(now, job.wanted, version))
    tags = dict(job.inputs.tags)
    with job.log.group("Finish"):
        for planned in steps:
            if planned.step is Step.DESCRIBE:
                job.api.describe(version.number, job.inputs.description)
            elif planned.step is Step.TAG:
                job.api.set_tag(version.number, planned.of, tags[planned.of])
        promotions = [one for one in steps if one.step in (Step.PROMOTE, Step.SET_ALIAS)]
        job.outcome.previous = [] if promotions else recalled(job, version)
        job.outcome.aliases = [
            alias for alias in job.inputs.aliases if now.aliases.get(alias) == version.number
        ]
        for planned in promotions:
            promote(job, version, planned, before, now)
    job.outcome.aliases = list(job.inputs.aliases)
