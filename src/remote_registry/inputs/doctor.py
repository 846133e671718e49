"""The inputs of `doctor`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from . import values
from .scopes import GivenSide, ScopeUri, both_sides, is_workspace, prefix, scope
from .texts import Texts


@dataclass(frozen=True)
class DoctorInputs:
    """What `doctor` is asked to look at.

    Attributes:
        tracking: The source's side; `None` where the source is in the registry's own.
        scope: A scope in the source's workspace that is to say the registry's; `None` for none.
        model_name: The registered model whose rights are looked at; empty for none.
        stage: Where it is to be promoted to; empty for nowhere.
        probe: Whether one empty file may be written, and deleted.
        retry_timeout: Seconds for which a call that fails is repeated, where that may help.
    """

    registry: GivenSide
    tracking: GivenSide | None
    scope: ScopeUri | None
    model_name: str
    stage: str
    probe: bool
    retry_timeout: float


def doctor_inputs(raw: Mapping[str, str | None], _: Path | None) -> DoctorInputs:
    """Reads all inputs of `doctor`.

    Raises:
        BadInput: With every problem that was found.
    """
    texts = Texts(raw)
    registry, tracking = both_sides(texts)
    if not texts.given("registry-host", "registry-uri"):
        texts.problem("registry-host", "say which registry: registry-host or registry-uri.")
    on_databricks = is_workspace(texts, "registry")

    def name(text: str) -> str:
        return values.model_name(text, on_databricks=on_databricks) if text else ""

    model_name = texts.read("model-name", name) or ""
    stage = texts.read("stage", values.stage) or ""
    if stage and not texts["model-name"]:
        texts.problem("stage", "goes with model-name: whose version is to go there?")
    probe = bool(texts.read("probe", values.boolean))
    retry_timeout = texts.read("retry-timeout", lambda text: values.seconds(text or "120"))
    texts.read("allow-http", values.boolean)
    kept = _scope(texts)
    texts.raise_problems()
    if registry is None or retry_timeout is None:
        raise AssertionError("a side that can't be read is a problem noted")
    return DoctorInputs(registry, tracking, kept, model_name, stage, probe, retry_timeout)


def _scope(texts: Texts) -> ScopeUri | None:
    given = texts.given("scope", "prefix")
    if not given:
        return None
    if len(given) == 1:
        texts.problem(given[0], "and the other of scope and prefix are given together.")
    if not is_workspace(texts, "tracking"):
        texts.problem("scope", "is in the source's workspace: give tracking-host.")
    found = (texts.read("scope", scope), texts.read("prefix", prefix)) if len(given) > 1 else None
    return ScopeUri(*(text or "" for text in found)) if found else None
