"""`gate`: conditions that a model must meet, one a line; read by a small grammar, never evaluated.

condition = subject operator object
subject   = ["metrics."] name | "params." name | "tags." name
operator  = "<" | "<=" | ">" | ">=" | "==" | "!="
object    = ["-" | "+"] number | text | "champion." ["metrics."] name [("-" | "+") number]
name      = letters, digits and _ . / : -, or anything in backticks
text      = anything in double or in single quotes
"""

from __future__ import annotations

import math
import re
import textwrap
from collections import deque
from dataclasses import dataclass
from typing import NoReturn, TypeAlias

from .texts import InputError, Texts

OPERATORS = ("<", "<=", ">", ">=", "==", "!=")
STAGES_OF_CHAMPIONS = ("Staging", "Production")
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<operator>[<>=!~]+)
      | (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?![\w./:-]))
      | (?P<name>(?:champion\.)?(?:(?:metrics|params|tags)\.)?`[^`]*`|\w[\w./:-]*)
      | (?P<text>"[^"]*"|'[^']*')
      | (?P<sign>[+-])
      | (?P<odd>\S+)
    )""",
    re.VERBOSE,
)
_NAME = re.compile(r"(champion\.)?(?:(metrics|params|tags)\.)?(?:`([^`]*)`|(.*))", re.DOTALL)
_UNSPACED = re.compile(r".-[0-9.]+(?:[eE]-?[0-9]+)?\Z")
Tokens: TypeAlias = "deque[tuple[str, str]]"


@dataclass(frozen=True)
class Condition:
    """One line of a gate.

    Attributes:
        line: As it was written.
        kind: What of the source is compared: `metrics`, `params` or `tags`.
        text: What a param or a tag is compared with.
        number: What a metric is compared with, or what is added to the champion's.
        champion: The champion's metric that ours is compared with; empty for none.
    """

    line: str
    kind: str
    name: str
    operator: str
    text: str = ""
    number: float = 0.0
    champion: str = ""


@dataclass(frozen=True)
class Gate:
    """All conditions; no model passes that fails one.

    Attributes:
        needs_champion: Whether what is compared with a champion fails where there is none yet.
    """

    conditions: tuple[Condition, ...] = ()
    needs_champion: bool = False

    @property
    def names_champion(self) -> bool:
        """Whether any condition compares with the champion."""
        return any(condition.champion for condition in self.conditions)

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that are compared: ours, and those by which the next one will be."""
        compared = [one for one in self.conditions if one.kind == "metrics"]
        names = [name for one in compared for name in (one.name, one.champion) if name]
        return tuple(dict.fromkeys(names))


def gate_from(texts: Texts) -> Gate:
    """Reads `gate` and `gate-without-champion`; notes every line that can't be right."""
    conditions = []
    bad_lines = 0
    for number, line in enumerate(map(str.strip, texts["gate"].splitlines()), start=1):
        try:
            conditions += [condition(line)] if line else []
        except InputError as error:
            bad_lines += 1
            shown = textwrap.shorten(line, 100, placeholder=" …")
            texts.problem("gate", f"line {number}, {shown!r}: {error}")
    needs_champion = texts.read("gate-without-champion", without_champion) or False
    gate = Gate(tuple(conditions), needs_champion)
    if not bad_lines:
        _note_strays(texts, gate)
    return gate


def _note_strays(texts: Texts, gate: Gate) -> None:
    if gate.conditions and texts["model-path"]:
        texts.problem("gate", "a folder has no metrics, params or tags; gate goes with the others.")
    promotes = texts["stage"] in STAGES_OF_CHAMPIONS or texts["alias"]
    if gate.names_champion and not promotes:
        texts.problem("gate", "champion.… needs stage: Staging or Production, or an alias.")
    if gate.needs_champion and not gate.names_champion:
        texts.problem("gate-without-champion", "goes with a gate that names champion.<metric>.")


def without_champion(text: str) -> bool:
    """`pass`, which is the default, or `fail`."""
    if text not in ("", "pass", "fail"):
        raise InputError(f"{text!r} is neither pass nor fail.")
    return text == "fail"


def condition(line: str) -> Condition:
    """Reads one line.

    Raises:
        InputError: It is no condition; says what is wrong.
    """
    tokens = deque((found.lastgroup or "", found[0].strip()) for found in _TOKEN.finditer(line))
    kind, name = _subject(tokens)
    operator = _operator(tokens)
    read = _metrics_object if kind == "metrics" else _texts_object
    found = read(tokens, Condition(line, kind, name, operator))
    if tokens:
        raise InputError(f"{tokens[0][1]!r} is too much; a line holds one condition.")
    return found


def _subject(tokens: Tokens) -> tuple[str, str]:
    if not tokens or tokens[0][0] != "name":
        raise InputError(
            "begins with no name, such as accuracy, params.depth, tags.team or `val loss`."
        )
    of_champion, kind, name = _name(tokens.popleft()[1])
    if of_champion:
        raise InputError("champion.… stands on the right.")
    return kind, name


def _name(text: str) -> tuple[bool, str, str]:
    """Whether it is the champion's, what kind of figure it is, and its name."""
    found = _NAME.fullmatch(text)
    of_champion, kind, quoted, bare = found.groups() if found else ("", "", "", "")
    if not (quoted or bare):
        raise InputError(f"{text!r} lacks a name.")
    if of_champion and bare and _UNSPACED.search(bare):
        raise InputError(f"{text!r} wants spaces around its minus, or backticks around its name.")
    return bool(of_champion), kind or "metrics", quoted or bare


def _operator(tokens: Tokens) -> str:
    token = tokens.popleft()[1] if tokens else ""
    if token not in OPERATORS:
        said = f"{token!r}, which" if token else "nothing, which"
        raise InputError(f"has after the name {said} is none of {' '.join(OPERATORS)}.")
    return token


def _texts_object(tokens: Tokens, begun: Condition) -> Condition:
    if begun.operator not in ("==", "!="):
        raise InputError(f"{begun.kind} are texts, which are compared by == and != alone.")
    if not tokens or tokens[0][0] != "text":
        raise InputError(f"{begun.kind} are compared with a text in quotes.")
    text = tokens.popleft()[1][1:-1]
    return Condition(begun.line, begun.kind, begun.name, begun.operator, text=text)


def _metrics_object(tokens: Tokens, begun: Condition) -> Condition:
    number, champion = 0.0, ""
    if tokens and tokens[0][0] == "name":
        champion = _champions_metric(tokens.popleft()[1])
        if tokens and tokens[0][0] == "sign":
            number = _signed_number(tokens)
    else:
        number = _signed_number(tokens)
    return Condition(
        begun.line, begun.kind, begun.name, begun.operator, number=number, champion=champion
    )


def _champions_metric(token: str) -> str:
    of_champion, kind, name = _name(token)
    if not of_champion:
        _refuse_object()
    if kind != "metrics":
        raise InputError("of the champion only metrics are compared.")
    return name


def _signed_number(tokens: Tokens) -> float:
    sign = tokens.popleft()[1] if tokens and tokens[0][0] == "sign" else ""
    if not tokens or tokens[0][0] != "number":
        _refuse_object()
    number = float(sign + tokens.popleft()[1])
    if math.isinf(number):
        raise InputError("holds too large a number.")
    return number


def _refuse_object() -> NoReturn:
    raise InputError(
        "a metric is compared with a number, or with champion.<metric>, plus or minus a number."
    )
