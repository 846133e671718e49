"""`register`: a run goes in, a verified version in the registry comes out."""

from __future__ import annotations

from dataclasses import dataclass

from . import cancelling
from .attempt import Attempt
from .comparing import compare
from .connection import Connection, connect_both
from .existing import look, take
from .files.copy import copy
from .files.sharing import Sharing
from .finish import finish
from .inputs.register import RegisterInputs
from .job import DIGEST_TAG, Job
from .judging import judge_source
from .make import make_version
from .outcome import Log, Outcome, readable
from .plan import Found, Planned, plan
from .provenance import Provenance
from .registry.api import RegistryApi, Version
from .registry.databricks import Dbfs, look_at_dbfs
from .source import find_source
from .taking import Vanished
from .ways import ways

_TRIES = 5  # of a job whose winner vanishes again and again


@dataclass(frozen=True)
class Setting:
    """What a registration goes on in.

    Attributes:
        sides: The source's connection and the registry's.
        attempt: Its own try, by whose mark others know what it has made.
        sharing: With whom it shares connections; `None` where it is alone.
    """

    sides: tuple[Connection, Connection]
    provenance: Provenance
    attempt: Attempt
    sharing: Sharing | None = None


def register(
    inputs: RegisterInputs,
    provenance: Provenance,
    attempt: Attempt,
    outcome: Outcome,
    log: Log,
) -> None:
    """Registers the model, waits until it is READY, verifies and promotes it.

    Args:
        attempt: This process's try, by whose mark others know what it has made.
        outcome: Is filled as things come true; also when this raises.

    Raises:
        Failure: Of every kind in `errors`. What was begun has been undone, and what could not be
            is in its `left`. A version that was READY and verified stays when promoting fails.
    """
    with log.group("Connect"):
        sides = connect_both(inputs.registry, inputs.tracking, inputs.retry_timeout, log.hide)
        for connection in sides:
            log.line(f"signed in to {connection.label}")
    carry_out(prepare(inputs, Setting(sides, provenance, attempt), outcome, log))


def carry_out(job: Job) -> None:
    """Does what is left to do once the source is found.

    Raises:
        Failure: As of `register`.
    """
    inputs, outcome = job.inputs, job.outcome
    for tries_left in reversed(range(_TRIES)):
        found = look(job)
        judge_source(job, found)
        steps = plan(found, job.wanted)
        _tell_plan(job, found, steps)
        if inputs.dry_run:
            outcome.status = "planned"
            return
        try:
            usable = found.usable()
            version = take(job, usable, found) if usable else make_version(job, steps)
            break
        except Vanished as vanished:
            if not tries_left:
                raise
            job.log.line(f"{vanished.what} Beginning again.")
            cancelling.sleep(1.0)
    _tell_version(job, version)
    if inputs.comment:
        compare(job, version, found)
    finish(job, version, steps, found)


def prepare(inputs: RegisterInputs, setting: Setting, outcome: Outcome, log: Log) -> Job:
    """Finds the source, and the ways in; writes nothing.

    Raises:
        Failure: As of `register`.
    """
    source_side, side = setting.sides
    with log.group("Find the source"):
        source = find_source(source_side, inputs.source)
        size = f"{len(source.files)} files, {readable(source.bytes)}"
        log.line(f"found {source.kind} {source.name}: {size}")
        outcome.source_kind, outcome.source_name = source.kind, source.name
        outcome.source_run_id, outcome.source_page = source.run_id, source.run_page
        outcome.files, outcome.bytes = len(source.files), source.bytes
        is_folder = source.kind == "folder"
        manifest = copy(source.reader, None, source.files, lambda *_: None) if is_folder else None
    native = bool(source.native_uri) and source_side.identity == side.identity
    dbfs = look_at_dbfs(side.rest) if side.is_databricks and not native else Dbfs(is_on=False)
    open_ways = ways(
        (file.size for file in source.files),
        native=native,
        on_databricks=side.is_databricks,
        dbfs_is_on=dbfs.is_on,
    )
    api = RegistryApi(side, inputs.model_name)
    return Job(
        inputs, setting.provenance, source_side, side, source, api, log, outcome, setting.attempt,
        dbfs, open_ways, manifest, setting.sharing,
    )  # fmt: skip


def _tell_plan(job: Job, found: Found, steps: tuple[Planned, ...]) -> None:
    job.outcome.way = job.ways[0].value
    job.outcome.plan = [planned.text for planned in steps]
    if (version := found.usable()) and job.inputs.dry_run:
        job.outcome.version = version.number
        job.outcome.stage = version.stage
        job.outcome.digest = version.tags.get(DIGEST_TAG, "")
    with job.log.group("Plan"):
        for planned in steps:
            job.log.line(planned.text)


def _tell_version(job: Job, version: Version) -> None:
    job.tell(version)
    job.outcome.download_uri = job.api.download_uri(version.number)
