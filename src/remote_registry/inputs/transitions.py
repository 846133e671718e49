"""The inputs of `request`, `approve` and `reject`: a stage that somebody has to consent to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from . import values
from .promote import PromoteInputs, comment, read_promotion
from .registries import read_registry
from .resolve import ResolveInputs, read_select
from .scopes import is_workspace
from .sides import secret
from .texts import Texts


@dataclass(frozen=True)
class TransitionInputs(ResolveInputs):
    """What `request` and `reject` are asked to do.

    Attributes:
        stage: Where the version is to go, or is not to.
        comment: Why, for the workspace's record.
    """

    stage: str
    comment: str
    dry_run: bool


def transition_inputs(raw: Mapping[str, str | None], _: Path | None) -> TransitionInputs:
    """Reads all inputs of `request` or `reject`.

    Raises:
        BadInput: With every problem that was found.
    """
    texts, fields = read_registry(raw)
    fields |= {
        "select": read_select(texts),
        "github_token": texts.read("github-token", secret),
        "stage": texts.read("stage", values.stage),
        "comment": texts.read("comment", comment),
        "dry_run": texts.read("dry-run", values.boolean),
    }
    _note_problems(texts)
    texts.raise_problems()
    return TransitionInputs(**fields)


def approve_inputs(raw: Mapping[str, str | None], _: Path | None) -> PromoteInputs:
    """Reads all inputs of `approve`, which promotes: by a stage, and never back.

    Raises:
        BadInput: With every problem that was found.
    """
    texts, fields = read_promotion(raw)
    _note_problems(texts)
    texts.raise_problems()
    return PromoteInputs(**fields)


def _note_problems(texts: Texts) -> None:
    if not texts["stage"]:
        texts.problem("stage", f"is required: one of {', '.join(values.STAGES)}.")
    if texts["registry-uri"] and not is_workspace(texts, "registry"):
        texts.problem(
            "registry-uri",
            "an MLflow server has no transition requests, only a Databricks workspace has. There, "
            "promote with stage or alias, in a job of an environment with required reviewers.",
        )
