"""What a model answers, as JSON and as anything else."""

from __future__ import annotations

import datetime as dt
import decimal
import json
import math
from collections import OrderedDict
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from mlflow.models import infer_signature

from remote_registry.errors import ModelFailed
from remote_registry.testing.child import Ran
from remote_registry.testing.predict import Unanswerable, parsed, plain
from remote_registry.testing.second import _answer, _version

LOOP: list[Any] = []
LOOP.append(LOOP)
SCHEMA = infer_signature(pd.DataFrame({"a": [1.0], "b": ["01"]})).inputs
TENSORS = infer_signature(np.array([[1.0, 2.0]])).inputs


def nested(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels - 1):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (np.array([[1, 2]]), [[1, 2]]),
        (np.float32(0.5), 0.5),
        (np.float64(0.5), 0.5),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.array(["a", None], dtype=object), ["a", None]),
        (np.datetime64("2024-01-02"), "2024-01-02"),
        (np.str_("a"), "a"),
        (pd.Series([1.5, 2]), [1.5, 2.0]),
        (pd.DataFrame({"a": [1], "b": ["x"]}), [{"a": 1, "b": "x"}]),
        (pd.DataFrame([[1, 2]]), [{"0": 1, "1": 2}]),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), [[1, 2]]),
        (pd.Timestamp("2024-01-02"), "2024-01-02T00:00:00"),
        (pd.NaT, None),
        (pd.NA, None),
        (pd.Index([1]), [1]),
        (pd.Categorical(["c"]), ["c"]),
        (scipy.sparse.eye(2).tocsr(), [[1.0, 0.0], [0.0, 1.0]]),
        (b"\x00\xff", "AP8="),
        ({"a": (1, 2)}, {"a": [1, 2]}),
        (OrderedDict({1: 2}), {"1": 2}),
        ({3, 1, 2}, [1, 2, 3]),
        ([None], [None]),
        (dt.date(2024, 1, 2), "2024-01-02"),
        (decimal.Decimal("1.5"), 1.5),
        (1j, "1j"),
        ("text", "text"),
    ],
)
def test_predictions_of_every_kind_become_json(value: object, told: object) -> None:
    assert plain(value) == told
    assert type(plain(value)) is type(told)


def test_nan_stays_nan() -> None:
    assert all(map(math.isnan, plain([math.nan, np.float32("nan"), np.array(math.nan)])))


@pytest.mark.parametrize("value", [nested(100), LOOP])
def test_what_is_nested_too_deep_is_no_crash(value: object) -> None:
    with pytest.raises(Unanswerable, match="nested deeper"):
        plain(value)


def test_what_is_nested_as_deep_as_may_be_is_answered() -> None:
    answer = {"prediction": plain(nested(99))}
    assert _answer(Ran(0, json.dumps(answer).encode(), ())) == answer


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"", "was ended by signal 9"),
        (b"[" * 50_000, "nested deeper"),
        (b"\xff", "can't be read"),
        (b"{}", "no prediction"),
        (b"[1]", "no prediction"),
        (b'{"prediction": 1} more', "no JSON"),
        (b'{"prediction": ' + b"1" * 5000 + b"}", "no JSON"),
        (b'{"error": 5}', "It failed"),
        (b'{"error": "why", "prediction": 1}', "why"),
        (b"1" * 10_000_001, "larger than 10000000 bytes"),
    ],
)
def test_an_answer_that_is_none(answer: bytes, told: str) -> None:
    with pytest.raises(ModelFailed, match=told):
        _answer(Ran(-9, answer, ("said",)))


@pytest.mark.parametrize(
    ("told", "version"),
    [
        ("3.11.7", "3.11.7"),
        ("3.9", "3.9"),
        ("3.11\n# a heading of the model's", ""),
        ("3.11.7\n", ""),
        ("9" * 300_000, ""),
        (3.11, ""),
        (None, ""),
    ],
)
def test_a_python_that_is_told_is_a_version(told: object, version: str) -> None:
    assert _version(told) == version


def test_rows_have_the_types_that_the_signature_says() -> None:
    records = [{"a": 1, "b": "01"}]
    split = {"columns": ["a", "b"], "data": [[1, "01"]]}
    for kind, data in (
        ("dataframe_records", records),
        ("dataframe_split", split),
        ("csv", "a,b\r\n1,01\r\n"),
    ):
        table = parsed(kind, data, SCHEMA)
        assert table.to_dict(orient="records") == records
    assert parsed("csv", "a,b\r\n1,01\r\n", None)["b"].tolist() == [1]


def test_rows_of_tensors() -> None:
    for kind in ("inputs", "instances"):
        array = parsed(kind, [[1, 2], [3, 4]], TENSORS)
        assert array.dtype == np.float64
        assert array.tolist() == [[1.0, 2.0], [3.0, 4.0]]
        assert parsed(kind, [[1]], None) == [[1]]
