"""What was measured."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Round:
    """One registration. Sizes are in bytes, times in seconds."""

    seconds: float
    cpu: float
    memory: int
    disk: int
    first_request: float
    requests: dict[str, int]


@dataclass(frozen=True)
class Result:
    """One tool with one model."""

    tool: str
    model: str
    files: int
    bytes: int
    rounds: list[Round]

    @property
    def median(self) -> Round:
        """Of each figure the median by itself."""
        return Round(
            seconds=median(one.seconds for one in self.rounds),
            cpu=median(one.cpu for one in self.rounds),
            memory=round(median(one.memory for one in self.rounds)),
            disk=round(median(one.disk for one in self.rounds)),
            first_request=median(one.first_request for one in self.rounds),
            requests={
                side: round(median(one.requests[side] for one in self.rounds))
                for side in self.rounds[0].requests
            },
        )

    @property
    def cpu_per_100_mib(self) -> float:
        return self.median.cpu / (self.bytes / (100 << 20))


def results_of(figures: dict[str, Any]) -> list[Result]:
    """What a file of figures holds."""
    return [
        Result(**{**one, "rounds": [Round(**found) for found in one["rounds"]]})
        for one in figures["results"]
    ]
