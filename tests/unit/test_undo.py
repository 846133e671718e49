"""Undoing goes to its end, whatever its steps raise, and tells what is left."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from remote_registry import cancelling
from remote_registry.errors import Cancelled, Ending, RegistryFailed
from remote_registry.outcome import Outcome
from remote_registry.run import run
from remote_registry.undo import Undo
from remote_registry.verbs import REGISTER


class Told:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def line(self, text: str) -> None:
        self.lines.append(text)

    warning = progress = line

    def passed(self, passed: object) -> None: ...

    def group(self, title: str) -> Any:
        return nullcontext()


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    before = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)}
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    for signum, handler in before.items():
        signal.signal(signum, handler)
    cancelling._State.received, cancelling._LINE.told = 0, False
    cancelling._State.tells_left.clear()


def undone(*actions: Any, aside: bool = False) -> Ending:
    """How a block ends that fails, with these undos."""
    undo = Undo(SimpleNamespace(seconds=0.0), Told())  # type: ignore[arg-type]
    try:
        with undo:
            for number, action in enumerate(actions):
                undo.push(action, partial("thing {}".format, number), aside=aside)
            raise RegistryFailed("no")
    except (RegistryFailed, Cancelled) as ending:
        return ending
    raise AssertionError


def test_a_step_that_raises_what_nobody_thought_of_stops_no_other() -> None:
    done = []
    ending = undone(lambda: bool(done.append(1)), lambda: {}["model_version"])
    assert done == [1]
    assert ending.left == ["thing 1"]


def test_what_was_never_begun_is_not_told_to_be_left() -> None:
    def refused() -> bool:
        raise RegistryFailed("403")

    undo = Undo(SimpleNamespace(seconds=0.0), told := Told())  # type: ignore[arg-type]
    undo.push(refused, lambda: "")
    assert undo.run() == told.lines == []


def test_what_is_told_to_be_left_is_what_there_was_before_it_was_taken_back() -> None:
    things = ["thing"]
    undo = Undo(SimpleNamespace(seconds=0.0), told := Told())  # type: ignore[arg-type]
    undo.push(lambda: bool(things.pop()), lambda: "".join(things))
    undo.run()
    assert told.lines == ["took back thing"]


def test_where_no_thread_can_be_started_it_is_undone_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: object) -> None:
        raise RuntimeError("can't start new thread")

    done: list[int] = []
    monkeypatch.setattr(threading.Thread, "start", refuse)
    ending = undone(lambda: bool(done.append(1)), lambda: bool(done.append(2)), aside=True)
    assert sorted(done) == [1, 2]
    assert ending.left == []


def test_a_signal_while_it_is_undone_hides_nothing_of_what_is_left() -> None:
    def refused() -> bool:
        os.kill(os.getpid(), signal.SIGINT)
        raise RegistryFailed("403")

    cancelling.listen()
    ending = undone(refused)
    assert isinstance(ending, Cancelled)
    assert ending.left == ["thing 0"]


def test_a_signal_at_the_very_end_is_reported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    deafen = cancelling.deafen

    def interrupted() -> None:
        if not cancelling.received():
            os.kill(os.getpid(), signal.SIGINT)
        deafen()

    monkeypatch.setattr(cancelling, "deafen", interrupted)
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    with pytest.raises(SystemExit) as ended:
        run(REGISTER, {}, Outcome("m"), as_json=False, carry_out=lambda _: None)
    assert ended.value.code == 130
    assert "version<<" in (tmp_path / "output").read_text()


@pytest.mark.parametrize("moment", ["__exit__", "run", "_take_back"])
def test_a_second_signal_at_any_moment_hides_nothing_of_what_is_left(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, moment: str
) -> None:
    """It may come before the block that is left has begun to undo."""

    def hurried(*_: object) -> None:
        with suppress(Cancelled):
            os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)

    def carry_out(_: object) -> None:
        with Undo(SimpleNamespace(seconds=0.0), Told()) as undo:  # type: ignore[arg-type]
            undo.push(lambda: True, lambda: "a thing")
            undo.push(lambda: True, lambda: "")
            raise RegistryFailed("no")

    monkeypatch.setattr(Undo, moment, hurried)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))
    with pytest.raises(SystemExit) as ended:
        run(REGISTER, {}, Outcome("m"), as_json=False, carry_out=carry_out)
    assert ended.value.code == 130
    assert "Left behind: a thing" in (tmp_path / "summary").read_text()
