"""What registering is to make, and what a registry has of it."""

from __future__ import annotations

from dataclasses import dataclass, field

KEY_TAG = "remote_registry.key"
FILES: dict[str, bytes] = {
    "MLmodel": b"flavors: {}\n",
    "data/weights": bytes(range(256)) * 400,
    "code/x.py": b"x = 1\n",
}


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
class Registered:
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


@dataclass(frozen=True)
class Goal:
    """Where a version is to stand in the end, and how that is done.

    Attributes:
        target: The stage or the alias that versions are promoted to.
        has_previous: Whether another version stands there before.
        promoting, verifying: What the requests' paths end with, or hold, that do so.
    """

    has_previous: bool
    target: str = "Production"
    promoting: str = "/transition-stage"
    verifying: str = "/list-artifacts"

    @property
    def previous(self) -> str:
        return "1" if self.has_previous else ""

    @property
    def previous_tag(self) -> str:
        kind = "alias" if self.promoting.endswith("alias") else "stage"
        return f"remote_registry.previous.{kind}.{self.target}"
