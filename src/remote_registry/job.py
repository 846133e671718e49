"""One registration on its way: its inputs, both sides, the source, and the marks it leaves."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property

from .attempt import MARK_TAG, Attempt, Mark, mark_from
from .connection import Connection
from .figures import Figures, metric_tags
from .files.copy import Manifest
from .files.pace import Limits
from .files.sharing import Sharing
from .inputs.register import RegisterInputs
from .inputs.values import TAG_PREFIX
from .outcome import Log, Outcome
from .plan import Wanted
from .provenance import Provenance
from .registry.api import RegistryApi, Version
from .registry.databricks import Dbfs
from .source import ModelSource
from .ways import Way

TAKEN_TAG = f"{TAG_PREFIX}taken"
COMPARED_TAG = f"{TAG_PREFIX}compared"  # and milliseconds since the epoch
WITHDRAWING_TAG = f"{TAG_PREFIX}withdrawing."  # and the token of who does it
KEY_TAG = f"{TAG_PREFIX}key"
SOURCE_TAG = f"{TAG_PREFIX}source"
DIGEST_TAG = f"{TAG_PREFIX}digest"
SOURCE_RUN_TAG = f"{TAG_PREFIX}source_run_id"


@dataclass(frozen=True)
class Job:
    """What the steps of a registration work on.

    Attributes:
        side: The registry's connection.
        attempt: This process's try.
        dbfs: The registry's place for staging copies, where it is a workspace that has to copy.
        ways: The ways by which the bytes may go, best first.
        folder_manifest: Of a local folder, which is what it holds; `None` for other sources.
        sharing: What it shares with other registrations of this process; `None` where it is alone.
    """

    inputs: RegisterInputs
    provenance: Provenance
    source_side: Connection
    side: Connection
    source: ModelSource
    api: RegistryApi
    log: Log
    outcome: Outcome
    attempt: Attempt
    dbfs: Dbfs
    ways: tuple[Way, ...]
    folder_manifest: Manifest | None = None
    sharing: Sharing | None = None

    @property
    def limits(self) -> Limits:
        """How hard a copy tries."""
        return Limits(self.inputs.max_connections, self.inputs.retry_timeout, self.sharing)

    @property
    def native(self) -> bool:
        """Whether the registry can read the source where it is."""
        return Way.IN_PLACE in self.ways

    @property
    def mark(self) -> Mark:
        """What this try writes on all that it makes now."""
        return self.attempt.mark(self.key)

    def mark_of(self, version: Version) -> Mark | None:
        """Who made a version of this registration; `None` where it is none, or is not marked."""
        return mark_from(version.tags.get(MARK_TAG, "")) if self.made(version) else None

    @property
    def mark_tag(self) -> tuple[str, str]:
        """The tag that holds the mark."""
        return MARK_TAG, self.mark.text

    @property
    def model_tags(self) -> dict[str, str]:
        """The tags of a registered model that this try makes."""
        return dict([self.mark_tag])

    def tell(self, version: Version) -> None:
        """From now on the outputs name this version, whatever comes."""
        outcome = self.outcome
        outcome.version, outcome.status = version.number, version.status
        outcome.stage, outcome.digest = version.stage, version.tags.get(DIGEST_TAG, outcome.digest)
        outcome.registry_url = self.side.version_page(version.name, version.number)

    def is_own(self, version: Version) -> bool:
        """Whether this very try made a version."""
        mark = self.mark_of(version)
        return bool(mark and mark.token == self.attempt.token)

    def made(self, version: Version) -> bool:
        """Whether a version is of this very registration."""
        return version.tags.get(KEY_TAG) == self.key

    @property
    def source_mark(self) -> str:
        """The same text for the same source, whatever its files are at the moment."""
        if self.folder_manifest:
            return f"{self.provenance.repository}/{self.source.name}"
        return f"{self.source_side.identity}/{self.source.name}"

    @property
    def wanted(self) -> Wanted:
        """What was asked for, as the plan wants it."""
        return Wanted(
            stage=self.inputs.stage,
            archive_existing=self.inputs.archive_existing,
            aliases=self.inputs.aliases,
            tags=self.inputs.tags,
            description=self.inputs.description,
            permissions=len(self.inputs.permissions),
            every_byte=self.every_byte,
        )

    @property
    def every_byte(self) -> bool:
        """Whether bytes are compared, and not only names and sizes."""
        return self.inputs.verify == "full"

    @cached_property
    def key(self) -> str:
        """The same text for the same registry, model name, source and listing, and for no other."""
        what: list[object]
        if self.folder_manifest:
            what = ["folder", self.folder_manifest.digest]
        else:
            what = [self.source_mark, [[file.path, file.size] for file in self.source.files]]
        parts = json.dumps([self.side.identity, self.inputs.model_name, *what])
        return hashlib.sha256(parts.encode()).hexdigest()

    @cached_property
    def figures(self) -> Figures:
        """What is known of the source; asked for only where it is needed."""
        return self.source.figures()

    def tags(self, digest: str) -> dict[str, str]:
        """The tags that a version is made with: the user's, and ours under their prefix."""
        ours = {
            "key": self.key,
            "try": self.mark.text,
            "source": self.source_mark,
            "source_workspace": "" if self.folder_manifest else self.source_side.identity,
            "source_run_id": self.source.run_id,
            "digest": digest,
            "files": str(len(self.source.files)),
            "bytes": str(self.source.bytes),
            **self.provenance.tags(),
        }
        marked = {f"{TAG_PREFIX}{name}": value for name, value in ours.items() if value}
        metrics = metric_tags(self.figures.metrics, self.inputs.gate.metrics)
        return dict(self.inputs.tags) | marked | metrics
