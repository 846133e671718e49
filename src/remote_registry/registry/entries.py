"""Registered models and their versions, as a registry tells of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ..rest import Json

READY = "READY"
PENDING = "PENDING_REGISTRATION"


@dataclass(frozen=True)
class Version:
    """A version as the registry tells of it."""

    name: str
    number: str
    status: str
    stage: str
    status_message: str = ""
    source: str = ""
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    created: float = 0.0  # seconds since the epoch, by the registry's clock
    creator: str = ""  # empty where the registry names none
    run_id: str = ""

    @property
    def order(self) -> int:
        """The number, to be compared."""
        return int(self.number)

    def is_same(self, other: Version) -> bool:
        """Whether it is still the other: a model that is deleted and made anew counts from 1."""
        return (self.number, self.created) == (other.number, other.created)


@dataclass(frozen=True)
class Model:
    """A registered model that is there: its aliases, by name, with their versions; its tags."""

    name: str
    aliases: Mapping[str, str]
    tags: Mapping[str, str]


def version_from(reply: Json) -> Version:
    """Reads a `model_version` of a reply."""
    return Version(
        name=reply["name"],
        number=str(reply["version"]),
        status=reply.get("status") or READY,
        stage=reply.get("current_stage") or "",
        status_message=reply.get("status_message") or "",
        source=reply.get("source") or "",
        description=reply.get("description") or "",
        tags=pairs(reply.get("tags")),
        created=int(reply.get("creation_timestamp") or 0) / 1000,
        creator=reply.get("user_id") or "",
        run_id=reply.get("run_id") or "",
    )


def pairs(tags: Iterable[Json] | None) -> dict[str, str]:
    """Tags by their names."""
    return {tag["key"]: tag.get("value", "") for tag in tags or []}
