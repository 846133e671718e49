"""Finding and withdrawing what a try has made."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from remote_registry import create
from remote_registry.errors import RegistryFailed
from remote_registry.registry.api import READY, Version


def test_a_version_that_is_in_use_keeps_no_other_from_being_withdrawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    withdrawn: list[str] = []

    def withdraw(_: object, version: Version) -> bool:
        withdrawn.append(version.number)
        return version.number != "1"

    monkeypatch.setattr(create, "withdraw", withdraw)
    job: Any = SimpleNamespace(api=SimpleNamespace(where="m"))
    made = create.Creation(Any, [Version("m", number, READY, "None") for number in "12"])
    with pytest.raises(RegistryFailed, match="Version 1 is taken and may be in use by another job"):
        create.withdraw_all(job, made)
    assert withdrawn == ["1", "2"]


@pytest.mark.parametrize("again_in", [0.0, 60.0])
def test_what_is_made_while_the_registry_has_us_wait_is_seen_before_another_try(
    monkeypatch: pytest.MonkeyPatch, again_in: float
) -> None:
    now = 1000.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    late = Version("m", "1", READY, "None")
    monkeypatch.setattr(create, "own_versions", lambda _: [late] if now >= 1020 else [])
    monkeypatch.setattr(create, "cancelling", SimpleNamespace(sleep=sleep))
    monkeypatch.setattr(create, "time", SimpleNamespace(monotonic=lambda: now))
    job: Any = None
    found = create._look_for_own(job, now + again_in)
    assert (found, now) == (([late], 1060.0) if again_in else ([], 1007.0))
