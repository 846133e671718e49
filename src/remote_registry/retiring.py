"""Which versions go and which stay: a pure function from what was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .inputs.retire import ARCHIVE, RetireInputs
from .inputs.values import TAG_PREFIX
from .plan import Found
from .registry.api import PENDING, READY, Version

ARCHIVED = "Archived"
DELETING_TAG = f"{TAG_PREFIX}deleting"
_DAY = 86_400.0


@dataclass(frozen=True)
class Choice:
    """What is to be done.

    Attributes:
        going: The versions that go, oldest first.
        staying: Those that are meant and stay all the same, and why.
    """

    going: tuple[Version, ...]
    staying: tuple[tuple[Version, str], ...]


def choose(found: Found, fitting: Sequence[Version], inputs: RetireInputs, now: float) -> Choice:
    """Decides; calls nothing.

    Args:
        fitting: The versions that `select` means, or all.
        now: Seconds since the epoch.
    """
    going, staying = [], []
    for version in sorted(_meant(found, fitting, inputs, now), key=lambda one: one.order):
        if inputs.to == ARCHIVE and version.stage == ARCHIVED:
            continue
        if reason := _why_it_stays(found, version, inputs):
            staying.append((version, reason))
        else:
            going.append(version)
    return Choice(tuple(going), tuple(staying))


def words_of_deleting(inputs: RetireInputs) -> str:
    """What is kept on a version that is archived on its way, where it is meant by its stage.

    It stands there no more when the next run looks, where this one was killed.
    """
    by_stage = inputs.select and inputs.select.way == "stage" and inputs.to != ARCHIVE
    return str(inputs.select) if by_stage else ""


def half_gone(found: Found, inputs: RetireInputs) -> list[Version]:
    """Versions that an earlier run in the same words has archived, and not come to delete."""
    words = words_of_deleting(inputs)
    return [
        version
        for version in found.versions or ()
        if words and version.stage == ARCHIVED and version.tags.get(DELETING_TAG) == words
    ]


def _meant(
    found: Found, fitting: Sequence[Version], inputs: RetireInputs, now: float
) -> list[Version]:
    meant = list(fitting)
    if inputs.keep_last is not None:
        loose = [version for version in found.versions or () if version.stage in ("", "None")]
        ready = [version.number for version in loose if version.status == READY]
        kept = ready[: inputs.keep_last]  # the newest first
        goes = {version.number for version in loose} - set(kept)
        meant = [version for version in meant if version.number in goes]
    if inputs.older_than is not None:
        end = now - inputs.older_than * _DAY
        meant = [version for version in meant if 0 < version.created < end]
    return meant


def _why_it_stays(found: Found, version: Version, inputs: RetireInputs) -> str:
    if version.status == PENDING:
        return f"it is {version.status}: somebody is making it"
    if inputs.to == ARCHIVE and version.status != READY:
        return f"it is {version.status}, and can only be deleted"
    return "" if inputs.force else in_use(found, version)


def in_use(found: Found, version: Version) -> str:
    """How a version is used, so that it stays unless it is forced; empty where it isn't."""
    if version.stage == "Production":
        return "it stands in Production"
    aliases = [alias for alias, number in found.aliases.items() if number == version.number]
    return f"it has the alias {', '.join(aliases)}" if aliases else ""
