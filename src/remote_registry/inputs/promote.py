"""The inputs of `promote`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import values
from .gates import Gate, gate_from
from .registries import note_what_lacks_a_stage, read_registry
from .resolve import ResolveInputs, note_another_digest, read_select, read_trust
from .scopes import is_workspace
from .sides import secret
from .texts import InputError, Texts

_LONGEST_COMMENT = 65_000  # the workspace's limit is 65,535, and a link follows


@dataclass(frozen=True)
class PromoteInputs(ResolveInputs):
    """What `promote` is asked to do.

    Attributes:
        stage: One of the four stages; empty where an alias is asked for.
        aliases: The one alias, or none.
        expect_previous: The version that must stand there before, `none`, or empty for any.
        comment: Why, for the workspace's record of the transition.
        trusted_creators: Whose versions may be promoted that are found by what is written on them;
            empty for those of the identity that signs in.
        digest: Of what the registry must serve of the version; empty for any.
        gate: The conditions that the version must meet.
        undo: Goes back to what stood there before the version.
    """

    stage: str
    aliases: tuple[str, ...]
    archive_existing: bool
    expect_previous: str
    comment: str
    trusted_creators: tuple[str, ...]
    digest: str
    gate: Gate
    undo: bool
    dry_run: bool


def promote_inputs(raw: Mapping[str, str | None], _: Path | None) -> PromoteInputs:
    """Reads all inputs of `promote`.

    Raises:
        BadInput: With every problem that was found.
    """
    texts, fields = read_promotion(raw)
    _note_contradictions(texts, fields)
    texts.raise_problems()
    return PromoteInputs(**fields)


def read_promotion(raw: Mapping[str, str | None]) -> tuple[Texts, dict[str, Any]]:
    """Begins to read the inputs of whatever moves a version.

    Returns:
        The texts, with the problems so far, and the fields of `PromoteInputs`.
    """
    texts, fields = read_registry(raw)
    fields |= {
        "select": read_select(texts),
        "github_token": texts.read("github-token", secret),
        "stage": texts.read("stage", values.stage),
        "aliases": texts.read("alias", _one_alias),
        "archive_existing": texts.read("archive-existing", values.boolean),
        "expect_previous": texts.read("expect-previous", values.expect_previous),
        "comment": texts.read("comment", comment),
        **read_trust(texts),
        "gate": gate_from(texts),
        "undo": texts.read("undo", values.boolean),
        "dry_run": texts.read("dry-run", values.boolean),
    }
    note_what_lacks_a_stage(texts)
    if not fields["undo"]:  # which goes back to a version that has another digest
        note_another_digest(texts, fields["select"], fields["digest"])
    return texts, fields


def comment(text: str) -> str:
    """Why a version moves, for the workspace's record."""
    if len(text) > _LONGEST_COMMENT:
        raise InputError(f"is longer than {_LONGEST_COMMENT} characters.")
    return text


def _one_alias(text: str) -> tuple[str, ...]:
    names = values.aliases(text)
    if len(names) > 1:
        raise InputError("names several; promote moves one, so that one step goes back.")
    return names


def _note_contradictions(texts: Texts, fields: Mapping[str, Any]) -> None:
    on_databricks = is_workspace(texts, "registry")
    if len(texts.given("stage", "alias")) != 1:
        texts.problem("stage", "say where the version goes: give stage or alias, one of the two.")
    if texts["alias"] and on_databricks:
        texts.problem("alias", "a workspace registry has stages and no aliases; use stage.")
    if texts["comment"] and texts["registry-uri"] and not on_databricks:
        texts.problem("comment", "an MLflow server keeps none; only a Databricks workspace does.")
    if texts["undo"].lower() == "true":
        _note_contradictions_of_undo(texts, fields)


def _note_contradictions_of_undo(texts: Texts, fields: Mapping[str, Any]) -> None:
    if texts["archive-existing"].lower() == "true":
        texts.problem("archive-existing", "has no meaning with undo, which archives by itself.")
    if texts["expect-previous"]:
        texts.problem("expect-previous", "has no meaning with undo; select says what stands.")
    if texts["gate"]:
        texts.problem("gate", "has no meaning with undo, which goes back to what stood there.")
    if texts["stage"] in ("None", "Archived"):
        texts.problem(
            "undo", f"goes back in Staging, in Production or of an alias; in {texts['stage']} no "
            "version takes the place of another. Promote to the stage that you mean.",
        )  # fmt: skip
    select = fields["select"]
    if select and select.way in ("stage", "alias") and select.value == texts[select.way]:
        texts.problem(
            "select", f"{select} is another version once this has gone back, so that the next run "
            "would go back further. Say version=<number>, or another way that stays.",
        )  # fmt: skip
