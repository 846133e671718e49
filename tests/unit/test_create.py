"""Withdrawing what a try has made."""

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
