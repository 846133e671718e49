"""The inputs of `many`: both sides, and a file of models, all of them checked together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import BadInput
from ..provenance import Provenance
from . import values
from .entry_values import PROMOTING
from .models_file import Entry, Problems, read_models
from .register import RegisterInputs, register_inputs
from .scopes import GivenSide, both_sides
from .sides import Secret, secret
from .sources import SourceSpec, source_from
from .texts import InputError, Texts

_OF_ALL = ("retry-timeout", "max-connections", "dry-run", "allow-http", "comment")
_A_MODEL = {"run-id": "0", "model-name": "m"}  # to see what is wrong whatever the model is


@dataclass(frozen=True)
class ManyInputs:
    """What `many` is asked to do.

    Attributes:
        tracking: The source's side; `None` where the sources are in the registry's own.
        retry_timeout: Seconds for which a call that fails is repeated, where that may help.
        max_connections: To each side, of all models together, while files are copied.
        comment: Whether to keep a comment on each model on the pull request.
        github_token: With which it is written.
        models: What is asked of each; empty with `matrix`.
        matrix: Each model as the inputs of `register`, where a job matrix is asked for; else empty.
    """

    registry: GivenSide | None
    tracking: GivenSide | None
    retry_timeout: float
    max_connections: int
    dry_run: bool
    comment: bool
    github_token: Secret | None
    models: tuple[RegisterInputs, ...] = ()
    matrix: tuple[Mapping[str, str], ...] = ()


def many_inputs(
    raw: Mapping[str, str | None], checkout: Path | None, provenance: Provenance
) -> ManyInputs:
    """Reads all inputs of `many`, and the file that they name.

    Args:
        raw: Input names (kebab-case) to texts; empty means not given.
        checkout: The folder that no path must leave; `None` outside of a workflow.
        provenance: Tells whether the file may come from a pull request.

    Raises:
        BadInput: With every problem that was found, in the inputs and in the file.
    """
    texts = Texts(raw)
    as_matrix = texts.read("matrix", values.boolean) or False
    may_promote = texts.read("allow-promotion", values.boolean) or not provenance.is_proposed
    sides = _sides_of(raw)
    of_sides = _problems_of(sides | _A_MODEL, None)
    needs_sides = not as_matrix or texts.given("registry-host", "registry-uri")
    texts.problems += [it for it in of_sides if needs_sides or it.startswith(_OF_ALL)]

    problems = Problems(texts["models"])
    entries = texts.read("models", lambda text: _entries(text, checkout, problems)) or ()
    found: list[RegisterInputs] = []
    for entry in entries:
        found += _checked(entry, sides, checkout, problems, set(of_sides))
        if not may_promote:
            _note_promotion(entry, problems)
    _note_twins(entries, checkout, problems)
    texts.problems += problems.all
    github_token = texts.read("github-token", secret)
    texts.raise_problems()
    registry, tracking = both_sides(texts)
    return ManyInputs(
        registry=registry,
        tracking=tracking,
        retry_timeout=values.seconds(texts["retry-timeout"] or "120"),
        max_connections=values.max_connections(texts["max-connections"]),
        dry_run=values.boolean(texts["dry-run"]),
        comment=values.boolean(texts["comment"]),
        github_token=github_token,
        models=() if as_matrix else tuple(found),
        matrix=tuple(entry.texts for entry in entries) if as_matrix else (),
    )


def _sides_of(raw: Mapping[str, str | None]) -> dict[str, str | None]:
    """What all models have in common."""
    return {
        name: text
        for name, text in raw.items()
        if name.startswith(("registry-", "tracking-")) or name in _OF_ALL
    }


def _problems_of(raw: Mapping[str, str | None], checkout: Path | None) -> list[str]:
    try:
        register_inputs(raw, checkout)
    except BadInput as error:
        return list(error.problems)
    return []


def _entries(text: str, checkout: Path | None, problems: Problems) -> tuple[Entry, ...]:
    if not text:
        raise InputError("is required: the path of a YAML file of models.")
    return read_models(text, checkout, problems)


def _checked(
    entry: Entry,
    sides: Mapping[str, str | None],
    checkout: Path | None,
    problems: Problems,
    told: set[str],
) -> Iterator[RegisterInputs]:
    """What `register` makes of a model; notes what is wrong with it, and not with the sides."""
    try:
        yield register_inputs({**sides, **entry.texts}, checkout)
    except BadInput as error:
        for problem in error.problems:
            name = problem.partition(": ")[0]
            if problem not in told and name not in entry.spoiled:
                problems.note(entry.place_of(name), problem)


def _note_promotion(entry: Entry, problems: Problems) -> None:
    for name in PROMOTING:
        if name in entry.texts:
            problems.note(
                entry.place_of(name),
                f"{name}: is not taken from a file that a pull request may have changed; "
                "the workflow may say allow-promotion: true.",
            )


def _note_twins(entries: tuple[Entry, ...], checkout: Path | None, problems: Problems) -> None:
    """Two entries of one model and one source would be one version, with two opinions on it."""
    seen: dict[tuple[str, SourceSpec], Entry] = {}
    for entry in entries:
        name, source = entry.texts.get("model-name"), source_from(Texts(entry.texts), checkout)
        first = seen.setdefault((name, source), entry) if name and source else entry
        if first is not entry:
            told = f"the same model of the same source stands in line {first.line} already."
            problems.note(f"line {entry.line}, {entry.label}", told)
