"""Several models of a file in one job, each under the laws of a registration."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from faults import registration_laws
from faults.laws import was_killed
from faults.places import Log, Place
from faults.product import Ended
from faults.registering_place import Registering
from faults.registrations import Registered

_FILE = "models.yml"
_SIDES = ("tracking-", "registry-")
State = list[Registered]


class Many(Place[State]):
    """A registration of its own for each model, between the same two sides."""

    verb = "many"

    def __init__(self, models: list[Registering]) -> None:
        self._models = models
        self.controls = models[0].controls

    @property
    def secrets(self) -> list[str]:
        return self._models[0].secrets

    def inputs(self, name: str) -> dict[str, str]:
        sides = self._models[0].inputs(name).items()
        named = {key: text for key, text in sides if key.startswith(_SIDES)}
        return {"models": _FILE, **named}

    def checkout(self, name: str) -> dict[str, str]:
        models = [
            {key: text for key, text in one.inputs(own).items() if not key.startswith(_SIDES)}
            for own, one in self._named(name)
        ]
        return {_FILE: json.dumps({"models": models})}

    def prepare(self, name: str) -> None:
        for own, one in self._named(name):
            one.prepare(own)

    def state(self, name: str) -> State:
        return [one.state(own) for own, one in self._named(name)]

    def broken_by(self, run: Ended, before: State, state: State, log: Log) -> Iterator[str]:
        """The laws of each; and what is told of all is no better than the worst of them."""
        if was_killed(run):
            return
        results = json.loads(run.outputs["results"])
        if run.code == 0 and len(results) != len(self._models):
            yield f"it tells of {len(results)} models"
        if results and (run.code == 0) != all(one["exit-code"] == 0 for one in results):
            yield f"it ended with {run.code}: {[one['exit-code'] for one in results]}"
        for number, (result, now) in enumerate(zip(results, state, strict=False)):
            goal = self._models[number].goal
            # Whose requests are whose is not in the log, so it has none of the order of one's.
            own = registration_laws.broken_by(goal, _of(run, result), now, {"registry": []})
            yield from (f"model {number}: {broken}" for broken in own)

    def broken_by_a_rerun(self, first: Ended, run: Ended) -> Iterator[str]:
        """It finds each version, and tells the same of it."""
        told = [json.loads(one.outputs["results"]) for one in (first, run)]
        for number, (once, again) in enumerate(zip(*told, strict=True)):
            runs = _of(first, once), _of(run, again)
            own = registration_laws.broken_by_a_rerun(*runs)
            yield from (f"model {number}: {broken}" for broken in own)

    def _named(self, name: str) -> Iterator[tuple[str, Registering]]:
        for number, one in enumerate(self._models):
            yield f"{name}x{number}", one


def _of(run: Ended, result: dict[str, Any]) -> Ended:
    """As if the model had been registered alone."""
    texts = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in (result | {"result": result}).items()
    }
    output = "".join(f"{name}<<END\n{text}\nEND\n" for name, text in texts.items())
    return replace(run, code=result["exit-code"], output=output)
