"""The laws of promoting, of going back, and of approving: who stands where."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from faults.laws import was_killed
from faults.places import Log
from faults.product import Ended
from faults.registries import Registry
from faults.standing import Standing
from faults.standing_places import Change, StandingPlace, tells_of_success

_MOVING = ("/transition-stage", "/registered-models/alias", "/transition-requests/approve")


@dataclass(frozen=True)
class Move(Change):
    """A version that is to stand somewhere in the end.

    Attributes:
        version: Its number.
        previous: The one that is told to have stood there before.
    """

    version: str = "2"
    previous: str = "1"

    @property
    def target(self) -> str:
        return self.asked.get("stage") or self.asked["alias"]


class Moving(StandingPlace):
    """A version is moved: that is done, or it is not begun."""

    def __init__(self, registry: Registry, move: Move) -> None:
        super().__init__(registry, move)
        self._move = move

    def broken_by(self, run: Ended, before: Standing, state: Standing, log: Log) -> Iterator[str]:
        """Laws that hold however the run ended."""
        move = self._move
        moved = state.versions == move.after.versions
        yield from self._of_the_standing(run, state, moved)
        sent = [one for one in log["registry"] if one["path"].endswith(_MOVING)]
        if before == move.after and any(one["method"] == "POST" for one in sent):
            yield "what was done already is done again"
        if sum(one["path"].endswith("/approve") and _is_done(one) for one in sent) > 1:
            yield "it is approved twice"
        if was_killed(run):
            return
        yield from self._of_the_outputs(run, state, moved)
        if run.code == 0:
            yield from self._not_yet(state)

    def _of_the_standing(self, run: Ended, state: Standing, moved: bool) -> Iterator[str]:
        move = self._move
        half_way = was_killed(run) and state.versions in move.between
        if not (moved or half_way or state.versions == move.before.versions):
            yield f"the versions stand half-way: {state.versions}"
        records = [move.after.kept] if moved or half_way else [move.before.kept, move.after.kept]
        if state.kept not in records:
            yield f"what is kept of who stood there before: {state.kept}"
        if state.requests != (move.after if moved else move.before).requests:
            yield f"the requests that are open: {state.requests}"
        if state.around != move.after.around or not state.exists:
            yield "what has nothing to do with it is touched"

    def _of_the_outputs(self, run: Ended, state: Standing, moved: bool) -> Iterator[str]:
        """What is told is true."""
        move, told = self._move, run.outputs
        stands = (told["stage"], *json.loads(told["result"])["aliases"])
        if (told["version"] == move.version and move.target in stands) != moved:
            yield f"it says {told['version']} stands in {stands}, and moved is {moved}"
        if told["previous-version"] == told["version"] != "":
            yield "a version names itself as who stood there before"
        if moved and told["previous-version"] != move.previous:
            yield f"it says {told['previous-version']!r} stood there before"
        if ("To go back" in run.summary) != moved:
            yield f"the summary tells a way back: {not moved}; moved is {moved}"
        if run.code and tells_of_success(run) != moved:
            yield f"the summary does not tell what was reached: moved is {moved}"
        if moved and "requests" in told:
            open_ = tuple(
                f"{move.version} to {one['stage']}" for one in json.loads(told["requests"])
            )
            own = tuple(one for one in state.requests if one.startswith(f"{move.version} "))
            if open_ != own:
                yield f"it says that is open: {open_}, and open is {own}"

    def broken_by_a_rerun(self, first: Ended, run: Ended) -> Iterator[str]:
        """It tells the same."""
        for name in ("version", "stage", "previous-version", "digest", "download-uri", "created"):
            if first.outputs[name] != run.outputs[name]:
                yield f"a re-run says {name} {run.outputs[name]!r}, not {first.outputs[name]!r}"


def _is_done(entry: dict[str, Any]) -> bool:
    """Whether a server has carried out a request; with a page instead of an answer it has not."""
    return entry["status"] == 200 and entry["fault"] != "html"
