"""The inputs of `retire`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from . import values
from .registries import RegistryInputs, read_registry
from .scopes import is_workspace
from .select import ALL, Select, select_or_all
from .sides import Secret, secret
from .texts import InputError, Texts

ARCHIVE, DELETE = "archive", "delete"


@dataclass(frozen=True)
class RetireInputs(RegistryInputs):
    """What `retire` is asked to do; a version goes that meets all that is said.

    Attributes:
        select: Which versions; `None` for any.
        to: `archive` or `delete`.
        keep_last: Of the versions in the stage None, which alone are meant then, so many of the
            newest that are READY stay; `None` where that does not matter.
        older_than: Days since they were made; `None` where that does not matter.
        force: Also those in Production and those that have an alias.
        mlflow_staging: The run whose staging copy, left by plain MLflow, is deleted; or empty.
    """

    select: Select | None
    to: str
    keep_last: int | None
    older_than: float | None
    force: bool
    mlflow_staging: str
    github_token: Secret | None
    dry_run: bool

    @property
    def has_policy(self) -> bool:
        """Whether it is said by number or by age what stays."""
        return self.keep_last is not None or self.older_than is not None

    @property
    def names_versions(self) -> bool:
        """Whether those are named that are to go, so that none may silently stay."""
        return bool(self.select and self.select.way != ALL and not self.has_policy)

    @property
    def deletes_model(self) -> bool:
        """Whether the registered model goes with all its versions."""
        whole = self.select == Select(ALL) and not self.has_policy
        return whole and self.to == DELETE


def retire_inputs(raw: Mapping[str, str | None], _: Path | None) -> RetireInputs:
    """Reads all inputs of `retire`.

    Raises:
        BadInput: With every problem that was found.
    """
    texts, fields = read_registry(raw)
    on_databricks = is_workspace(texts, "registry")
    fields |= {
        "select": texts.read(
            "select",
            lambda text: select_or_all(text, on_databricks=on_databricks) if text else None,
        ),
        "to": texts.read("to", _to),
        "keep_last": texts.read("keep-last", _keep_last),
        "older_than": texts.read("older-than", _older_than),
        "force": texts.read("force", values.boolean),
        "mlflow_staging": texts.read("mlflow-staging", _run),
        "github_token": texts.read("github-token", secret),
        "dry_run": texts.read("dry-run", values.boolean),
    }
    _note_contradictions(texts, on_databricks=on_databricks)
    texts.raise_problems()
    return RetireInputs(**fields)


def _to(text: str) -> str:
    if text not in ("", ARCHIVE, DELETE):
        raise InputError(f"{text!r} is neither {ARCHIVE} nor {DELETE}.")
    return text or ARCHIVE


def _keep_last(text: str) -> int | None:
    if not re.fullmatch("[0-9]{0,6}", text):
        raise InputError(f"{text!r} is no number of versions.")
    return int(text) if text else None


def _older_than(text: str) -> float | None:
    if text and not re.fullmatch(r"[0-9]{1,5}(\.[0-9]{1,6})?", text):
        raise InputError(f"{text!r} is no number of days.")
    return float(text) if text else None


def _run(text: str) -> str:
    if not re.fullmatch("[A-Za-z0-9]{0,64}", text):
        raise InputError(f"{text!r} is no run id.")
    return text


def _note_contradictions(texts: Texts, *, on_databricks: bool) -> None:
    if not texts.given("select", "keep-last", "older-than", "mlflow-staging"):
        texts.problem("select", "say what goes: select, keep-last, older-than or mlflow-staging.")
    if texts["mlflow-staging"] and texts["registry-uri"] and not on_databricks:
        texts.problem("mlflow-staging", "is left on Databricks workspaces only.")
    whole = texts["select"] == ALL and not texts.given("keep-last", "older-than")
    if texts["confirm"] != texts["model-name"] and (
        texts["confirm"] or (whole and texts["to"] == DELETE)
    ):
        texts.problem(
            "confirm", "deletes the registered model: give its name here too, as in model-name."
        )
