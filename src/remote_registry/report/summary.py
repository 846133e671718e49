"""The summary of a job: a picture, a table, and on failure what happened and what to do."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator

from ..errors import Ending
from ..outcome import Outcome, Table, readable
from .text import address, fenced, markdown, mermaid

_MOST_ROWS = 500  # of a table
_MOST_BYTES = 1_000_000  # a runner takes no summary of more than 1 MiB


def summary(outcome: Outcome, failure: Ending | None, redacted: Callable[[str], str]) -> str:
    """Markdown that tells what a registration has reached.

    Args:
        redacted: Replaces secrets in a text.
    """
    parts = [f"### {_headline(outcome, failure)}", _picture(outcome)]
    parts.append("\n".join(["| | |", "| --- | --- |", *_rows(outcome)]))
    if outcome.plan:
        listed = "\n".join(f"1. {markdown(redacted(text))}" for text in outcome.plan)
        parts.append(f"<details><summary>Plan</summary>\n\n{listed}\n\n</details>")
    if outcome.table:
        parts.append(f"#### {outcome.table.title}\n\n{_table(outcome.table)}")
    if outcome.way_back:
        command = redacted(shlex.join(["./entrypoint", *outcome.way_back]))
        parts.append(f"To go back:\n\n{fenced(command)}")
    if failure:
        parts.insert(1, fenced(redacted("\n".join(failure.lines()))))
    text = "\n\n".join(filter(None, parts)) + "\n\n"
    if len(text.encode()) > _MOST_BYTES:
        return f"{parts[0]}\n\nThis is too much for a summary; it is in the log.\n\n"
    return text


def _headline(outcome: Outcome, failure: Ending | None) -> str:
    name = markdown(outcome.subject)
    if failure:
        reached = f", though {markdown(outcome.reached)}" if outcome.reached else ""
        return f"❌ {failure.title}: {name}{reached}"
    if outcome.status == "skipped":
        return f"⏭️ {name} was not {outcome.participle}: this job has no secrets"
    if outcome.status == "planned":
        return f"📝 The plan for {name}; nothing was written"
    return f"✅ {markdown(outcome.done)}"


def _table(table: Table) -> str:
    shown = table.rows[:_MOST_ROWS]
    rows = [table.heads, ["---"] * len(table.heads), *(map(markdown, row) for row in shown)]
    more = len(table.rows) - len(shown)
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([*lines, *([f"\nand {more} more"] if more else [])])


def _picture(outcome: Outcome) -> str:
    if not outcome.version:
        return ""
    source = f"{outcome.source_kind} {outcome.source_name.rsplit('/', 1)[-1]}".strip()
    if outcome.source_run_id:
        source = f"run {outcome.source_run_id[:12]}"
    version = f"{outcome.model_name} version {outcome.version}"
    from_source = f'source["{mermaid(source)}"] --> ' if source else ""
    arrows = [f'  {from_source}version["{mermaid(version)}"]']
    targets = [outcome.stage] if outcome.stage not in ("", "None") else []
    for index, target in enumerate([*targets, *outcome.aliases]):
        arrows.append(f'  version --> target{index}(["{mermaid(target)}"])')
    return "\n".join(["```mermaid", "flowchart LR", *arrows, "```"])


def _rows(outcome: Outcome) -> Iterator[str]:
    for name, cell in _cells(outcome):
        if cell:
            yield f"| {name} | {cell} |"


def _cells(outcome: Outcome) -> Iterator[tuple[str, str]]:
    yield "Model", markdown(outcome.model_name)
    yield "Version", _link(outcome.version, outcome.registry_url)
    yield "Status", markdown(outcome.status)
    yield "Stage", markdown(outcome.stage)
    yield "Aliases", markdown(", ".join(outcome.aliases))
    yield "Before", markdown(", ".join(f"version {number}" for number in outcome.previous))
    source = f"{outcome.source_kind} {outcome.source_name}".strip()
    yield "Source", _link(source, outcome.source_page)
    yield "Digest", markdown(outcome.digest)
    if outcome.files:
        yield "Size", f"{readable(outcome.bytes)} in {outcome.files} files"
    yield "Copied", f"{readable(outcome.copied)} {outcome.way}" if outcome.copied else ""
    yield "Seconds", f"{outcome.seconds:.1f}" if outcome.seconds else ""


def _link(text: str, url: str) -> str:
    """A link to a page of a host of ours."""
    safe = address(url)
    return f"[{markdown(text)}](<{safe}>)" if safe and text.strip() else markdown(text)
