"""A version beside the champion, for people who have to decide."""

from __future__ import annotations

from .errors import Failure
from .figures import metrics_in
from .gate import number_text
from .job import Job
from .judging import champions_place, figures_of_version
from .outcome import Compared
from .plan import Found, Step
from .promote import standing
from .registry.api import Version


def compare(job: Job, version: Version, found: Found) -> None:
    """Puts what registering has kept of the version's metrics beside the champion's.

    The champion is what stands where this version is to stand, or else where it would go next.
    What can't be told is left out, for nothing depends on it.

    Args:
        found: What was found before this job changed anything.
    """
    place = champions_place(job)
    step, target = place if place[1] else _next_place(job)
    mine = metrics_in(version.tags)
    try:
        number, theirs = _champion(job, standing(found, step, target), version, found, mine)
    except Failure as failure:
        job.log.warning(f"The champion's metrics can't be told: {failure}")
        number, theirs = "", {}
    rows = (
        (name, number_text(value), number_text(theirs[name]) if name in theirs else "")
        for name, value in sorted(mine.items())
    )
    job.outcome.compared = Compared(target, number, tuple(rows))
    next_step, next_target = _next_place(job)
    option = "--stage" if next_step is Step.PROMOTE else "--alias"
    job.outcome.next_place = (option, next_target)


def _champion(
    job: Job, stand: list[str], version: Version, found: Found, mine: dict[str, float]
) -> tuple[str, dict[str, float]]:
    """The newest that stands there, with its metrics; none where that is this version."""
    number = next(iter(stand), "")
    if not number or number == version.number:
        return number, {}
    shown = {one.number: one for one in found.versions or ()}
    champion = shown.get(number) or job.api.version(number)
    needed = [("metrics", name) for name in mine]
    sides = (job.source_side, job.side)
    return number, dict(figures_of_version(champion, needed, sides).metrics)


def _next_place(job: Job) -> tuple[Step, str]:
    """Where a version is promoted to in the end."""
    if job.side.is_databricks or job.inputs.stage:
        return Step.PROMOTE, "Production"
    return Step.SET_ALIAS, "champion"
