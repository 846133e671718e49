"""What `secrets` has reached: its outputs and its summary, which hold no value."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from .outcome import Outcome, Table

SAME, ABSENT = "the same", "was not there"


@dataclass
class Kept(Outcome):
    """What was kept, changed or taken out.

    Attributes:
        uri: `databricks://<scope>:<prefix>`.
        changes: Of each thing what became of it; in a dry run, what would.
    """

    participle: ClassVar[str] = "put"
    uri: str = ""
    changes: list[tuple[str, str]] = field(default_factory=list)

    @property
    def subject(self) -> str:
        """What it is about."""
        return self.uri or "secrets"

    @property
    def changed(self) -> bool:
        """Whether anything is not as it was."""
        return any(how not in (SAME, ABSENT) for _, how in self.changes)

    @property
    def done(self) -> str:
        """What was reached, for people."""
        return f"{self.uri} {self.status}{'' if self.changed else '; nothing had to change'}"

    @property
    def reached(self) -> str:
        """What was reached although the command failed; empty where nothing was."""
        return "some of it changed" if self.changed and self.status != "planned" else ""

    @property
    def table(self) -> Table | None:
        """What became of each thing."""
        title = "What would change" if self.status == "planned" else "What changed"
        rows = [list(change) for change in self.changes]
        return Table(title, ("what", "how"), rows) if rows else None

    def _cleaned(self, redacted: Callable[[str], str]) -> dict[str, Any]:
        # Our own words, and names that the inputs gave.
        return {"status": redacted(self.status)}

    def _texts(self) -> Iterator[tuple[str, str]]:
        yield "uri", self.uri
        yield "status", self.status
        yield "changed", "true" if self.changed else "false"

    def outputs(self) -> dict[str, str]:
        """The outputs of the action, by name."""
        import json

        return dict(self._texts()) | {"result": json.dumps(self.result(), ensure_ascii=True)}

    def result(self) -> dict[str, Any]:
        """All outputs, and what became of each thing."""
        return dict(self._texts()) | {
            "changed": self.changed,
            "changes": dict(self.changes),
            "seconds": round(self.seconds, 1),
        }
