"""Registering between two sides; the subclasses say which."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator

from faults import registration_laws
from faults.places import Log, Place
from faults.product import Ended
from faults.registrations import Goal, Registered


class Registering(Place[Registered]):
    """A source that is registered, and promoted at once."""

    verb = "register"
    goal: Goal

    @abstractmethod
    def lag(self, seconds: float) -> None:
        """How long the registry's search does not show a new version."""

    def broken_by(
        self, run: Ended, before: Registered, state: Registered, log: Log
    ) -> Iterator[str]:
        """Laws that hold however the run ended."""
        yield from registration_laws.broken_by(self.goal, run, state, log)

    def broken_by_a_rerun(self, first: Ended, run: Ended) -> Iterator[str]:
        """It finds the version, and tells the same of it."""
        yield from registration_laws.broken_by_a_rerun(first, run)
