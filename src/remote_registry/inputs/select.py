"""Which version is meant, in one text, such as `version=3`, `stage=Production` or `latest`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from . import values
from .texts import InputError

# Tags can be written by anybody who may edit the model, so by these a version is only found.
BY_TAGS = ("digest", "commit", "run-id", "pull-request", "tag")
ALL = "all"


@dataclass(frozen=True)
class Select:
    """One way of saying which version.

    Attributes:
        way: `version`, `stage`, `alias`, `latest`, `all`, or one of `BY_TAGS`.
        value: What it is to be; empty for `latest` and `all`.
        key: With `tag`, its name.
    """

    way: str
    value: str = ""
    key: str = ""

    @property
    def by_tags(self) -> bool:
        """Whether it goes by what others may have written."""
        return self.way in BY_TAGS

    def __str__(self) -> str:
        return "=".join(filter(None, (self.way, self.key, self.value)))


def select_from(text: str, *, on_databricks: bool = False) -> Select:
    """Reads the one way.

    Raises:
        InputError: It is none, or none that this registry has.
    """
    if text == "latest":
        return Select("latest")
    way, equals, value = (part.strip() for part in text.partition("="))
    if way not in _READERS or not equals:
        raise InputError(f"{text!r} is none of latest, {', '.join(f'{w}=…' for w in _READERS)}.")
    if way == "alias" and on_databricks:
        raise InputError("a workspace registry has stages and no aliases; use stage=….")
    if way == "tag":
        key, equals, value = (part.strip() for part in value.partition("="))
        if not key or not equals:
            raise InputError(f"{text!r} is no tag=<key>=<value>.")
        return Select("tag", value, key)
    return Select(way, _READERS[way](value))


def select_or_all(text: str, *, on_databricks: bool = False) -> Select:
    """The same, and `all` for every version."""
    return Select(ALL) if text == ALL else select_from(text, on_databricks=on_databricks)


def _fitting(pattern: str, what: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise InputError(f"{text!r} is no {what}.")
        return text

    return read


def _version(text: str) -> str:
    return str(int(_fitting("[0-9]{1,18}", "version's number")(text)))


def _stage(text: str) -> str:
    return values.stage(text) or _fitting(".", "stage")(text)


def digest(text: str) -> str:
    """A digest as registering tells it."""
    return _fitting("sha256:[0-9a-f]{64}", "sha256:… of 64 hexadecimal digits")(text)


def _commit(text: str) -> str:
    pattern = "[0-9a-f]{40}|[0-9a-f]{64}"
    return _fitting(pattern, "whole commit, of 40 hexadecimal digits")(text.lower())


_READERS: dict[str, Callable[[str], str]] = {
    "version": _version,
    "stage": _stage,
    "alias": values.checked_alias,
    "digest": digest,
    "commit": _commit,
    "run-id": _fitting("[A-Za-z0-9_.-]{1,256}", "run id"),
    "pull-request": _fitting("[1-9][0-9]{0,17}", "pull request's number"),
    "tag": str,
}
