"""Whether a prediction is what was expected."""

from __future__ import annotations

import json
import math

import pytest

from remote_registry.testing.compare import alike, as_expected, table
from remote_registry.testing.tested import prediction_text

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (1, 1.0), (1.0000005, 1), (1_000_000.5, 1_000_000), (INF, INF), (-INF, -INF),
        (NAN, NAN), (None, NAN), (NAN, None), ([None], [NAN]), ([[1, "a"]], [[1, "a"]]),
        ({"a": [1]}, {"a": [1.0]}), ("a", "a"), (True, True), (10**400, 10**400),
    ],
)  # fmt: skip
def test_what_is_alike(found: object, expected: object) -> None:
    assert alike(found, expected, 1e-6)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (1.1, 1), (1, True), (True, 1), (0, False), ("1", 1), (1, "1"), (None, 0), (0, None),
        (NAN, 0), (0, NAN), (INF, 1), (-INF, INF), (1, INF), ([1], 1), ([1], [1, 2]), ([1, 2], [1]),
        ([], {}), ({"a": 1}, {"b": 1}), ({"a": 1, "b": 2}, {"a": 1}), ("a", "b"), ("", None),
        (10**400, 1), (1, 10**400), (10**400, 0.5),
    ],
)  # fmt: skip
def test_what_differs(found: object, expected: object) -> None:
    assert not alike(found, expected, 1e-6)


def test_the_tolerance_is_absolute_and_of_what_is_expected() -> None:
    assert alike(0.009, 0, 0.01)
    assert not alike(0.011, 0, 0.01)
    assert alike(1009, 1000, 0.01)
    assert not alike(1011, 1000, 0.01)
    assert alike(3, 3, 0)


def test_a_table_of_one_column_is_a_list() -> None:
    records = [{"y": 1}, {"y": 2}]
    assert as_expected(records, [1, 2]) == [1, 2]
    assert as_expected(records, records) == records
    assert as_expected([{"y": 1, "z": 2}], [1]) == [{"y": 1, "z": 2}]
    assert as_expected({"y": 1}, [1]) == {"y": 1}
    assert as_expected([], [1]) == []


def test_a_table_of_rows() -> None:
    assert table([{"x": 1}, {"x": 2}], [2, 5], ([2, 4],), 0) == [
        ["✅", '{"x": 1}', "2", "2"],
        ["❌", '{"x": 2}', "5", "4"],
    ]
    assert table([1], [2], (), 0) == [["", "1", "2", ""]]
    assert table([1, 2], "a text", (), 0) == [["", "[1, 2]", "a text", ""]]
    assert table([1, 2], [1], ([1, 2],), 0) == [["❌", "[1, 2]", "[1]", "[1, 2]"]]


def test_of_many_rows_those_that_differ_are_shown() -> None:
    expected = list(range(100))
    found = [*range(99), 0]
    rows = table(expected, found, (expected,), 0)
    assert len(rows) == 21
    assert rows[0] == ["❌", "99", "0", "99"]
    assert rows[-1][1] == "and 80 more"


def test_a_cell_is_short() -> None:
    ((_, _, text, _),) = table([1], ["a" * 10_000], (), 0)
    assert len(text) == 200


def test_an_output_is_json_for_everybody() -> None:
    assert prediction_text([NAN, INF, {"a": -INF}, 1.5]) == ('[null, null, {"a": null}, 1.5]', 0)
    assert prediction_text("é") == ('"\\u00e9"', 0)


def test_an_output_of_many_rows_is_cut_between_them() -> None:
    text, left_out = prediction_text([{"y": number} for number in range(10_000)])
    kept = json.loads(text)
    assert len(text) <= 64_000
    assert len(kept) + left_out == 10_000
    assert kept[-1] == {"y": len(kept) - 1}
    assert prediction_text("a" * 100_000) == ("", 1)
