"""The texts of a command's inputs, and what is found wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from ..errors import BadInput

T = TypeVar("T")


class InputError(ValueError):
    """One input can't be right; the message says why and what would be."""


class Texts:
    """The inputs of one command: kebab-case names to texts, where empty means not given.

    Problems are gathered, so that a person is told all of them at once.
    """

    def __init__(self, texts: Mapping[str, str | None]) -> None:
        self.problems: list[str] = []
        self._texts = {name: self._text(name, text or "") for name, text in texts.items()}

    def _text(self, name: str, text: str) -> str:
        if any("\ud800" <= character <= "\udfff" for character in text):
            self.problem(name, "is not UTF-8.")
        return text.encode(errors="replace").decode().strip()

    def __getitem__(self, name: str) -> str:
        return self._texts.get(name, "")

    def given(self, *names: str) -> list[str]:
        """Those of the names that have a text."""
        return [name for name in names if self[name]]

    def problem(self, name: str, why: str) -> None:
        """Notes that the input can't be right."""
        self.problems.append(f"{name}: {why}")

    def read(self, name: str, parse: Callable[[str], T]) -> T | None:
        """The parsed text of an input; `None`, and a problem noted, on an `InputError`."""
        try:
            return parse(self[name])
        except InputError as error:
            self.problem(name, str(error))
            return None

    def raise_problems(self) -> None:
        """Raises `BadInput` where any problem was noted."""
        if self.problems:
            raise BadInput(*self.problems)
