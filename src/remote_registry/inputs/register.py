"""The inputs of `register`, all of them, checked together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import values
from .gates import Gate, gate_from
from .registries import note_what_lacks_a_stage
from .scopes import GivenSide, both_sides, is_workspace
from .sides import Secret, secret
from .sources import SourceSpec, source_from
from .texts import Texts
from .values import Permission


@dataclass(frozen=True)
class RegisterInputs:
    """What `register` is asked to do.

    Attributes:
        tracking: The source's side; `None` where the source is in the registry's own.
        stage: One of the four stages, or empty.
        expect_previous: The version that must stand there before, `none`, or empty for any.
        timeout: Seconds to wait for READY.
        verify: `sizes` or `full`.
        retry_timeout: Seconds for which a call that fails is repeated, where that may help.
        max_connections: To each side, while files are copied.
        comment: Whether to keep a comment on the pull request.
        github_token: With which that is written; `None` where there is none.
    """

    source: SourceSpec
    model_name: str
    registry: GivenSide
    tracking: GivenSide | None
    stage: str
    archive_existing: bool
    expect_previous: str
    aliases: tuple[str, ...]
    permissions: tuple[Permission, ...]
    tags: tuple[tuple[str, str], ...]
    description: str
    timeout: float
    retry_timeout: float
    dry_run: bool
    verify: str
    max_connections: int
    gate: Gate
    comment: bool
    github_token: Secret | None


def register_inputs(raw: Mapping[str, str | None], checkout: Path | None) -> RegisterInputs:
    """Reads all inputs of `register`.

    Args:
        raw: Input names (kebab-case) to texts; empty means not given.
        checkout: The folder that `model-path` must not leave; `None` outside of a workflow.

    Raises:
        BadInput: With every problem that was found.
    """
    texts = Texts(raw)
    registry, tracking = both_sides(texts)
    if not texts.given("registry-host", "registry-uri"):
        texts.problem("registry-host", "say where to register: registry-host or registry-uri.")
    source = source_from(texts, checkout)
    on_databricks = is_workspace(texts, "registry")

    inputs: dict[str, Any] = {
        "model_name": texts.read(
            "model-name", lambda text: values.model_name(text, on_databricks=on_databricks)
        ),
        "stage": texts.read("stage", values.stage),
        "archive_existing": texts.read("archive-existing", values.boolean),
        "expect_previous": texts.read("expect-previous", values.expect_previous),
        "aliases": texts.read("alias", values.aliases),
        "permissions": texts.read("permissions", values.permissions),
        "tags": texts.read("tags", values.tags),
        "timeout": texts.read("timeout", lambda text: values.seconds(text or "300")),
        "retry_timeout": texts.read("retry-timeout", lambda text: values.seconds(text or "120")),
        "verify": texts.read("verify", values.verify),
        "max_connections": texts.read("max-connections", values.max_connections),
        "comment": texts.read("comment", values.boolean),
        "github_token": texts.read("github-token", secret),
        "dry_run": texts.read("dry-run", values.boolean),
    }
    texts.read("allow-http", values.boolean)
    gate = gate_from(texts)
    _note_contradictions(texts, on_databricks=on_databricks)
    texts.raise_problems()
    if registry is None or source is None:
        raise AssertionError("a side or a source that can't be read is a problem noted")
    return RegisterInputs(
        source=source,
        registry=registry,
        tracking=tracking,
        description=texts["description"],
        gate=gate,
        **inputs,
    )


def _note_contradictions(texts: Texts, *, on_databricks: bool) -> None:
    note_what_lacks_a_stage(texts)
    if texts["alias"] and on_databricks:
        texts.problem("alias", "a workspace registry has stages and no aliases; use stage.")
    if texts["permissions"] and texts["registry-uri"] and not on_databricks:
        texts.problem("permissions", "belong to a Databricks workspace, not to an MLflow server.")
