"""The protocol is explored to its last state, and each of its rules is shown to be needed."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from unit.protocol import DELETED, READY, TRIES, Job, Rules, State, alike, start
from unit.protocol_steps import moves


def one_more_run(state: State) -> State:
    """Later: search has caught up, all marks are old, and somebody runs the job again."""
    if state.last:
        return state
    return state._replace(
        jobs=(Job("look", TRIES - 1), *state.jobs[1:]),
        versions=tuple(one._replace(shown=True) for one in state.versions),
        abandoned=state.ended,
        faults=0,
        last=True,
    )


def is_clear_now(state: State) -> bool:
    """Whether nothing is left for a later run: every job that was killed has been run to success.

    As later attempts of their workflow runs, and with a search that has caught up.
    """
    killed = [job.attempt % TRIES for job in state.jobs]
    known = all(known.bit_count() == n for known, n in zip(state.known, killed, strict=True))
    ended_well = all(job.end == "success" for job in state.jobs)
    return known and ended_well and not state.missed


def wrong_at_the_end(state: State) -> str:
    """What is not as it ought to be once all is done."""
    left = [one for one in state.versions if one != DELETED]
    if state.homes:
        return "a staging place is left"
    if len([one for one in left if one.status == READY]) != 1:
        return f"there are {len([one for one in left if one.status == READY])} usable versions"
    if len(left) != 1:
        return "a half-made version is left"
    if not left[0].told:
        return "the version that is there is not the one that was told"
    return "" if all(job.end for job in state.jobs) else "a job has not ended"


def explore(first: State, rules: Rules) -> tuple[int, list[str]]:
    """All states that can be reached; and the shortest story of one that must not be.

    Of states that differ in the numbers of the jobs alone, one is looked at.
    """
    before: dict[State, State | None] = {first: None}
    layer = [first]
    while layer:
        following = []
        for state in layer:
            after = [later for _, later in moves(state, rules)] or [one_more_run(state)]
            if wrong := wrong_with(state, after):
                return len(before), story(before, state, rules, wrong)
            for later in map(alike, after):
                if later not in before:
                    before[later] = state
                    following.append(later)
        layer = following
    return len(before), []


def wrong_with(state: State, after: list[State]) -> str:
    """What must not be: at any time, or at the end."""
    if state.broken:
        return state.broken
    if any(job.at != "end" for job in state.jobs):
        return "nobody can go on" if after == [one_more_run(state)] else ""
    return wrong_at_the_end(state) if state.last or is_clear_now(state) else ""


def story(before: dict[State, State | None], last: State, rules: Rules, wrong: str) -> list[str]:
    """How it came to a state, step by step."""
    path: list[State] = []
    earlier: State | None = last
    while earlier is not None:
        path.append(earlier)
        earlier = before[earlier]
    state, lines = path.pop(), []
    while path:
        following = path.pop()
        later = [(text, after) for text, after in moves(state, rules) if alike(after) == following]
        text, state = later[0] if later else ("later, the job is run once more", following)
        lines.append(text)
    return [*lines, wrong]


@pytest.mark.timeout(600)  # it takes a quarter of a minute where nothing else runs
@pytest.mark.parametrize(("jobs", "faults"), [(1, 2), (2, 2), (3, 1)])
def test_no_end_with_two_versions_or_with_rubbish(jobs: int, faults: int) -> None:
    states, told = explore(start(jobs, faults), Rules())
    print(f"{jobs} jobs, {faults} faults: {states} states")
    assert not told, "\n".join(told)


@pytest.mark.parametrize("rule", [field.name for field in fields(Rules)])
def test_each_rule_is_needed(rule: str) -> None:
    for faults in range(3):
        _, told = explore(start(2, faults), replace(Rules(), **{rule: False}))
        if told:
            break
    print("\n".join(told))
    assert told
