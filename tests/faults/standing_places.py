"""A verb that works on versions which are there, in one registry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

from faults.places import Place
from faults.product import Ended
from faults.registries import Registry
from faults.standing import Standing


@dataclass(frozen=True)
class Change:
    """What a verb is asked to change.

    Attributes:
        asked: Its inputs but those that name the model and the registry.
        before, after: How the model stands.
        between: How it may stand where the command was killed: versions half-way.
    """

    verb: str
    asked: dict[str, str]
    before: Standing
    after: Standing
    between: tuple[dict[str, str], ...] = ()


class StandingPlace(Place[Standing]):
    """The subclasses have the laws of a verb."""

    def __init__(self, registry: Registry, change: Change) -> None:
        self._registry, self._change = registry, change
        self.verb = change.verb
        self.controls = {"registry": registry.control}

    @property
    def secrets(self) -> list[str]:
        return self._registry.secrets

    def inputs(self, name: str) -> dict[str, str]:
        confirmed = {"confirm": name} if self._change.asked.get("select") == "all" else {}
        asked = {**self._change.asked, **confirmed}
        return {"model-name": name, **asked, **self._registry.inputs}

    def prepare(self, name: str) -> None:
        self._registry.prepare(name, self._change.before)

    def state(self, name: str) -> Standing:
        return self._registry.look(name)

    def _not_yet(self, state: Standing) -> Iterator[str]:
        """What is not as it is to be in the end."""
        for one in fields(Standing):
            now, wanted = getattr(state, one.name), getattr(self._change.after, one.name)
            if now != wanted:
                yield f"{one.name}: {now}, not {wanted}"


def tells_of_success(run: Ended) -> bool:
    """Whether the summary of a run that failed says what was reached all the same."""
    return ", though" in run.summary.partition("\n")[0]
