"""Marks that others have written."""

from __future__ import annotations

import json

import pytest

from remote_registry.attempt import Mark, attempt_from, mark_from


@pytest.mark.parametrize(
    ("field", "text"),
    [("attempt", "Infinity"), ("attempt", "1e999"), ("renewed", "1" + "0" * 400), ("token", '""')],
)
def test_a_mark_that_nobody_of_us_has_written_is_none(field: str, text: str) -> None:
    good = Mark("t", "k").text
    told = json.dumps(json.loads(good)[field])
    forged = good.replace(f'"{field}": {told}', f'"{field}": {text}')
    assert mark_from(good)
    assert forged != good
    assert mark_from(forged) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("", 900.0), ("0.5", 0.5), ("60", 60.0), ("9" * 400, 900.0), ("1e3", 900.0), ("soon", 900.0)],
)
def test_how_long_others_wait_can_be_set_to_what_can_be_waited(text: str, seconds: float) -> None:
    assert attempt_from({"REMOTE_REGISTRY_ABANDONED_AFTER": text}).abandoned_after == seconds
