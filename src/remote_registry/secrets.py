"""`secrets`: three secrets in the source's workspace say the registry's, and work."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from .cancelling import shielded
from .connection import connect
from .inputs.scopes import KINDS, ScopeUri
from .inputs.secrets import SecretsInputs
from .inputs.sides import Databricks
from .kept import ABSENT, SAME, Kept
from .outcome import Log
from .rest import REGISTRY, SOURCE
from .scopes import SecretScope, forms

_MAY_READ = ("READ", "WRITE", "MANAGE")


@dataclass(frozen=True)
class Step:
    """One thing that is to be so: what it is, what becomes of it, and how, if anything does."""

    what: str
    how: str
    act: Callable[[], None] | None = None


def secrets(inputs: SecretsInputs, outcome: Kept, log: Log) -> None:
    """Puts the three secrets, or takes them out; what is so already is left alone.

    The registry's workspace is signed in to first, so that a scope never holds what does not work.

    Args:
        outcome: Is filled as things come true; also when this raises.

    Raises:
        SignInRefused: Of either workspace; nothing was written.
        ScopeRefused: The scope may not be read or written.
    """
    uri = inputs.uri
    outcome.uri = str(uri)
    with log.group("Connect"):
        wanted = _wanted(inputs.registry, uri, inputs.retry_timeout, log)
        local = connect(inputs.tracking, SOURCE, inputs.retry_timeout)
        log.line(f"signed in to {local.label}")
    scope = SecretScope(local.rest, uri.scope, log.hide)
    with log.group("Secrets"):
        steps = list(_steps(scope, uri, wanted, inputs.readers, local.user))
        if inputs.dry_run:
            outcome.status = "planned"
        for step in steps:
            if step.act and not inputs.dry_run:
                step.act()
            outcome.changes.append((step.what, step.how))
            log.line(f"{step.what}: {step.how}")
    if not inputs.dry_run:
        outcome.status = "in place" if inputs.registry else "taken out"


def _wanted(registry: Databricks | None, uri: ScopeUri, seconds: float, log: Log) -> dict[str, str]:
    """What the three are to hold, by key; an empty text where one is not to be there."""
    if not registry:
        return {uri.key(kind): "" for kind in KINDS}
    log.hide([*forms(registry.url), *forms(registry.workspace_id)])
    side = connect(registry, REGISTRY, seconds)
    log.hide(forms(side.workspace_id))
    log.line("signed in to the registry's workspace, which is the one that was named")
    texts = (registry.url, registry.token.value, side.workspace_id)
    return {uri.key(kind): text for kind, text in zip(KINDS, texts, strict=True)}


def _steps(
    scope: SecretScope,
    uri: ScopeUri,
    wanted: Mapping[str, str],
    readers: tuple[str, ...],
    user: str,
) -> Iterator[Step]:
    """What is to be done: a pure decision once the scope has been read."""
    is_there = scope.is_there()
    if any(wanted.values()):
        made = None if is_there else scope.make
        yield Step(f"scope {scope.name}", "made" if made else SAME, made)
    found = {key: scope.value(key) if is_there else None for key in wanted}
    yield from _secret_steps(scope, uri, wanted, found)
    # Who makes a scope manages it, and a READ that is granted takes the place of that.
    granted = scope.permissions() if is_there and readers else {user: "MANAGE"}
    for reader in readers:
        if granted.get(reader) in _MAY_READ:
            yield Step(f"READ for {reader}", SAME)
        else:
            yield Step(f"READ for {reader}", "granted", partial(scope.grant, reader))


def _secret_steps(
    scope: SecretScope, uri: ScopeUri, wanted: Mapping[str, str], found: Mapping[str, str | None]
) -> Iterator[Step]:
    host, token, number = (uri.key(kind) for kind in KINDS)
    moves = found[host] != wanted[host] and found[token] not in (None, wanted[token])
    # The token is taken out before another host is put, and put last: nobody who reads meanwhile
    # sends one workspace's token to the other.
    for key in (token, host, number) if not wanted[host] else (host, number, token):
        before = (lambda: scope.take_out(token)) if moves and key == host else None
        yield _secret_step(scope, key, wanted[key], found[key], before)


def _secret_step(
    scope: SecretScope,
    key: str,
    wanted: str,
    found: str | None,
    before: Callable[[], None] | None,
) -> Step:
    if not wanted:
        if found is None:
            return Step(key, ABSENT)
        return Step(key, "taken out", lambda: scope.take_out(key))
    if found == wanted:
        return Step(key, SAME)

    def put() -> None:
        with shielded():
            if before:
                before()
            scope.put(key, wanted)

    return Step(key, "put" if found is None else "replaced", put)
