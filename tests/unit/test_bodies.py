"""A body on its way when its copy is told to stop."""

from __future__ import annotations

import pytest

from remote_registry.errors import RegistryFailed
from remote_registry.files.bodies import Passing
from remote_registry.files.pace import Limits, Pace, Stopped


def test_no_byte_is_sent_after_a_stop_but_who_has_the_last_one_is_waited_for() -> None:
    pace = Pace(Limits(1, 1.0), lambda *_: None)
    first, last = (iter(Passing(iter([b"a", b"b"]), 2, pace)) for _ in range(2))
    assert [next(first), next(last), next(last)] == [b"a", b"a", b"b"]
    pace.stop(RegistryFailed("stop"))
    with pytest.raises(Stopped):
        next(first)
    assert next(last, b"") == b""
