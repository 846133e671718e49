"""Copies that share connections: never more than there may be, and all of them for the last one."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack

import pytest

from remote_registry.files.pace import Limits, Pace, Stopped
from remote_registry.files.sharing import Sharing


def patient() -> None:
    """Waits on."""


def test_each_has_its_part_and_the_last_one_has_all() -> None:
    sharing = Sharing(16, patient)
    limits = Limits(16, 1.0, sharing)
    with ExitStack() as first:
        first.enter_context(sharing.part(large=False))
        assert limits.most == 16
        with sharing.part(large=True), sharing.part(large=False):
            assert limits.most == 5
        assert limits.most == 16
    assert Limits(4, 1.0, sharing).most == 4


def test_no_more_go_in_than_there_are_connections() -> None:
    """Though each of two copies may have been told of all of them."""
    sharing = Sharing(2, patient)
    pace = Pace(Limits(2, 1.0, sharing), lambda *_: None)
    inside, most, lock = 0, 0, threading.Lock()

    def pass_through() -> None:
        nonlocal inside, most
        with pace.reading():
            with lock:
                inside += 1
                most = max(most, inside)
            time.sleep(0.02)
            with lock:
                inside -= 1

    threads = [threading.Thread(target=pass_through) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 2


def test_who_waits_for_a_connection_goes_no_further_once_it_is_to_stop() -> None:
    sharing = Sharing(1, patient)
    first, second = (Pace(Limits(1, 1.0, sharing), lambda *_: None) for _ in range(2))
    ended = []

    def wait_and_write() -> None:
        try:
            with second.writing():
                ended.append("written")
        except Stopped:
            ended.append("stopped")

    with first.writing():
        thread = threading.Thread(target=wait_and_write)
        thread.start()
        second.stop(RuntimeError())
    thread.join()
    assert ended == ["stopped"]


def test_what_is_read_back_goes_by_the_registrys_connections() -> None:
    sharing = Sharing(1, patient)
    back = Pace(Limits(1, 1.0, sharing, reads_back=True), lambda *_: None)
    with back.reading():
        assert (sharing.registry._inside, sharing.source._inside) == (1, 0)


def test_no_copy_has_none() -> None:
    sharing = Sharing(1, patient)
    with sharing.part(large=False), sharing.part(large=False):
        assert sharing.each == 1


def test_copies_of_large_files_take_turns() -> None:
    sharing, entered, order = Sharing(16, patient), threading.Event(), []

    def second() -> None:
        with sharing.part(large=True):
            order.append("second")
        entered.set()

    with sharing.part(large=True):
        thread = threading.Thread(target=second)
        thread.start()
        with sharing.part(large=False):
            order.append("a small one")
        assert not entered.wait(0.3)
        order.append("first")
    assert entered.wait(5)
    thread.join()
    assert order == ["a small one", "first", "second"]


def test_who_waits_for_its_turn_may_be_told_to_stop() -> None:
    class Told(Exception):
        pass

    def impatient() -> None:
        raise Told

    sharing = Sharing(16, impatient)
    with sharing.part(large=True), pytest.raises(Told), sharing.part(large=True):
        pass
    with sharing.part(large=True):
        assert sharing.each == 16


def test_a_pace_narrows_while_others_copy_and_widens_when_they_have_ended() -> None:
    now = 0.0
    sharing = Sharing(16, patient)
    with pytest.MonkeyPatch.context() as patch, sharing.part(large=False):
        patch.setattr("remote_registry.files.pace.time.monotonic", lambda: now)
        pace = Pace(Limits(16, 1.0, sharing), lambda *_: None)

        def pass_faster(times: int) -> None:
            nonlocal now
            for step in range(times):
                now += 1.0
                pace.passed(1000 << (2 * step))

        with sharing.part(large=False), sharing.part(large=False), sharing.part(large=False):
            pass_faster(3)
            assert pace.width == 4
        now += 1.0
        pace.passed(0)
        pass_faster(3)
        assert pace.width == 16
        with sharing.part(large=False):
            assert pace.width == 8
