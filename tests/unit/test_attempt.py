"""Marks that others have written."""

from __future__ import annotations

import json

import pytest

from remote_registry.attempt import Mark, mark_from


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
