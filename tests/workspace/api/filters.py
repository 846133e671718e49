"""The search filters that the workspace's registry understands."""

from __future__ import annotations

import re

from ..wire.message import not_implemented

_CONDITION = re.compile(r"\s*(\w+)\s*(=|(?i:I?LIKE))\s*'(?:[^']|'')*'\s*")
_LIKE = re.compile(r"((?i:LIKE)\s*)'(.*)'")


def one_condition(text: str, columns: tuple[str, ...]) -> str:
    """Nothing, or one condition on one of the columns: of more is not known how it answers."""
    if not text:
        return ""
    match = _CONDITION.fullmatch(text)
    if not match or match[1] not in columns:
        raise not_implemented(f"a filter other than one condition on {columns}: {text}")
    return text


def part_of_name(text: str) -> str:
    """`LIKE 'x'` finds every name that x is a part of."""
    return _LIKE.sub(r"\1'%\2%'", one_condition(text, ("name",)))
