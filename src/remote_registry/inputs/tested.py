"""The inputs of `test`."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import values
from .registries import read_registry
from .resolve import ResolveInputs, note_another_digest, read_select, read_trust
from .rows import Rows, expected_from, rows_from
from .sides import secret
from .texts import InputError, Texts


@dataclass(frozen=True)
class Expected:
    """What is to be predicted: any JSON value."""

    value: Any


@dataclass(frozen=True)
class TestedInputs(ResolveInputs):
    """What `test` is asked to try.

    Attributes:
        trusted_creators: Whose versions may be run; empty for any that is said by its number,
            stage or alias, and for those of the identity that signs in where tags find it.
        digest: Of what the registry must serve of the version; empty for any.
        rows: What is predicted; `None` for the model's own input example.
        expect: `None` for anything at all.
        tolerance: How far a number may be from what is expected, absolute or of it.
        timeout: Seconds for making the environment and predicting, together.
    """

    trusted_creators: tuple[str, ...]
    digest: str
    rows: Rows | None
    expect: Expected | None
    tolerance: float
    timeout: float
    max_connections: int
    dry_run: bool


def inputs_of_test(raw: Mapping[str, str | None], checkout: Path | None) -> TestedInputs:
    """Reads all inputs of `test`, and the files of the checkout that they name.

    Args:
        checkout: The folder that no file may leave; `None` outside of a workflow.

    Raises:
        BadInput: With every problem that was found.
    """
    texts, fields = read_registry(raw)
    select = read_select(texts)
    fields |= {
        "github_token": texts.read("github-token", secret),
        **read_trust(texts),
        "rows": texts.read("rows", lambda text: rows_from(text, checkout) if text else None),
        "expect": texts.read("expect", lambda text: _expected(text, checkout)),
        "tolerance": texts.read("tolerance", _tolerance),
        "timeout": texts.read("timeout", lambda text: values.seconds(text or "1200")),
        "max_connections": texts.read("max-connections", values.max_connections),
        "dry_run": texts.read("dry-run", values.boolean),
    }
    note_another_digest(texts, select, fields["digest"])
    _check_consent(texts, runs_nothing=bool(fields["dry_run"]))
    texts.raise_problems()
    if select is None:
        raise AssertionError("a way of saying that can't be read is a problem noted")
    return TestedInputs(**fields, select=select)


def _check_consent(texts: Texts, *, runs_nothing: bool) -> None:
    consents = texts.read("run-model-code", values.boolean)
    if consents is False and not runs_nothing:
        texts.problem(
            "run-model-code",
            "testing installs the model's requirements and runs its code on this machine; say "
            "true where you trust it.",
        )
    if sys.platform == "win32":
        texts.problem("run-model-code", "a model is run on Linux and macOS only.")


def _expected(text: str, checkout: Path | None) -> Expected | None:
    return Expected(expected_from(text, checkout)) if text else None


def _tolerance(text: str) -> float:
    if not re.fullmatch(r"[0-9]{0,9}(\.[0-9]{0,20})?([eE][+-]?[0-9]{1,2})?", text or "0"):
        raise InputError(f"{text!r} is no number from 0 up, such as 0.001 or 1e-6.")
    try:
        return float(text or "1e-6")
    except ValueError:
        raise InputError(f"{text!r} is no number from 0 up, such as 0.001 or 1e-6.") from None
