"""How long is waited, and when no more."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from remote_registry import retry
from remote_registry.errors import Failure, RegistryFailed
from remote_registry.retry import Transient, repeated


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(retry.time, "monotonic", lambda: clock.now)
    monkeypatch.setattr(retry, "_TURNS", retry._Turns())
    return clock


def failing(times: int, **said: float) -> Callable[[], str]:
    numbers = itertools.count(1)

    def attempt() -> str:
        if (number := next(numbers)) <= times:
            raise Transient(RegistryFailed(f"failure {number}"), **said)
        return "done"

    return attempt


def test_what_works_is_not_repeated(clock: Clock) -> None:
    assert repeated(failing(0), sleep=clock.sleep) == "done"
    assert clock.waits == []


def test_the_waits_double_with_jitter_up_to_ten_seconds(clock: Clock) -> None:
    assert repeated(failing(9), sleep=clock.sleep) == "done"

    least = [0.25, 0.5, 1, 2, 4, 5, 5, 5, 5]
    assert [low <= wait <= 2 * low for low, wait in zip(least, clock.waits, strict=True)] == [
        True
    ] * 9
    assert len({wait / low for low, wait in zip(least, clock.waits, strict=True)}) > 1


@pytest.mark.parametrize("seconds", [0.1, 3, 60])
def test_the_last_failure_is_told_when_the_seconds_have_run_out(
    clock: Clock, seconds: float
) -> None:
    with pytest.raises(RegistryFailed) as told:
        repeated(failing(10**6), seconds=seconds, sleep=clock.sleep)

    assert str(told.value) == f"failure {len(clock.waits) + 1}"
    assert clock.now - 1000 <= seconds


def test_little_patience_ends_sooner(clock: Clock) -> None:
    with pytest.raises(Failure):
        repeated(failing(10**6, patience=3), seconds=60, sleep=clock.sleep)

    assert clock.now - 1000 <= 3


def test_what_the_server_asks_for_is_waited(clock: Clock) -> None:
    assert repeated(failing(2, after=20), sleep=clock.sleep) == "done"
    assert clock.waits == [20, 20]


def test_at_once_is_not_without_a_pause(clock: Clock) -> None:
    assert repeated(failing(1, after=0), sleep=clock.sleep) == "done"
    assert clock.waits[0] >= 0.25


def test_more_than_there_is_time_for_is_not_waited(clock: Clock) -> None:
    with pytest.raises(RegistryFailed, match="failure 1"):
        repeated(failing(1, after=61), seconds=60, sleep=clock.sleep)
    assert clock.waits == []


def test_a_failure_that_will_not_pass_is_not_repeated(clock: Clock) -> None:
    def attempt() -> None:
        raise RegistryFailed("no")

    with pytest.raises(RegistryFailed, match="no"):
        repeated(attempt, sleep=clock.sleep)
    assert clock.waits == []


@pytest.mark.parametrize("patience", [3.0, 120.0])
def test_an_attempt_that_takes_long_is_repeated_too(clock: Clock, patience: float) -> None:
    attempt = failing(1, patience=patience)

    def slowly() -> str:
        clock.now += 500
        return attempt()

    assert repeated(slowly, sleep=clock.sleep) == "done"


def test_each_patience_counts_from_its_own_first_failure(clock: Clock) -> None:
    failures = iter([*[120.0] * 8, *[15.0] * 2])

    def attempt() -> str:
        if patience := next(failures, None):
            raise Transient(RegistryFailed("not yet"), patience=patience)
        return "done"

    def sleep(seconds: float) -> None:
        clock.sleep(min(seconds, 4.0))

    assert repeated(attempt, sleep=sleep) == "done"
    assert clock.now - 1000 > 15 + 4 * 2


def test_what_changes_its_mind_is_not_repeated_without_end(clock: Clock) -> None:
    patiences = itertools.cycle([20.0, 40.0, 80.0])

    def attempt() -> None:
        raise Transient(RegistryFailed("no"), patience=next(patiences))

    with pytest.raises(RegistryFailed):
        repeated(attempt, seconds=60, sleep=clock.sleep)
    assert clock.now - 1000 <= 60


def test_many_that_try_again_at_once_take_turns(clock: Clock) -> None:
    """A workspace registry takes 40 calls a second."""
    turns = retry._Turns()
    waits = [turns.take() for _ in range(81)]
    assert waits[0] == 0
    assert waits[40] == pytest.approx(1.0)
    assert waits[80] == pytest.approx(2.0)
    clock.now += 10
    assert turns.take() == 0


def test_a_retry_waits_for_its_turn(clock: Clock) -> None:
    for _ in range(400):
        retry._TURNS.take()
    assert repeated(failing(1), sleep=clock.sleep) == "done"
    assert clock.now == pytest.approx(1010.0)
