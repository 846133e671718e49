"""What `many` has reached: an outcome of each model, and what they come to together."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from .errors import Cancelled, Ending, SomeFailed
from .outcome import Outcome, Table

_READY = "READY"
# What asks for a person first: a bug, a registry, a machine, a sign-in; then what one model lacks.
_WORST_FIRST = (1, 5, 7, 3, 4, 6)


@dataclass
class Entry:
    """One model on its way.

    Attributes:
        failure: Why it was not registered, or not promoted; `None` where all went well.
    """

    outcome: Outcome
    failure: Ending | None = None

    @property
    def exit_code(self) -> int:
        """What `register` would have ended with."""
        return self.failure.exit_code if self.failure else 0

    @property
    def error(self) -> str:
        """What went wrong, in two or three words that hold nobody else's text."""
        return self.failure.title if self.failure else ""

    @property
    def why(self) -> str:
        """What went wrong, in one line; may quote a server's words."""
        told = self.failure.what.partition("\n")[0] if self.failure else ""
        return f"{self.error}: {told}"

    @property
    def cells(self) -> list[str]:
        """A row of the summary."""
        it = self.outcome
        mark = "❌" if self.failure else {_READY: "✅", "planned": "📝"}.get(it.status, "")
        created = ("made" if it.created else "found") if it.version else ""
        promoted = ", ".join([*([it.stage] if it.stage != "None" else []), *it.aliases])
        source = f"{it.source_kind} {it.source_name}".strip()
        how = [it.model_name, it.version, it.status, created, promoted, source, it.digest[:19]]
        return [mark, *how, self.error]

    def result(self) -> dict[str, Any]:
        """As `register`'s `result`, and how it ended; with no host and no workspace id."""
        return self.outcome.result() | {"exit-code": self.exit_code, "error": self.error}


@dataclass
class Several(Outcome):
    """What is reached of several models.

    Attributes:
        entries: In the order of the file.
        matrix: The job matrix that was asked for, as JSON.
    """

    participle: ClassVar[str] = "registered"
    entries: list[Entry] = field(default_factory=list)
    matrix: str = ""

    @property
    def subject(self) -> str:
        """What it is about."""
        return f"{len(self.entries)} models" if self.entries else "the models"

    @property
    def done(self) -> str:
        """What was reached, for people."""
        if self.matrix:
            return f"a job matrix of {len(json.loads(self.matrix)['include'])} models"
        made = sum(entry.outcome.created for entry in self.entries)
        return f"{self.subject}: {made} registered, {len(self.entries) - made} already registered"

    @property
    def reached(self) -> str:
        """What was reached although some failed; empty where nothing was."""
        there = sum(bool(entry.outcome.reached) for entry in self.entries)
        return f"{there} of {len(self.entries)} are registered" if there else ""

    @property
    def table(self) -> Table | None:
        """A row of each model."""
        heads = ("", "model", "version", "status", "", "stands in", "source", "digest", "failed")
        rows = [entry.cells for entry in self.entries]
        return Table("Models", heads, rows) if rows else None

    def settle(self) -> None:
        """Says in one word what all of them have come to."""
        reached = {entry.outcome.status for entry in self.entries}
        failed = any(entry.failure for entry in self.entries)
        self.status = reached.pop() if len(reached) == 1 and not failed else "incomplete"
        self.plan = [
            f"{it.outcome.model_name}: {step}" for it in self.entries for step in it.outcome.plan
        ]

    def failure(self) -> SomeFailed | None:
        """The failure that all failures come to: one line of each, and the worst exit code."""
        failed = [entry for entry in self.entries if entry.failure]
        if not failed:
            return None
        codes = {entry.exit_code for entry in failed}
        worst = next((code for code in _WORST_FIRST if code in codes), max(codes))
        lines = [f"{it.outcome.model_name}: {it.why}" for it in failed]
        whole = SomeFailed(f"{len(failed)} of {self.subject} failed.", lines, worst)
        whole.left += [thing for it in failed if it.failure for thing in it.failure.left]
        return whole

    def gather_left(self, cancelled: Cancelled) -> None:
        """Adds what each model has left behind."""
        for entry in self.entries:
            cancelled.left += entry.failure.left if entry.failure else []

    def _cleaned(self, redacted: Callable[[str], str]) -> dict[str, Any]:
        clean = [Entry(it.outcome.redacted(redacted), it.failure) for it in self.entries]
        matrix = _redacted_matrix(self.matrix, redacted) if self.matrix else ""
        return super()._cleaned(redacted) | {"entries": clean, "matrix": matrix}

    def outputs(self) -> dict[str, str]:
        """The outputs of the action, by name."""
        lists = {name: json.dumps(value) for name, value in self._lists().items()}
        result = json.dumps(self.result())
        return {"status": self.status, **lists, "matrix": self.matrix, "result": result}

    def _lists(self) -> dict[str, Any]:
        return {"results": [entry.result() for entry in self.entries]}

    def result(self) -> dict[str, Any]:
        """All outputs, and figures; with no host and no workspace id."""
        return {
            "status": self.status,
            **self._lists(),
            "matrix": json.loads(self.matrix) if self.matrix else None,
            "models": len(self.entries),
            "ready": sum(entry.outcome.status == _READY for entry in self.entries),
            "seconds": round(self.seconds, 1),
        }


def matrix_of(models: Sequence[Mapping[str, str]]) -> str:
    """A job matrix, as `strategy.matrix` takes it: a leg of each model, its inputs as texts."""
    return json.dumps({"include": [dict(model) for model in models]})


def _redacted_matrix(matrix: str, redacted: Callable[[str], str]) -> str:
    """The same with its values freed of secrets; as one text, a short one might break the JSON."""
    legs = json.loads(matrix)["include"]
    return matrix_of([{name: redacted(text) for name, text in leg.items()} for leg in legs])
