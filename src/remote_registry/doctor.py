"""`doctor`: what would stand in the way of registering, told before anybody tries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from .connection import Connection, connect
from .errors import Failure, NotReady, SignInRefused, WrongHost
from .health import BAD, GOOD, UNKNOWN, Check, Health
from .inputs.doctor import DoctorInputs
from .inputs.scopes import GivenSide, ScopeUri
from .inputs.sides import Databricks, Side
from .looks import NoAnswer, look_at_model, look_at_registry, look_at_source
from .outcome import Log
from .rest import REGISTRY, SOURCE, Role
from .scopes import SecretScope, side_in


@dataclass(frozen=True)
class _Visit:
    """One visit: what is asked, and where each finding goes at once."""

    inputs: DoctorInputs
    outcome: Health
    log: Log

    def tell(self, check: Check) -> None:
        """One thing that was looked at."""
        self.outcome.checks.append(check)
        self.log.line(f"{check.mark} {check.side}: {check.what}: {check.found}")


def doctor(inputs: DoctorInputs, outcome: Health, log: Log) -> None:
    """Looks at both sides, and goes on after a cross. Changes nothing but by `probe`.

    Args:
        outcome: Is filled with each thing that was looked at.

    Raises:
        NotReady: Something that registering needs is missing; with all of it.
    """
    visit = _Visit(inputs, outcome, log)
    source, registry = _both(visit)
    if source:
        with log.group("The source"), _until_it_is_silent(visit, SOURCE):
            look_at_source(source, visit.tell)
    if registry:
        with log.group("The registry"), _until_it_is_silent(visit, REGISTRY):
            look_at_registry(registry, visit.tell, probe=inputs.probe)
            if inputs.model_name:
                look_at_model(registry, inputs.model_name, inputs.stage, visit.tell)
    if inputs.scope:
        with log.group("The scope"):
            said = _said_by(visit, inputs.scope, source, SOURCE)
            by_scope = said and _sign_in(visit, said, REGISTRY, f"the secrets of {inputs.scope}")
            if by_scope and registry:
                _compare_sides(visit.tell, inputs.scope, by_scope, registry)
    outcome.status = "looked at"
    if missing := [check for check in outcome.checks if check.is_missing]:
        raise NotReady(
            "\n".join(f"{one.side}: {one.what}: {one.found}" for one in missing),
            todo=" ".join(dict.fromkeys(one.todo for one in missing if one.todo)),
        )


@contextmanager
def _until_it_is_silent(visit: _Visit, role: Role) -> Iterator[None]:
    try:
        yield
    except NoAnswer:
        found = "not looked at, for it no longer answers as it did"
        visit.tell(Check(role.name, "all else", UNKNOWN, found, needed=False))


def _both(visit: _Visit) -> tuple[Connection | None, Connection | None]:
    """Signs in to each side that lets us; the one that a scope says after the one that has it."""
    inputs, log = visit.inputs, visit.log
    if inputs.tracking is None:
        with log.group("Sign in"):
            registry = _visited(visit, inputs.registry, REGISTRY, None)
            same = registry and replace(registry, rest=registry.rest.as_role(SOURCE))
            return same, registry
    with log.group("Sign in"):
        if isinstance(inputs.tracking, ScopeUri):
            registry = _visited(visit, inputs.registry, REGISTRY, None)
            return _visited(visit, inputs.tracking, SOURCE, registry), registry
        source = _visited(visit, inputs.tracking, SOURCE, None)
        return source, _visited(visit, inputs.registry, REGISTRY, source)


def _visited(
    visit: _Visit, given: GivenSide, role: Role, other: Connection | None
) -> Connection | None:
    if not isinstance(given, ScopeUri):
        return _sign_in(visit, given, role, "host and sign-in")
    side = _said_by(visit, given, other, SOURCE if role is REGISTRY else REGISTRY)
    return _sign_in(visit, side, role, f"the secrets of {given}") if side else None


def _said_by(
    visit: _Visit, uri: ScopeUri, holder: Connection | None, role: Role
) -> Databricks | None:
    """The workspace that a scope says, if it holds what it ought to."""
    what = f"the scope {uri.scope} holds {uri.keys}"
    if holder is None:
        found = "nobody could sign in to the workspace that has it"
        visit.tell(Check(role.name, what, UNKNOWN, found))
        return None
    try:
        side = side_in(SecretScope(holder.rest, uri.scope, visit.log.hide), uri)
    except Failure as error:
        visit.tell(Check(role.name, what, BAD, error.what, error.todo))
        return None
    found = "they can be read" if side.workspace_id else f"all but {uri.key('workspace-id')}"
    visit.tell(Check(role.name, what, GOOD, found))
    return side


def _sign_in(visit: _Visit, side: Side, role: Role, by: str) -> Connection | None:
    """Host, sign-in and id, each a check of its own."""
    kind = "a Databricks workspace" if isinstance(side, Databricks) else "an MLflow server"
    host = f"the host is {kind}"
    # The id is compared here, so that what else is right is told too.
    asked = replace(side, workspace_id="") if isinstance(side, Databricks) else side
    try:
        connection = connect(asked, role, visit.inputs.retry_timeout)
    except Failure as error:
        refused = isinstance(error, SignInRefused) and not isinstance(error, WrongHost)
        if refused:
            visit.tell(Check(role.name, host, UNKNOWN, "it refuses the sign-in"))
            visit.tell(Check(role.name, f"sign-in, by {by}", BAD, error.what, error.todo))
        else:
            visit.tell(Check(role.name, host, BAD, error.what, error.todo))
            visit.tell(Check(role.name, f"sign-in, by {by}", UNKNOWN, "the host can't be asked"))
        return None
    version = ".".join(map(str, connection.server_version))
    found = "it answers as one" if connection.is_databricks else f"MLflow {version}"
    visit.tell(Check(role.name, host, GOOD, found))
    as_whom = f"as {connection.user}" if connection.user else "the server names no user"
    visit.tell(Check(role.name, f"sign-in, by {by}", GOOD, as_whom))
    if not isinstance(side, Databricks):
        return connection
    return connection if _compare_id(visit.tell, side, connection, role) else None


def _compare_sides(
    tell: Callable[[Check], None], uri: ScopeUri, by_scope: Connection, registry: Connection
) -> None:
    what = f"{uri} says this very registry"
    if by_scope.identity == registry.identity:
        tell(Check(REGISTRY.name, what, GOOD, "yes"))
    else:
        todo = "Put this registry's secrets there, by the verb `secrets`, or name the other one."
        tell(Check(REGISTRY.name, what, BAD, "it says another workspace", todo))


def _compare_id(
    tell: Callable[[Check], None], side: Databricks, connection: Connection, role: Role
) -> bool:
    found, given = connection.workspace_id, side.workspace_id
    name = f"{role.prefix}-workspace-id"
    what = "the workspace's id"
    if given and found != given:
        todo = f"Give host, token and workspace-id of one workspace; {name} is of another."
        tell(Check(role.name, what, BAD, f"{found or 'not told'}, and not {given}", todo))
        return False
    if not found:
        tell(Check(role.name, what, UNKNOWN, "the workspace does not tell it"))
    else:
        tell(Check(role.name, what, GOOD, found if given else f"{found}; no {name} to compare"))
    return True
