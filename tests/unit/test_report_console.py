"""The log, as a runner and as a person reads it."""

from __future__ import annotations

import io
import os
import sys
import time

import pytest
import runner
from unit import hostile_texts

from remote_registry.errors import BadInput, Failure, RegistryFailed
from remote_registry.report.console import Console

ON_RUNNER = {"GITHUB_ACTIONS": "true"}
TOKEN = {"INPUT_REGISTRY_TOKEN": "dapi-1234"}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Written:
    """A console, and what it has written."""

    def __init__(self, environment: dict[str, str], stream: io.StringIO | None = None) -> None:
        self._stream = stream or io.StringIO()
        self.console = Console(environment, self._stream)

    @property
    def text(self) -> str:
        return self._stream.getvalue()

    @property
    def commands(self) -> list[tuple[str, str]]:
        return [(command.name, command.data) for command in runner.commands(self.text)]


@pytest.fixture
def on_runner() -> Written:
    return Written(ON_RUNNER)


@pytest.fixture
def at_home() -> Written:
    return Written({})


def tell_everything(console: Console, text: str) -> None:
    failure = RegistryFailed(text, where=text, todo=text)
    failure.left = [text]
    with console.group(text):
        console.line(text)
        console.warning(text)
        console.notice(text)
    console.error(failure)


@pytest.mark.parametrize("text", hostile_texts.ALL)
def test_the_runner_obeys_nobody_else(on_runner: Written, text: str) -> None:
    tell_everything(on_runner.console, text)

    names = [name for name, _ in on_runner.commands]
    assert names == ["group", "warning", "notice", "endgroup", "error"]


@pytest.mark.parametrize("text", hostile_texts.ALL)
def test_a_terminal_obeys_nobody_else(text: str) -> None:
    written = Written({"NO_COLOR": "1"}, Terminal())
    tell_everything(written.console, text)

    assert all(character == "\n" or character.isprintable() for character in _shown(written.text))
    assert runner.commands(written.text) == []


def _shown(text: str) -> str:
    """The text without what keeps a runner from obeying it, and in characters that Python knows."""
    return text.replace("\u200b", "").replace("\u3000", "").replace("\u00a0", "")


def test_a_failure_is_one_annotation_with_its_title_and_all_its_lines(on_runner: Written) -> None:
    failure = RegistryFailed("It is full: 100 %.", where="churn in w", todo="Clear it.")
    failure.left = ["version 3"]
    on_runner.console.error(failure)

    (command,) = runner.commands(on_runner.text)
    assert command.properties == {"title": "Registry failed"}
    assert command.data.split("\n") == [
        "It is full: 100 %.",
        "Where: churn in w",
        "What to do: Clear it.",
        "Left behind: version 3",
    ]


def test_bad_inputs_are_one_annotation(on_runner: Written) -> None:
    on_runner.console.error(BadInput("stage: no", "alias: no"))

    assert on_runner.commands == [("error", "stage: no\nalias: no")]


def test_outside_of_a_runner_a_failure_is_readable(at_home: Written) -> None:
    at_home.console.error(Failure("It is full.", todo="Clear it."))

    assert at_home.text == "Failed: It is full.\n  What to do: Clear it.\n"


def test_a_group_ends_after_a_failure_too(on_runner: Written) -> None:
    with pytest.raises(RegistryFailed), on_runner.console.group("Copy"):
        raise RegistryFailed("no")

    assert on_runner.commands == [("group", "Copy"), ("endgroup", "")]


def test_a_group_tells_how_long_it_took(at_home: Written) -> None:
    with at_home.console.group("Copy"):
        at_home.console.line("copied")

    assert at_home.text == "Copy\n  copied\n  0.0 s\n"


def test_progress_is_a_line_every_few_seconds(
    at_home: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = time.monotonic()
    for second in range(12):
        monkeypatch.setattr(time, "monotonic", lambda now=begun + second: now)
        at_home.console.progress(f"{second} s")

    assert [line.strip() for line in at_home.text.splitlines()] == ["… 5 s", "… 10 s"]


@pytest.mark.parametrize(
    ("environment", "stream", "coloured"),
    [
        ({}, Terminal(), True),
        ({"NO_COLOR": ""}, Terminal(), True),
        ({"NO_COLOR": "1"}, Terminal(), False),
        ({}, io.StringIO(), False),
        (ON_RUNNER, Terminal(), False),
        (ON_RUNNER, io.StringIO(), False),
        ({"GITHUB_ACTIONS": "false"}, Terminal(), True),
    ],
)
def test_colour_is_for_a_terminal_that_no_runner_reads(
    environment: dict[str, str], stream: io.StringIO, coloured: bool
) -> None:
    written = Written(environment, stream)
    tell_everything(written.console, "text")

    assert ("\x1b[" in written.text) is coloured


def test_masks_come_first_on_a_runner() -> None:
    written = Written(ON_RUNNER | TOKEN)

    assert ("add-mask", "dapi-1234") in written.commands
    assert {name for name, _ in written.commands} == {"add-mask"}


@pytest.mark.parametrize("environment", [{}, {"GITHUB_ACTIONS": ""}, {"GITHUB_ACTIONS": "false"}])
def test_no_mask_is_printed_where_no_runner_reads(environment: dict[str, str]) -> None:
    written = Written(environment | TOKEN)
    written.console.hide(["a-password"])

    assert written.text == ""


@pytest.mark.parametrize("environment", [{}, ON_RUNNER])
def test_a_secret_is_hidden_wherever_it_is_told(environment: dict[str, str]) -> None:
    written = Written(environment | TOKEN)
    written.console.hide(["p ssword"])
    tell_everything(written.console, "dapi-1234 and p ssword and p%20ssword and ZGFwaS0xMjM0")

    told = [line for line in written.text.splitlines() if not line.startswith("::add-mask::")]
    assert len(told) > 5
    assert not any(secret in line for line in told for secret in ("1234", "ssword", "MjM0"))
    assert any("*** and *** and *** and ***" in line for line in told)


def test_a_long_secret_is_hidden_whole_where_it_holds_a_short_one() -> None:
    written = Written(TOKEN | {"INPUT_TRACKING_TOKEN": "dapi-1234-tail"})

    assert written.console.redacted("is dapi-1234-tail") == "is ***"


def test_a_secret_at_the_end_of_what_is_shown_is_not_shown_in_half() -> None:
    written = Written(TOKEN)
    written.console.line("x" * 1996 + "dapi-1234")

    assert "dapi" not in written.text


def test_a_stream_that_knows_no_unicode_is_written_to() -> None:
    raw = io.BytesIO()
    console = Console({}, io.TextIOWrapper(raw, encoding="ascii"))
    console.line("模型 …")

    assert raw.getvalue() == b"  \\u6a21\\u578b \\u2026\n"


def test_what_hides_more_and_more_keeps_each_form_once() -> None:
    """Forms of forms would be more with each call, without end."""
    written = Written(TOKEN)
    for number in range(12):
        written.console.hide([f"a secret {number}"])

    assert len(written.console._secrets) <= 13 * 8


def test_a_log_that_nobody_reads_stops_nothing() -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w", encoding="utf-8") as stream:
        console = Console(ON_RUNNER | TOKEN, stream)
        tell_everything(console, "text")


def test_there_may_be_no_stream_to_log_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    tell_everything(Console(ON_RUNNER | TOKEN), "text")
