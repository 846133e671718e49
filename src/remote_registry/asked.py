"""What `request`, `approve` and `reject` reach: their outputs and summaries."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from .outcome import Outcome, Table
from .reached import Promoted

_SHOWN = ("stage", "creator", "since", "comment")


@dataclass
class Asked(Outcome):
    """What is open of a version's transition requests once a verb has ended.

    Attributes:
        to_stage: The stage that was asked for.
        requests: All that are open of the version, oldest first, each as texts by name.
    """

    to_stage: str = ""
    requests: list[dict[str, str]] = field(default_factory=list)

    @property
    def table(self) -> Table | None:
        """The requests that are open."""
        rows = [[one[name] for name in _SHOWN] for one in self.requests]
        return Table("Open requests", _SHOWN, rows) if rows else None

    def _cleaned(self, redacted: Callable[[str], str]) -> dict[str, Any]:
        clean = [{name: redacted(text) for name, text in one.items()} for one in self.requests]
        return super()._cleaned(redacted) | {"requests": clean}

    def _texts(self) -> Iterator[tuple[str, str]]:
        yield from super()._texts()
        yield "requests", json.dumps(self.requests)

    def result(self) -> dict[str, Any]:
        """All outputs but `registry-url`, and figures; with no host and no workspace id."""
        return super().result() | {"requests": self.requests}


@dataclass
class Requested(Asked):
    """What `request` has done; `created` tells whether it made the request."""

    participle: ClassVar[str] = "requested"

    @property
    def done(self) -> str:
        """What was reached, for people."""
        how = f"was {'' if self.created else 'already '}asked for"
        if self.status == "in place":
            return f"{self.model_name} version {self.version} stood already in {self.to_stage}"
        return f"{self.model_name} version {self.version}: {self.to_stage} {how}"

    @property
    def reached(self) -> str:
        """What was reached although the command failed; empty where nothing was."""
        return f"{self.to_stage} was asked for" if self.created else ""


@dataclass
class Approved(Asked, Promoted):
    """What `approve` has done."""

    participle: ClassVar[str] = "approved"


@dataclass
class Rejected(Asked):
    """What `reject` has done.

    Attributes:
        rejected: How many requests it closed.
    """

    participle: ClassVar[str] = "rejected"
    rejected: int = 0

    @property
    def done(self) -> str:
        """What was reached, for people."""
        return f"{self.model_name} version {self.version}: {self.reached or self._none}"

    @property
    def reached(self) -> str:
        """What was reached although the command failed; empty where nothing was."""
        requests = f"{self.rejected} request{'' if self.rejected == 1 else 's'}"
        return f"{requests} for {self.to_stage} rejected" if self.rejected else ""

    @property
    def _none(self) -> str:
        return f"no request for {self.to_stage} was open"
