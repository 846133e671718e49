"""JSON, YAML and CSV of others: read with limits, or an `InputError` that says why not."""

from __future__ import annotations

import codecs
import csv
import io
import json
import stat
from pathlib import Path
from typing import Any

from .texts import InputError

DEEPEST = 100  # levels of nesting; what reads JSON recurses, and so does what compares it
LONGEST = 10_000_000  # bytes of a file
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark it begins with
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def json_of(text: str) -> Any:
    """The value of a JSON text; `NaN` and `Infinity` are numbers, as Python writes them.

    Raises:
        InputError: It is none, or is nested too deep.
    """
    try:
        value = json.loads(text)
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        raise InputError(f"is no JSON: {error}.") from error
    if _is_too_deep(value):
        raise _too_deep()
    return value


def _too_deep() -> InputError:
    return InputError(f"is nested deeper than {DEEPEST} levels.")


def _is_too_deep(value: object) -> bool:
    level: list[object] = [value]
    for _ in range(DEEPEST + 1):
        holders = [one for one in level if isinstance(one, (dict, list))]
        if not holders:
            return False
        level = [
            part for one in holders for part in (one.values() if isinstance(one, dict) else one)
        ]
    return True


def yaml_of(text: str) -> Any:
    """The value of a YAML text, whose scalars are all texts.

    Raises:
        InputError: It is none.
    """
    import yaml

    try:
        return yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - it makes nothing but texts
    except (yaml.YAMLError, RecursionError, ValueError, OverflowError, TypeError) as error:
        # PyYAML itself fails by the last three, of an odd escape or of a list as a key.
        raise InputError("is no YAML.") from error


def csv_of(text: str) -> tuple[list[str], list[list[str]]]:
    """The names of the columns, and the rows of a CSV.

    Raises:
        InputError: It has no row, a name twice, or a row of another length.
    """
    try:
        lines = [line for line in csv.reader(io.StringIO(text, newline=""), strict=True) if line]
    except csv.Error as error:
        raise InputError(f"is no CSV: {error}.") from error
    if len(lines) < 2:
        raise InputError("has no row below the names of its columns.")
    names, *rows = lines
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"has the column {twice[0]!r} twice.")
    for number, row in enumerate(rows, start=1):
        if len(row) != len(names):
            raise InputError(f"has {len(names)} columns, and {len(row)} in row {number}.")
    return names, rows


def checkout_text(name: str, checkout: Path | None) -> str:
    """The text of a file of the checkout; UTF-8, or what its byte order mark says.

    Raises:
        InputError: It is not there, leaves the checkout, is too large or no text.
    """
    try:
        path = Path(name).resolve()
        if checkout and not path.is_relative_to(checkout.resolve()):
            raise InputError(f"{name!r} leaves the checkout.")
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise InputError(f"{name!r} is no file.")
        if found.st_size > LONGEST:
            raise InputError(f"{name!r} is larger than {LONGEST // 1_000_000} MB.")
        content = path.read_bytes()
    except (OSError, RuntimeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        why = getattr(error, "strerror", None) or "it leads nowhere"
        raise InputError(f"{name!r} can't be read: {why}.") from error
    return decoded(content, name)


def decoded(content: bytes, name: str) -> str:
    """The text of a file's bytes."""
    encoding = next((it for mark, it in _MARKS.items() if content.startswith(mark)), "utf-8")
    try:
        return content.decode(encoding)
    except UnicodeError as error:
        raise InputError(
            f"{name!r} is not UTF-8, and no byte order mark says that it is UTF-16."
        ) from error
