"""The inputs that all verbs share which work on what a registry has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import values
from .sides import Side, side_from
from .texts import Texts


@dataclass(frozen=True)
class RegistryInputs:
    """Which model of which registry.

    Attributes:
        retry_timeout: Seconds for which a call that fails is repeated, where that may help.
    """

    registry: Side
    model_name: str
    retry_timeout: float


def read_registry(raw: Mapping[str, str | None]) -> tuple[Texts, dict[str, Any]]:
    """Begins to read a verb's inputs.

    Returns:
        The texts, with the problems so far, and the fields of `RegistryInputs`.
    """
    texts = Texts(raw)
    on_databricks = bool(texts["registry-host"])
    registry = side_from(texts, "registry")
    if not texts.given("registry-host", "registry-uri"):
        texts.problem("registry-host", "say which registry: registry-host or registry-uri.")
    texts.read("allow-http", values.boolean)
    return texts, {
        "registry": registry,
        "model_name": texts.read(
            "model-name", lambda text: values.model_name(text, on_databricks=on_databricks)
        ),
        "retry_timeout": texts.read("retry-timeout", lambda text: values.seconds(text or "120")),
    }
