"""The plan: a pure function from what was found to what will be done, and why."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from .outcome import readable
from .registry.api import PENDING, READY, Version
from .ways import Way


class Step(enum.Enum):
    """What can be done, in the order in which it is."""

    DELETE_FAILED = "delete"
    READ = "read"
    COPY = "copy"
    MAKE_MODEL = "make the model"
    GRANT = "grant"
    CREATE = "create"
    ADOPT = "take"
    WAIT = "wait"
    VERIFY = "verify"
    CLEAN_UP = "clean up"
    DESCRIBE = "describe"
    TAG = "tag"
    PROMOTE = "promote"
    SET_ALIAS = "set alias"


@dataclass(frozen=True)
class Planned:
    """One step and why; `of` is the version, tag or alias that it is about."""

    step: Step
    why: str
    of: str = ""

    @property
    def text(self) -> str:
        """What is planned, for people."""
        return f"{self.step.value}{f' {self.of}' if self.of else ''}: {self.why}"


@dataclass(frozen=True)
class Wanted:
    """What was asked for."""

    stage: str = ""
    archive_existing: bool = False
    aliases: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    description: str = ""
    permissions: int = 0
    every_byte: bool = False


@dataclass(frozen=True)
class Found:
    """What was found.

    Attributes:
        versions: All versions of the model in the registry; `None` where there is no model.
        key: The tag, and the value, of versions of this very source, listing and name.
        taken_tag: The tag of a version that somebody may have told already.
        compared_tag: The tag of a version whose bytes were found to be the source's once more.
        source: The tag, and the value, of versions of this source whatever its listing.
        digest: The tag that holds the digest of a version's files; and the value that the source
            has now, where its bytes are compared, else empty.
        ways: The ways by which the bytes may go, best first.
        model_is_left: Whether the model is empty, and of an ended try of this registration.
        aliases: The aliases there are, and their versions.
    """

    versions: tuple[Version, ...] | None
    key: tuple[str, str] = ("", "")
    source: tuple[str, str] = ("", "")
    ways: tuple[Way, ...] = ()
    files: int = 0
    bytes: int = 0
    has_digest: bool = False
    taken_tag: str = ""
    compared_tag: str = ""
    digest: tuple[str, str] = ("", "")
    model_is_left: bool = False
    aliases: Mapping[str, str] = field(default_factory=dict)

    def same(self) -> list[Version]:
        """Versions of this very source and listing, lowest number first."""
        tag, value = self.key
        found = [version for version in self.versions or () if version.tags.get(tag) == value]
        return sorted(found, key=lambda version: version.order)

    def usable(self) -> Version | None:
        """The version that this source already is: READY, or on its way.

        One that is taken, for it may have been told, and who took it found those below no good.
        Else the lowest number, as in a race: the maker of a higher one may be about to withdraw it.
        """
        candidates = [one for one in self._on_their_way() if self.has_the_bytes(one)]
        taken = [version for version in candidates if self.taken_tag in version.tags]
        return next(iter([*self._compared_last(taken), *candidates]), None)

    def others_bytes(self, version: Version) -> bool:
        """Whether another one that is taken was made when the source had other bytes."""
        taken = [other for other in self._on_their_way() if self.taken_tag in other.tags]
        return any(self._digest_of(other) != self._digest_of(version) for other in taken)

    def _on_their_way(self) -> list[Version]:
        return [version for version in self.same() if version.status in (READY, PENDING)]

    def has_the_bytes(self, version: Version) -> bool:
        """Whether a version has the source's bytes, so far as they are compared."""
        _, value = self.digest
        return not value or self._digest_of(version) == value

    def _digest_of(self, version: Version) -> str:
        tag, _ = self.digest
        return version.tags.get(tag, "")

    def _compared_last(self, taken: list[Version]) -> list[Version]:
        """Of versions whose bytes differ, those that are what the source was when last read."""
        latest = max(taken, key=self._compared, default=None)
        return [one for one in taken if latest and self._digest_of(one) == self._digest_of(latest)]

    def _compared(self, version: Version) -> float:
        text = version.tags.get(self.compared_tag, "")
        return max(version.created, int(text[:20]) / 1000 if re.fullmatch("[0-9]+", text) else 0.0)

    def changed(self) -> list[Version]:
        """Versions of the same source, of when its files were others."""
        tag, value = self.source
        others = {one.number for one in self._on_their_way() if not self.has_the_bytes(one)}
        same = {version.number for version in self.same()} - others
        return [
            version
            for version in self.versions or ()
            if version.tags.get(tag) == value and version.number not in same
        ]


def plan(found: Found, wanted: Wanted) -> tuple[Planned, ...]:
    """Decides what to do; calls nothing."""
    version = found.usable()
    steps = [*_making(found, wanted)] if version is None else [*_taking(version, wanted)]
    return (*steps, *finishing(found, wanted, version))


def _making(found: Found, wanted: Wanted) -> Iterator[Planned]:
    for version in found.same():
        if version.status in (READY, PENDING):  # of other bytes
            continue
        yield Planned(Step.DELETE_FAILED, f"it is {version.status}, of this source", version.number)
    size = f"{found.files} files, {readable(found.bytes)}"
    if Way.IN_PLACE not in found.ways:
        else_by = "".join(f", or else {way.value}" for way in found.ways[1:])
        yield Planned(Step.COPY, f"{size}, {found.ways[0].value}{else_by}")
    elif not found.has_digest:
        yield Planned(Step.READ, f"{size}, for the digest; the registry reads the source itself")
    if found.versions is None or found.model_is_left:
        why = (
            "an ended try has left it"
            if found.model_is_left
            else "the registry has none of that name"
        )
        yield Planned(Step.MAKE_MODEL, why)
        if wanted.permissions:
            yield Planned(Step.GRANT, f"{wanted.permissions} principals, for a model made here")
    if changed := found.changed():
        yield Planned(Step.CREATE, f"the source's files changed since version {changed[0].number}")
    else:
        yield Planned(Step.CREATE, "the registry has no version of this source")
    yield Planned(Step.WAIT, "until it is READY")
    yield _verifying(wanted)
    if found.ways[0] in (Way.DBFS, Way.RUN):
        yield Planned(Step.CLEAN_UP, "a READY version needs no staging copy")


def _taking(version: Version, wanted: Wanted) -> Iterator[Planned]:
    yield Planned(Step.ADOPT, "it is of this very source", version.number)
    if version.status == PENDING:
        yield Planned(Step.WAIT, "until it is READY")
    yield _verifying(wanted)


def _verifying(wanted: Wanted) -> Planned:
    what = "names, sizes and every byte" if wanted.every_byte else "names and sizes"
    return Planned(Step.VERIFY, f"{what} of what the registry serves")


def finishing(found: Found, wanted: Wanted, version: Version | None) -> Iterator[Planned]:
    """What is still missing of a version; of one that is to be made, where it is to stand."""
    if version is not None:
        if wanted.description and wanted.description != version.description:
            yield Planned(Step.DESCRIBE, "the description differs")
        for key, value in wanted.tags:
            if version.tags.get(key) != value:
                yield Planned(Step.TAG, "it differs", key)
    if wanted.stage and not _stands(found, wanted, version):
        archive = ", and what stands there to Archived" if wanted.archive_existing else ""
        yield Planned(Step.PROMOTE, f"as asked for{archive}", wanted.stage)
    for alias in wanted.aliases:
        if version is None or found.aliases.get(alias) != version.number:
            yield Planned(Step.SET_ALIAS, "as asked for", alias)


def _stands(found: Found, wanted: Wanted, version: Version | None) -> bool:
    """Whether the stage is as it was asked for: a new version stands in `None` by itself."""
    others = [
        other
        for other in found.versions or ()
        if other.stage == wanted.stage and not (version and other.number == version.number)
    ]
    if wanted.archive_existing and others:
        return False
    return (version.stage if version else "None") == wanted.stage
