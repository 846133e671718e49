"""Whether the registry serves what was logged."""

from __future__ import annotations

from dataclasses import replace

from .connection import Connection
from .files.copy import Manifest, copy
from .files.databricks import VersionFiles
from .files.protocols import File, Reader
from .files.stores import served_folder
from .job import DIGEST_TAG, Job
from .progress import progress_of
from .registry.api import RegistryApi, Version
from .taking import NoGood


def verify(job: Job, version: Version, manifest: Manifest | None = None) -> None:
    """Sees that the registry serves the files that the source has.

    Names and sizes always; with `verify: full` every byte, which are read back for it.

    Args:
        manifest: What was copied, to name the files that differ; else the version's own digest is
            compared.

    Raises:
        NoGood: It serves others.
    """
    reader = served(job.side, job.api, version)
    files = tuple(reader.files())
    if files != tuple(sorted(job.source.files)):
        raise _differs(job, version, _differences(files, job.source.files))
    job.log.line(f"verified: the registry serves {len(files)} files of the sizes logged")
    if job.every_byte:
        _verify_bytes(job, version, reader, manifest)


def read_source(job: Job) -> Manifest:
    """The manifest of what the source has now; reads all of it."""
    if job.folder_manifest:
        return job.folder_manifest
    with job.log.group("Read for the digest"):
        show = progress_of(job, "read")
        return copy(job.source.reader, None, job.source.files, show, job.limits)


def _verify_bytes(job: Job, version: Version, reader: Reader, copied: Manifest | None) -> None:
    with job.log.group("Verify every byte"):
        show = progress_of(job, "read back")
        limits = replace(job.limits, reads_back=True)
        read = copy(reader, None, job.source.files, show, limits)
        digest = copied.digest if copied else version.tags.get(DIGEST_TAG, "")
        if read.digest == digest:
            job.log.line(f"verified: every byte of them, {digest}")
            return
        changed = sorted(set(read.entries) - set(copied.entries if copied else ()))
        named = ", ".join(repr(file.path) for _, file in changed[:5])
        how = f"other bytes in {named}" if copied else f"other bytes, of the digest {read.digest}"
        raise _differs(job, version, how)


def _differs(job: Job, version: Version, how: str) -> NoGood:
    return NoGood(
        f"What the registry serves of version {version.number} is not what was logged: {how}.",
        where=job.api.where,
        todo="Run again; if it stays so, the registry's storage is at fault: delete that version, "
        "and a run makes it anew.",
    )


def _differences(served: tuple[File, ...], logged: tuple[File, ...]) -> str:
    sizes_served = {file.path: file.size for file in served}
    sizes_logged = {file.path: file.size for file in logged}
    both = sizes_served.keys() & sizes_logged.keys()
    found = (
        ("missing", sizes_logged.keys() - both),
        ("not logged", sizes_served.keys() - both),
        ("other size", {path for path in both if sizes_served[path] != sizes_logged[path]}),
    )
    return "; ".join(
        f"{what} {', '.join(map(repr, sorted(paths)[:5]))}" for what, paths in found if paths
    )


def served(side: Connection, api: RegistryApi, version: Version) -> Reader:
    """What the registry serves of a READY version."""
    if side.is_databricks:
        return VersionFiles(side.rest, version.name, version.number)
    return served_folder(side.rest, api.download_uri(version.number))
