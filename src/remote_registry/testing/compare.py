"""Whether a prediction is what was expected: pure, row by row."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

_SHOWN_ROWS = 20
_LONGEST_CELL = 200


def alike(found: Any, expected: Any, tolerance: float) -> bool:
    """Whether two JSON values are the same.

    Numbers may differ by the tolerance, absolute or of what is expected, whichever is more. NaN is
    alike to NaN, and to null, for JSON has no other word for it.
    """
    if isinstance(expected, dict):
        return (
            isinstance(found, dict)
            and found.keys() == expected.keys()
            and all(alike(found[name], part, tolerance) for name, part in expected.items())
        )
    if isinstance(expected, list):
        return (
            isinstance(found, list)
            and len(found) == len(expected)
            and all(map(alike, found, expected, [tolerance] * len(expected)))
        )
    if _is_nothing(expected) or _is_nothing(found):
        return _is_nothing(expected) and _is_nothing(found)
    if _is_number(expected) and _is_number(found):
        return _is_near(found, expected, tolerance)
    return type(found) is type(expected) and bool(found == expected)


def _is_nothing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_near(found: float, expected: float, tolerance: float) -> bool:
    if found == expected:
        return True
    try:
        return math.isclose(
            found, expected, rel_tol=0.0, abs_tol=tolerance * max(1.0, abs(expected))
        )
    except OverflowError:  # a whole number that no float holds
        return False


def as_expected(prediction: Any, expected: Any) -> Any:
    """The prediction, with a table of one column as the list that is expected instead."""
    if not isinstance(prediction, list) or not isinstance(expected, list):
        return prediction
    if any(isinstance(row, dict) for row in expected):
        return prediction
    if all(isinstance(row, dict) and len(row) == 1 for row in prediction):
        return [value for row in prediction for value in row.values()]
    return prediction


def table(asked: Sequence[Any], found: Any, expected: Any, tolerance: float) -> list[list[str]]:
    """A row for each row that was asked: a mark, and three texts.

    What differs comes first where not all can be shown.

    Args:
        expected: A sequence of one value, or none where nothing was expected.
    """
    rows = []
    for row, one, wanted in _matched(asked, found, expected):
        mark = "" if not wanted else "✅" if alike(one, wanted[0], tolerance) else "❌"
        rows.append([mark, cell(row), cell(one), cell(wanted[0]) if wanted else ""])
    if len(rows) <= _SHOWN_ROWS:
        return rows
    shown = sorted(rows, key=lambda row: row[0] != "❌")[:_SHOWN_ROWS]
    return [*shown, ["", f"and {len(rows) - _SHOWN_ROWS} more", "", ""]]


def _matched(
    asked: Sequence[Any], found: Any, expected: Sequence[Any]
) -> list[tuple[Any, Any, Sequence[Any]]]:
    """What belongs together; all in one row where the lengths do not say it."""
    wanted = expected[0] if expected else None
    is_by_row = isinstance(found, list) and len(found) == len(asked)
    if expected:
        is_by_row = is_by_row and isinstance(wanted, list) and len(wanted) == len(asked)
    if not is_by_row:
        return [(list(asked), found, expected)]
    each = [[one] for one in expected[0]] if expected else [[]] * len(asked)
    return list(zip(asked, found, each))  # noqa: B905


def cell(value: Any) -> str:
    """A value for people, cut where it is long."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_CELL else f"{text[: _LONGEST_CELL - 2]} …"
