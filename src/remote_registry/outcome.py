"""What a command has reached so far: what its outputs, its log and its summary are made of."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    from .gate import Verdict


@dataclass
class Passed:
    """How much of a copy has passed: bytes and files, of so many in all."""

    what: str
    bytes_in_all: int
    files_in_all: int
    bytes: int = 0
    files: int = 0
    begun: float = field(default_factory=time.monotonic)

    def __str__(self) -> str:
        rate = max(self.bytes, 0) / max(time.monotonic() - self.begun, 0.001)
        left = f", {(self.bytes_in_all - self.bytes) / rate:.0f} s left" if rate else ""
        return (
            f"{self.what} {readable(self.bytes)} of {readable(self.bytes_in_all)}, "
            f"{self.files} of {self.files_in_all} files, {readable(int(rate))}/s{left}"
        )


class Log(Protocol):
    """Where a verb tells what it does; every text is data, escaped by whoever shows it."""

    def hide(self, secrets: list[str]) -> None:
        """Masks secrets in all that is told from now on."""

    def line(self, text: str) -> None:
        """One thing that was found or done."""

    def warning(self, text: str) -> None:
        """Something that a person should see, though the command goes on."""

    def progress(self, text: str) -> None:
        """A line at most every few seconds; others are dropped."""

    def passed(self, passed: Passed) -> None:
        """How far a copy is; shown at most every few seconds, or as a bar."""

    def group(self, title: str) -> AbstractContextManager[None]:
        """Folds what is told within it."""


@dataclass(frozen=True)
class Table:
    """A table for the summary; its cells are data."""

    title: str
    heads: tuple[str, ...]
    rows: list[list[str]]


@dataclass(frozen=True)
class Compared:
    """The metrics of a version beside those of the champion.

    Attributes:
        place: The stage or the alias where a champion stands.
        champion: The version that stands there; empty where none does.
        rows: Name, the version's own, the champion's; empty where it is not known.
    """

    place: str
    champion: str = ""
    rows: tuple[tuple[str, str, str], ...] = ()

    def redacted(self, redacted: Callable[[str], str]) -> Compared:
        """The same, freed of secrets."""
        rows = tuple((redacted(a), redacted(b), redacted(c)) for a, b, c in self.rows)
        place, champion = redacted(self.place), redacted(self.champion)
        return Compared(place, champion, rows)


@dataclass
class Outcome:
    """Filled as things come true, so that it tells the truth whenever the command ends.

    Attributes:
        previous: The versions that stood in the stage before, or under each alias.
        compared: The version beside the champion, where somebody wants to know.
        next_place: Where it goes next, as `promote` is told: an option and its value.
        bytes: The size of the model.
        copied: Bytes that went from the source to the registry.
        seconds: How long it took.
        participle: What the verb does, done.
    """

    participle: ClassVar[str] = "registered"
    model_name: str
    version: str = ""
    download_uri: str = ""
    stage: str = ""
    aliases: list[str] = field(default_factory=list)
    previous: list[str] = field(default_factory=list)
    status: str = ""
    created: bool = False
    digest: str = ""
    source_kind: str = ""
    source_name: str = ""
    source_run_id: str = ""
    source_page: str = ""
    registry_url: str = ""
    files: int = 0
    bytes: int = 0
    copied: int = 0
    way: str = ""
    seconds: float = 0.0
    plan: list[str] = field(default_factory=list)
    gate: list[Verdict] = field(default_factory=list)
    compared: Compared | None = None
    next_place: tuple[str, str] = ("", "")

    @property
    def subject(self) -> str:
        """What it is about."""
        return self.model_name

    @property
    def done(self) -> str:
        """What was reached, for people."""
        how = "registered" if self.created else "was already registered"
        return f"{self.model_name} version {self.version} {how}"

    @property
    def reached(self) -> str:
        """What was reached although the command failed; empty where nothing was."""
        is_there = self.version and self.status == "READY"
        return f"version {self.version} is registered" if is_there else ""

    @property
    def table(self) -> Table | None:
        """More for the summary: how each condition of the gate was judged."""
        rows = [one.cells for one in self.gate]
        return Table("Gate", ("", "condition", "model", "against", ""), rows) if rows else None

    @property
    def way_back(self) -> list[str]:
        """The command that undoes what was done, word by word; empty where there is none."""
        return []

    def redacted(self, redacted: Callable[[str], str]) -> Outcome:
        """The same, with what servers have said freed of secrets.

        Args:
            redacted: Replaces secrets in a text.
        """
        return replace(self, **self._cleaned(redacted))

    def _cleaned(self, redacted: Callable[[str], str]) -> dict[str, Any]:
        texts = (
            "download_uri", "stage", "status", "source_kind", "source_name", "source_run_id",
            "source_page", "registry_url", "way", "digest",
        )  # fmt: skip
        lists = ("aliases", "previous", "plan")
        changed: dict[str, Any] = {name: redacted(getattr(self, name)) for name in texts}
        if changed["registry_url"] != self.registry_url:
            changed["registry_url"] = ""  # an address without its host leads nowhere
        changed["gate"] = [verdict.redacted(redacted) for verdict in self.gate]
        changed["compared"] = self.compared and self.compared.redacted(redacted)
        return changed | {name: list(map(redacted, getattr(self, name))) for name in lists}

    @property
    def model_uri(self) -> str:
        """`models:/<name>/<version>`, or empty without a version."""
        return f"models:/{self.model_name}/{self.version}" if self.version else ""

    def _texts(self) -> Iterator[tuple[str, str]]:
        yield "version", self.version
        yield "download-uri", self.download_uri
        yield "model-uri", self.model_uri
        yield "stage", self.stage
        yield "previous-version", self.previous[0] if self.previous else ""
        yield "status", self.status
        yield "created", "true" if self.created else "false"
        yield "digest", self.digest
        yield "source-run-id", self.source_run_id

    def outputs(self) -> dict[str, str]:
        """The outputs of the action, by name."""
        import json

        texts = dict(self._texts())
        result = json.dumps(self.result(), ensure_ascii=True)
        return texts | {"registry-url": self.registry_url, "result": result}

    def result(self) -> dict[str, Any]:
        """All outputs but `registry-url`, and figures; with no host and no workspace id."""
        return dict(self._texts()) | {
            "model-name": self.model_name,
            "created": self.created,
            "aliases": self.aliases,
            "previous-versions": self.previous,
            "source": self.source_name,
            "files": self.files,
            "bytes": self.bytes,
            "copied-bytes": self.copied,
            "seconds": round(self.seconds, 1),
            "plan": self.plan,
            "gate": [{"condition": one.condition, "met": one.is_met} for one in self.gate],
        }


def readable(size: int) -> str:
    """Bytes for people: `12 B`, `3.4 MB`."""
    amount = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"
