"""The laws of retiring: what goes, and above all what stays."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from faults.laws import was_killed
from faults.places import Log
from faults.product import Ended
from faults.registries import ITS_FILES, STAGING_RUN, Registry
from faults.standing import Standing
from faults.standing_places import Change, StandingPlace, tells_of_success

_GONE = "deleted"


@dataclass(frozen=True)
class Retire(Change):
    """Versions that are to go.

    Attributes:
        kept: The numbers of those that are told to have been kept.
    """

    kept: tuple[str, ...] = ()


class Retiring(StandingPlace):
    """Each version goes or stays; what was not asked for stays as it was."""

    def __init__(self, registry: Registry, retire: Retire) -> None:
        super().__init__(registry, retire)
        self._retire = retire

    def broken_by(self, run: Ended, before: Standing, state: Standing, log: Log) -> Iterator[str]:
        """Laws that hold however the run ended."""
        yield from self._of_what_stands(state, killed=was_killed(run))
        if was_killed(run):
            return
        yield from self._of_the_outputs(run, before, state)
        if run.code == 0:
            yield from self._not_yet(state)

    def _of_what_stands(self, state: Standing, *, killed: bool) -> Iterator[str]:
        retire = self._retire
        for number, stage in retire.before.versions.items():
            allowed = [stage, retire.after.versions.get(number, _GONE)]
            allowed += [one.get(number, "") for one in retire.between if killed]
            if (now := state.versions.get(number, _GONE)) not in allowed:
                yield f"version {number} was in {stage} and is {now}"
        if gone := retire.after.around - state.around:
            yield f"{sorted(gone)} had to stay"
        if new := state.around - retire.before.around:
            yield f"{sorted(new)} is new"
        if state.kept != retire.before.kept or state.requests != retire.before.requests:
            yield f"what has nothing to do with it is touched: {state.kept} {state.requests}"

    def _of_the_outputs(self, run: Ended, before: Standing, state: Standing) -> Iterator[str]:
        """What is told is true."""
        told = run.outputs
        went = [
            number
            for number, stage in before.versions.items()
            if state.versions.get(number) != stage
        ]
        retired = [one["version"] for one in json.loads(told["retired"])]
        if retired != went:
            yield f"it says that {retired} went, and {went} did"
        deleted = before.exists and not state.exists
        if json.loads(told["result"])["model-deleted"] != deleted:
            yield f"it does not say whether the model was deleted: {deleted}"
        copies, cleared = json.loads(told["staging-copies"]), before.around - state.around
        if len(copies) != self._copies(cleared):
            yield f"it says that {copies} went, and {sorted(cleared)} did"
        if run.code and tells_of_success(run) != bool(went or deleted):
            yield f"the summary does not tell what was reached: {went}"
        kept = tuple(one["version"] for one in json.loads(told["kept"]))
        if run.code == 0 and kept != self._retire.kept:
            yield f"it says that {kept} are kept"

    @staticmethod
    def _copies(cleared: frozenset[str]) -> int:
        """A staging run and its files go by one name."""
        return len(cleared - ({ITS_FILES} if STAGING_RUN in cleared else set()))

    def broken_by_a_rerun(self, first: Ended, run: Ended) -> Iterator[str]:
        """There is nothing more to do."""
        for name in ("retired", "staging-copies"):
            if run.outputs[name] != "[]":
                yield f"a re-run says that {run.outputs[name]} went"
