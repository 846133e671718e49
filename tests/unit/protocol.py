"""The protocol of `register` as a small state machine, every step of which is explored.

Local steps are merged with the next step that others can see: reading a state that never changes
again (READY, FAILED), copying, waiting. A version becomes READY, is shown by search, or has a maker
who is taken for ended, at the moment when somebody first looks, which is as late as can be.

A try is numbered `job * TRIES + n`; a set of tries is a bit mask. Deleted versions keep their
place, for numbers are never used again. A fault costs one of `State.faults`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

TRIES = 4  # of one job at most: two crashes, and the last run
NOBODY = -1
_ALL = (1 << TRIES) - 1  # tries of a job, as a set
PENDING, READY, BAD, FAILED, GONE = "PENDING", "READY", "BAD", "FAILED", "GONE"  # BAD: other files


class Version(NamedTuple):
    """A version in the registry; `BAD` is READY with other files than were logged."""

    maker: int
    status: str
    shown: bool = False  # by search; asked for by its number it is always there
    keyed: bool = True
    taken: bool = False  # the tag of who is about to tell it
    flags: int = 0  # the tags of the tries that are about to delete it
    told: bool = False


DELETED = Version(NOBODY, GONE, shown=True)


class Job(NamedTuple):
    """Where a job is; `own` and `other` are places in `State.versions`, or NOBODY."""

    at: str
    attempt: int
    own: int = NOBODY
    other: int = NOBODY  # the version that it takes, if not its own
    victim: int = NOBODY  # the version that it is about to delete
    back: str = ""  # where it goes on afterwards
    doubt: bool = False  # a reply to "create" was lost
    end: str = ""  # how it ends once all is taken back


class State(NamedTuple):
    """The registry, the staging area, who is known to have ended, and the jobs."""

    jobs: tuple[Job, ...]
    known: tuple[int, ...]  # per job: the tries that an attempt of its workflow run knows are over
    versions: tuple[Version, ...] = ()
    homes: int = 0  # the tries that have a staging place
    ended: int = 0
    abandoned: int = 0  # those that all others take for ended, by the 15 minutes
    model: int = NOBODY
    late: int = 0  # the tries of which a "create" is still on its way
    faults: int = 0
    missed: bool = False  # a run that clears up did not see all, for search lagged behind a gap
    last: bool = False  # one more run, of later, finds all that others have left
    broken: str = ""  # what must never be


@dataclass(frozen=True)
class Rules:
    """The rules of the code; a mutation is one of them turned off."""

    key_in_create: bool = True  # `RegistryApi.create_version`: the tags go with it
    looks_below: bool = True  # `make._winner`
    lowest_first: bool = True  # `plan.Found.usable`
    winner_first: bool = True  # `make._winner`: verified before ours is withdrawn
    own_only: bool = True  # `create.own_versions`: by this try's token
    asks_for_gaps: bool = True  # `existing.look`: lower numbers that search does not show
    says_it_takes: bool = True  # `taking.take_openly`
    says_it_deletes: bool = True  # `taking.withdraw`: first says so, then looks
    waits_for_withdrawer: bool = True  # `taking.take_openly`: it may leave the version yet
    clears_failed: bool = True  # `existing.take`
    drops_duplicates: bool = True  # `make.make_version` after a lost reply
    never_skips: bool = True  # `make._winner`: a lower one that may still get READY


Step = tuple[str, State]


def start(jobs: int, faults: int) -> State:
    """Nothing is there, and nobody has begun."""
    return State(
        tuple(Job("begin", job * TRIES) for job in range(jobs)), (0,) * jobs, faults=faults
    )


def alike(state: State) -> State:
    """The same state for all that differ in nothing but the numbers of the jobs."""
    jobs = range(len(state.jobs))
    order = sorted(jobs, key=lambda number: _of_job(state, number))
    return state if order == [*jobs] else _renumbered(state, order)


def _of_job(state: State, number: int) -> tuple[object, ...]:
    """All that a state holds of a job, without its number."""
    job, first = state.jobs[number], number * TRIES
    masks = (state.known[number], state.homes, state.ended, state.abandoned, state.late)
    seen = [(one.maker - first if one.maker // TRIES == number else NOBODY,
             one.flags >> first & _ALL) for one in state.versions]  # fmt: skip
    own = (job.attempt - first, state.model - first if state.model // TRIES == number else NOBODY)
    return (job[0], own, job[2:], [mask >> first & _ALL for mask in masks], seen)


def _renumbered(state: State, order: list[int]) -> State:
    def mask(tries: int) -> int:
        return sum((tries >> old * TRIES & _ALL) << new * TRIES for new, old in enumerate(order))

    def one(attempt: int) -> int:
        return NOBODY if attempt == NOBODY else mask(1 << attempt).bit_length() - 1

    jobs = [state.jobs[old] for old in order]
    return state._replace(
        jobs=tuple(job._replace(attempt=one(job.attempt)) for job in jobs),
        known=tuple(mask(state.known[old]) for old in order),
        versions=tuple(
            version._replace(maker=one(version.maker), flags=mask(version.flags))
            for version in state.versions
        ),
        homes=mask(state.homes),
        ended=mask(state.ended),
        abandoned=mask(state.abandoned),
        model=one(state.model),
        late=mask(state.late),
    )


def bits(mask: int) -> Iterator[int]:
    """The tries of a set."""
    return (one for one in range(mask.bit_length()) if mask >> one & 1)


def put(state: State, number: int, **changes: object) -> State:
    """Changes one job."""
    jobs = list(state.jobs)
    jobs[number] = jobs[number]._replace(**changes)  # type: ignore[arg-type]
    return state._replace(jobs=tuple(jobs))


def change(state: State, place: int, **changes: object) -> State:
    """Changes one version."""
    versions = list(state.versions)
    versions[place] = versions[place]._replace(**changes)  # type: ignore[arg-type]
    return state._replace(versions=tuple(versions))


def is_over(state: State, number: int, attempt: int) -> bool:
    """`attempt.Attempt.is_over`."""
    own = attempt == state.jobs[number].attempt
    return own or bool((state.known[number] | state.abandoned) >> attempt & 1)


def as_time_passes(state: State, number: int, tries: set[int]) -> Iterator[State]:
    """Of tries that matter now and have ended, any may be taken for abandoned by now."""
    asked = [one for one in tries if state.ended >> one & 1 and not is_over(state, number, one)]
    for size in range(len(asked) + 1):
        for some in combinations(asked, size):
            yield state._replace(abandoned=state.abandoned | sum(1 << one for one in some))


def as_search_shows(state: State) -> Iterator[tuple[set[int], State]]:
    """The places that `RegistryApi.versions` shows; it may lag, but forgets nothing."""
    unseen = [place for place, one in enumerate(state.versions) if not one.shown]
    for size in range(len(unseen) + 1):
        for some in combinations(unseen, size):
            after = state
            for place in some:
                after = change(after, place, shown=True)
            yield {i for i, one in enumerate(after.versions) if one.shown and one != DELETED}, after


def following(state: State, seen: set[int]) -> set[int]:
    """`RegistryApi.hidden`: the numbers after the highest one seen, up to the first that is not."""
    found: set[int] = set()
    place = max(seen, default=-1) + 1
    while place < len(state.versions) and state.versions[place] != DELETED:
        found.add(place)
        place += 1
    return found


def below(state: State, place: int) -> set[int]:
    """All that is there below a number: what search does not show is asked for by its number."""
    return {other for other in range(place) if state.versions[other] != DELETED}


def as_registered(state: State, place: int) -> Iterator[tuple[str, State]]:
    """What becomes of a PENDING version while it is waited for; a fault where it is not READY."""
    version = state.versions[place]
    if version.status != PENDING:
        yield "", state
        return
    yield " gets READY;", change(state, place, status=READY)
    if state.faults:
        less = state._replace(faults=state.faults - 1)
        yield " FAILS;", change(less, place, status=FAILED)
        yield " gets READY with other files;", change(less, place, status=BAD)


def without_home(state: State, attempt: int) -> Iterator[State]:
    """A staging place is discarded; a version that is being made from it fails, or was quicker."""
    if not state.homes >> attempt & 1:
        yield state
        return
    state = state._replace(homes=state.homes & ~(1 << attempt))
    made = [i for i, one in enumerate(state.versions) if one[:2] == (attempt, PENDING)]
    if not made:
        yield state
        return
    for status in (READY, FAILED):
        after = state
        for place in made:
            after = change(after, place, status=status)
        yield after


def delete(state: State, place: int) -> State:
    """`RegistryApi.delete_version`."""
    if state.versions[place].told:
        state = state._replace(broken=f"version {place + 1} was told, and is deleted")
    versions = list(state.versions)
    versions[place] = DELETED
    return state._replace(versions=tuple(versions))


def created(state: State, number: int, attempt: int, rules: Rules) -> State:
    """The registry carries out a "create": the next number."""
    version = Version(attempt, PENDING, keyed=rules.key_in_create)
    if not state.homes >> attempt & 1:
        version = version._replace(status=FAILED)
    return state._replace(versions=(*state.versions, version))


def told(state: State, number: int, place: int) -> State:
    """The job says which version it is, and promotes it: `register._tell_version`, `finish`."""
    version = state.versions[place]
    others = [i for i, one in enumerate(state.versions) if one.told and i != place]
    if version.status != READY:
        state = state._replace(broken=f"version {place + 1} is told, and is {version.status}")
    if others:
        state = state._replace(broken=f"versions {others[0] + 1} and {place + 1} are told")
    if version != DELETED:
        state = change(state, place, told=True)
    return ended(state, number, "success")


def ended(state: State, number: int, end: str) -> State:
    """A job comes to its end; its marks are renewed no more, and no "create" of it is under way."""
    attempt = state.jobs[number].attempt
    state = state._replace(ended=state.ended | 1 << attempt, late=state.late & ~(1 << attempt))
    return put(state, number, at="end", own=NOBODY, other=NOBODY, victim=NOBODY, back="",
               doubt=False, end=end)  # fmt: skip
