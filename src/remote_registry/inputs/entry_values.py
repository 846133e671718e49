"""What each input of a model may be in a file of models, and its text as `register` takes it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping

import yaml

from .texts import InputError
from .values import permissions
from .yaml_nodes import (
    LIST,
    MAPPING,
    REAL,
    TEXT,
    WHOLE,
    boolean_of,
    items_of,
    pairs_of,
    scalar_of,
    text_of,
    whole_of,
)

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_UNPRINTABLE = re.compile(r"[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def _line(node: yaml.Node) -> str:
    """A text of one line."""
    text = text_of(node)
    if _CONTROL.search(text) or text != text.strip():
        raise InputError("is one line, with no space at its ends.")
    return text


def _line_or_whole(node: yaml.Node) -> str:
    if node.tag not in (WHOLE, REAL):
        return _line(node)
    text = whole_of(node)
    if text.startswith("-"):
        raise InputError(f"{text} is below zero.")
    return text


def _alias(node: yaml.Node) -> str:
    if node.tag != LIST:
        return text_of(node)
    names = [_line(item) for item in items_of(node)]
    if any("," in name for name in names):
        raise InputError("has a ',' in an alias; a list has one alias in each line.")
    return "\n".join(names)


def _gate(node: yaml.Node) -> str:
    return "\n".join(map(_line, items_of(node))) if node.tag == LIST else text_of(node)


def _tags(node: yaml.Node) -> str:
    if node.tag != MAPPING:
        text = text_of(node)
        if not all(
            re.match(r"[^=:]+=", line) for line in map(str.strip, text.splitlines()) if line
        ):
            raise InputError("is neither a mapping nor key=value lines.")
        return text
    pairs = _pairs(node, scalar_of)
    # A text in JSON is one in YAML, so that `register` reads it as it is meant.
    written = json.dumps(pairs, ensure_ascii=False) if pairs else ""
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", written)


def _permissions(node: yaml.Node) -> str:
    if node.tag != MAPPING:
        return text_of(node)
    pairs = _pairs(node, _line)
    lines = "\n".join(f"{principal}={level}" for principal, level in pairs.items())
    permissions(lines)
    return lines


def _pairs(node: yaml.Node, read: Callable[[yaml.Node], str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for key, value in pairs_of(node):
        name = scalar_of(key) if key.tag == TEXT else ""
        if not name.strip() or _CONTROL.search(name) or name != name.strip():
            raise InputError("has a name that is no text of one line; put it in quotes.")
        if name in pairs:
            raise InputError(f"{name!r} is given twice.")
        try:
            pairs[name] = read(value)
        except InputError as error:
            raise InputError(f"{name}: {error}") from error
    return pairs


READERS: Mapping[str, Callable[[yaml.Node], str]] = {
    "run-id": _line,
    "run-filter": text_of,
    "experiment": _line_or_whole,
    "model-uri": _line,
    "model-path": _line,
    "artifact-path": _line,
    "model-name": _line,
    "stage": _line,
    "archive-existing": boolean_of,
    "expect-previous": _line_or_whole,
    "alias": _alias,
    "gate": _gate,
    "gate-without-champion": _line,
    "permissions": _permissions,
    "tags": _tags,
    "description": text_of,
    "timeout": whole_of,
    "verify": _line,
}
# What says which model it is, belongs to the model itself.
OF_ONE_MODEL = (
    "run-id", "run-filter", "experiment", "model-uri", "model-path", "artifact-path", "model-name",
)  # fmt: skip
PROMOTING = ("stage", "alias", "archive-existing", "permissions")
