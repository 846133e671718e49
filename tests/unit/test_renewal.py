"""Marks that are renewed in a thread, where there is one."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from remote_registry.renewal import Renewal


def test_where_no_thread_can_be_started_no_mark_is_renewed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: object) -> None:
        raise RuntimeError("can't start new thread")

    told: list[str] = []
    log: Any = SimpleNamespace(line=told.append)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with Renewal(0.01, log) as renewal:
        renewal.add(lambda: None)
        renewal.end()
    assert "no room for a thread" in told[0]
