"""Works that go on side by side in threads, each of which a signal reaches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait

from .cancelling import Hurry, follow, left, received, shielded
from .errors import Cancelled
from .files.pace import Crew

_LOOK_SECONDS = 0.2  # for a signal that comes just before a wait without an end does not end it
_STACK_BYTES = 8 << 20  # as the main thread's, for replies that are nested deeply are read in it


def side_by_side(works: Sequence[Callable[[], None]], at_once: int) -> None:
    """Carries out all works, and waits for all of them, whatever becomes of each.

    Args:
        works: They raise nothing; what they reach, they keep.
        at_once: So many of them.

    Raises:
        Cancelled: A signal came; all of them have come to their end since.
        Hurry: Another came, or the time was up; with all that they leave behind.
    """
    crew = Crew(lambda: at_once, _STACK_BYTES)
    futures = [crew.queue(_followed, work) for work in works]
    try:
        try:
            crew.hire()
            _wait(futures)
        except Cancelled:
            with shielded():
                crew.hire()  # which the signal may have interrupted
                _wait(futures)
            raise
    except Hurry as hurry:
        hurry.left += left()
        raise
    for future in futures:
        future.result()
    if signum := received():  # which the main thread may have been told while it did one of them
        raise Cancelled(signum)


def _wait(futures: Sequence[Future[None]]) -> None:
    while wait(futures, _LOOK_SECONDS).not_done:
        pass


def _followed(work: Callable[[], None]) -> None:
    follow()
    work()
