"""Whether a version that was found by what anybody may write on it is what it seems to be."""

from __future__ import annotations

from collections.abc import Sequence

from .connection import Connection
from .errors import GateNotMet, RegistryFailed
from .files.copy import copy
from .files.pace import Limits
from .outcome import Log
from .progress import progress_to
from .registry.api import RegistryApi, Version
from .verify import served


def check_creator(api: RegistryApi, version: Version, trusted: Sequence[str]) -> None:
    """Sees that a version was made by one of those who are trusted.

    A server that names no creator has none to check.

    Raises:
        GateNotMet: Somebody else has made it.
    """
    if version.creator and version.creator not in trusted:
        raise GateNotMet(
            f"Version {version.number} was made by {version.creator}, and it was found by tags, "
            f"which others can write. Trusted are: {', '.join(trusted) or 'none'}.",
            where=api.where,
            todo="Name its creator in trusted-creators, give its digest, or say its number.",
        )


def check_digest(
    side: Connection, api: RegistryApi, version: Version, digest: str, log: Log
) -> None:
    """Reads back every byte of a READY version, and sees that it has a digest.

    Raises:
        RegistryFailed: It has another.
    """
    with log.group("Verify every byte"):
        reader = served(side, api, version)
        files = tuple(reader.files())
        shown = progress_to(log, "read back", files)
        found = copy(reader, None, files, shown, Limits(retry_seconds=side.rest.seconds)).digest
        if found != digest:
            raise RegistryFailed(
                f"The digest of version {version.number} is {found}, and not {digest}. "
                "Nothing was changed.",
                where=api.where,
                todo="Compare it with the output `digest` of the job that registered the version.",
            )
        log.line(f"verified: version {version.number} is {digest}")
