"""Calls in threads that nobody has to wait for."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


def in_background(call: Callable[[], T]) -> Future[T]:
    """Calls in a thread that keeps no process alive; what it raises, is raised by the future.

    Where the machine has no room for a thread, the call is made at once.
    """
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001 - raised where the result is asked for
            future.set_exception(error)

    try:
        Thread(target=run, daemon=True).start()
    except RuntimeError:
        run()
    return future
