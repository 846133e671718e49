"""`secrets`: three secrets in the source's workspace say the registry's, and work."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from .cancelling import shielded
from .connection import connect
from .errors import ScopeRefused
from .inputs.scopes import KINDS, ScopeUri
from .inputs.secrets import SecretsInputs
from .inputs.sides import Databricks
from .kept import ABSENT, SAME, Kept
from .outcome import Log
from .rest import REGISTRY, SOURCE
from .scopes import DATABRICKS, SecretScope, forms

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
        backend = scope.backend()
        found = {key: scope.whole_value(key) if backend else None for key in wanted}
        secret_steps = list(_secret_steps(scope, uri, wanted, found))
        if any(step.act for step in secret_steps):
            _check_backend(scope, uri, backend)
        scope_steps = _scope_steps(scope, backend) if inputs.registry else []
        granting = list(_grants(scope, inputs.readers, local.user, is_there=bool(backend)))
        if inputs.dry_run:
            outcome.status = "planned"
        for step in (*scope_steps, *secret_steps, *granting):
            if step.act and not inputs.dry_run:
                step.act()
            outcome.changes.append((step.what, step.how))
            log.line(f"{step.what}: {step.how}")
        if not inputs.dry_run:
            _check_that_nobody_else_wrote(scope, uri, wanted, found)
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


def _check_backend(scope: SecretScope, uri: ScopeUri, backend: str) -> None:
    if backend not in ("", DATABRICKS):
        raise ScopeRefused(
            f"The scope is kept by {backend}, where a workspace only reads. Nothing was written.",
            where=scope.where,
            todo=f"Change {uri.keys} there, or name a scope of Databricks' own.",
        )


def _scope_steps(scope: SecretScope, backend: str) -> list[Step]:
    return [Step(f"scope {scope.name}", *((SAME,) if backend else ("made", scope.make)))]


def _grants(
    scope: SecretScope, readers: tuple[str, ...], user: str, *, is_there: bool
) -> Iterator[Step]:
    # Who makes a scope manages it, and a READ that is granted takes the place of that.
    granted = scope.permissions() if is_there and readers else {user: "MANAGE"}
    rights = {principal.casefold(): right for principal, right in granted.items()}
    for reader in readers:
        if rights.get(reader.casefold()) in _MAY_READ:
            yield Step(f"READ for {reader}", SAME)
        else:
            yield Step(f"READ for {reader}", "granted", partial(scope.grant, reader))


def _check_that_nobody_else_wrote(
    scope: SecretScope, uri: ScopeUri, wanted: Mapping[str, str], before: Mapping[str, str | None]
) -> None:
    """Two jobs that put different workspaces at once would leave one's host and other's token."""
    if all(before[key] == (text or None) for key, text in wanted.items()):
        return
    now = {key: scope.whole_value(key) for key in wanted}
    # What was there before is no sign of anybody: reading may lag behind writing.
    others = [key for key in wanted if now[key] not in (wanted[key] or None, before[key])]
    if not others:
        return
    token = uri.key("token")
    if token not in others and wanted[token]:
        scope.take_out(token)
    raise ScopeRefused(
        f"Somebody else has written {' and '.join(others)} at the same time.",
        where=scope.where,
        todo="Run again when nobody else does; it puts all three as one set.",
    )


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
