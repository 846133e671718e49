"""`many`: the models of a file, registered side by side over one pair of connections."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from . import cancelling
from .again import may_start_again
from .attempt import Attempt
from .connection import Connection, connect_both
from .errors import Cancelled, Failure, NeedsStores, bug
from .files.sharing import Sharing
from .inputs.many import ManyInputs
from .inputs.register import RegisterInputs
from .job import Job
from .outcome import Outcome
from .provenance import Provenance
from .register import Setting, carry_out, prepare
from .registry.mlflow_server import reach_store
from .retry import Transient
from .sessions import widen
from .several import Entry, Several, matrix_of
from .side_by_side import side_by_side
from .voice import Teller, Voice

_AT_ONCE = 8  # models: a workspace makes 20 versions at a time at most, of all its clients
_CALLS = 32  # that go on beside the copies


@dataclass
class _Model:
    """One model: what is asked, how far it is, and its job once its source is found."""

    inputs: RegisterInputs
    entry: Entry
    voice: Voice
    job: Job | None = None
    needs: NeedsStores | None = None
    is_done: bool = False


def many(
    inputs: ManyInputs,
    provenance: Provenance,
    new_attempt: Callable[[], Attempt],
    outcome: Several,
    log: Teller,
) -> None:
    """Registers each model on its own: one that fails stops no other.

    Models of one name go one after another, in the order of the file; others side by side.

    Args:
        new_attempt: Makes a try of its own for each model, by whose mark others know what it made.
        outcome: Is filled as things come true; also when this raises.

    Raises:
        SomeFailed: Some of them failed; with the exit code of the worst.
        NeedsStores: Files are in an object store; nothing was written yet.
        Failure: Signing in failed.
    """
    if inputs.matrix:
        outcome.matrix, outcome.status = matrix_of(inputs.matrix), "planned"
        return
    models = [_model(one, outcome, log) for one in inputs.models]
    sides = _connected(models, inputs, log)
    sharing = Sharing(inputs.max_connections, cancelling.look)
    try:
        finding = [partial(_find, one, sides, provenance, new_attempt(), sharing) for one in models]
        _find_and_register(models, finding, sides[1], min(_AT_ONCE, inputs.max_connections))
    except Cancelled as cancelled:
        _tell_cancelled(models)
        outcome.gather_left(cancelled)
        raise
    except cancelling.Hurry:
        for one in models:
            one.voice.end()
        _tell_cancelled(models)
        raise
    finally:
        outcome.settle()
    _start_again_if_useful(models)
    if whole := outcome.failure():
        raise whole


def _model(inputs: RegisterInputs, outcome: Several, log: Teller) -> _Model:
    entry = Entry(Outcome(inputs.model_name))
    outcome.entries.append(entry)
    return _Model(inputs, entry, Voice(inputs.model_name, log))


def _tell_cancelled(models: Iterable[_Model]) -> None:
    """Also of those whose turn has not come: nothing has failed of them, and nothing is done."""
    for one in models:
        if not one.is_done:
            one.entry.failure = one.entry.failure or Cancelled(cancelling.received())


def _connected(
    models: Iterable[_Model], inputs: ManyInputs, log: Teller
) -> tuple[Connection, Connection]:
    if inputs.registry is None:
        raise AssertionError("a side that is not given is a problem noted")
    with log.group("Connect"):
        try:
            sides = connect_both(inputs.registry, inputs.tracking, inputs.retry_timeout, log.hide)
        except (Failure, Cancelled) as ending:
            for one in models:
                one.entry.failure = ending
            raise
        for connection in sides:
            widen(connection.rest.session, inputs.max_connections + _CALLS)
            log.line(f"signed in to {connection.label}")
    return sides


def _of_its_own(connection: Connection) -> Connection:
    """The same session; with a patience of its own, which shrinks while something is undone."""
    return replace(connection, rest=connection.rest.as_role(connection.rest.role))


def _find_and_register(
    models: Iterable[_Model],
    finding: Sequence[Callable[[], None]],
    registry: Connection,
    at_once: int,
) -> None:
    side_by_side(finding, at_once)
    _start_again_if_needed(models, registry)
    by_name: dict[str, list[_Model]] = {}
    for one in models:
        by_name.setdefault(one.inputs.model_name, []).append(one)
    side_by_side([partial(_register, group) for group in by_name.values()], at_once)


def _find(
    model: _Model,
    sides: tuple[Connection, Connection],
    provenance: Provenance,
    attempt: Attempt,
    sharing: Sharing,
) -> None:
    source, registry = map(_of_its_own, sides)
    setting = Setting((source, registry), provenance, attempt, sharing)

    def find() -> None:
        model.job = prepare(model.inputs, setting, model.entry.outcome, model.voice)

    _kept(model, find)


def _register(group: Iterable[_Model]) -> None:
    for model in group:
        if model.job:
            _kept(model, partial(carry_out, model.job))
            model.is_done = model.entry.failure is None


def _kept(model: _Model, step: Callable[[], None]) -> None:
    """Carries out a step; what goes wrong is the model's own, and told at once."""
    if signum := cancelling.received():
        model.entry.failure = Cancelled(signum)
        return
    begun = time.monotonic()
    try:
        step()
    except NeedsStores as needed:
        model.needs = model.entry.failure = needed
    except Cancelled as cancelled:
        model.voice.line(f"cancelled: {'; '.join(cancelled.left) or 'nothing'} is left behind")
        model.entry.failure = cancelled
    except Failure as failure:
        model.entry.failure = failure
        model.voice.error(failure)
    except Transient as passing:
        model.entry.failure = passing.failure
        model.voice.error(passing.failure)
    except Exception as error:  # noqa: BLE001 - a bug of ours, which stops no other model
        model.entry.failure = bug(error, model.voice.line)
        model.voice.error(model.entry.failure)
    finally:
        model.entry.outcome.seconds += time.monotonic() - begun


def _start_again_if_needed(models: Iterable[_Model], registry: Connection) -> None:
    """Before anything is written: what is made now would later be found, and called an old one.

    Raises:
        NeedsStores: Files of some model come from an object store, or the registry's go to one.
    """
    if not may_start_again(os.environ):
        return
    places = [one.needs.place for one in models if one.needs]
    try:
        if not registry.is_databricks:
            reach_store(registry.rest)
    except NeedsStores as needed:
        places.append(needed.place)
    except (Failure, Transient):
        pass  # whoever needs the store tells of it
    if places:
        raise NeedsStores(", ".join(dict.fromkeys(places)))


def _start_again_if_useful(models: Iterable[_Model]) -> None:
    """A need that showed late: whatever was made meanwhile would be called an old one then.

    Raises:
        NeedsStores: Nothing was made.
    """
    made = any(one.entry.outcome.created for one in models)
    for one in models:
        if one.needs and may_start_again(os.environ) and not made:
            raise one.needs
        if one.needs:
            one.voice.error(one.needs)
