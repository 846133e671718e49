"""Making a version: bring the files, create, wait until READY, verify; or leave nothing."""

from __future__ import annotations

import time
from functools import partial

from . import cancelling
from .cancelling import Hurry, remembered, shielded
from .create import Creation, create, withdraw_all
from .errors import Cancelled, Failure
from .files.copy import Manifest, copy
from .homes import clear_leftovers, new_home
from .job import DIGEST_TAG, Job
from .outcome import readable
from .plan import Planned, Step
from .progress import progress_of
from .registered_model import OwnModel
from .registry.api import PENDING, READY, Version
from .registry.protocols import Home
from .renewal import Renewal
from .rest import ApiError, Json
from .retry import Transient
from .taking import NoGood, NotMade, Overdue, Vanished, take_openly, withdraw_if_abandoned
from .undo import Undo
from .verify import read_source, verify


def make_version(job: Job, steps: tuple[Planned, ...]) -> Version:
    """Makes the version, READY and verified; or takes one that another job made first.

    Raises:
        Failure: With all that was made taken back, and what could not be in its `left`.
    """
    clear_leftovers(job)
    with (
        Undo(job.side.rest, job.log) as undo,
        Renewal(job.attempt.abandoned_after / 5, job.log) as renewal,
    ):
        for planned in steps:
            if planned.step is Step.DELETE_FAILED:
                job.api.delete_version(planned.of)
        home = new_home(job, undo)
        if home:
            renewal.add(lambda: home.renew(job.mark))
        manifest, body = _bring(job, home)
        job.outcome.digest = manifest.digest
        model = OwnModel(job, undo)
        if any(planned.step is Step.MAKE_MODEL for planned in steps):
            model.make()
        creation = Creation(model)
        undo.push(
            partial(withdraw_all, job, creation),
            partial(_left_of, job, creation),
            in_doubt=lambda: creation.is_awaited,
        )
        version = _made(job, body | _lineage(job, body), manifest, renewal, creation)
        version = _settled(job, version)
        with shielded():  # for what is taken is not taken back any more
            if job.is_own(version):
                take_openly(job, version)
            renewal.end()
            job.tell(version)
            if job.is_own(version):
                undo.keep()
                job.outcome.created = True
                if home:
                    _clean_up(job, home)
                withdraw_all(job, creation, but=version)
            else:
                undo.run()
    return version


def _left_of(job: Job, creation: Creation) -> str:
    return f"a version of {job.api.name}" if creation.known or creation.in_doubt else ""


def _made(
    job: Job, body: Json, manifest: Manifest, renewal: Renewal, creation: Creation
) -> Version:
    version = create(job, body, job.tags(manifest.digest), creation)
    renewal.add(lambda: job.api.set_tag(version.number, *job.mark_tag))
    version = wait_until_ready(job, version)
    verify(job, version, manifest)
    return version


def _bring(job: Job, home: Home | None) -> tuple[Manifest, Json]:
    """The files' manifest, and what tells the registry where it finds them."""
    source = job.source
    if home is None:
        return read_source(job), _native_body(job)
    with job.log.group("Copy"):
        begun = time.monotonic()
        show = progress_of(job, "copied")
        manifest = copy(source.reader, home.writer, source.files, show, job.limits)
        job.outcome.copied = source.bytes
        took = time.monotonic() - begun
        job.log.line(
            f"copied {len(source.files)} files, {readable(source.bytes)} in {took:.1f} s "
            f"{job.outcome.way}; {manifest.digest}"
        )
        return manifest, home.finish(source.files)


def _native_body(job: Job) -> Json:
    if job.side.is_databricks:
        return {"source": job.source.native_uri}
    if job.source.model_id:
        return {"source": f"models:/{job.source.model_id}", "model_id": job.source.model_id}
    if job.source.kind == "model version":
        return {"source": job.source.name.replace("models/", "models:/", 1)}
    return {"source": job.source.native_uri}


def _lineage(job: Job, body: Json) -> Json:
    """Which run the version comes from: its id, and the link to it in its own workspace."""
    run_id = body.get("run_id") or job.source.run_id
    if job.native and job.source.kind == "model version":
        run_id = ""
    return {
        "run_id": run_id,
        "run_link": job.source.run_page,
        "description": job.inputs.description,
    }


def wait_until_ready(job: Job, version: Version) -> Version:
    """Waits until the registry has made the version.

    Raises:
        Vanished: It is gone.
        Overdue: It has not within `timeout` seconds.
        NotMade: It could not, in its own words.
    """
    begun = time.monotonic()
    pause = 0.1
    while version.status == PENDING:
        waited = time.monotonic() - begun
        if waited > job.inputs.timeout:
            raise Overdue(
                f"Version {version.number} is not READY after {job.inputs.timeout:g} s",
                where=job.api.where,
                todo="Run again; with a large model give it more time by timeout.",
            )
        job.log.progress(f"waiting for version {version.number} to be READY, {waited:.0f} s")
        cancelling.sleep(min(pause, max(0.05, job.inputs.timeout - waited)))
        pause = min(max(0.7, waited / 10), 3.0)
        found = job.api.version_or_none(version.number)
        if found is None:
            raise Vanished(f"Version {version.number} was deleted meanwhile.", where=job.api.where)
        version = found
    if version.status != READY:
        job.outcome.status = version.status
        raise NotMade(
            f"Version {version.number} is {version.status}: {version.status_message}",
            where=job.api.where,
            todo="Run again; if it fails again, what the registry says of it is the cause.",
        )
    job.log.line(f"version {version.number} is READY")
    return version


def _settled(job: Job, version: Version) -> Version:
    """Of several jobs that made a version of one source, all take the one with the lowest number.

    Another's is taken when it is returned. Ours is withdrawn for one that is READY, verified
    and taken only; so there is always one.

    Raises:
        Overdue: A lower one may still get READY, and its maker may live.
    """
    no_good: set[str] = set()
    while other := _lowest_below(job, version, no_good):
        job.log.line(f"another job made version {other.number} of this source first")
        try:
            winner = wait_until_ready(job, other)
            verify(job, winner)
            take_openly(job, winner)
        except Overdue as overdue:
            if not withdraw_if_abandoned(job, other):
                raise
            job.log.line(f"{overdue.what}, and the job that made it has ended")
        except (NoGood, Vanished) as failure:
            no_good.add(other.number)
            job.log.line(f"version {other.number} is no good: {failure}")
        except ApiError as error:
            if not error.is_missing:
                raise
            no_good.add(other.number)
            job.log.line(f"version {other.number} is no good: {error}")
        else:
            return winner
    return version


def _lowest_below(job: Job, version: Version, no_good: set[str]) -> Version | None:
    if version.order == 1:
        return None
    known = job.api.versions()
    lower = [
        one
        for one in [*known, *job.api.hidden(known, below=version.order)]
        if one.order < version.order and _rivals(job, one)
    ]
    return min((o for o in lower if o.number not in no_good), key=lambda o: o.order, default=None)


def _rivals(job: Job, other: Version) -> bool:
    """Whether another job's version may be the one that ours is, too."""
    has_the_bytes = not job.every_byte or other.tags.get(DIGEST_TAG) == job.outcome.digest
    return job.made(other) and other.status in (READY, PENDING) and has_the_bytes


def _clean_up(job: Job, home: Home) -> None:
    try:
        with remembered(lambda: [home.left()]):
            home.after_ready()
    except (Hurry, Cancelled) as ending:
        ending.left.append(home.left())
        raise
    except (Failure, Transient) as error:
        job.log.warning(f"{home.left()} could not be removed: {error}")
