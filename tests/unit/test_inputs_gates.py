"""The lines of a gate: what they mean, and what is wrong with those that mean nothing."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.register_texts import ON_DATABRICKS, ON_SERVER, problem, problems, read

from remote_registry.errors import BadInput
from remote_registry.inputs.gates import OPERATORS, Condition, Gate, condition
from remote_registry.inputs.texts import InputError

STAGED = ON_DATABRICKS | {"stage": "Production"}
FOLDER = {name: text for name, text in ON_DATABRICKS.items() if name != "run-id"}
PIECES = [
    *OPERATORS, "=", "=>", "!", "~", "champion.", "metrics.", "params.", "tags.", "champion",
    "`", "``", "`val loss`", '"', "'", '"6"', "'a b'", "accuracy", "a/b-c.d:e", "ä", "0.95", "-1",
    "1e-3", ".5", "5.", "1e999", "-", "+", "--", " ", "\t", "#", "and", "nan", "inf", "()", "$(x)",
    "__import__('os')", "\u2028", "\x00", "٣", "{{", "%",
]  # fmt: skip


def metric(line: str, name: str, operator: str, number: float, champion: str = "") -> Condition:
    return Condition(line, "metrics", name, operator, number=number, champion=champion)


def test_a_very_long_line_is_read_in_no_time() -> None:
    begun = time.monotonic()
    with pytest.raises(InputError):
        condition(f"loss < {'1' * 50_000}x")

    assert time.monotonic() - begun < 5.0


def test_the_metrics_of_the_champion_are_compared_too() -> None:
    gate = Gate(tuple(map(condition, ("f1 > champion.acc", "f1 > 0", "tags.a == 'b'"))))

    assert gate.metrics == ("f1", "acc")


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("space", ["", " ", "\t  "])
def test_a_metric_is_compared_with_a_number(operator: str, space: str) -> None:
    line = f"accuracy{space}{operator}{space}0.95"

    assert condition(line) == metric(line, "accuracy", operator, 0.95)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0.0),
        ("1", 1.0),
        ("007", 7.0),
        ("0.95", 0.95),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        ("1E+3", 1000.0),
        ("1.5e-3", 0.0015),
        ("-1", -1.0),
        ("- 1", -1.0),
        ("+2", 2.0),
        ("1e-999", 0.0),
        ("1.7976931348623157e308", 1.7976931348623157e308),
    ],
)
def test_numbers(text: str, number: float) -> None:
    line = f"loss < {text}"

    assert condition(line) == metric(line, "loss", "<", number)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("accuracy", "accuracy"),
        ("_a", "_a"),
        ("a", "a"),
        ("val/loss", "val/loss"),
        ("val.loss", "val.loss"),
        ("val-loss", "val-loss"),
        ("eval:f1", "eval:f1"),
        ("recall-at-5", "recall-at-5"),
        ("5-fold/accuracy", "5-fold/accuracy"),
        ("1e5x", "1e5x"),
        ("précision", "précision"),
        ("metrics.accuracy", "accuracy"),
        ("`val loss`", "val loss"),
        ("`a >= b`", "a >= b"),
        ("`params.depth`", "params.depth"),
        ("`champion.accuracy`", "champion.accuracy"),
        ("metrics.`val loss`", "val loss"),
        ("`-`", "-"),
        ("` `", " "),
        ("paramsx", "paramsx"),
        ("champion", "champion"),
        ("champions.best", "champions.best"),
    ],
)
def test_names_of_metrics(written: str, name: str) -> None:
    line = f"{written} >= 1"

    assert condition(line) == metric(line, name, ">=", 1.0)


@pytest.mark.parametrize(
    ("written", "champion", "number"),
    [
        ("champion.accuracy", "accuracy", 0.0),
        ("champion.metrics.accuracy", "accuracy", 0.0),
        ("champion.`val loss`", "val loss", 0.0),
        ("champion.metrics.`val loss`", "val loss", 0.0),
        ("champion.`recall-5`", "recall-5", 0.0),
        ("champion.val-loss", "val-loss", 0.0),
        ("champion.recall-at-k", "recall-at-k", 0.0),
        ("champion.top-5-recall", "top-5-recall", 0.0),
        ("champion.f1-2e7b.x", "f1-2e7b.x", 0.0),
        ("champion.accuracy - 0.01", "accuracy", -0.01),
        ("champion.accuracy -0.01", "accuracy", -0.01),
        ("champion.accuracy + 0.01", "accuracy", 0.01),
        ("champion.accuracy+.01", "accuracy", 0.01),
        ("champion.`val loss`-1e-3", "val loss", -0.001),
        ("champion.champion.a", "champion.a", 0.0),
    ],
)
def test_the_champions_metric(written: str, champion: str, number: float) -> None:
    line = f"accuracy >= {written}"

    assert condition(line) == metric(line, "accuracy", ">=", number, champion)


@pytest.mark.parametrize(
    ("line", "kind", "name", "operator", "text"),
    [
        ('params.max_depth == "6"', "params", "max_depth", "==", "6"),
        ("params.max_depth != '6'", "params", "max_depth", "!=", "6"),
        ("params.`max depth`=='6'", "params", "max depth", "==", "6"),
        ('tags.reviewed == "yes"', "tags", "reviewed", "==", "yes"),
        ('tags.mlflow.user == ""', "tags", "mlflow.user", "==", ""),
        ("tags.a == 'say \"yes\"'", "tags", "a", "==", 'say "yes"'),
        ('tags.a == "it\'s"', "tags", "a", "==", "it's"),
        ("tags.a == ' b '", "tags", "a", "==", " b "),
        ("tags.a == '`$(x)\\n'", "tags", "a", "==", "`$(x)\\n"),
        ("tags.params.a == 'b'", "tags", "params.a", "==", "b"),
    ],
)
def test_params_and_tags_are_compared_with_a_text(
    line: str, kind: str, name: str, operator: str, text: str
) -> None:
    assert condition(line) == Condition(line, kind, name, operator, text=text)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("accuracy", "has after the name nothing"),
        ("accuracy 0.95", "'0.95', which is none of < <="),
        ("accuracy = 0.95", "'=', which is none of"),
        ("accuracy => 0.95", "'=>', which is none of"),
        ("accuracy <> 0.95", "'<>', which is none of"),
        ("accuracy >=< 0.95", "'>=<', which is none of"),
        ("accuracy > = 0.95", "compared with a number"),
        ("accuracy is 1", "'is', which is none of"),
        ("> 0.95", "begins with no name"),
        ("0.95 < accuracy", "begins with no name"),
        ("-accuracy > 1", "begins with no name"),
        ("# accuracy > 1", "begins with no name"),
        ('"val loss" < 1', "begins with no name"),
        ("(accuracy) < 1", "begins with no name"),
        ("$(id) < 1", "begins with no name"),
        ("champion.accuracy <= 1", "stands on the right"),
        ("champion.accuracy <= accuracy", "stands on the right"),
        ("accuracy >=", "compared with a number"),
        ("accuracy >= high", "compared with a number"),
        ("accuracy >= loss", "compared with a number"),
        ("accuracy >= champion", "compared with a number"),
        ('accuracy == "0.95"', "compared with a number"),
        ("accuracy >= --1", "compared with a number"),
        ("accuracy >= -", "compared with a number"),
        ("accuracy >= nan", "compared with a number"),
        ("accuracy < inf", "compared with a number"),
        ("accuracy < 0x10", "compared with a number"),
        ("accuracy < 1_000", "compared with a number"),
        ("accuracy < 95%", "'%' is too much"),
        ("accuracy < 1e999", "too large a number"),
        ("accuracy < -1e999", "too large a number"),
        ("accuracy < champion.loss - 1e999", "too large a number"),
        ("accuracy < 1,5", "',5' is too much"),
        ("accuracy < 1 2", "'2' is too much"),
        ("accuracy < 1 and loss < 2", "'and' is too much"),
        ("0 < accuracy < 1", "begins with no name"),
        ("a < b < 1", "compared with a number"),
        ("accuracy < 1 < 2", "'<' is too much"),
        ("accuracy < 1 # why", "'#' is too much"),
        ("accuracy >= champion.accuracy * 0.9", "'*' is too much"),
        ("accuracy >= champion.accuracy 0.9", "'0.9' is too much"),
        ("accuracy >= champion.accuracy -", "compared with a number"),
        ("accuracy >= champion.accuracy - - 1", "compared with a number"),
        ("accuracy >= champion.accuracy - loss", "compared with a number"),
        ("accuracy >= champion.accuracy-0.01", "wants spaces around its minus"),
        ("accuracy >= champion.accuracy-1e-3", "wants spaces around its minus"),
        ("accuracy >= champion.", "lacks a name"),
        ("accuracy >= champion.``", "lacks a name"),
        ("accuracy >= champion.params.depth", "only metrics"),
        ("accuracy >= champion.tags.a", "only metrics"),
        ("`` > 1", "lacks a name"),
        ("metrics. > 1", "lacks a name"),
        ("params. == '1'", "lacks a name"),
        ("`val loss < 1", "begins with no name"),
        ("params.depth == 6", "a text in quotes"),
        ("params.depth == six", "a text in quotes"),
        ("params.depth == champion.params.depth", "a text in quotes"),
        ("params.depth ==", "a text in quotes"),
        ('params.depth == "6', "a text in quotes"),
        ("params.depth == '6\"", "a text in quotes"),
        ("params.depth == '6' '7'", "is too much"),
        ("params.depth >= '6'", "== and != alone"),
        ("tags.a < 'b'", "== and != alone"),
    ],
)
def test_what_is_no_condition_says_why(line: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        condition(line)

    assert words in str(caught.value)


@given(st.one_of(st.text(), st.lists(st.sampled_from(PIECES), max_size=9).map("".join)))
def test_no_line_raises_anything_else(line: str) -> None:
    try:
        found = condition(line)
    except InputError:
        return
    assert found.operator in OPERATORS
    assert found.name
    assert found.line == line


@given(st.one_of(st.text(), st.lists(st.sampled_from([*PIECES, "\n"]), max_size=30).map("".join)))
def test_no_text_is_anything_but_a_gate_or_bad_input(text: str) -> None:
    try:
        gate = read(STAGED, gate=text).gate
    except BadInput as error:
        assert all(line.startswith("gate: ") for line in error.problems)
    else:
        assert len(gate.conditions) <= len(text.splitlines())


def test_each_line_is_a_condition_and_empty_ones_are_none() -> None:
    lines = ["accuracy >= 0.95", "", "   ", "  loss < 0.2  "]

    gate = read(STAGED, gate="\n".join(lines)).gate

    assert [one.line for one in gate.conditions] == ["accuracy >= 0.95", "loss < 0.2"]
    assert gate.metrics == ("accuracy", "loss")
    assert not gate.names_champion


def test_no_line_is_no_gate() -> None:
    assert read(ON_DATABRICKS).gate == read(ON_DATABRICKS, gate=" \n ").gate == Gate()


def test_all_bad_lines_are_told_with_their_numbers() -> None:
    told = problems(STAGED, gate="accuracy > \nloss < 0.2\n\nloss = 1", timeout="soon")

    assert [line.split(": ")[0] for line in told] == ["timeout", "gate", "gate"]
    assert told[1].startswith("gate: line 1, 'accuracy >': a metric is compared with a number")
    assert told[2].startswith("gate: line 4, 'loss = 1': has after the name '=', which is none")


def test_a_long_line_is_not_told_whole() -> None:
    assert len(problem(STAGED, gate="word " * 1000)) < 400


@pytest.mark.parametrize(
    "promoting",
    [
        ON_DATABRICKS | {"stage": "Staging"},
        ON_DATABRICKS | {"stage": "Production"},
        ON_SERVER | {"alias": "champion"},
        ON_SERVER | {"alias": "champion", "stage": "None"},
    ],
)
def test_a_champion_stands_where_ours_is_to_stand(promoting: dict[str, str]) -> None:
    gate = read(promoting, gate="a > champion.a").gate

    assert gate.names_champion
    assert not gate.needs_champion


@pytest.mark.parametrize("stage", ["", "None", "Archived"])
def test_without_a_place_there_is_no_champion(stage: str) -> None:
    told = problem(ON_DATABRICKS, stage=stage, gate="a > champion.a")

    assert told == "gate: champion.… needs stage: Staging or Production, or an alias."
    assert problems(ON_DATABRICKS, stage=stage, gate="a > 1") == []


@pytest.mark.parametrize(("text", "means"), [("", False), ("pass", False), ("fail", True)])
def test_what_no_champion_means(text: str, means: bool) -> None:
    changed = {"gate": "a > champion.a", "gate_without_champion": text}

    assert read(STAGED, **changed).gate.needs_champion == means


@pytest.mark.parametrize("text", ["Fail", "true", "no"])
def test_what_no_champion_means_is_one_of_two_words(text: str) -> None:
    told = problem(STAGED, gate="a > champion.a", gate_without_champion=text)

    assert told == f"gate-without-champion: {text!r} is neither pass nor fail."


@pytest.mark.parametrize("gate", ["", "a > 1"])
def test_who_needs_a_champion_names_one(gate: str) -> None:
    told = problem(STAGED, gate=gate, gate_without_champion="fail")

    assert told == "gate-without-champion: goes with a gate that names champion.<metric>."


def test_a_folder_has_nothing_to_compare(tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "MLmodel").touch()

    told = problem(FOLDER, model_path=str(tmp_path), gate="a > 1")

    assert told.startswith("gate: a folder has no metrics")
    assert problems(FOLDER, model_path=str(tmp_path), gate_without_champion="pass") == []
