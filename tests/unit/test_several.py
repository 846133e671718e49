"""What several models come to: one word, one exit code, one table; and whose line is whose."""

from __future__ import annotations

import io
import json
import re
import threading

import pytest
import runner
from unit import hostile_texts

from remote_registry.errors import (
    Cancelled,
    Failure,
    GateNotMet,
    MachineTooSmall,
    RegistryFailed,
    SignInRefused,
    SomeFailed,
    SourceMissing,
)
from remote_registry.outcome import Outcome, Passed
from remote_registry.report.console import Console
from remote_registry.report.summary import summary
from remote_registry.several import Entry, Several, matrix_of
from remote_registry.voice import Voice

WORST_FIRST = [
    Failure("a bug"),
    RegistryFailed("no"),
    MachineTooSmall(),
    SignInRefused("no"),
    SourceMissing("none"),
    GateNotMet("not met"),
]


def of(*failures: Failure | Cancelled | None) -> Several:
    several = Several("")
    for number, failure in enumerate(failures):
        status = "" if failure else "READY"
        version = "" if failure else "1"
        outcome = Outcome(f"m{number}", version=version, status=status, created=not failure)
        several.entries.append(Entry(outcome, failure))
    several.settle()
    return several


@pytest.mark.parametrize("at", range(len(WORST_FIRST)))
def test_the_exit_code_is_that_of_the_worst(at: int) -> None:
    whole = of(None, *reversed(WORST_FIRST[at:])).failure()
    assert whole
    assert whole.exit_code == WORST_FIRST[at].exit_code


def test_the_whole_names_each_failure_and_what_it_leaves() -> None:
    left = RegistryFailed("no")
    left.left = ["a folder"]
    whole = of(None, left, GateNotMet("not met", "accuracy >= 1")).failure()
    assert isinstance(whole, SomeFailed)
    assert whole.lines() == [
        "2 of 3 models failed.",
        "m1: Registry failed: no",
        "m2: Gate not met: not met",
        "Left behind: a folder",
    ]


@pytest.mark.parametrize(
    ("failures", "status"),
    [((None, None), "READY"), ((None, RegistryFailed("no")), "incomplete")],
)
def test_one_word_for_all(failures: tuple[Failure | None, ...], status: str) -> None:
    assert of(*failures).status == status


def test_a_signal_gathers_what_each_has_left() -> None:
    first, second, whole = Cancelled(2), Cancelled(2), Cancelled(2)
    first.left, second.left = ["a"], ["b"]
    of(first, None, second).gather_left(whole)
    assert whole.left == ["a", "b"]


@pytest.mark.parametrize("text", hostile_texts.ALL)
def test_nobody_elses_text_is_obeyed_in_the_summary(text: str) -> None:
    several = of(None, SourceMissing(text))
    several.entries[0].outcome.source_name = text
    several.settle()
    shown = summary(several, several.failure(), lambda told: told)
    plain = of(None, SourceMissing("x"))
    assert shown.count("\n") == summary(plain, plain.failure(), lambda told: told).count("\n")


def test_results_hold_neither_what_servers_said_nor_hosts() -> None:
    failure = SourceMissing("https://host.example says no", where="https://host.example")
    told = json.dumps(of(None, failure).outputs())
    assert "host.example" not in told
    assert "No such source" in told


def test_secrets_are_taken_out_of_each() -> None:
    several = of(None)
    several.entries[0].outcome.source_name = "dapi-1"
    shown = several.redacted(lambda text: text.replace("dapi-1", "***"))
    assert "dapi-1" not in json.dumps(shown.outputs())


def test_a_matrix_holds_texts_alone() -> None:
    assert json.loads(matrix_of([{"model-name": "a", "archive-existing": "true"}])) == {
        "include": [{"model-name": "a", "archive-existing": "true"}]
    }


@pytest.mark.parametrize("secret", ["include", "{", '"', ": ", "e", "model-name", "churn"])
def test_a_secret_takes_nothing_but_values_out_of_a_matrix(secret: str) -> None:
    legs = [{"model-name": "churn", "description": f"{secret} é"}]
    several = Several("", matrix=matrix_of(legs), status="planned")
    shown = several.redacted(lambda text: text.replace(secret, "***"))
    (leg,) = json.loads(shown.outputs()["matrix"])["include"]
    assert list(leg) == ["model-name", "description"]
    assert leg == {name: text.replace(secret, "***") for name, text in legs[0].items()}
    assert shown.done == "a job matrix of 1 models"


@pytest.mark.parametrize("text", hostile_texts.ALL)
def test_each_line_names_its_model_and_none_is_a_command(text: str) -> None:
    stream = io.StringIO()
    voice = Voice(text, Console({"GITHUB_ACTIONS": "true"}, stream))
    with voice.group("Copy"):
        voice.line("copied")
    voice.warning("odd")
    voice.error(RegistryFailed("no"))
    assert [one.name for one in runner.commands(stream.getvalue())] == ["warning", "error"]


def test_lines_of_many_threads_are_whole() -> None:
    class Halting(io.StringIO):
        """Lets others run between a line and its end."""

        def write(self, text: str) -> int:
            threading.Event().wait(0.0005)
            return super().write(text)

    stream = Halting()
    console = Console({}, stream)
    voices = [Voice(f"m{number}", console) for number in range(8)]
    threads = [
        threading.Thread(target=lambda voice=voice: [voice.line("x" * 50) for _ in range(10)])
        for voice in voices
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = stream.getvalue().splitlines()
    assert len(lines) == 80
    assert {re.sub(r"\d", "", line) for line in lines} == {f"  m: {'x' * 50}"}


def test_a_voice_that_has_ended_tells_nothing() -> None:
    stream = io.StringIO()
    voice = Voice("m", Console({}, stream))
    voice.end()
    voice.line("a")
    voice.warning("b")
    voice.error(RegistryFailed("c"))
    assert stream.getvalue() == ""


def test_how_far_a_copy_is_is_told_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("remote_registry.voice.time.monotonic", lambda: now)
    stream = io.StringIO()
    voice = Voice("m", Console({}, stream))
    for now in (1.0, 6.0, 7.0):  # noqa: B007 - read by the clock
        voice.passed(Passed("copied", 10, 1))
    assert stream.getvalue().count("m: … copied") == 1
