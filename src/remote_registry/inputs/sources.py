"""Which model is meant: a run's, the newest run's, a logged model, a version, or a folder."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from .folders import checked_folder
from .texts import InputError, Texts
from .values import STAGES, checked_alias, checked_name, checked_path

_WAYS = ("run-id", "run-filter", "model-uri", "model-path")


@dataclass(frozen=True)
class RunSource:
    """The model of a run, at `artifact_path`, or where the run says it has its one model."""

    run_id: str
    artifact_path: str = ""


@dataclass(frozen=True)
class NewestRunSource:
    """The model of the newest finished run of an experiment (name or id) that fits a filter."""

    experiment: str
    run_filter: str
    artifact_path: str = ""


@dataclass(frozen=True)
class LoggedModelSource:
    """A logged model (MLflow 3)."""

    model_id: str


@dataclass(frozen=True)
class VersionSource:
    """A model version, by exactly one of number, alias and stage."""

    name: str
    version: str = ""
    alias: str = ""
    stage: str = ""


@dataclass(frozen=True)
class FolderSource:
    """A local folder that holds an `MLmodel`."""

    folder: Path


SourceSpec: TypeAlias = (
    "RunSource | NewestRunSource | LoggedModelSource | VersionSource | FolderSource"
)


def source_from(texts: Texts, checkout: Path | None) -> SourceSpec | None:
    """Reads the one way in which the source is said; notes problems, `None` if there are any.

    Args:
        checkout: The folder that `model-path` must not leave; `None` where there is none.
    """
    given = texts.given(*_WAYS)
    if len(given) != 1:
        found = " and ".join(given) or "none"
        texts.problem("run-id", f"give exactly one of {', '.join(_WAYS)}; given: {found}.")
        return None
    _note_strays(texts, given[0])
    return texts.read(given[0], lambda _: _READERS[given[0]](texts, checkout))


def _note_strays(texts: Texts, way: str) -> None:
    if texts["artifact-path"] and way not in ("run-id", "run-filter"):
        texts.problem("artifact-path", f"goes with run-id or run-filter, not with {way}.")
    if texts["experiment"] and way != "run-filter":
        texts.problem("experiment", f"goes with run-filter, not with {way}.")
    if way == "run-filter" and not texts["experiment"]:
        texts.problem("experiment", "run-filter needs the experiment (name or id) to search in.")


def _run(texts: Texts, _: Path | None) -> SourceSpec:
    return RunSource(_identifier(texts["run-id"], "run id"), _artifact_path(texts))


def _newest_run(texts: Texts, _: Path | None) -> SourceSpec:
    return NewestRunSource(texts["experiment"], texts["run-filter"], _artifact_path(texts))


def _artifact_path(texts: Texts) -> str:
    return texts.read("artifact-path", checked_path) or ""


def _folder(texts: Texts, checkout: Path | None) -> SourceSpec:
    return FolderSource(checked_folder(texts["model-path"], checkout))


def _model_uri(texts: Texts, _: Path | None) -> SourceSpec:
    return model_uri_source(texts["model-uri"])


_READERS = {
    "run-id": _run,
    "run-filter": _newest_run,
    "model-uri": _model_uri,
    "model-path": _folder,
}


def model_uri_source(text: str) -> SourceSpec:
    """Reads a `runs:/` or `models:/` URI as MLflow does (`_parse_model_uri` of MLflow 3).

    Raises:
        InputError: It is neither, or names a profile.
    """
    scheme, _, rest = text.partition(":/")
    if scheme not in ("runs", "models") or not rest:
        raise InputError("is runs:/<run>/<path>, models:/<model id> or models:/<name>/<version>.")
    if rest.startswith("/"):
        raise InputError("names a profile or a host; the tracking-… inputs say where it is.")
    if scheme == "runs":
        run_id, _, path = rest.partition("/")
        if not path.strip("/"):
            raise InputError("names no path; a run alone is said by run-id.")
        return RunSource(_identifier(run_id, "run id"), checked_path(path))
    return _models_uri_source(rest)


def _models_uri_source(rest: str) -> SourceSpec:
    name, slash, which = rest.partition("/")
    if not slash:
        name, at, alias = rest.rpartition("@")
        if not at:
            return LoggedModelSource(_identifier(rest, "model id"))
        return VersionSource(checked_name(name), alias=checked_alias(alias))
    checked_name(name)
    if re.fullmatch(r"[0-9]{1,18}", which):
        return VersionSource(name, version=str(int(which)))
    stage = next((stage for stage in STAGES if stage.lower() == which.lower()), "")
    if not stage:
        raise InputError(f"{which!r} is neither a version's number nor one of {', '.join(STAGES)}.")
    return VersionSource(name, stage=stage)


def _identifier(text: str, what: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,256}", text) or text in (".", ".."):
        raise InputError(f"{text!r} is no {what}.")
    return text
