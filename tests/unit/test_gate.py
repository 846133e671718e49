"""Verdicts, over what a source and a champion can have."""

from __future__ import annotations

import itertools
import math
import operator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remote_registry.figures import Figures
from remote_registry.gate import Champion, Verdict, judge, number_text
from remote_registry.inputs.gates import OPERATORS, Gate, condition

NAN, INF = math.nan, math.inf
SOURCE = Figures(
    metrics={"accuracy": 0.91, "loss": 0.3, "bad": NAN, "huge": INF, "val loss": 6.0},
    params={"max_depth": "6", "empty": ""},
    tags={"reviewed": "yes", "odd": "a\nb\x1b"},
)
CHAMPION = Champion("3", False, {"accuracy": 0.95, "bad": NAN, "huge": INF, "low": -INF})
OURS = Champion("3", True, {})
COMPARE = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
NUMBERS = [-INF, -1e308, -1.0, -0.0, 0.0, 5e-324, 0.1, 0.2, 0.3, 1.0, 1e308, INF]
PAIRS = [*itertools.product(NUMBERS, NUMBERS[1:-1])]


def verdict(
    line: str, champion: Champion | None = CHAMPION, source: Figures = SOURCE, **gate: bool
) -> Verdict:
    (found,) = judge(Gate((condition(line),), **gate), source, champion, "Production")
    return found


@pytest.mark.parametrize(("mine", "limit"), PAIRS)
@pytest.mark.parametrize("sign", OPERATORS)
def test_numbers_are_compared_as_numbers(sign: str, mine: float, limit: float) -> None:
    found = verdict(f"x {sign} {limit!r}", source=Figures({"x": mine}))

    assert found.is_met == COMPARE[sign](mine, limit)
    assert (found.value, found.against) == (number_text(mine), number_text(limit))


@pytest.mark.parametrize("sign", OPERATORS)
@pytest.mark.parametrize("object_", ["0.5", "champion.accuracy", "champion.accuracy + 1"])
@pytest.mark.parametrize("champion", [None, OURS, CHAMPION])
def test_nan_and_what_is_missing_meet_nothing(
    sign: str, object_: str, champion: Champion | None
) -> None:
    for name, words in (("bad", "NaN meets no condition"), ("none", 'no metric "none"')):
        found = verdict(f"{name} {sign} {object_}", champion)
        assert not found.is_met
        assert words in found.why


@pytest.mark.parametrize("sign", OPERATORS)
@pytest.mark.parametrize("name", ["bad", "none"])
def test_a_champions_nan_and_what_it_lacks_meet_nothing(sign: str, name: str) -> None:
    found = verdict(f"accuracy {sign} champion.{name} - 1")

    assert not found.is_met
    assert found.value == "0.91"
    assert found.why.startswith("the champion, version 3, has")


def test_why_a_figure_may_be_unknown_is_told() -> None:
    source = Figures(unknown="its run r can't be read: gone")
    champion = Champion("3", False, {}, unknown="its run q can't be read: gone")

    assert "its run r can't be read: gone" in verdict("a > 1", source=source).why
    assert "its run q can't be read: gone" in verdict("loss < champion.a", champion).why


@pytest.mark.parametrize(
    ("line", "is_met", "against"),
    [
        ("accuracy >= champion.accuracy", False, "0.95"),
        ("accuracy >= champion.accuracy - 0.04", True, "0.91"),
        ("accuracy > champion.accuracy - 0.04", False, "0.91"),
        ("accuracy >= champion.accuracy - 0.01", False, "0.94"),
        ("loss < champion.accuracy + 1", True, "1.95"),
        ("accuracy < champion.huge", True, "inf"),
        ("huge >= champion.huge - 1", True, "inf"),
        ("accuracy > champion.low", True, "-inf"),
    ],
)
def test_the_champions_metric_and_what_is_added(line: str, is_met: bool, against: str) -> None:
    found = verdict(line)

    assert (found.is_met, found.against) == (is_met, against)
    assert found.why.startswith("version 3 has ")


def test_numbers_are_added_as_they_are_written() -> None:
    champion = Champion("3", False, {"x": 0.1})

    assert verdict("loss >= champion.x + 0.2", champion).is_met
    assert verdict("loss == champion.x + 0.2", champion).is_met


@pytest.mark.parametrize("needs_champion", [False, True])
def test_no_champion_yet(needs_champion: bool) -> None:
    found = verdict("accuracy > champion.accuracy", None, needs_champion=needs_champion)

    assert found.is_met != needs_champion
    assert found.why == "there is no champion: nothing stands in Production yet"
    assert found.text.startswith("not met: " if needs_champion else "met: ")


@pytest.mark.parametrize("needs_champion", [False, True])
def test_where_ours_is_the_champion_the_gate_stands(needs_champion: bool) -> None:
    found = verdict("accuracy > champion.accuracy", OURS, needs_champion=needs_champion)

    assert found.is_met
    assert found.why == "the champion, version 3, is this model"


def test_a_plain_line_is_judged_where_ours_is_the_champion_too() -> None:
    assert not verdict("accuracy > 0.95", OURS).is_met


@pytest.mark.parametrize(
    ("line", "is_met"),
    [
        ('params.max_depth == "6"', True),
        ('params.max_depth == "6.0"', False),
        ('params.max_depth != "6"', False),
        ('params.max_depth != "7"', True),
        ('params.empty == ""', True),
        ('params.none == ""', False),
        ('params.none != "6"', False),
        ('params.reviewed == "yes"', False),
        ('tags.reviewed == "yes"', True),
        ('tags.reviewed == "Yes"', False),
        ('tags.max_depth == "6"', False),
        ('tags.none != "x"', False),
        ("`val loss` == 6", True),
    ],
)
def test_texts_are_compared_as_texts_and_what_is_missing_meets_nothing(
    line: str, is_met: bool
) -> None:
    assert verdict(line).is_met == is_met


def test_what_the_model_has_instead_is_named() -> None:
    assert verdict("acuracy > 1").why == 'the model has no metric "acuracy"; it has "accuracy"'
    assert verdict("x > 1", source=Figures()).why == 'the model has no metric "x"'


def test_a_text_of_others_stays_on_its_line() -> None:
    found = verdict('tags.odd == "x"')

    assert found.text == 'not met: tags.odd == "x" ("a b\\u001b" against "x")'
    assert len(verdict("tags.a == 'b'", source=Figures(tags={"a": "x " * 9000})).text) < 200


def test_every_line_is_judged_in_its_order() -> None:
    lines = ["none > 1", "loss < 0.2", "accuracy > 0.9", 'tags.reviewed == "yes"']

    found = judge(Gate(tuple(map(condition, lines))), SOURCE, None, "Staging")

    assert [one.condition for one in found] == lines
    assert [one.is_met for one in found] == [False, False, True, True]


def test_secrets_are_hidden() -> None:
    found = verdict('tags.reviewed == "no"').redacted(lambda text: text.replace("yes", "***"))

    assert "yes" not in found.text


@given(st.floats(), st.floats(), st.floats(allow_nan=False, allow_infinity=False))
def test_no_figures_raise(mine: float, theirs: float, added: float) -> None:
    sign = "-" if math.copysign(1, added) < 0 else "+"
    line = f"x >= champion.x {sign} {abs(added)!r}"

    found = verdict(line, Champion("1", False, {"x": theirs}), Figures({"x": mine}))

    assert not (found.is_met and (math.isnan(mine) or math.isnan(theirs)))
