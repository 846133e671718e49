"""The comment on a pull request. GitHub masks nothing in it, and mails it to people."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from dataclasses import replace

from ..errors import Ending, GateNotMet
from ..outcome import Compared, Outcome
from ..provenance import Provenance
from .text import address, code, code_cell, fenced

_MOST_CONDITIONS = 50
_MOST_BYTES = 60_000  # GitHub takes 65,536 characters


def comment(
    outcome: Outcome,
    failure: Ending | None,
    provenance: Provenance,
    redacted: Callable[[str], str],
) -> str:
    """Markdown that tells what a registration has reached, without its first line, the marker.

    All that others have written stands in code.

    Args:
        redacted: Replaces what nobody may read in a text: secrets, hosts, ids.
    """
    name, version = redacted(outcome.model_name), redacted(outcome.version)
    place = outcome.next_place[0], redacted(outcome.next_place[1])
    outcome = replace(
        outcome.redacted(redacted), model_name=name, version=version, next_place=place
    )
    page = address(provenance.workflow_run)
    run = f"[workflow run](<{page}>)" if page and redacted(page) == page else "workflow run"
    parts = [
        f"### {_headline(outcome, failure, code(name))}",
        _what_failed(failure, run),
        _facts(outcome, redacted(provenance.head_commit)),
        *_tables(outcome),
        _command(outcome),
        "" if failure else f"More is in the summary of the {run}.",
    ]
    text = "\n\n".join(filter(None, parts))
    if len(text.encode()) > _MOST_BYTES:
        return f"{parts[0]}\n\nThis is too much for a comment; it is in the summary of the {run}."
    return text


def _headline(outcome: Outcome, failure: Ending | None, name: str) -> str:
    version = f"version {code(outcome.version)}"
    if failure:
        reached = f", though {version} is registered" if outcome.reached else ""
        return f"❌ {failure.title}: {name}{reached}"
    how = "registered" if outcome.created else "was already registered"
    return f"✅ {name} {version} {how}"


def _what_failed(failure: Ending | None, run: str) -> str:
    """In our words only, for a server's may hold anything."""
    if not failure:
        return ""
    why = f"Why, and what to do, is in the log of the {run}."
    if isinstance(failure, GateNotMet):
        return f"Nothing was written. {why}"
    return why


def _facts(outcome: Outcome, commit: str) -> str:
    facts = {
        "Version": outcome.version,
        "Stage": outcome.stage,
        "Aliases": ", ".join(outcome.aliases),
        "Before": ", ".join(f"version {number}" for number in outcome.previous),
        "Digest": outcome.digest,
        "Source run": outcome.source_run_id,
        "Commit": commit,
    }
    rows = [f"| {name} | {code_cell(text)} |" for name, text in facts.items() if text]
    return "\n".join(["| | |", "| --- | --- |", *rows]) if rows else ""


def _tables(outcome: Outcome) -> Iterator[str]:
    if outcome.gate:
        judged = [one.cells for one in outcome.gate[:_MOST_CONDITIONS]]
        rows = [f"| {mark} | {' | '.join(map(code_cell, rest))} |" for mark, *rest in judged]
        more = len(outcome.gate) - len(judged)
        yield "#### Gate"
        yield "\n".join(["| | condition | model | against | |", "| --- " * 5 + "|", *rows])
        yield f"… and {more} more conditions." if more else ""
    if outcome.compared and outcome.compared.rows:
        yield "#### Metrics"
        yield _metrics(outcome.compared, outcome.version)


def _metrics(compared: Compared, version: str) -> str:
    place = code_cell(compared.place)
    champion = f"{place}: version {code_cell(compared.champion)}"
    if compared.champion == version:
        champion = f"{place}: this version"
    elif not compared.champion:
        champion = f"{place}: no version yet"
    heads = f"| metric | version {code_cell(version)} | {champion} |"
    rows = [f"| {' | '.join(map(code_cell, row))} |" for row in compared.rows]
    return "\n".join([heads, "| --- " * 3 + "|", *rows])


def _command(outcome: Outcome) -> str:
    """How to promote the version, where it does not stand there already."""
    option, target = outcome.next_place
    stands = outcome.stage == target if option == "--stage" else target in outcome.aliases
    if not outcome.version or outcome.status != "READY" or not target or stands:
        return ""
    version = f"version={outcome.version}"
    words = ["promote", "--model-name", outcome.model_name, "--select", version]
    archive = ["--archive-existing", "true"] if option == "--stage" else []
    command = shlex.join(["./entrypoint", *words, option, target, *archive])
    return f"To promote it:\n\n{fenced(command)}"
