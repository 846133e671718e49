"""Other people's text does nothing where it is shown."""

from __future__ import annotations

import unicodedata

import pytest
import runner
from hypothesis import example, given
from hypothesis import strategies as st
from unit import hostile_texts

from remote_registry.report.text import command_data, command_property, fenced, mermaid, plain

ANYTHING = st.text(st.one_of(st.characters(), st.sampled_from("::##[]%0AD\r\n\u200b\u034f ")))


@pytest.mark.parametrize("text", hostile_texts.ALL)
@pytest.mark.parametrize("before", ["", "  ", "found "])
def test_a_line_of_the_log_is_no_command(text: str, before: str) -> None:
    assert runner.commands(f"{before}{plain(text)}") == []


@given(ANYTHING)
def test_no_line_of_the_log_is_a_command(text: str) -> None:
    assert runner.commands(plain(text)) == []


@given(ANYTHING)
@example("\u2028\u2029\x85\x0b\x0c\x1c")
@example("\u202e\u2066\u200f\ufeff")
@example("\ud800")
def test_a_line_has_no_break_and_no_code_of_others(text: str) -> None:
    shown = plain(text).replace("##\u200b[", "").replace("#\u200b#", "").replace(":\u200b:", "")

    assert len(shown.splitlines()) <= 1
    assert {unicodedata.category(character) for character in shown}.isdisjoint(
        {"Cc", "Cf", "Cs", "Zl", "Zp"}
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31m", "\\u001b[31m"),
        ("a\tb", "a b"),
        ("gpj\u202eexe", "gpj\\u202eexe"),
        ("\ud800", "\\ud800"),
        ("churn – Größe 模型 🚀", "churn – Größe 模型 🚀"),
        ("a: b, 100 %, C:\\x, a::b", "a: b, 100 %, C:\\x, a::b"),
    ],
)
def test_a_line_shows_what_was_there(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_an_endless_text_is_cut() -> None:
    assert len(plain("\0" * 10**6)) < 20_000


@pytest.mark.parametrize("text", hostile_texts.ALL)
def test_an_annotation_is_one_command_with_the_lines_of_the_text(text: str) -> None:
    (command,) = runner.commands(f"::error title={command_property(text)}::{command_data(text)}")

    assert (command.name, list(command.properties)) == ("error", ["title"])
    assert command.data.count("\n") == text.count("\n")
    assert "\r" not in command.data + command.properties["title"]
    assert runner.commands(command.data) == []


@given(ANYTHING)
def test_an_annotation_tells_the_text_as_a_line_of_the_log_does(text: str) -> None:
    (command,) = runner.commands(f"::error title={command_property(text)}::{command_data(text)}")

    told = "\n".join(plain(line) for line in text.split("\n"))
    assert command.data == told
    assert command.properties.get("title", "").strip() == told.strip()


@pytest.mark.parametrize("text", hostile_texts.ALL)
def test_a_fence_ends_at_its_own_end_only(text: str) -> None:
    first, *within, last = fenced(text).split("\n")

    assert first == f"{last}text"
    assert all(last not in line for line in within)


@pytest.mark.parametrize("text", hostile_texts.ALL)
def test_a_mermaid_label_stays_within_its_quotes(text: str) -> None:
    label = mermaid(text)

    assert set('"`<>[](){}|&%\n\r').isdisjoint(label)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ('a "b"', "a #34;b#34;"),
        ("#quot;", "#35;quot#59;"),
        ("runs/1.2-x_y", "runs/1.2-x_y"),
        ("模型", "模型"),
    ],
)
def test_a_mermaid_label_shows_what_was_there(text: str, label: str) -> None:
    assert mermaid(text) == label


def test_a_mermaid_label_is_cut_before_it_is_encoded() -> None:
    assert mermaid('"' * 100) == "#34;" * 47 + "…"
