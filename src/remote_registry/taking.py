"""Taking a version, and deleting one: never both of one version.

Each of the two says so on the version first, and looks then what the other has said. So of two who
do it at once at least one sees the other; who deletes gives way. `taken` is never taken off again.
"""

from __future__ import annotations

import time

from . import cancelling
from .attempt import Mark, mark_from
from .errors import Failure, RegistryFailed
from .job import TAKEN_TAG, WITHDRAWING_TAG, Job
from .registry.api import PENDING, READY, Version
from .rest import ApiError

_PATIENCE_SECONDS = 60.0  # for who is about to delete a version


class NoGood(RegistryFailed):
    """A version that can't be taken: it failed, or serves other files than were logged."""


class NotMade(NoGood):
    """A version that the registry could not make."""


class Overdue(NoGood):
    """A version that is not READY in time, and may still get so."""


class Vanished(RegistryFailed):
    """A version that somebody else made, and that was waited for, is no more."""


def take_openly(job: Job, version: Version) -> None:
    """Says on a READY and verified version that it is taken: from now on nobody deletes it.

    Raises:
        Vanished: Somebody has deleted it.
        RegistryFailed: Somebody is about to delete it, and comes to no end.
    """
    if TAKEN_TAG in version.tags and not _withdrawers(version):
        return
    try:
        job.api.set_tag(version.number, TAKEN_TAG, job.attempt.token)
    except ApiError as error:
        if not error.is_missing:
            raise
        raise Vanished(f"Version {version.number} was deleted meanwhile.") from error
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        found = job.api.version_or_none(version.number)
        if found is None:
            raise Vanished(f"Version {version.number} was withdrawn meanwhile.")
        withdrawers = _withdrawers(found)
        if all(job.attempt.is_over(mark) for mark in withdrawers):
            _clear(job, version, withdrawers)
            return
        if time.monotonic() > deadline:
            raise RegistryFailed(
                f"Another job is withdrawing version {version.number}, and comes to no end.",
                where=job.api.where,
                todo="Run again; what that job has left is cleared once it is seen to have ended.",
            )
        job.log.progress(f"waiting for the job that withdraws version {version.number}")
        cancelling.sleep(0.3)


def _clear(job: Job, version: Version, ended: list[Mark]) -> None:
    """Takes off what jobs have said that have ended, or each later run would look again."""
    for mark in ended:
        try:
            job.api.delete_tag(version.number, f"{WITHDRAWING_TAG}{mark.token}")
        except Failure as error:
            job.log.line(f"the tag of a job that has ended could not be taken off: {error}")


def _withdrawers(version: Version) -> list[Mark]:
    found = [text for tag, text in version.tags.items() if tag.startswith(WITHDRAWING_TAG)]
    return [mark for text in found if (mark := mark_from(text))]


def withdraw(job: Job, version: Version) -> bool:
    """Deletes a version; `False` where another job has taken it, and it stays."""
    if version.status not in (READY, PENDING):  # which nobody takes
        job.api.delete_version(version.number)
        return True
    said = f"{WITHDRAWING_TAG}{job.attempt.token}"
    try:
        job.api.set_tag(version.number, said, job.mark.text)
    except ApiError as error:
        if not error.is_missing:
            raise
        return True
    found = job.api.version_or_none(version.number)
    if found and (TAKEN_TAG in found.tags or found.stage not in ("", "None")):
        job.api.delete_tag(version.number, said)
        return False
    if found:
        job.api.delete_version(version.number)
    return True


def withdraw_if_abandoned(job: Job, version: Version) -> bool:
    """Deletes a version whose maker has surely ended, if nobody has taken it."""
    mark = job.mark_of(version)
    if not mark or not job.attempt.is_over(mark) or version.stage not in ("", "None"):
        return False
    return withdraw(job, version)
