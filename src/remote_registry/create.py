"""Creating a version once, whatever becomes of the reply."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from . import cancelling
from .cancelling import shielded
from .errors import Cancelled, Failure, RegistryFailed
from .job import Job
from .registered_model import OwnModel
from .registry.api import READY, ModelGone, QuotaReached, Version
from .rest import InDoubt, Json
from .taking import withdraw

_DOUBT_SECONDS = (0.0, 1.0, 2.0, 4.0)  # between looks for a version that is being made
_MODELS_LOST = 3
_MISSES = 5  # numbers that others' deleted versions had


@dataclass
class Creation:
    """What this try has made.

    Attributes:
        model: What they are versions of; made again where another job takes it away, empty.
        known: Versions of which the registry has told.
        in_doubt: Whether there may be others: a reply was lost, or never came.
        sent: How many "creates" there were, but for those that were clearly refused.
    """

    model: OwnModel
    known: list[Version] = field(default_factory=list)
    in_doubt: bool = False
    sent: int = 0

    @property
    def is_awaited(self) -> bool:
        """Whether one that was sent has made no version that is known, and still may."""
        return self.sent > len(self.known)

    def add(self, found: Iterable[Version]) -> None:
        """What this try has made, some of which may be known."""
        numbers = {version.number for version in self.known}
        self.known += [version for version in found if version.number not in numbers]


def create(job: Job, body: Json, tags: dict[str, str], creation: Creation) -> Version:
    """Creates the version; after a lost reply it looks before it tries again.

    Args:
        creation: Is filled as things come true; also when this raises.

    Raises:
        RegistryFailed: The registry refuses, or has no room for `timeout` seconds.
    """
    with job.log.group("Create the version"):
        deadline = time.monotonic() + job.inputs.timeout
        models_lost = 0
        while True:
            try:
                return _told(job, _sent(job, body, tags, creation))
            except InDoubt as doubt:
                job.log.line(f"no clear reply to create ({doubt.what}); looking for the version")
                again_at = time.monotonic() + (doubt.after or 0.0)
                if own := _look_for_own(job, again_at if again_at <= deadline else 0.0):
                    creation.add(own)
                    return _told(job, own[0])
                if max(again_at, time.monotonic()) > deadline:
                    raise
            except QuotaReached:
                if time.monotonic() > deadline:
                    raise
                job.log.progress("waiting: the workspace has its most versions pending")
                cancelling.sleep(min(5.0, job.inputs.timeout / 10))
            except ModelGone:
                models_lost += 1
                if models_lost > _MODELS_LOST:
                    raise
                job.log.line("another job took the empty model away; making it again")
                creation.model.make()


def _sent(job: Job, body: Json, tags: dict[str, str], creation: Creation) -> Version:
    with shielded():
        doubted, creation.in_doubt = creation.in_doubt, True
        creation.sent += 1
        try:
            version = job.api.create_version(body, tags)
        except (Failure, Cancelled) as ending:
            creation.in_doubt = doubted or ending.may_be_done
            creation.sent -= not ending.may_be_done
            raise
        creation.add([version])
        creation.in_doubt = doubted
    return version


def _told(job: Job, version: Version) -> Version:
    job.log.line(f"created version {version.number} of {version.name}: {version.status}")
    return version


def _look_for_own(job: Job, again_at: float) -> list[Version]:
    """What a "create" in doubt has made, until the moment from which it may be sent again."""
    for wait in _DOUBT_SECONDS:
        cancelling.sleep(wait)
        if own := own_versions(job):
            return own
    if (left := again_at - time.monotonic()) > 0:
        cancelling.sleep(left)
        return own_versions(job)
    return []


def own_versions(job: Job) -> list[Version]:
    """What this very try has made, lowest number first; also what search does not show yet."""
    known = job.api.versions()
    hidden = job.api.hidden(known, misses=_MISSES)
    own = [one for one in [*known, *hidden] if job.is_own(one)]
    return sorted(own, key=lambda version: version.order)


def withdraw_all(job: Job, creation: Creation, but: Version | None = None) -> bool:
    """Deletes all versions that this try has made; returns whether there were any.

    Args:
        but: The one to keep.

    Raises:
        RegistryFailed: Another job has taken one of them.
    """
    creation.add(own_versions(job) if creation.in_doubt else [])
    own = {version.number: version for version in creation.known}
    if but:
        own.pop(but.number, None)
    in_use = []
    for version in own.values():
        if version.status != READY:  # which no version is that is gone
            job.outcome.status = job.outcome.status or version.status
        if not withdraw(job, version):
            in_use.append(version.number)
    if in_use:
        raise RegistryFailed(
            f"Version {', '.join(in_use)} is taken and may be in use by another job, "
            "so it is not deleted.",
            where=job.api.where,
        )
    return bool(own)
