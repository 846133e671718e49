"""The rows that a model is to predict, and what is expected: files of the checkout."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .data import checkout_text, csv_of, json_of
from .texts import InputError

# Of a request to a model's server: https://mlflow.org/docs/latest/genai/serving/
KINDS = ("dataframe_split", "dataframe_records", "instances", "inputs")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")


@dataclass(frozen=True)
class Rows:
    """What a model is asked.

    Attributes:
        kind: `csv`, or one of `KINDS`.
        data: A CSV's text; else JSON.
        params: For the model's `predict`.
        shown: Each row, for people.
    """

    kind: str
    data: Any
    params: Mapping[str, Any] | None
    shown: tuple[Any, ...]


def rows_from(name: str, checkout: Path | None) -> Rows:
    """Reads a `.csv` or `.json` file, or a JSON text.

    Raises:
        InputError: It is none, or holds no rows.
    """
    kind, text = _text_of(name, checkout)
    if kind == "csv":
        return _csv_rows(text)
    return _json_rows(json_of(text))


def expected_from(name: str, checkout: Path | None) -> Any:
    """Reads what is expected: a `.csv` or `.json` file, or a JSON text.

    A CSV of one column is a list of its values, and one of several a list of records.

    Raises:
        InputError: It is none, or holds nothing.
    """
    kind, text = _text_of(name, checkout)
    if kind == "csv":
        names, rows = csv_of(text)
        records = [dict(zip(names, map(_value, row))) for row in rows]  # noqa: B905
        return [row[names[0]] for row in records] if len(names) == 1 else records
    value = json_of(text)
    if isinstance(value, dict) and list(value) == ["predictions"]:  # as a model's server answers
        value = value["predictions"]
    if value in ([], {}, ""):
        raise InputError("is empty: nothing could differ from it.")
    return value


def _text_of(name: str, checkout: Path | None) -> tuple[str, str]:
    ending = Path(name).suffix.lower()
    if ending in (".csv", ".json") and "\n" not in name:
        return ending[1:], checkout_text(name, checkout)
    if not re.match(r'[\[{"0-9-]|true|false|null|NaN', name):
        raise InputError(f"{name[:100]!r} is neither a .csv or .json file nor JSON.")
    return "json", name


def _value(text: str) -> Any:
    if text in ("", "NaN", "nan"):
        return None
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if re.fullmatch("[+-]?[0-9]{1,300}", text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text


def _csv_rows(text: str) -> Rows:
    names, rows = csv_of(text)
    plain = io.StringIO()
    csv.writer(plain).writerows([names, *rows])
    shown = tuple(dict(zip(names, row)) for row in rows)  # noqa: B905
    return Rows("csv", plain.getvalue(), None, shown)


def _json_rows(value: Any) -> Rows:
    params = None
    if isinstance(value, dict) and any(kind in value for kind in KINDS):
        kinds = [kind for kind in KINDS if kind in value]
        if unknown := sorted(set(value) - {*KINDS, "params"}):
            raise InputError(f"holds {unknown[0]!r} beside {kinds[0]!r}.")
        if len(kinds) > 1:
            raise InputError(f"holds {kinds[0]!r} and {kinds[1]!r}; one of them says the rows.")
        params = value.get("params")
        if "params" in value and not isinstance(params, dict):
            raise InputError("holds 'params' that are no mapping.")
        (kind,) = kinds
        return _checked(kind, value[kind], params)
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return _checked("dataframe_records", value, None)
    if isinstance(value, list):
        return _checked("inputs", value, None)
    raise InputError(f"is neither a list of rows nor a mapping with one of {', '.join(KINDS)}.")


def _checked(kind: str, data: Any, params: Mapping[str, Any] | None) -> Rows:
    if data is None or data in ([], {}, ""):
        raise InputError(f"holds no rows in {kind!r}.")
    if kind == "dataframe_split":
        return Rows(kind, data, params, _split_rows(data))
    if kind == "inputs":
        _check_mix(kind, data)
        return Rows(kind, data, params, tuple(data) if isinstance(data, list) else (data,))
    if not isinstance(data, list):
        raise InputError(f"holds {kind!r} that is no list.")
    if kind == "dataframe_records" and not all(isinstance(row, dict) and row for row in data):
        raise InputError(f"holds a row in {kind!r} that is no record.")
    _check_mix(kind, data)
    return Rows(kind, data, params, tuple(data))


def _check_mix(kind: str, data: Any) -> None:
    """Rows that are now records, now lists, now values are a mistake of who wrote them."""
    if not isinstance(data, list):
        return
    if len({type(row) if isinstance(row, (dict, list)) else None for row in data}) > 1:
        raise InputError(f"holds rows of several kinds in {kind!r}.")
    if all(isinstance(row, list) for row in data) and len({len(row) for row in data}) > 1:
        raise InputError(f"holds rows of several lengths in {kind!r}.")


def _split_rows(data: Any) -> tuple[Any, ...]:
    if not isinstance(data, dict) or set(data) - {"columns", "data", "index"}:
        raise InputError("holds a 'dataframe_split' that is no mapping of columns and data.")
    columns, rows = data.get("columns"), data.get("data")
    if not isinstance(rows, list) or not rows or not all(isinstance(row, list) for row in rows):
        raise InputError("holds a 'dataframe_split' whose data is no list of lists.")
    lengths = {len(row) for row in rows}
    if len(lengths) > 1:
        raise InputError("holds a 'dataframe_split' with rows of several lengths.")
    if "index" in data and (not isinstance(data["index"], list) or len(data["index"]) != len(rows)):
        raise InputError("holds a 'dataframe_split' whose index is not as long as its data.")
    if columns is None:
        return tuple(rows)
    if not isinstance(columns, list) or not all(isinstance(one, (str, int)) for one in columns):
        raise InputError("holds a 'dataframe_split' whose columns are no list of names.")
    if lengths != {len(columns)}:
        raise InputError("holds a 'dataframe_split' whose columns are not as many as its cells.")
    if len(set(columns)) < len(columns):
        raise InputError("holds a 'dataframe_split' with a column twice.")
    return tuple(dict(zip(columns, row)) for row in rows)  # noqa: B905
