"""The inputs of `secrets`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from . import values
from .scopes import ScopeUri, prefix, scope
from .sides import Databricks, side_from
from .texts import InputError, Texts


@dataclass(frozen=True)
class SecretsInputs:
    """What `secrets` is asked to keep, or to take out.

    Attributes:
        uri: The scope in the source's workspace, and what the three names begin with.
        registry: The workspace that the secrets say; `None` where they are to be taken out.
        tracking: The workspace that has the scope.
        readers: The principals who may read the scope.
        retry_timeout: Seconds for which a call that fails is repeated, where that may help.
    """

    uri: ScopeUri
    registry: Databricks | None
    tracking: Databricks
    readers: tuple[str, ...]
    retry_timeout: float
    dry_run: bool


def secrets_inputs(raw: Mapping[str, str | None], _: Path | None) -> SecretsInputs:
    """Reads all inputs of `secrets`.

    Raises:
        BadInput: With every problem that was found.
    """
    texts = Texts(raw)
    uri = ScopeUri(
        texts.read("scope", lambda text: scope(_required(text))) or "",
        texts.read("prefix", lambda text: prefix(_required(text))) or "",
    )
    remove = bool(texts.read("remove", values.boolean))
    readers = texts.read("readers", principals) or ()
    if remove and readers:
        texts.problem("readers", "have no meaning with remove: true, which takes the secrets out.")
    registry = _workspace(texts, "registry", needed=not remove)
    tracking = _workspace(texts, "tracking", needed=True)
    retry_timeout = texts.read("retry-timeout", lambda text: values.seconds(text or "120"))
    dry_run = texts.read("dry-run", values.boolean)
    texts.raise_problems()
    if tracking is None or not (registry or remove) or retry_timeout is None:
        raise AssertionError("a side that can't be read is a problem noted")
    return SecretsInputs(
        uri, None if remove else registry, tracking, readers, retry_timeout, bool(dry_run)
    )


def _required(text: str) -> str:
    if not text:
        raise InputError("is required.")
    return text


def _workspace(texts: Texts, side: str, *, needed: bool) -> Databricks | None:
    found = side_from(texts, side)
    if needed and not texts[f"{side}-host"]:
        whose = "that the secrets say" if side == "registry" else "that has the scope"
        texts.problem(f"{side}-host", f"is required: the Databricks workspace {whose}.")
    return found if isinstance(found, Databricks) else None


def principals(text: str) -> tuple[str, ...]:
    """Users' e-mails, service principals' application ids and groups, by comma or line."""
    found = tuple(dict.fromkeys(name.strip() for name in re.split(r"[,\n]", text) if name.strip()))
    for name in found:
        if not name.isprintable():
            raise InputError(f"{name!r} holds a control character.")
    return found
