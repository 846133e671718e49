"""Where one verb of the product is run, and what must hold of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, Generic, Protocol, TypeVar

from faults.product import Ended, Step

State = TypeVar("State")
Log = dict[str, list[dict[str, Any]]]  # what each side was asked


class Broken(Exception):
    """Not the product but the sweep itself, or a server of its own, is at fault."""


class Control(Protocol):
    """What can be broken and looked at of one side."""

    def fault(self, action: str, **rule: Any) -> None: ...

    def clear_faults(self) -> None: ...

    def requests(self) -> list[dict[str, Any]]: ...

    def clear_requests(self) -> None: ...


class Place(ABC, Generic[State]):
    """Sides that one case at a time uses, for one verb: how it is called, and its laws.

    Attributes:
        controls: Of each side by its name.
    """

    verb: str
    controls: dict[str, Control]

    def requests(self) -> Log:
        return {name: control.requests() for name, control in self.controls.items()}

    def clear(self) -> None:
        """No fault, no access log."""
        for control in self.controls.values():
            control.clear_faults()
            control.clear_requests()

    @property
    def is_quiet(self) -> bool:
        return all("seconds" in one for log in self.requests().values() for one in log)

    @property
    @abstractmethod
    def secrets(self) -> list[str]:
        """What must be told to nobody."""

    @abstractmethod
    def inputs(self, name: str) -> dict[str, str]:
        """The product's."""

    def checkout(self, name: str) -> dict[str, str]:
        """The files that they name."""
        return {}

    def step(self, name: str) -> Step:
        return Step(self.verb, self.inputs(name), self.checkout(name))

    @abstractmethod
    def prepare(self, name: str) -> None:
        """Nothing of earlier cases; what this model has before."""

    @abstractmethod
    def state(self, name: str) -> State:
        """What there is now, looked at from the outside."""

    @abstractmethod
    def broken_by(self, run: Ended, before: State, state: State, log: Log) -> Iterator[str]:
        """Laws that hold however a run ended; where it was killed, it told nothing.

        Args:
            before: What there was before this run.
        """

    @abstractmethod
    def broken_by_a_rerun(self, first: Ended, run: Ended) -> Iterator[str]:
        """Laws of a run after one that has succeeded."""
