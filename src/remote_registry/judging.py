"""Judging the source by its gate, before anything is written."""

from __future__ import annotations

from .errors import GateNotMet
from .figures import Figures, metrics_in
from .gate import Champion, judge
from .inputs.gates import STAGES_OF_CHAMPIONS
from .job import SOURCE_RUN_TAG, Job
from .lookup import Lookup
from .plan import Found, Step
from .promote import standing
from .registry.api import Version


def judge_source(job: Job, found: Found) -> None:
    """Judges the source by every line of the gate; asks nobody anything where there is none.

    Raises:
        GateNotMet: It does not meet them all.
    """
    gate = job.inputs.gate
    if not gate.conditions:
        return
    step, target = _place(job)
    with job.log.group("Gate"):
        champion = _champion(job, found, step, target) if gate.names_champion else None
        verdicts = judge(gate, job.figures, champion, target)
        job.outcome.gate = list(verdicts)
        for verdict in verdicts:
            job.log.line(verdict.text)
    if unmet := [verdict.text for verdict in verdicts if not verdict.is_met]:
        raise GateNotMet(
            f"{len(unmet)} of the gate's {len(verdicts)} conditions are not met, "
            "so nothing was written.",
            *unmet,
            where=f"{job.source.kind} {job.source.name}",
            todo="Register a model that meets them, or change the gate.",
        )


def _place(job: Job) -> tuple[Step, str]:
    """Where the champion stands: in the stage that is asked for, or else under the first alias."""
    if job.inputs.stage in STAGES_OF_CHAMPIONS:
        return Step.PROMOTE, job.inputs.stage
    return Step.SET_ALIAS, next(iter(job.inputs.aliases), "")


def _champion(job: Job, found: Found, step: Step, target: str) -> Champion | None:
    """The newest version that stands there, or none."""
    number = next(iter(standing(found, step, target)), "")
    if not number:
        return None
    shown = {version.number: version for version in found.versions or ()}
    version = shown.get(number) or job.api.version(number)
    metrics = metrics_in(version.tags)
    wanted = {one.champion for one in job.inputs.gate.conditions if one.champion}
    if job.made(version) or wanted <= metrics.keys():
        return Champion(number, job.made(version), metrics)
    known = Figures(metrics).or_else(_of_its_run(job, version))
    return Champion(number, False, known.metrics, known.unknown)


def _of_its_run(job: Job, version: Version) -> Figures:
    """What the run has logged that a version comes from, if that is on either side."""
    run_id = version.tags.get(SOURCE_RUN_TAG) or version.run_id
    figures = Lookup(job.source_side).figures_of_run(run_id)
    if figures.unknown and job.side.identity != job.source_side.identity:
        in_registry = Lookup(job.side).figures_of_run(run_id)
        return in_registry if not in_registry.unknown else figures
    return figures
