"""A YAML file of models: each as texts of `register`'s inputs, and the line that says so.

The file may come from somebody else's pull request, so it is data: no object is made of it, and it
says nothing of hosts, credentials and what only the workflow may allow.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import yaml

from ..verbs import REGISTER
from .entry_values import OF_ONE_MODEL, READERS
from .texts import InputError
from .yaml_nodes import TEXT, composed, items_of, line_of, pairs_of

MOST_MODELS = 256  # jobs of one matrix, and enough for one job
_MOST_BYTES = 256 << 10
_MOST_PROBLEMS = 100
_MOST_NODES = 50_000
_Texts: TypeAlias = "dict[str, tuple[str | None, int]]"  # with their lines; None: can't be read
_OF_THE_WORKFLOW = {*REGISTER.inputs, *REGISTER.secrets, "force", "python", "allow-promotion"}


@dataclass(frozen=True)
class Entry:
    """One model of the file.

    Attributes:
        texts: The inputs that it gives, by name; those of `defaults` among them.
        label: What it is called in messages.
        line: Where it begins, from 1.
        lines: Where each input stands.
        own: The names of those that are not of `defaults`.
        spoiled: The names of those that can't be read, of which a problem is noted already.
    """

    texts: Mapping[str, str]
    label: str
    line: int
    lines: Mapping[str, int]
    own: frozenset[str]
    spoiled: frozenset[str]

    def place_of(self, name: str) -> str:
        """Where an input stands, for a message."""
        if name in self.lines and name not in self.own:
            return f"line {self.lines[name]}, defaults"
        return f"line {self.lines.get(name, self.line)}, {self.label}"


class Problems:
    """All that is wrong with a file, each once, in the order of its lines.

    Args:
        file: What it is called.
    """

    def __init__(self, file: str) -> None:
        self._file = file
        self._found: dict[str, None] = {}

    def note(self, place: str, why: str) -> None:
        """Notes something."""
        self._found[f"models: {self._file}, {place}: {why}"] = None

    @property
    def all(self) -> list[str]:
        """What was noted; of a long list the beginning, and how many more there are."""
        shown = list(self._found)[:_MOST_PROBLEMS]
        more = len(self._found) - len(shown)
        return [*shown, *([f"models: {self._file}: and {more} more."] if more else [])]


def read_models(text: str, checkout: Path | None, problems: Problems) -> tuple[Entry, ...]:
    """Reads a file of models; notes what is wrong with it.

    Args:
        text: Its path.
        checkout: The folder that it must not leave; `None` where there is none.

    Raises:
        InputError: It can't be read at all.
    """
    root = composed(_bytes(text, checkout))
    if root is None:
        raise InputError(f"{text!r} is empty.")
    _check_size(root)
    try:
        pairs = _named(root, problems)
    except InputError as error:
        raise InputError(f"{text!r} {error}") from error
    for name, (key, _) in pairs.items():
        if name not in ("defaults", "models"):
            problems.note(f"line {line_of(key)}", f"{name!r} is neither defaults nor models.")
    defaults = _defaults(pairs, problems)
    if "models" not in pairs:
        raise InputError(f"{text!r} has no models.")
    return tuple(_entries(pairs["models"][1], defaults, problems))


def _bytes(text: str, checkout: Path | None) -> bytes:
    path = Path(text)
    try:
        file = path.resolve(strict=True)
        if checkout and not file.is_relative_to(checkout.resolve()):
            raise InputError(f"{text!r} leaves the checkout.")
        if not file.is_file():
            raise InputError(f"{text!r} is no file.")
        with file.open("rb") as stream:
            data = stream.read(_MOST_BYTES + 1)
    except FileNotFoundError as error:
        told = f"{text!r} is not there. Is there a checkout step before this one?"
        raise InputError(told) from error
    except (OSError, RuntimeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{text!r} can't be read: {getattr(error, 'strerror', error)}.") from error
    if len(data) > _MOST_BYTES:
        raise InputError(f"{text!r} is larger than {_MOST_BYTES >> 10} KiB.")
    return data


def _check_size(root: yaml.Node) -> None:
    """Aliases let a small file stand for a huge one; its parts are counted as if written out."""
    left, waiting = _MOST_NODES, [root]
    while waiting:
        node = waiting.pop()
        left -= 1
        if isinstance(node, yaml.MappingNode):
            waiting += [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            waiting += node.value
        if left < len(waiting):
            raise InputError("is too large, once its aliases are written out.")


def _named(node: yaml.Node, problems: Problems) -> dict[str, tuple[yaml.Node, yaml.Node]]:
    """A mapping's pairs by name; notes names that are given twice, or are no texts.

    Raises:
        InputError: It is no mapping.
    """
    found: dict[str, tuple[yaml.Node, yaml.Node]] = {}
    for key, value in pairs_of(node):
        if key.tag != TEXT or not isinstance(key, yaml.ScalarNode):
            problems.note(f"line {line_of(key)}", "has a name that is no text.")
        elif key.value in found:
            problems.note(f"line {line_of(key)}", f"{key.value!r} is given twice.")
        else:
            found[key.value] = (key, value)
    return found


def _defaults(pairs: Mapping[str, tuple[yaml.Node, yaml.Node]], problems: Problems) -> _Texts:
    if "defaults" not in pairs:
        return {}
    key, node = pairs["defaults"]
    place = f"line {line_of(key)}, defaults"
    return dict(_texts(node, place, problems, OF_ONE_MODEL))


def _entries(node: yaml.Node, defaults: _Texts, problems: Problems) -> Iterator[Entry]:
    try:
        items = items_of(node)
    except InputError as error:
        problems.note(f"line {line_of(node)}", f"models: {error}")
        return
    if not 1 <= len(items) <= MOST_MODELS:
        told = f"models: has {len(items)} entries, and 1 to {MOST_MODELS} are taken."
        problems.note(f"line {line_of(node)}", told)
        return
    for number, item in enumerate(items, start=1):
        label = f"entry {number}{_name_in(item)}"
        own = dict(_texts(item, f"line {line_of(item)}, {label}", problems))
        both = {**defaults, **own}
        yield Entry(
            texts={name: text for name, (text, _) in both.items() if text is not None},
            label=label,
            line=line_of(item),
            lines={name: line for name, (_, line) in both.items()},
            own=frozenset(own),
            spoiled=frozenset(name for name, (text, _) in both.items() if text is None),
        )


def _name_in(node: yaml.Node) -> str:
    """The model's name, for a message; empty where it says none."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    names = [value.value for key, value in pairs if key.value == "model-name"]
    return f" ({names[0][:100]})" if names and isinstance(names[0], str) else ""


def _texts(
    node: yaml.Node, place: str, problems: Problems, refused: tuple[str, ...] = ()
) -> Iterator[tuple[str, tuple[str | None, int]]]:
    """The inputs that a mapping gives, each with its line; notes all that is wrong."""
    try:
        pairs = _named(node, problems)
    except InputError as error:
        problems.note(place, str(error))
        return
    label = place.partition(", ")[2]
    for name, (key, value) in pairs.items():
        where = f"line {line_of(key)}, {label}"
        if name not in READERS:
            problems.note(where, f"{name!r} {_why_not(name)}")
        elif name in refused:
            problems.note(where, f"{name!r} says which model it is, so it goes to each entry.")
        else:
            try:
                yield name, (READERS[name](value), line_of(key))
            except InputError as error:
                problems.note(where, f"{name}: {error}")
                yield name, (None, line_of(key))


def _why_not(name: str) -> str:
    if name in _OF_THE_WORKFLOW:
        return "is the workflow's to say, and no file's."
    near = difflib.get_close_matches(name, READERS, 1, 0.6)
    return f"is no input of a model.{f' Did you mean {near[0]}?' if near else ''}"
