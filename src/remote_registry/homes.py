"""The place of this try's files, and what other tries have left of theirs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from .attempt import Mark
from .cancelling import shielded
from .errors import Failure
from .job import Job
from .registry.databricks import DbfsStaging
from .registry.mlflow_server import served_home
from .registry.protocols import Home, Refused
from .registry.staging_run import StagingRun, staging_runs
from .retry import Transient
from .undo import Undo
from .ways import Way


def new_home(job: Job, undo: Undo) -> Home | None:
    """A place of its own for this try's files; `None` where the registry reads the source."""
    if Way.IN_PLACE in job.ways:
        return None
    for way in job.ways:
        home = _of_way(job, way)
        discard = partial(_discard_unless_used, job, home)
        left = partial(_left_of, home)
        in_doubt = partial(_in_doubt, home)
        undo.push(discard, left, in_doubt=in_doubt, aside=job.side.is_databricks)
        job.outcome.way = way.value
        try:
            with shielded():
                home.prepare(job.mark)
        except Refused as refused:
            home.discard()
            if way is job.ways[-1]:
                raise
            job.log.line(f"not {way.value}, for {refused}")
        else:
            return home
    raise AssertionError("the last way is taken or raises")


def _left_of(home: Home) -> str:
    return home.left() if home.is_begun else ""


def _in_doubt(home: Home) -> bool:
    return home.is_in_doubt


def _discard_unless_used(job: Job, home: Home) -> bool:
    """Another job may have taken the version that was made of it."""
    for version in [] if job.side.is_databricks else job.api.versions():
        if home.serves(version.source) and job.api.version_or_none(version.number):
            return False
    return home.discard()


def _of_way(job: Job, way: Way) -> Home:
    own = f"{_prefix(job)}{job.attempt.token}"
    if way is Way.DBFS:
        return DbfsStaging(job.side.rest, own)
    if way is Way.RUN:
        return StagingRun(job.side.rest, f"/Users/{job.side.user}/{own}", job.source.files)
    return served_home(job.side, job.inputs.model_name)


def _prefix(job: Job) -> str:
    return f"remote-registry-{job.key[:12]}-"


def clear_leftovers(job: Job) -> None:
    """Takes away what tries of this registration have left that have surely ended.

    Whose it is, is told by the mark on it, never by its name. It is no failure if it can't be done.
    """
    if job.native:
        return
    try:
        for mark, home in _marked_homes(job):
            if mark.key == job.key and job.attempt.is_over(mark) and home.discard():
                job.log.line(f"cleared what an earlier try had left: {home.left()}")
    except (Failure, Transient) as error:
        job.log.warning(f"what an earlier try has left could not be cleared: {error}")


def _marked_homes(job: Job) -> Iterator[tuple[Mark, Home]]:
    rest, prefix = job.side.rest, _prefix(job)
    if not job.side.is_databricks:
        yield from _unused_homes(job)
        return
    for folder in job.dbfs.folders:
        if folder.startswith(prefix):
            staging = DbfsStaging(rest, folder, found=True)
            if mark := staging.mark():
                yield mark, staging
    for mark, experiment in staging_runs(rest, f"/Users/{job.side.user}/{prefix}"):
        yield mark, StagingRun.found(rest, experiment)


def _unused_homes(job: Job) -> Iterator[tuple[Mark, Home]]:
    """On an MLflow server the files of a version stay in its home."""
    versions = job.api.versions()
    used = {version.source for version in [*versions, *job.api.hidden(versions)]}
    for mark, entry in served_home(job.side, job.inputs.model_name).all_marked(job.key):
        home = served_home(job.side, job.inputs.model_name)
        home.take(entry)
        if home.source not in used:
            yield mark, home
