"""YAML that somebody else has written: composed and never constructed, so that no object is made.

What is a text and what a number, is decided as YAML 1.2 does it, and as checkers of schemas do: so
`yes`, `010` and `2024-01-01` are no traps.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml

from .texts import InputError

TEXT, WHOLE, REAL = "tag:yaml.org,2002:str", "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"
YES_OR_NO, NOTHING = "tag:yaml.org,2002:bool", "tag:yaml.org,2002:null"
LIST, MAPPING = "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map"
KINDS = {
    TEXT: "a text",
    WHOLE: "a number",
    REAL: "a number",
    YES_OR_NO: "true or false",
    NOTHING: "nothing",
    LIST: "a list",
    MAPPING: "a mapping",
}
_MOST_DIGITS = 30
_REAL = (
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)


class _Loader(yaml.BaseLoader):
    """Knows the scalars of YAML 1.2's core schema."""


for _tag, _pattern, _first in (
    (NOTHING, "~|null|Null|NULL|", ["~", "n", "N", ""]),
    (YES_OR_NO, "true|True|TRUE|false|False|FALSE", list("tTfF")),
    (WHOLE, "[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    (REAL, _REAL, list("-+.0123456789")),
):
    _Loader.add_implicit_resolver(_tag, re.compile(rf"(?:{_pattern})\Z"), _first)


def composed(data: bytes) -> yaml.Node | None:
    """The document's root; `None` where it is empty.

    Raises:
        InputError: It is no YAML, or more than one document; says in which line.
    """
    try:
        node: yaml.Node | None = yaml.compose(data, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"line {mark.line + 1}: " if mark else ""
        raise InputError(f"{line}is no YAML: {error.problem or error.context}.") from error
    except yaml.YAMLError as error:
        raise InputError(
            f"is no YAML: {getattr(error, 'reason', 'it can not be read')}."
        ) from error
    except RecursionError as error:
        raise InputError("is nested too deeply.") from error
    except (ValueError, OverflowError) as error:  # of an escape such as "\UFFFFFFFF"
        raise InputError("is no YAML: it holds what is no character.") from error
    return node


def line_of(node: yaml.Node) -> int:
    """The line in which it begins, from 1."""
    return int(node.start_mark.line) + 1


def pairs_of(node: yaml.Node) -> Iterator[tuple[yaml.Node, yaml.Node]]:
    """The keys and values of a mapping, as they stand there.

    Raises:
        InputError: It is none.
    """
    if not isinstance(node, yaml.MappingNode) or node.tag != MAPPING:
        raise InputError(f"is {described(node)}, and no mapping.")
    yield from node.value


def items_of(node: yaml.Node) -> list[yaml.Node]:
    """The entries of a list.

    Raises:
        InputError: It is none.
    """
    if not isinstance(node, yaml.SequenceNode) or node.tag != LIST:
        raise InputError(f"is {described(node)}, and no list.")
    return list(node.value)


def described(node: yaml.Node) -> str:
    """What it is, for a message."""
    return KINDS.get(node.tag, "of a YAML type of its own")


def text_of(node: yaml.Node) -> str:
    """A text that is not blank.

    Raises:
        InputError: It is something else to YAML.
    """
    if node.tag in (WHOLE, REAL, YES_OR_NO):
        raise InputError(f"{node.value!r} is {described(node)} to YAML; put it in quotes.")
    if node.tag == NOTHING:
        raise InputError("has no value; leave the line out, or give one.")
    if node.tag != TEXT:
        raise InputError(f"is {described(node)}, and no text.")
    text = str(node.value)
    if not text.strip():
        raise InputError("is empty; leave the line out, or give a value.")
    return text


def scalar_of(node: yaml.Node) -> str:
    """A text, a number, or true or false, as it is written.

    Raises:
        InputError: It is none of them.
    """
    if node.tag in (TEXT, WHOLE, REAL, YES_OR_NO):
        return str(node.value)
    raise InputError(f"is {described(node)}, and no text.")


def whole_of(node: yaml.Node) -> str:
    """A whole number, however it is written, in digits.

    Raises:
        InputError: It is none.
    """
    text = str(node.value) if node.tag in (WHOLE, REAL) else ""
    if not text or len(text) > _MOST_DIGITS:
        raise InputError(f"is {described(node)}, and no whole number without quotes.")
    try:
        if node.tag == WHOLE:
            base = {"0o": 8, "0x": 16}.get(text[:2], 10)
            return str(int(text[2:] if base != 10 else text, base))
        number = float(text)
    except ValueError:  # `.inf` and `.nan`, and what a tag of YAML calls a number: `!!int x`
        number = 0.5
    if not number.is_integer():
        raise InputError(f"{text!r} is no whole number.")
    return str(int(number))


def boolean_of(node: yaml.Node) -> str:
    """`true` or `false`.

    Raises:
        InputError: It is neither.
    """
    if node.tag != YES_OR_NO:
        raise InputError(f"is {described(node)}, and neither true nor false (without quotes).")
    return str(node.value).lower()
