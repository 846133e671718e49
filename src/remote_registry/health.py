"""What `doctor` has found: ticks, crosses and question marks, with what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from .outcome import Outcome, Table

GOOD, BAD, UNKNOWN = "✓", "✗", "?"


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        side: `source` or `registry`.
        mark: `✓`, `✗`, or `?` for what can't be known without writing.
        found: What was found. May quote a server.
        todo: What to do; empty where there is nothing to do.
        needed: Whether registering does not work without it.
    """

    side: str
    what: str
    mark: str
    found: str
    todo: str = ""
    needed: bool = True

    @property
    def is_missing(self) -> bool:
        """Whether registering can't work."""
        return self.needed and self.mark == BAD


@dataclass
class Health(Outcome):
    """All that was looked at, in order."""

    participle: ClassVar[str] = "looked at"
    checks: list[Check] = field(default_factory=list)

    @property
    def subject(self) -> str:
        """What it is about."""
        return "source and registry"

    @property
    def is_good(self) -> bool:
        """Whether nothing that is needed is missing."""
        return bool(self.checks) and not any(check.is_missing for check in self.checks)

    @property
    def done(self) -> str:
        """What was reached, for people."""
        return "nothing that is needed is missing"

    @property
    def reached(self) -> str:
        """Nothing is ever changed."""
        return ""

    @property
    def table(self) -> Table | None:
        """All checks."""
        heads = ("", "side", "what", "found", "what to do")
        rows = [[one.mark, one.side, one.what, one.found, one.todo] for one in self.checks]
        return Table("What was looked at", heads, rows) if rows else None

    def _cleaned(self, redacted: Callable[[str], str]) -> dict[str, Any]:
        clean = [
            replace(one, found=redacted(one.found), todo=redacted(one.todo)) for one in self.checks
        ]
        return {"checks": clean}

    def _texts(self) -> Iterator[tuple[str, str]]:
        yield "status", self.status
        yield "ready", "true" if self.is_good else "false"

    def outputs(self) -> dict[str, str]:
        """The outputs of the action, by name."""
        import json

        return dict(self._texts()) | {"result": json.dumps(self.result(), ensure_ascii=True)}

    def result(self) -> dict[str, Any]:
        """All outputs and all marks; what was found may hold a host or an id, and is left out."""
        marks = [
            {"side": one.side, "what": one.what, "mark": one.mark, "needed": one.needed}
            for one in self.checks
        ]
        figures = {"ready": self.is_good, "checks": marks, "seconds": round(self.seconds, 1)}
        return dict(self._texts()) | figures
