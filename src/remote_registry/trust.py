"""Whether a version that was found by what anybody may write on it is what it seems to be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from .connection import Connection
from .errors import GateNotMet, RegistryFailed
from .files.copy import copy
from .files.pace import Limits
from .inputs.scopes import GivenSide
from .inputs.sides import MlflowServer
from .outcome import Log
from .progress import progress_to
from .registry.api import RegistryApi, Version
from .verify import served


class Trusted(Protocol):
    """Inputs that say whose versions, and which bytes, are trusted."""

    @property
    def registry(self) -> GivenSide:
        """The registry's sign-in, as it was given."""

    @property
    def trusted_creators(self) -> tuple[str, ...]:
        """Who may have made the version; empty where that was not said."""

    @property
    def digest(self) -> str:
        """What the version must have; empty for any."""


class Trusting(Protocol):
    """What a verb works on that trusts some versions only."""

    @property
    def inputs(self) -> Trusted:
        """What is said."""

    @property
    def side(self) -> Connection:
        """The registry's connection."""

    @property
    def api(self) -> RegistryApi:
        """The model in the registry."""

    @property
    def log(self) -> Log:
        """Where it is told."""


def check_trust(job: Trusting, version: Version, *, by_tags: bool) -> None:
    """Sees that a READY version is of whom, and what, the inputs say.

    What is said is checked however the version was found. Where nothing is, and it was found by
    what others can write, the identity that signs in must have made it.

    Args:
        by_tags: Whether it was found so.

    Raises:
        GateNotMet: Somebody else has made it.
        RegistryFailed: It has another digest.
    """
    check_creator(job, version, by_tags=by_tags)
    if job.inputs.digest:
        check_digest(job.side, job.api, version, job.inputs.digest, job.log)


def check_creator(job: Trusting, version: Version, *, by_tags: bool) -> None:
    """The part of it that is about who has made the version; with a digest anybody may have.

    Raises:
        GateNotMet: Somebody has who is not trusted.
    """
    inputs, side, api = job.inputs, job.side, job.api
    if trusted := inputs.trusted_creators:
        if not version.creator:
            job.log.warning(
                f"{api.where} names no creator of version {version.number}, so trusted-creators "
                "has none to check."
            )
        _check_creator(api, version, trusted, by_tags=False)
    elif by_tags and not inputs.digest:
        own = inputs.registry.username if isinstance(inputs.registry, MlflowServer) else side.user
        _check_creator(api, version, tuple(filter(None, (own,))), by_tags=by_tags)


def _check_creator(
    api: RegistryApi, version: Version, trusted: Sequence[str], *, by_tags: bool
) -> None:
    """Where a registry names no creator, there is none to check."""
    if version.creator and version.creator not in trusted:
        found = ", and it was found by tags, which others can write" if by_tags else ""
        else_ = ", give its digest, or say its number" if by_tags else ", or take another version"
        raise GateNotMet(
            f"Version {version.number} was made by {version.creator}{found}. "
            f"Trusted are: {', '.join(trusted) or 'none'}.",
            where=api.where,
            todo=f"Name its creator in trusted-creators{else_}.",
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
