"""The inputs of `test`, the rows and what is expected of them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from remote_registry.errors import BadInput
from remote_registry.inputs.rows import Rows, expected_from, rows_from
from remote_registry.inputs.tested import TestedInputs as Inputs
from remote_registry.inputs.tested import inputs_of_test
from remote_registry.inputs.texts import InputError

SIDE = {"registry-uri": "http://127.0.0.1:5000", "model-name": "churn", "select": "latest"}
RECORDS = [{"a": 1, "b": "x"}, {"a": 2.5, "b": None}]
SPLIT = {"columns": ["a", "b"], "data": [[1, "x"], [2.5, None]]}


def read(checkout: Path | None = None, **inputs: str) -> Inputs:
    given = {name.replace("_", "-"): text for name, text in inputs.items()}
    return inputs_of_test({**SIDE, "run-model-code": "true", **given}, checkout)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "checkout"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_nothing_is_run_unless_that_is_asked_for() -> None:
    for text in ("", "false", "FALSE"):
        with pytest.raises(BadInput, match="run-model-code: testing installs"):
            read(run_model_code=text)
    with pytest.raises(BadInput, match="run-model-code: 'yes' is neither"):
        read(run_model_code="yes")
    assert read(run_model_code="false", dry_run="true").dry_run


def test_what_is_not_given() -> None:
    inputs = read()
    assert (inputs.rows, inputs.expect, inputs.digest, inputs.trusted_creators) == (
        None,
        None,
        "",
        (),
    )
    assert (inputs.tolerance, inputs.timeout, inputs.max_connections) == (1e-6, 1200.0, 16)


def test_two_digests_that_differ_are_bad_input() -> None:
    one, other = (f"sha256:{digit * 64}" for digit in "01")
    with pytest.raises(BadInput, match="digest: is not the one that select says"):
        read(select=f"digest={one}", digest=other)
    assert read(select=f"digest={one}", digest=one).digest == one
    assert read(select="latest", digest=one).digest == one


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(BadInput) as raised:
        read(rows="[]", expect="{}", tolerance="-1", timeout="0", digest="1", run_model_code="")
    names = [problem.partition(":")[0] for problem in raised.value.problems]
    assert names == ["digest", "rows", "expect", "tolerance", "timeout", "run-model-code"]


@pytest.mark.parametrize("text", ["-1", "nan", "inf", "1e999", "1e", ".", "x", "1_0", "٣"])
def test_a_tolerance_that_is_none(text: str) -> None:
    with pytest.raises(BadInput, match="tolerance: "):
        read(tolerance=text)


@pytest.mark.parametrize(("text", "value"), [("0", 0.0), (".5", 0.5), ("1e-3", 0.001), ("2.", 2.0)])
def test_a_tolerance(text: str, value: float) -> None:
    assert read(tolerance=text).tolerance == value


@pytest.mark.parametrize(
    ("value", "kind", "shown"),
    [
        (RECORDS, "dataframe_records", RECORDS),
        ({"dataframe_records": RECORDS}, "dataframe_records", RECORDS),
        ({"dataframe_split": SPLIT}, "dataframe_split", RECORDS),
        ({"dataframe_split": {"data": [[1], [2]]}}, "dataframe_split", [[1], [2]]),
        ([[1, 2], [3, 4]], "inputs", [[1, 2], [3, 4]]),
        ([1, 2], "inputs", [1, 2]),
        ({"instances": [[1], [2]]}, "instances", [[1], [2]]),
        ({"inputs": {"a": [1, 2]}}, "inputs", [{"a": [1, 2]}]),
        ({"inputs": "a question"}, "inputs", ["a question"]),
        ({"inputs": [1], "params": {"n": 1}}, "inputs", [1]),
        ({"inputs": 0}, "inputs", [0]),
    ],
)
def test_rows_in_every_form(value: object, kind: str, shown: list[object]) -> None:
    rows = rows_from(json.dumps(value), None)
    assert (rows.kind, list(rows.shown)) == (kind, shown)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ([], "no rows"),
        ({}, "neither a list of rows"),
        (5, "neither a list of rows"),
        ({"rows": [1]}, "neither a list of rows"),
        ({"dataframe_split": 5}, "no mapping of columns and data"),
        ({"dataframe_split": None}, "no rows"),
        ({"dataframe_split": {"columns": ["a"], "data": []}}, "no list of lists"),
        ({"dataframe_split": {"columns": ["a"], "data": [1]}}, "no list of lists"),
        ({"dataframe_split": {"columns": ["a", "a"], "data": [[1, 2]]}}, "a column twice"),
        ({"dataframe_split": {"columns": ["a"], "data": [[1, 2]]}}, "not as many"),
        ({"dataframe_split": {"columns": 5, "data": [[1, 2]]}}, "no list of names"),
        ({"dataframe_split": {"columns": [[]], "data": [[1]]}}, "no list of names"),
        ({"dataframe_split": {"data": [[1], [1, 2]]}}, "several lengths"),
        ({"dataframe_split": {"data": [[1]], "index": [1, 2]}}, "index"),
        ({"dataframe_split": {"data": [[1]], "more": 1}}, "no mapping of columns"),
        ({"dataframe_records": {}}, "no rows"),
        ({"dataframe_records": {"a": 1}}, "no list"),
        ({"dataframe_records": [{"a": 1}, [1]]}, "no record"),
        ({"dataframe_records": [{}]}, "no record"),
        ([{"a": 1}, 5], "no record"),
        ([[1], {"a": 1}], "several kinds"),
        ([[1], [1, 2]], "several lengths"),
        ({"instances": None}, "no rows"),
        ({"instances": 5}, "no list"),
        ({"inputs": []}, "no rows"),
        ({"inputs": None}, "no rows"),
        ({"inputs": [1], "params": [1]}, "no mapping"),
        ({"inputs": [1], "params": None}, "no mapping"),
        ({"inputs": [1], "instances": [1]}, "one of them"),
        ({"inputs": [1], "other": 1}, "'other'"),
    ],
)
def test_what_is_no_rows(value: object, why: str) -> None:
    with pytest.raises(InputError, match=why):
        rows_from(json.dumps(value), None)


@pytest.mark.parametrize("read_it", [rows_from, expected_from])
@pytest.mark.parametrize("text", ["[" * 100_000, "[" * 102 + "1" + "]" * 102, '{"inputs":' * 200])
def test_what_is_nested_deep_is_no_crash(read_it: object, text: str) -> None:
    with pytest.raises(InputError, match=r"nested deeper|no JSON"):
        read_it(text, None)  # type: ignore[operator]


@pytest.mark.parametrize("text", ["[1", "{]", "nowhere", "-", "1" * 5000, '"\x01"', "[1] 2"])
def test_what_is_no_json(text: str) -> None:
    with pytest.raises(InputError, match=r"no JSON|neither"):
        expected_from(text, None)


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", 0), ("false", False), ("null", None), ('{"predictions": [1]}', [1]), ('"a"', "a")],
)
def test_what_is_expected(text: str, value: object) -> None:
    assert expected_from(text, None) == value
    inputs = read(expect=text)
    assert inputs.expect
    assert inputs.expect.value == value


@pytest.mark.parametrize("text", ["[]", "{}", '""', '{"predictions": []}'])
def test_an_empty_expectation_is_none(text: str) -> None:
    with pytest.raises(InputError, match="is empty"):
        expected_from(text, None)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_csv_in_every_encoding_that_says_itself(checkout: Path, encoding: str) -> None:
    (checkout / "rows.csv").write_bytes('é,b\n1,"x, y"\n2,\n'.encode(encoding))
    rows = rows_from("rows.csv", checkout)
    assert rows.shown == ({"é": "1", "b": "x, y"}, {"é": "2", "b": ""})
    assert rows == Rows("csv", 'é,b\r\n1,"x, y"\r\n2,\r\n', None, rows.shown)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no row"),
        (b"a,b\n", "no row"),
        (b"a,a\n1,2\n", "column 'a' twice"),
        (b"a,b\n1\n", "2 columns, and 1 in row 1"),
        (b'a\n"1\n', "no CSV"),
        (b"a\n" + b"1" * 200_000 + b"\n", "no CSV: field larger"),
        (b"\xe9\n1\n", "not UTF-8"),
        (b"\xff\xfea", "not UTF-8"),
    ],
)
def test_what_is_no_csv(checkout: Path, content: bytes, why: str) -> None:
    (checkout / "rows.csv").write_bytes(content)
    with pytest.raises(InputError, match=why):
        rows_from("rows.csv", checkout)


def test_a_csv_of_what_is_expected(checkout: Path) -> None:
    (checkout / "one.csv").write_text("y\n1\n2.5\nTrue\nsetosa\nNaN\n")
    (checkout / "two.csv").write_text("y,z\n1,a\n2,\n")
    assert expected_from("one.csv", checkout) == [1, 2.5, True, "setosa", None]
    assert expected_from("two.csv", checkout) == [{"y": 1, "z": "a"}, {"y": 2, "z": None}]


def test_a_file_that_leaves_the_checkout(checkout: Path) -> None:
    (checkout.parent / "outside.json").write_text("[1]")
    (checkout / "link.json").symlink_to("../outside.json")
    for name in ("../outside.json", "link.json", str(checkout.parent / "outside.json")):
        with pytest.raises(InputError, match="leaves the checkout"):
            rows_from(name, checkout)
        assert rows_from(name, None).shown == (1,)


def test_a_file_that_is_none(checkout: Path) -> None:
    (checkout / "folder.csv").mkdir()
    os.mkfifo(checkout / "pipe.json")
    (checkout / "loop.csv").symlink_to("loop.csv")
    with (checkout / "large.json").open("wb") as file:
        file.truncate(10_000_001)
    for name, why in {
        "nothing.csv": "can't be read: No such file",
        "folder.csv": "is no file",
        "pipe.json": "is no file",
        "loop.csv": "can't be read|leads nowhere",
        "large.json": "larger than 10 MB",
        "a\0b.csv": "can't be read",
        f"{'a' * 300}.csv": "can't be read",
    }.items():
        with pytest.raises(InputError, match=why):
            rows_from(name, checkout)
