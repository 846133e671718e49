"""Where the product is run: two sides, what stands in the registry, and what is left there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, Protocol

KEY_TAG = "remote_registry.key"
FILES: dict[str, bytes] = {
    "MLmodel": b"flavors: {}\n",
    "data/weights": bytes(range(256)) * 400,
    "code/x.py": b"x = 1\n",
}


class Broken(Exception):
    """Not the product but the sweep itself, or a server of its own, is at fault."""


class Control(Protocol):
    """What can be broken and looked at of one side."""

    def fault(self, action: str, **rule: Any) -> None: ...

    def clear_faults(self) -> None: ...

    def requests(self) -> list[dict[str, Any]]: ...

    def clear_requests(self) -> None: ...


@dataclass(frozen=True)
class Version:
    """A version as the registry tells of it; `files` are what the registry serves of it."""

    number: str
    status: str
    promoted: bool
    tags: dict[str, str]
    files: dict[str, bytes]

    @property
    def ours(self) -> bool:
        return KEY_TAG in self.tags


@dataclass(frozen=True)
class State:
    """A registered model from the outside, and what is left around it.

    Attributes:
        left: Staging copies, homes that no version uses, files of either.
    """

    exists: bool
    versions: list[Version] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    @property
    def own(self) -> list[Version]:
        return [version for version in self.versions if version.ours]


class Place(ABC):
    """A pair of sides that one case at a time uses.

    Attributes:
        target: The stage or the alias that versions are promoted to.
        has_previous: Whether another version stands there before.
        promoting, verifying: What the requests' paths end with, or hold, that do so.
    """

    target = "Production"
    promoting = "/transition-stage"
    verifying = "/list-artifacts"
    controls: dict[str, Control]

    def __init__(self, *, has_previous: bool) -> None:
        self.has_previous = has_previous

    @property
    def previous_tag(self) -> str:
        kind = "alias" if self.promoting.endswith("alias") else "stage"
        return f"remote_registry.previous.{kind}.{self.target}"

    def requests(self) -> dict[str, list[dict[str, Any]]]:
        return {name: control.requests() for name, control in self.controls.items()}

    def clear(self) -> None:
        """No fault, no access log."""
        for control in self.controls.values():
            control.clear_faults()
            control.clear_requests()

    @abstractmethod
    def lag(self, seconds: float) -> None:
        """How long the registry's search does not show a new version."""

    @property
    def is_quiet(self) -> bool:
        return all("seconds" in one for log in self.requests().values() for one in log)

    @property
    @abstractmethod
    def secrets(self) -> list[str]:
        """What must be told to nobody."""

    @abstractmethod
    def inputs(self, name: str) -> dict[str, str]:
        """The product's."""

    @abstractmethod
    def prepare(self, name: str) -> None:
        """Nothing of earlier cases; another version of this model where there is to be one."""

    @abstractmethod
    def state(self, name: str) -> State:
        """What there is now."""
