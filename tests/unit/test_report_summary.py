"""The summary, as a real Markdown parser reads it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from unit import hostile_texts

from remote_registry.errors import BadInput, Cancelled, Failure, GateNotMet, RegistryFailed
from remote_registry.gate import Verdict
from remote_registry.outcome import Outcome
from remote_registry.reached import Resolved
from remote_registry.report.summary import summary
from remote_registry.report.text import plain
from remote_registry.several import Entry, Several

PAGE = "https://adb-5555555555555555.15.azuredatabricks.net/?o=5#mlflow/models/churn/versions/7"
OUTCOME = Outcome(
    model_name="churn",
    version="7",
    stage="Production",
    previous=["6", "5"],
    status="READY",
    created=True,
    digest="sha256:" + "0f" * 32,
    source_kind="run",
    source_name="runs/0b8c4192882349f2a8d6f560c3009476/model",
    source_run_id="0b8c4192882349f2a8d6f560c3009476",
    source_page="https://a.example/?o=1#mlflow/experiments/2/runs/3",
    registry_url=PAGE,
    files=5,
    bytes=1_234_567,
    copied=1_234_567,
    way="by the staging folder on DBFS",
    seconds=2.34,
    plan=["make a version", "move it to Production"],
)
MARKS = {"heading", "list_item", "table", "fence", "html_block", "html_inline", "link", "image"}
MARKS |= {"em", "strong", "s", "code_inline", "code_block", "blockquote", "hr", "td", "th"}


class Page:
    """The parsed summary."""

    def __init__(self, text: str) -> None:
        parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
        blocks = parser.parse(text)
        self._tokens = [part for block in blocks for part in (block, *(block.children or []))]
        rows, *gate = _tables(blocks)
        self.rows = dict(rows)
        self.gate = [row for table in gate for row in table]
        self.heading = _text(blocks[1])

    @property
    def marks(self) -> list[str]:
        """Everything that is more than a paragraph, in its order."""
        kinds = [token.type.removesuffix("_open") for token in self._tokens]
        return [kind for kind in kinds if kind in MARKS]

    @property
    def html(self) -> list[str]:
        return [token.content for token in self._tokens if token.type.startswith("html")]

    @property
    def links(self) -> list[str]:
        return [str(token.attrs["href"]) for token in self._tokens if token.type == "link_open"]

    def fence(self, kind: str) -> str:
        (found,) = [one for one in self._tokens if one.type == "fence" and one.info == kind]
        return found.content


def _text(inline: Token) -> str:
    kinds = ("text", "text_special")
    return "".join(part.content for part in inline.children or [] if part.type in kinds)


def _tables(blocks: list[Token]) -> list[list[list[str]]]:
    """The texts of all cells, by table and row, without the heads."""
    tables: list[list[list[str]]] = []
    for index, block in enumerate(blocks):
        if block.type == "tbody_open":
            tables.append([])
        elif block.type == "tr_open" and blocks[index + 1].type == "td_open":
            tables[-1].append([])
        elif block.type == "td_open":
            tables[-1][-1].append(_text(blocks[index + 1]))
    return tables


def page(outcome: Outcome, failure: Failure | None = None) -> Page:
    return Page(summary(outcome, failure, lambda text: text))


def hostile(text: str) -> Outcome:
    """An outcome of which everything that others may name is this text."""
    names = ("model_name", "version", "stage", "status", "digest", "source_kind", "source_name")
    gate = [Verdict(text, True, text, text, text), Verdict("a > 1", False)]
    more = {"aliases": [text], "previous": [text], "plan": [text], "gate": gate}
    urls = {"source_page": f"https://a.example/{text}", "registry_url": f"https://b.example/{text}"}
    return replace(OUTCOME, source_run_id="", **dict.fromkeys(names, text), **more, **urls)


def test_it_tells_what_was_reached() -> None:
    told = page(OUTCOME)

    assert told.heading == "✅ churn version 7 registered"
    assert told.rows == {
        "Model": "churn",
        "Version": "7",
        "Status": "READY",
        "Stage": "Production",
        "Before": "version 6, version 5",
        "Source": "run runs/0b8c4192882349f2a8d6f560c3009476/model",
        "Digest": "sha256:" + "0f" * 32,
        "Size": "1.2 MB in 5 files",
        "Copied": "1.2 MB by the staging folder on DBFS",
        "Seconds": "2.3",
    }
    assert told.links == [PAGE, OUTCOME.source_page]


def test_the_picture_goes_from_the_source_over_the_version_to_where_it_stands() -> None:
    outcome = replace(OUTCOME, stage="Staging", aliases=["champion"])

    assert page(outcome).fence("mermaid").splitlines() == [
        "flowchart LR",
        '  source["run 0b8c41928823"] --> version["churn version 7"]',
        '  version --> target0(["Staging"])',
        '  version --> target1(["champion"])',
    ]


@pytest.mark.parametrize(
    ("changed", "failure", "heading"),
    [
        ({"created": False}, None, "✅ churn version 7 was already registered"),
        ({"status": "planned"}, None, "📝 The plan for churn; nothing was written"),
        ({"status": "skipped"}, None, "⏭️ churn was not registered: this job has no secrets"),
        ({"version": ""}, RegistryFailed("no"), "❌ Registry failed: churn"),
        ({"version": ""}, BadInput("no"), "❌ Bad input: churn"),
        (
            {},
            Cancelled(15),
            "❌ Cancelled: churn, though version 7 is registered",
        ),
    ],
)
def test_the_heading_tells_how_it_ended(
    changed: dict[str, str], failure: Failure | None, heading: str
) -> None:
    assert page(replace(OUTCOME, **changed), failure).heading == heading  # type: ignore[arg-type]


def test_a_failure_tells_what_happened_and_what_to_do() -> None:
    failure = RegistryFailed("It is full.", where="churn in w", todo="Clear it.")
    failure.left = ["version 3"]

    assert page(Outcome("churn"), failure).fence("text").splitlines() == failure.lines()


def test_nothing_found_yet_is_no_row() -> None:
    told = page(Outcome("churn"), RegistryFailed("no"))

    assert told.rows == {"Model": "churn"}
    assert told.marks.count("fence") == 1


def test_the_gate_is_a_table_of_all_its_lines() -> None:
    verdicts = [
        Verdict("accuracy >= 0.95", True, "0.97", "0.95"),
        Verdict("loss < champion.loss", False, "0.3", "0.2", "version 3 has 0.2"),
        Verdict("f1 > 1", False, why='the model has no metric "f1"'),
    ]
    failure = GateNotMet("Two.", "not met: loss", "not met: f1", where="run r", todo="Train.")

    told = page(replace(Outcome("churn"), gate=verdicts), failure)

    assert told.heading == "❌ Gate not met: churn"
    assert told.gate == [
        ["✅", "accuracy >= 0.95", "0.97", "0.95", ""],
        ["❌", "loss < champion.loss", "0.3", "0.2", "version 3 has 0.2"],
        ["❌", "f1 > 1", "", "", 'the model has no metric "f1"'],
    ]
    assert told.fence("text").splitlines() == [
        "Two.",
        "not met: loss",
        "not met: f1",
        "Where: run r",
        "What to do: Train.",
    ]


def test_thousands_that_fit_are_no_more_than_a_runner_takes() -> None:
    names = ("version", "status", "stage", "aliases", "commit")
    one = dict.fromkeys(names, "0f" * 20) | {"digest": OUTCOME.digest}

    text = summary(Resolved("churn", versions=[one] * 5000), None, str)

    assert len(text.encode()) < 1 << 20
    assert "and 4500 more" in text
    assert "more" not in summary(Resolved("churn", versions=[one] * 500), None, str)


def test_what_a_runner_would_not_take_is_not_written() -> None:
    told = "it does not work, and here is why" * 20
    entries = [Entry(Outcome(f"churn-{n}"), RegistryFailed(told)) for n in range(256)]
    several = Several("", entries=entries)
    assert "churn" in summary(several, several.failure(), str)
    for entry in entries:
        entry.outcome.source_name = f"/{':' * 2000}"

    text = summary(several, several.failure(), str)

    assert text.startswith("### ❌ Not all models were registered: 256 models\n")
    assert "in the log" in text
    assert len(text.encode()) < 1 << 20


def test_without_a_gate_there_is_no_table_of_it() -> None:
    assert page(OUTCOME).marks.count("table") == 1
    assert page(OUTCOME).gate == []


PLANNED = ["<details><summary>Plan</summary>\n", "</details>\n"]


@pytest.mark.parametrize("text", hostile_texts.ALL)
def test_no_text_of_others_is_markup(text: str) -> None:
    failure = RegistryFailed(text, where=text, todo=text)
    told, tame = page(hostile(text), failure), page(hostile("tame"), failure=RegistryFailed("no"))

    assert told.marks == tame.marks
    assert [one.rstrip() for one in told.html] == [one.rstrip() for one in PLANNED]
    assert set(told.rows) == set(tame.rows)


@given(st.text(st.one_of(st.characters(), st.sampled_from("<>[](){}|`*_~#!&\\\n\r\t -=.:w"))))
def test_no_text_at_all_is_markup(text: str) -> None:
    told, tame = page(hostile(f"a{text}z")), page(hostile("tame"))

    assert told.marks == tame.marks


@pytest.mark.parametrize("text", hostile_texts.ALL)
def test_what_others_say_is_shown_as_a_line_of_the_log_shows_it(text: str) -> None:
    shown = plain(text).replace("\u200b", "")

    assert page(hostile(text)).rows["Digest"].strip() == shown.strip()


@pytest.mark.parametrize("text", hostile_texts.ALL)
def test_a_link_leads_to_its_own_host(text: str) -> None:
    hosts = [re.match(r"https://(\w)\.example/", link) for link in page(hostile(text)).links]

    assert [host and host[1] for host in hosts] == ["b", "a"]


@pytest.mark.parametrize("url", ["javascript:alert(1)", "//evil.example", "file:///etc", ""])
def test_only_a_page_is_linked(url: str) -> None:
    told = page(replace(OUTCOME, registry_url=url, source_page=url))

    assert told.links == []
    assert told.rows["Version"] == "7"


@pytest.mark.parametrize("text", ["www.evil.example", "https://evil.example", "WWW.evil.example"])
def test_no_address_in_a_text_becomes_a_link(text: str) -> None:
    outcome = replace(hostile(text), registry_url="", source_page="")
    told = summary(outcome, None, lambda text: text)

    # GitHub links what stands so in the Markdown itself, and no entities.
    told = re.sub("```mermaid.*?```", "", told, flags=re.DOTALL)
    assert not re.search(r"www\.|://", told, re.IGNORECASE)


@pytest.mark.parametrize("text", hostile_texts.ALL)
def test_the_picture_has_no_arrow_of_others(text: str) -> None:
    first, *arrows = page(hostile(text)).fence("mermaid").splitlines()

    assert first == "flowchart LR"
    label = r'"[^"`<>\[\](){}|&]*"'
    patterns = [
        rf"  source\[{label}\] --> version\[{label}\]",
        *[rf"  version --> target{number}\(\[{label}\]\)" for number in range(2)],
    ]
    assert [bool(re.fullmatch(*pair)) for pair in zip(patterns, arrows, strict=True)] == [True] * 3


def test_secrets_are_hidden() -> None:
    outcome = replace(OUTCOME, plan=["use dapi-1"])
    told = summary(outcome, RegistryFailed("dapi-1"), lambda text: text.replace("dapi-1", "***"))

    assert "dapi-1" not in told


def test_secrets_in_what_a_gate_was_judged_by_are_hidden() -> None:
    gate = [Verdict("tags.a == 'dapi-1'", False, "dapi-1", "dapi-1", "dapi-1")]
    outcome = replace(OUTCOME, gate=gate).redacted(lambda text: text.replace("dapi-1", "***"))

    assert "dapi-1" not in str(outcome.result()) + summary(outcome, None, str)
    assert page(outcome).gate == [["❌", "tags.a == '***'", "***", "***", "***"]]
