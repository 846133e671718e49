"""Marks that are renewed in a thread, where there is one."""

from __future__ import annotations

import threading
import time
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


def test_a_registry_is_not_asked_without_a_pause() -> None:
    times: list[float] = []
    with Renewal(0.0, SimpleNamespace(line=print)) as renewal:  # type: ignore[arg-type]
        renewal.add(lambda: times.append(time.monotonic()))
        time.sleep(0.5)
    assert 1 <= len(times) <= 3
