"""The steps of a job, and what may happen to it: each as the states that it may lead to."""

from __future__ import annotations

from collections.abc import Iterator

from unit.protocol import (
    DELETED,
    FAILED,
    NOBODY,
    PENDING,
    READY,
    TRIES,
    Job,
    Rules,
    State,
    Step,
    as_registered,
    as_search_shows,
    as_time_passes,
    below,
    bits,
    change,
    created,
    delete,
    ended,
    following,
    is_over,
    put,
    told,
    without_home,
)


def look(state: State, number: int, rules: Rules) -> Iterator[Step]:
    """`existing.look`, and what follows of it: `existing.take`, or the start of `make_version`."""
    for seen, shown in as_search_shows(state):
        found = _found(shown, seen, rules)
        same = [i for i in sorted(found) if shown.versions[i].keyed]
        usable = [i for i in same if shown.versions[i].status != FAILED]
        usable.sort(key=lambda i: not shown.versions[i].taken)
        if not rules.lowest_first:
            usable.sort(key=lambda i: shown.versions[i].status == PENDING)
        if usable:
            yield from _take(shown, number, usable[0], rules)
            continue
        after = shown
        if below(shown, len(shown.versions)) - found:
            after = after._replace(missed=True)
        for place in same:
            after = delete(after, place)
        for clear in _without_leftovers(after, number):
            own = clear.jobs[number].attempt
            staged = put(clear._replace(homes=clear.homes | 1 << own), number, at="create")
            yield "finds no version, clears what ended tries left, and stages its files", staged


def _found(state: State, seen: set[int], rules: Rules) -> set[int]:
    same = [i for i in seen if state.versions[i].keyed]
    # Below a version that is taken there is none, for who took it has looked.
    if same and (state.versions[min(same)].taken or not rules.asks_for_gaps):
        return seen
    found = seen | following(state, seen)
    return found | below(state, max(found, default=0)) if rules.asks_for_gaps else found


def _without_leftovers(state: State, number: int) -> Iterator[State]:
    """`homes.clear_leftovers`."""
    for after in as_time_passes(state, number, set(bits(state.homes))):
        states = [after]
        for attempt in bits(after.homes):
            if is_over(after, number, attempt):
                states = [one for old in states for one in without_home(old, attempt)]
        yield from states


def _take(state: State, number: int, place: int, rules: Rules) -> Iterator[Step]:
    """`existing.take`: waits until it is READY, verifies it, and says that it takes it."""
    name = f"version {place + 1}"
    for text, after in as_registered(state, place):
        if after.versions[place].status == READY:
            yield from _claim(after, number, place, f"finds {name};{text}", rules)
        elif after.versions[place].status == FAILED:
            yield f"finds {name};{text} looks again", put(after, number, at="look")
        else:
            yield from _no_good(after, number, place, f"finds {name};{text}", rules)
    if state.versions[place].status == PENDING and state.faults:
        late = state._replace(faults=state.faults - 1)
        yield from _no_good(late, number, place, f"waits in vain for {name};", rules)


def _claim(state: State, number: int, place: int, text: str, rules: Rules) -> Iterator[Step]:
    """`taking.take_openly`, its first step: it says so, where nobody has yet."""
    go_on = "tidy" if state.jobs[number].own == NOBODY else "drop"
    version = state.versions[place]
    if not rules.says_it_takes or (version.taken and not version.flags):
        yield f"{text} takes it", put(state, number, at=go_on, other=place)
    else:
        claimed = put(change(state, place, taken=True), number, at="check", other=place)
        yield f"{text} says that it takes it", claimed


def _no_good(state: State, number: int, place: int, text: str, rules: Rules) -> Iterator[Step]:
    """`existing._delete_if_abandoned`: of a try that has ended, it goes; else the job fails."""
    maker = state.versions[place].maker
    for after in as_time_passes(state, number, {maker}):
        if is_over(after, number, maker):
            yield from withdraw(after, number, place, "look", text, rules)
        else:
            yield f"{text} its maker may live, so the job fails", ended(after, number, "failed")


def create(state: State, number: int, rules: Rules) -> Iterator[Step]:
    """`registered_model.OwnModel` and `create.create`: a lost reply is followed by a look."""
    own = state.jobs[number].attempt
    if state.model == NOBODY:
        state = state._replace(model=own)
    made = created(state, number, own, rules)
    place = len(state.versions)
    yield f"creates version {place + 1}", put(made, number, at="settle", own=place)
    if not state.faults:
        return
    lost = put(state, number, at="doubt", doubt=True)._replace(faults=state.faults - 1)
    carried = created(lost, number, own, rules)
    yield f"creates version {place + 1}, and the reply is lost", carried
    yield "sends 'create', which is lost", lost
    yield "sends 'create', which is under way", lost._replace(late=lost.late | 1 << own)


def doubt(state: State, number: int, rules: Rules) -> Iterator[Step]:
    """`create._look_for_own`."""
    for seen, after in as_search_shows(state):
        mine = _mine(after, number, seen, rules)
        if mine:
            yield (
                f"finds its version {min(mine) + 1}",
                put(after, number, at="settle", own=min(mine)),
            )
        else:
            yield "finds no version of its own", put(after, number, at="create")


def _mine(state: State, number: int, seen: set[int], rules: Rules) -> set[int]:
    """`create.own_versions`."""
    attempt = state.jobs[number].attempt
    known = below(state, len(state.versions)) if rules.asks_for_gaps else seen
    known = known | following(state, seen)
    return {i for i in known if state.versions[i].maker == attempt and state.versions[i].keyed}


def settle(state: State, number: int, rules: Rules) -> Iterator[Step]:
    """`make._made` waits and verifies; `make._winner` looks at the lower numbers."""
    own = state.jobs[number].own
    if state.versions[own] == DELETED:
        yield "finds its version gone", put(state, number, at="undo", end="look")
        return
    if not state.versions[own].keyed:
        yield "tags its version with the key", change(state, own, keyed=True)
        return
    for text, after in as_registered(state, own):
        if after.versions[own].status != READY:
            yield f"its version{text}", put(after, number, at="undo", end="failed")
        else:
            yield from _settle_ready(after, number, f"its version{text} " * bool(text), rules)


def _settle_ready(state: State, number: int, text: str, rules: Rules) -> Iterator[Step]:
    own = state.jobs[number].own
    lower = sorted(below(state, own)) if rules.looks_below else []
    rivals = [
        i for i in lower
        if state.versions[i].keyed and state.versions[i].status in (READY, PENDING)
    ]  # fmt: skip
    if not rivals:
        kept = change(state, own, taken=rules.says_it_takes)
        yield f"{text}sees none below", put(kept, number, at="drop", other=NOBODY)
        return
    rival, text = rivals[0], f"{text}sees version {rivals[0] + 1} below;"
    if not rules.winner_first:
        yield f"{text} gives up its own", put(state, number, at="drop", other=rival)
        return
    for how, after in as_registered(state, rival):
        if after.versions[rival].status != READY:
            yield f"{text}{how} no good", after
            continue
        yield from _claim(after, number, rival, f"{text}{how}", rules)
    if state.versions[rival].status == PENDING and state.faults:
        yield from _overdue(state._replace(faults=state.faults - 1), number, rival, text, rules)


def _overdue(state: State, number: int, rival: int, text: str, rules: Rules) -> Iterator[Step]:
    """A lower one that is not READY in time may still get so: it goes, or the job fails."""
    text, maker = f"{text} waits in vain;", state.versions[rival].maker
    if not rules.never_skips:
        yield f"{text} keeps its own", put(state, number, at="drop")
        return
    for after in as_time_passes(state, number, {maker}):
        if is_over(after, number, maker):
            yield from withdraw(after, number, rival, "settle", text, rules)
        else:
            yield f"{text} fails", put(after, number, at="undo", end="failed")


def check(state: State, number: int, rules: Rules) -> Iterator[Step]:
    """`taking.take_openly`: having said that it takes it, it looks whether that is withdrawn."""
    job = state.jobs[number]
    place = job.other
    again, go_on = ("look", "tidy") if job.own == NOBODY else ("settle", "drop")
    if state.versions[place] == DELETED:
        yield "sees it vanish, and looks again", put(state, number, at=again, other=NOBODY)
        return
    flags = set(bits(state.versions[place].flags))
    if flags and not rules.waits_for_withdrawer:
        go_on = "look" if job.own == NOBODY else "drop"
        yield "sees it being withdrawn", put(state, number, at=go_on, other=NOBODY)
        return
    if any(not state.ended >> one & 1 for one in flags):
        return  # waits: it is deleted, or left
    for after in as_time_passes(state, number, flags):
        if all(is_over(after, number, one) for one in flags):
            after = change(after, place, flags=0)  # noqa: PLW2901 - one state after another
            yield f"sees that nobody withdraws version {place + 1}", put(after, number, at=go_on)
        else:
            failed = put(after, number, at="undo", end="failed")
            yield "waits in vain for who was withdrawing it", failed


def tidy(state: State, number: int, rules: Rules) -> Iterator[Step]:
    """`existing.take`, its end: what FAILED, and what ended tries have left, goes."""
    chosen = state.jobs[number].other
    for seen, shown in as_search_shows(state):
        found = [i for i in sorted(_found(shown, seen, rules)) if i != chosen]
        if below(shown, len(shown.versions)) - {chosen, *found}:
            shown = shown._replace(missed=True)  # noqa: PLW2901 - one state after another
        others = [i for i in found if shown.versions[i].keyed and not shown.versions[i].taken]
        for after in as_time_passes(shown, number, {shown.versions[i].maker for i in others}):
            over = [i for i in others if is_over(after, number, after.versions[i].maker)]
            victims = [i for i in over if after.versions[i].status != FAILED]
            if victims:
                yield from withdraw(after, number, victims[0], "tidy", "clears", rules)
                continue
            for i in others:
                if rules.clears_failed and after.versions[i].status == FAILED:
                    after = delete(after, i)  # noqa: PLW2901 - one state after another
            for clear in _without_leftovers(after, number):
                yield f"takes version {chosen + 1}", told(clear, number, chosen)


def drop(state: State, number: int, rules: Rules) -> Iterator[Step]:
    """`make.make_version`, its end: the loser withdraws its own, and the staging place goes."""
    job = state.jobs[number]
    chosen = job.own if job.other == NOBODY else job.other
    if chosen == job.own and not (job.doubt and rules.drops_duplicates):
        for after in without_home(state, job.attempt):
            yield f"keeps version {chosen + 1}", told(after, number, chosen)
        return
    for seen, shown in as_search_shows(state):
        victims = _victims(shown, number, seen, rules) - {chosen}
        if victims:
            yield from withdraw(shown, number, min(victims), "drop", "withdraws", rules)
            continue
        for after in without_home(shown, job.attempt):
            for text, last in as_registered(after, chosen):
                yield f"is told version {chosen + 1}{text}", told(last, number, chosen)


def _victims(state: State, number: int, seen: set[int], rules: Rules) -> set[int]:
    """`create.withdraw`: what this try has made, and nobody has taken."""
    mine = _mine(state, number, seen, rules) | {state.jobs[number].own}
    if not rules.own_only:
        mine |= seen
    return {
        i for i in mine - {NOBODY}
        if state.versions[i] != DELETED
        and not (state.versions[i].taken and rules.own_only)
    }  # fmt: skip


def undo(state: State, number: int, rules: Rules) -> Iterator[Step]:
    """`Undo.run`: the version, the registered model where it is ours and empty, the place."""
    job = state.jobs[number]
    state = state._replace(late=state.late & ~(1 << job.attempt))
    for seen, shown in as_search_shows(state):
        victims = _victims(shown, number, seen, rules)
        if victims:
            yield from withdraw(shown, number, min(victims), "undo", "takes back", rules)
            continue
        for after in without_home(shown, job.attempt):
            last = after
            if last.model == job.attempt and all(one == DELETED for one in last.versions):
                last = last._replace(model=NOBODY)
            if job.end == "look":
                yield "begins again", put(last, number, **Job("look", job.attempt)._asdict())
            else:
                yield f"has taken all back: {job.end}", ended(last, number, job.end)


def withdraw(
    state: State, number: int, place: int, back: str, text: str, rules: Rules
) -> Iterator[Step]:
    """`taking.withdraw`, its first step: says that it is about to delete a version."""
    flags = state.versions[place].flags | 1 << state.jobs[number].attempt
    at = "flagged" if rules.own_only or back != "undo" else "doomed"
    after = change(state, place, flags=flags) if rules.says_it_deletes else state
    after = put(after, number, at=at, victim=place, back=back)
    yield f"{text} version {place + 1}: says so", after


def flagged(state: State, number: int, _: Rules) -> Iterator[Step]:
    """`taking.withdraw`, its second step: looks whether somebody has taken it."""
    job = state.jobs[number]
    version = state.versions[job.victim]
    if version.taken:
        flags = version.flags & ~(1 << job.attempt)
        after = change(state, job.victim, flags=flags)
        yield "leaves it, for it is taken", put(after, number, at=job.back, victim=NOBODY)
    elif version == DELETED:
        yield "finds it gone", put(state, number, at=job.back, victim=NOBODY)
    else:
        yield "sees that nobody has taken it", put(state, number, at="doomed")


def doomed(state: State, number: int, _: Rules) -> Iterator[Step]:
    """`taking.withdraw`, its last step."""
    job = state.jobs[number]
    after = delete(state, job.victim) if state.versions[job.victim] != DELETED else state
    good = any(one.status == READY for one in after.versions)
    if job.back == "drop" and state.versions[job.victim].status == READY and not good:
        after = after._replace(broken="a good version is given up before another is verified")
    yield f"deletes version {job.victim + 1}", put(after, number, at=job.back, victim=NOBODY)


STEPS = {
    "begin": look, "look": look, "create": create, "doubt": doubt, "settle": settle, "check": check,
    "tidy": tidy, "drop": drop, "undo": undo, "flagged": flagged, "doomed": doomed,
}  # fmt: skip


def crash(state: State, number: int) -> Iterator[Step]:
    """The process is killed, and the job is run again: two ways."""
    job = state.jobs[number]
    if job.attempt % TRIES + 2 >= TRIES:
        return
    dead = 1 << job.attempt
    after = put(state, number, **Job("look", job.attempt + 1)._asdict())._replace(
        ended=state.ended | dead, faults=state.faults - 1, late=state.late & ~dead
    )
    for text, known in (
        ("a later attempt of its workflow run", state.known[number] | dead),
        ("a job of another workflow run", 0),
    ):
        knows = (*state.known[:number], known, *state.known[number + 1 :])
        yield f"is killed, and run again as {text}", after._replace(known=knows)


def cancel(state: State, number: int) -> Iterator[Step]:
    """A signal, and the undo; what is behind `cancelling.shielded` is ended before."""
    if state.jobs[number].at not in ("drop", "undo", "flagged", "doomed"):
        after = state._replace(faults=state.faults - 1)
        yield "is cancelled", put(after, number, at="undo", end="cancelled", other=NOBODY)


def moves(state: State, rules: Rules) -> Iterator[Step]:
    """All that may happen next. Jobs are alike, so they begin in the order of their numbers."""
    for number, job in enumerate(state.jobs):
        if job.at == "end" or (
            job.at == "begin" and number and state.jobs[number - 1].at == "begin"
        ):
            continue
        name = f"job {number + 1}"
        for text, after in STEPS[job.at](state, number, rules):
            yield f"{name} {text}", after
        if state.faults and job.at != "begin":
            for text, after in (*crash(state, number), *cancel(state, number)):
                yield f"{name} {text}", after
        if state.late >> job.attempt & 1:
            after = created(state, number, job.attempt, rules)
            text = f"job {number + 1}'s late 'create' makes version {len(after.versions)}"
            yield text, after._replace(late=state.late & ~(1 << job.attempt))
