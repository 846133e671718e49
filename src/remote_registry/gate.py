"""Whether a model meets its gate: a pure function from conditions and figures to verdicts."""

from __future__ import annotations

import difflib
import json
import math
import operator
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from .figures import Figures
from .inputs.gates import Condition, Gate

_LONGEST = 100
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


@dataclass(frozen=True)
class Champion:
    """The version that stands where ours is to stand.

    Attributes:
        is_ours: Whether it is the model that is judged.
        unknown: Why it may have more metrics than are known; empty where it has not.
    """

    number: str
    is_ours: bool
    metrics: Mapping[str, float]
    unknown: str = ""


@dataclass(frozen=True)
class Verdict:
    """One condition, judged.

    Attributes:
        condition: The line, as it was written.
        value: What the model has; empty where it has nothing.
        against: What that was compared with; empty where there was nothing.
        why: What the two do not say.
    """

    condition: str
    is_met: bool
    value: str = ""
    against: str = ""
    why: str = ""

    def redacted(self, redacted: Callable[[str], str]) -> Verdict:
        """The same, freed of secrets."""
        texts = (self.value, self.against, self.why)
        return Verdict(redacted(self.condition), self.is_met, *map(redacted, texts))

    @property
    def cells(self) -> list[str]:
        """The verdict, as a row of a table."""
        return ["✅" if self.is_met else "❌", self.condition, self.value, self.against, self.why]

    @property
    def text(self) -> str:
        """The verdict, for people."""
        compared = f"{self.value or 'nothing'} against {self.against}" if self.against else ""
        told = "; ".join(filter(None, [compared, self.why]))
        return f"{'met' if self.is_met else 'not met'}: {self.condition} ({told})"


def judge(gate: Gate, model: Figures, champion: Champion | None, place: str) -> tuple[Verdict, ...]:
    """Judges every condition; calls nothing.

    Args:
        champion: `None` where nothing stands there yet.
        place: The stage or the alias where a champion stands.
    """
    return tuple(_judged(one, gate, model, champion, place) for one in gate.conditions)


def _judged(
    condition: Condition, gate: Gate, model: Figures, champion: Champion | None, place: str
) -> Verdict:
    if condition.kind != "metrics":
        return _text_judged(condition, model)
    mine = model.metrics.get(condition.name)
    if mine is None:
        return _missing(condition, model.metrics, model.unknown)
    value = number_text(mine)
    if math.isnan(mine):
        return Verdict(condition.line, False, value, why="NaN meets no condition")
    if not condition.champion:
        limit = _exact(condition.number)
        is_met = _COMPARE[condition.operator](_exact(mine), limit)
        return Verdict(condition.line, is_met, value, number_text(condition.number))
    if champion is None:
        why = f"there is no champion: nothing stands in {place} yet"
        return Verdict(condition.line, not gate.needs_champion, value, why=why)
    return _champion_judged(condition, mine, champion)


def _champion_judged(condition: Condition, mine: float, champion: Champion) -> Verdict:
    value, version = number_text(mine), f"version {champion.number}"
    if champion.is_ours:
        return Verdict(condition.line, True, value, why=f"the champion, {version}, is this model")
    theirs = champion.metrics.get(condition.champion)
    if theirs is None or math.isnan(theirs):
        lacks = "has NaN as" if theirs is not None else "has no"
        name = _quoted(condition.champion)
        why = f"the champion, {version}, {lacks} metric {name}{_because(champion.unknown)}"
        return Verdict(condition.line, False, value, why=why)
    limit = _exact(theirs) + _exact(condition.number)
    is_met = _COMPARE[condition.operator](_exact(mine), limit)
    why = f"{version} has {number_text(theirs)}"
    return Verdict(condition.line, is_met, value, number_text(float(limit)), why)


def _text_judged(condition: Condition, model: Figures) -> Verdict:
    texts = model.params if condition.kind == "params" else model.tags
    mine = texts.get(condition.name)
    if mine is None:
        return _missing(condition, texts, model.unknown)
    is_met = _COMPARE[condition.operator](mine, condition.text)
    return Verdict(condition.line, is_met, _quoted(mine), _quoted(condition.text))


def _missing(condition: Condition, known: Mapping[str, object], unknown: str) -> Verdict:
    near = difflib.get_close_matches(condition.name, known, 3, 0.5) or sorted(known)[:5]
    has = f"; it has {', '.join(map(_quoted, near))}" if near else ""
    kind = condition.kind.removesuffix("s")
    why = f"the model has no {kind} {_quoted(condition.name)}{has}{_because(unknown)}"
    return Verdict(condition.line, False, why=why)


def _because(unknown: str) -> str:
    return f"; {unknown}" if unknown else ""


def _exact(number: float) -> Decimal:
    """The number as it is written, so that 0.1 + 0.2 is 0.3."""
    return Decimal(repr(number))


def number_text(number: float) -> str:
    """A number for people: `0.95`, `6`, `NaN`."""
    if math.isnan(number):
        return "NaN"
    return repr(number).removesuffix(".0")


def _quoted(text: str) -> str:
    """On one line, and no longer than a line."""
    return json.dumps(textwrap.shorten(text, _LONGEST, placeholder=" …"), ensure_ascii=False)
