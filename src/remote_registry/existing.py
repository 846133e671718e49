"""What the registry has of this source already, and taking it."""

from __future__ import annotations

import time

from .errors import Failure
from .homes import clear_leftovers
from .job import COMPARED_TAG, DIGEST_TAG, KEY_TAG, SOURCE_TAG, TAKEN_TAG, Job
from .make import wait_until_ready
from .plan import Found
from .promote import holders
from .registered_model import is_left
from .registry.api import Version
from .registry.mlflow_server import reach_store
from .rest import ApiError
from .taking import NoGood, NotMade, Vanished, take_openly, withdraw_if_abandoned
from .verify import read_source, verify


def look(job: Job) -> Found:
    """Looks at the model in the registry, and at where the files would go."""
    versions = tuple(job.api.versions())
    # Databricks has no aliases, and a model that has versions is there.
    model = job.api.model() if not versions or not job.side.is_databricks else None
    is_there = bool(versions or model)
    same = [version for version in versions if job.made(version)]
    # Below a version that is taken there is none, for who took it has looked; above it there may
    # be one of other bytes.
    if is_there and not (same and TAKEN_TAG in same[-1].tags and not job.every_byte):
        hidden = job.api.hidden(versions)
        versions = tuple(sorted([*versions, *hidden], key=lambda one: -one.order))
    aliases = dict(model.aliases) if model else {}
    found = Found(
        versions=versions if is_there else None,
        key=(KEY_TAG, job.key),
        source=(SOURCE_TAG, job.source_mark),
        ways=job.ways,
        files=len(job.source.files),
        bytes=job.source.bytes,
        has_digest=job.folder_manifest is not None,
        taken_tag=TAKEN_TAG,
        compared_tag=COMPARED_TAG,
        digest=(DIGEST_TAG, _digest_to_compare(job, versions)),
        model_is_left=bool(model and not versions and is_left(job, model)),
        aliases=aliases,
    )
    job.outcome.previous = holders(job, found)
    in_a_store = not job.side.is_databricks and not job.native and not found.usable()
    if in_a_store and (place := reach_store(job.side.rest)):
        job.log.line(f"the registry keeps its files in {place}, where they can be listed")
    return found


def _digest_to_compare(job: Job, versions: tuple[Version, ...]) -> str:
    """The source's, read only where there is a version to compare it with."""
    if not (job.every_byte and any(map(job.made, versions))):
        return ""
    return job.outcome.digest or read_source(job).digest


def take(job: Job, version: Version, found: Found) -> Version:
    """Takes the version that this source already is, and clears what ended tries have left.

    Raises:
        Vanished: It is no more, or has FAILED, or was of a try that ended before it was good: to
            begin again.
        NoGood: It is not READY in time, or not what was logged, and its maker may live.
    """
    job.log.line(f"version {version.number} is of this very source; nothing is copied")
    try:
        version = wait_until_ready(job, version)
        verify(job, version)
        take_openly(job, version)
        if job.every_byte and found.others_bytes(version):
            job.api.set_tag(version.number, COMPARED_TAG, str(int(time.time() * 1000)))
        job.tell(version)
    except ApiError as error:
        if not error.is_missing:
            raise
        raise Vanished(f"Version {version.number} was deleted meanwhile.") from error
    except NotMade as failure:
        job.outcome.status = ""
        raise Vanished(failure.what, where=job.api.where) from failure
    except NoGood as failure:
        if withdraw_if_abandoned(job, version):
            told = f"{failure.what} The try that made it has ended, so it was deleted."
            raise Vanished(told, where=job.api.where) from failure
        raise
    _clear_others(job, version, found)
    clear_leftovers(job)
    return version


def _clear_others(job: Job, version: Version, found: Found) -> None:
    """What FAILED, and what tries have left that were killed before they could withdraw it."""
    for other in found.same():
        try:
            if other.number != version.number and withdraw_if_abandoned(job, other):
                job.log.line(f"deleted version {other.number}, which an ended try had left")
        except Failure as error:
            job.log.warning(f"version {other.number}, of an ended try, is left: {error}")
