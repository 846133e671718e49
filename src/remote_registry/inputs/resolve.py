"""The inputs of `resolve`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .registries import RegistryInputs, read_registry
from .scopes import is_workspace
from .select import Select, digest, select_from
from .sides import Secret, secret
from .texts import InputError, Texts


@dataclass(frozen=True)
class ResolveInputs(RegistryInputs):
    """What `resolve` is asked to find.

    Attributes:
        github_token: With which GitHub is asked for pull requests; `None` to ask without.
    """

    select: Select
    github_token: Secret | None


def resolve_inputs(raw: Mapping[str, str | None], _: Path | None) -> ResolveInputs:
    """Reads all inputs of `resolve`.

    Raises:
        BadInput: With every problem that was found.
    """
    texts, fields = read_registry(raw)
    select = read_select(texts)
    token = texts.read("github-token", secret)
    texts.raise_problems()
    if select is None:
        raise AssertionError("a way of saying that can't be read is a problem noted")
    return ResolveInputs(**fields, select=select, github_token=token)


def read_select(texts: Texts) -> Select | None:
    """The required `select`; notes the problem and gives `None` where there is one."""

    def read(text: str) -> Select:
        if not text:
            raise InputError("is required: version=…, stage=…, latest, commit=… and so on.")
        return select_from(text, on_databricks=is_workspace(texts, "registry"))

    return texts.read("select", read)


def read_trust(texts: Texts) -> dict[str, Any]:
    """Whose versions are trusted, and which digest a version must have; both may be empty."""
    given = texts["trusted-creators"]
    names = tuple(filter(None, re.split(r"\s*[,\n]\s*", given)))
    if given and not names:  # as where all variables of a list are unset; nobody is not anybody
        texts.problem("trusted-creators", "names nobody; leave it empty for its default.")
    return {
        "trusted_creators": names,
        "digest": texts.read("digest", lambda text: digest(text) if text else "") or "",
    }


def note_another_digest(texts: Texts, select: Select | None, wanted: str | None) -> None:
    """Notes it where the input `digest` is to be of the version, and `select` says another one."""
    if select and select.way == "digest" and wanted and wanted != select.value:
        texts.problem("digest", "is not the one that select says; no version has both.")
