"""Judging what is registered or promoted by its gate, before anything is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from .connection import Connection
from .errors import GateNotMet
from .figures import Figures, metrics_in
from .gate import Champion, judge
from .inputs.gates import STAGES_OF_CHAMPIONS, Gate
from .job import SOURCE_RUN_TAG, Job
from .lookup import Lookup
from .plan import Found, Step
from .promote import Asked, Promoting, standing
from .registry.api import Version


class Gated(Asked, Protocol):
    """Where a version is to stand, and on what conditions."""

    @property
    def gate(self) -> Gate:
        """The conditions; none where there is no gate."""


class Judging(Promoting, Protocol):
    """What judging works on: a registration, or a version that is there already."""

    @property
    def inputs(self) -> Gated:
        """What is asked for."""


@dataclass(frozen=True)
class Candidate:
    """What is judged.

    Attributes:
        where: How a failure calls it.
        figures: Tells what is known of it.
        is_same: Whether a version is this very candidate.
        sides: Where the run of a champion may be, the likelier one first.
    """

    where: str
    figures: Callable[[], Figures]
    is_same: Callable[[Version], bool]
    sides: tuple[Connection, ...]


def judge_source(job: Job, found: Found) -> None:
    """Judges the source by every line of the gate; asks nobody anything where there is none.

    Raises:
        GateNotMet: It does not meet them all.
    """
    is_elsewhere = job.side.identity != job.source_side.identity
    sides = (job.source_side, job.side) if is_elsewhere else (job.source_side,)
    where = f"{job.source.kind} {job.source.name}"

    def is_same(other: Version) -> bool:
        return job.made(other) and found.has_the_bytes(other)

    _judge(job, Candidate(where, lambda: job.figures, is_same, sides), found)


def judge_version(job: Judging, side: Connection, version: Version, found: Found) -> None:
    """Judges a version of the registry by what its tags tell, and else its run.

    Args:
        side: The registry's connection, the only place where its run is looked for.

    Raises:
        GateNotMet: It does not meet every line of the gate.
    """
    needed = [(one.kind, one.name) for one in job.inputs.gate.conditions]
    candidate = Candidate(
        where=f"version {version.number} of {job.api.where}",
        figures=lambda: figures_of_version(version, needed, (side,)),
        is_same=lambda other: other.number == version.number,
        sides=(side,),
    )
    _judge(job, candidate, found)


def _judge(job: Judging, candidate: Candidate, found: Found) -> None:
    gate = job.inputs.gate
    if not gate.conditions:
        return
    step, target = champions_place(job)
    with job.log.group("Gate"):
        number = next(iter(standing(found, step, target)), "") if gate.names_champion else ""
        champion = _champion(job, candidate, found, number) if number else None
        verdicts = judge(gate, candidate.figures(), champion, target)
        job.outcome.gate = list(verdicts)
        for verdict in verdicts:
            job.log.line(verdict.text)
    if unmet := [verdict.text for verdict in verdicts if not verdict.is_met]:
        raise GateNotMet(
            f"{len(unmet)} of the gate's {len(verdicts)} conditions are not met, "
            "so nothing was written.",
            *unmet,
            where=candidate.where,
            todo="Take a model that meets them, or change the gate.",
        )


def champions_place(job: Judging) -> tuple[Step, str]:
    """Where the champion stands: in the stage that is asked for, or else under the first alias."""
    if job.inputs.stage in STAGES_OF_CHAMPIONS:
        return Step.PROMOTE, job.inputs.stage
    return Step.SET_ALIAS, next(iter(job.inputs.aliases), "")


def _champion(job: Judging, candidate: Candidate, found: Found, number: str) -> Champion:
    """The newest version that stands there, and what it is compared by."""
    shown = {version.number: version for version in found.versions or ()}
    version = shown.get(number) or job.api.version(number)
    if candidate.is_same(version):
        return Champion(number, True, {})
    needed = [("metrics", one.champion) for one in job.inputs.gate.conditions if one.champion]
    known = figures_of_version(version, needed, candidate.sides)
    return Champion(number, False, known.metrics, known.unknown)


def figures_of_version(
    version: Version, needed: Iterable[tuple[str, str]], sides: tuple[Connection, ...]
) -> Figures:
    """What a version's tags tell, and where that is not all that is needed, its run too."""
    told = Figures(metrics_in(version.tags), tags=version.tags)
    if all(told.has(kind, name) for kind, name in needed):
        return told
    return told.or_else(_of_its_run(version, sides))


def _of_its_run(version: Version, sides: tuple[Connection, ...]) -> Figures:
    """What the run has logged that a version comes from, if that is on one of the sides."""
    run_id = version.tags.get(SOURCE_RUN_TAG) or version.run_id
    looked = []
    for side in sides:
        looked.append(Lookup(side).figures_of_run(run_id))
        if not looked[-1].unknown:
            return looked[-1]
    return looked[0]
