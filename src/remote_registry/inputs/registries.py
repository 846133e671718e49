"""The inputs that all verbs share which work on what a registry has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import values
from .scopes import GivenSide, both_sides, is_scope_uri, is_workspace
from .sides import side_from
from .texts import Texts


@dataclass(frozen=True)
class RegistryInputs:
    """Which model of which registry.

    Attributes:
        tracking: The workspace that has the scope which says the registry; `None` where none does.
        retry_timeout: Seconds for which a call that fails is repeated, where that may help.
    """

    registry: GivenSide
    tracking: GivenSide | None
    model_name: str
    retry_timeout: float


def read_registry(raw: Mapping[str, str | None]) -> tuple[Texts, dict[str, Any]]:
    """Begins to read a verb's inputs.

    Returns:
        The texts, with the problems so far, and the fields of `RegistryInputs`.
    """
    texts = Texts(raw)
    on_databricks = is_workspace(texts, "registry")
    registry, tracking = _sides(texts)
    if not texts.given("registry-host", "registry-uri"):
        texts.problem("registry-host", "say which registry: registry-host or registry-uri.")
    texts.read("allow-http", values.boolean)
    return texts, {
        "registry": registry,
        "tracking": tracking,
        "model_name": texts.read(
            "model-name", lambda text: values.model_name(text, on_databricks=on_databricks)
        ),
        "retry_timeout": texts.read("retry-timeout", lambda text: values.seconds(text or "120")),
    }


def note_what_lacks_a_stage(texts: Texts) -> None:
    """Notes what has no meaning where no other version makes room: in None and in Archived."""
    makes_none = texts["stage"] in ("", "None", "Archived")
    if texts["archive-existing"].lower() == "true" and makes_none:
        texts.problem("archive-existing", "goes with stage: Staging or stage: Production.")
    if texts["expect-previous"] and makes_none and not texts["alias"]:
        texts.problem("expect-previous", "goes with stage: Staging or Production, or an alias.")


def _sides(texts: Texts) -> tuple[GivenSide | None, GivenSide | None]:
    """The registry, and the workspace whose scope says it; notes problems, `None` if any."""
    if is_scope_uri(texts["registry-uri"]):
        return both_sides(texts)
    for name in texts.given("tracking-host", "tracking-token", "tracking-workspace-id"):
        texts.problem(name, "has no meaning without registry-uri: databricks://<scope>:<prefix>.")
    return side_from(texts, "registry"), None
