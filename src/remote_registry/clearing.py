"""What nobody needs any more in a registry: looked for, told, deleted."""

from __future__ import annotations

from .cancelling import shielded
from .errors import Failure, RegistryFailed
from .plan import Found
from .registry import leftovers
from .registry.api import PENDING
from .registry.databricks import Dbfs, DbfsStaging, look_at_dbfs
from .registry.protocols import Home
from .retirement import Retirement
from .retry import Transient


def left_by_mlflow(job: Retirement) -> list[str]:
    """The names of the staging copies that plain MLflow has left.

    Raises:
        RegistryFailed: One is to be deleted, and they can't be listed.
    """
    if not job.side.is_databricks:
        return []
    try:
        dbfs = look_at_dbfs(job.side.rest)
    except Failure as error:
        dbfs = Dbfs(is_on=True, problem=error.what)
    if dbfs.problem and job.inputs.mlflow_staging:
        raise RegistryFailed(
            f"MLflow's staging copies can't be listed: {dbfs.problem} Nothing was changed.",
            where=job.side.label,
            todo="Let the token's user list dbfs:/databricks/mlflow/tmp-external-source.",
        )
    if dbfs.problem:
        tell = job.log.warning if dbfs.is_on else job.log.line  # where DBFS is off there are none
        tell(f"what plain MLflow has left can't be listed: {dbfs.problem}")
    return leftovers.of_mlflow(dbfs)


def staging_of_run(job: Retirement, found: Found) -> list[str]:
    """The staging copies of plain MLflow that are to be deleted by name.

    Raises:
        RegistryFailed: The registry is reading one of them.
    """
    run = job.inputs.mlflow_staging
    names = leftovers.of_run(job.outcome.mlflow_staging, run) if run else []
    if not names:
        return []
    pending = [one.source for one in found.versions or () if one.status == PENDING]
    for one in leftovers.versions_of_run(job.side.rest, run):
        pending += [str(one.get("source", ""))] if one.get("status") == PENDING else []
    for name in names:
        if any(f"/{name}/" in source for source in pending):
            raise RegistryFailed(
                f"A version that is {PENDING} is being made of the staging copy {name}. "
                "Nothing was changed.",
                where=job.side.label,
                todo="Wait until it is READY.",
            )
    return names


def clear(job: Retirement, found: Found, of_run: list[str]) -> None:
    """Deletes what nobody needs any more, and the staging copies of plain MLflow that are named."""
    for name in of_run:
        staging = DbfsStaging(job.side.rest, name, found=True)
        with shielded():
            staging.discard()
            job.outcome.staging.append(name)
        job.outcome.mlflow_staging.remove(name)
        job.log.line(f"deleted {name}, which MLflow had left")
    gone = {one["version"] for one in job.outcome.retired if one["done"] == "deleted"}
    deleted = {one.source for one in found.versions or () if one.number in gone}
    for home in orphans(job, found, deleted):
        left = named(job, home)
        try:
            with shielded():
                home.discard()
                job.outcome.staging.append(left)
            job.log.line(f"deleted what nobody needs any more: {left}")
        except (Failure, Transient) as error:
            job.log.warning(f"could not delete {left}: {error}")


def named(job: Retirement, home: Home) -> str:
    """What it is, without the host, which outputs must not hold."""
    return home.left().removesuffix(f" in {job.side.rest.where}")


def orphans(job: Retirement, found: Found, deleted: set[str]) -> list[Home]:
    """What nobody needs any more, and the registry is not reading either.

    Where that can't be seen, it is a warning: the next run clears it.
    """
    pending = [one.source for one in found.versions or () if one.status == PENDING]
    found_now: list[Home] = []
    try:
        found_now += leftovers.orphans(job.side, job.attempt, job.inputs.model_name, deleted)
    except Failure as error:
        job.log.warning(f"what nobody needs any more can't be looked for: {error}")
    return [
        home
        for home in found_now
        if not any(source.startswith(f"{named(job, home)}/") for source in pending)
    ]
