"""Threads that a signal reaches: each is told once, ends in order, and none is waited for twice."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from remote_registry import cancelling
from remote_registry.cancelling import Hurry, left, look, remembered, shielded
from remote_registry.errors import Cancelled
from remote_registry.side_by_side import side_by_side


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    kinds = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)
    before = {one: signal.getsignal(one) for one in kinds}
    cancelling._State.tells_left.clear()
    cancelling.listen()
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    for signum, handler in before.items():
        signal.signal(signum, handler)
    cancelling._State.received, cancelling._LINE.told = 0, False
    cancelling._State.tells_left.clear()


def ended_by(work: object = None) -> str:
    """How long sleeping ends in this thread."""
    try:
        cancelling.sleep(30)
    except Cancelled as cancelled:
        return str(cancelled)
    return "nothing"


def test_each_thread_is_told_once_and_all_are_waited_for() -> None:
    told: list[str] = []
    begun = threading.Barrier(4)

    def work() -> None:
        begun.wait(10)
        told.append(ended_by())
        look()  # a second time nothing is raised: it may take back what it has begun
        told.append("taken back")

    def kill() -> None:
        begun.wait(10)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=kill).start()
    with pytest.raises(Cancelled, match="SIGTERM"):
        side_by_side([work] * 3, 3)
    assert sorted(told) == ["SIGTERM was received."] * 3 + ["taken back"] * 3


def test_a_shield_is_one_threads_own() -> None:
    """Who is behind one ends what it does; others are told meanwhile."""
    order: list[str] = []
    begun, other_told = threading.Barrier(3), threading.Event()

    def shielded_work() -> None:
        try:
            with shielded():
                begun.wait(10)
                assert other_told.wait(10)
                look()
                order.append("ended in order")
        except Cancelled:
            order.append("told afterwards")

    def other() -> None:
        begun.wait(10)
        order.append(ended_by())
        other_told.set()

    def kill() -> None:
        begun.wait(10)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=kill).start()
    with pytest.raises(Cancelled):
        side_by_side([shielded_work, other], 2)
    assert order == ["SIGINT was received.", "ended in order", "told afterwards"]


def test_a_thread_that_follows_nobody_is_never_told() -> None:
    seen: list[str] = []
    cancelling._State.received = signal.SIGINT

    def background() -> None:
        look()
        with shielded():
            pass
        cancelling.sleep(0.01)
        seen.append("went on")

    thread = threading.Thread(target=background)
    thread.start()
    thread.join()
    assert seen == ["went on"]


def test_a_second_signal_waits_for_nobody_and_tells_what_is_left() -> None:
    begun, let_go = threading.Barrier(2), threading.Event()

    def stubborn() -> None:
        with remembered(lambda: ["a folder"]):
            begun.wait(10)
            let_go.wait(20)

    def kill() -> None:
        begun.wait(10)
        os.kill(os.getpid(), signal.SIGINT)
        deadline = time.monotonic() + 10
        while not cancelling.received() and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=kill).start()
    with pytest.raises(Hurry) as hurried:
        side_by_side([stubborn], 1)
    let_go.set()
    deadline = time.monotonic() + 10
    while left() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert hurried.value.left == ["a folder"]
    assert cancelling.received() == signal.SIGINT


def test_what_is_done_leaves_nothing() -> None:
    with remembered(lambda: ["a folder"]):
        assert left() == ["a folder"]
    assert left() == []


def test_so_many_at_once_and_no_more() -> None:
    inside, most, lock = 0, 0, threading.Lock()

    def work() -> None:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        time.sleep(0.02)
        with lock:
            inside -= 1

    side_by_side([work] * 12, 3)
    assert most == 3


def test_a_machine_without_room_for_a_thread_does_them_in_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: object) -> None:
        raise RuntimeError("can't start new thread")

    done: list[int] = []
    monkeypatch.setattr(threading.Thread, "start", refuse)
    side_by_side([lambda: done.append(1), lambda: done.append(2)], 2)
    assert done == [1, 2]


def test_what_was_told_to_a_work_in_the_main_thread_is_not_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: object) -> None:
        raise RuntimeError("can't start new thread")

    def work() -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            cancelling.sleep(5)
        except Cancelled:
            return

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(Cancelled):
        side_by_side([work], 1)
