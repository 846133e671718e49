"""Signing in to one side, and making sure that it is the one that was named."""

from __future__ import annotations

import re
from concurrent.futures import as_completed
from dataclasses import dataclass, replace

from .background import in_background
from .errors import Failure, SignInRefused, WrongHost
from .inputs.registries import RegistryInputs
from .inputs.scopes import GivenSide, ScopeUri
from .inputs.sides import Databricks, Side
from .outcome import Log
from .rest import REGISTRY, SOURCE, ApiError, Rest, Role
from .retry import RETRY_SECONDS
from .scopes import Hide, SecretScope, side_in


@dataclass(frozen=True)
class Connection:
    """One side, signed in to.

    Attributes:
        workspace_id: The Databricks workspace's own id; empty on an MLflow server, and where the
            workspace does not tell it.
        user: Whom the workspace takes us for; empty on an MLflow server.
        server_version: The MLflow server's (major, minor); (0, 0) on Databricks.
    """

    rest: Rest
    is_databricks: bool
    workspace_id: str = ""
    user: str = ""
    server_version: tuple[int, int] = (0, 0)

    @property
    def url(self) -> str:
        """`https://<host>`, or an MLflow server's URI."""
        return self.rest.url

    @property
    def identity(self) -> str:
        """What tells this workspace or server from any other."""
        return self.workspace_id or self.url

    @property
    def label(self) -> str:
        """How messages call it."""
        kind = "workspace" if self.is_databricks else "MLflow server"
        return f"the {self.rest.role.name} {kind} {self.url}"

    @property
    def has_logged_models(self) -> bool:
        """Whether it knows logged models, as MLflow 3 does."""
        return self.is_databricks or self.server_version >= (3, 0)

    def run_page(self, experiment_id: str, run_id: str) -> str:
        """A run's page, in the form that MLflow parses the workspace id out of.

        The form is `get_databricks_run_url`'s of mlflow/utils/databricks_utils.py.
        """
        page = f"experiments/{experiment_id}/runs/{run_id}"
        if self.is_databricks:
            return f"{self.url}?o={self.workspace_id}#mlflow/{page}"
        return f"{self.url}/#/{page}"

    def version_page(self, name: str, version: str) -> str:
        """The page of a version that a person opens."""
        from urllib.parse import quote

        page = f"models/{quote(name, safe='')}/versions/{version}"
        if self.is_databricks:
            return f"{self.url}/?o={self.workspace_id}#mlflow/{page}"
        return f"{self.url}/#/{page}"


def connect_both(
    registry: GivenSide, tracking: GivenSide | None, seconds: float, hide: Hide
) -> tuple[Connection, Connection]:
    """Signs in to the source and the registry: at once, or first to the one that has the scope.

    Args:
        tracking: The source's side; `None` for the registry's own.
        seconds: How long a call that may be repeated is repeated.
        hide: Masks what is read from a scope.

    Returns:
        The source's connection and the registry's.
    """
    if isinstance(registry, ScopeUri):
        if tracking is None or isinstance(tracking, ScopeUri):
            raise AssertionError("a scope that no sign-in reads is a problem noted")
        source = connect(tracking, SOURCE, seconds)
        return source, connect_by_scope(registry, REGISTRY, source, hide)
    if isinstance(tracking, ScopeUri):
        target = connect(registry, REGISTRY, seconds)
        return connect_by_scope(tracking, SOURCE, target, hide), target
    if tracking is None:
        connection = connect(registry, REGISTRY, seconds)
        return replace(connection, rest=connection.rest.as_role(SOURCE)), connection
    # Nobody waits for one side once the other is refused, or a signal came.
    ends = [
        in_background(lambda: connect(tracking, SOURCE, seconds)),
        in_background(lambda: connect(registry, REGISTRY, seconds)),
    ]
    for first in as_completed(ends):
        first.result()
    return ends[0].result(), ends[1].result()


def connect_registry(inputs: RegistryInputs, log: Log) -> Connection:
    """Signs in to the registry, and before it to the workspace whose scope says it, if one does.

    Raises:
        SignInRefused: As of `connect`, of either workspace.
        ScopeRefused: The scope does not hold what it ought to, or may not be read.
        Failure: One of them can't be reached.
    """
    with log.group("Connect"):
        holder, side = connect_both(
            inputs.registry, inputs.tracking, inputs.retry_timeout, log.hide
        )
        if inputs.tracking:
            log.line(f"signed in to {holder.label}, which has the scope")
        log.line(f"signed in to {side.label}")
    return side


def connect(side: Side, role: Role, seconds: float = RETRY_SECONDS) -> Connection:
    """Signs in to one side.

    Raises:
        SignInRefused: Credentials refused, some other workspace, or no such kind of host.
        Failure: The host can't be reached (of the role's own kind).
    """
    rest = Rest(side, role, seconds)
    connection = _workspace(rest, side) if isinstance(side, Databricks) else _server(rest)
    rest.known_good = True
    return connection


def connect_by_scope(uri: ScopeUri, role: Role, other: Connection, hide: Hide) -> Connection:
    """Signs in to the workspace that a scope in the other one's names.

    Raises:
        SignInRefused: As of `connect`, and where the scope does not hold what it ought to.
        Failure: Either workspace can't be reached.
    """
    scope = SecretScope(other.rest, uri.scope, hide)
    side = side_in(scope, uri)
    try:
        return connect(side, role, other.rest.seconds)
    except Failure as error:
        error.todo = (
            f"Check {uri.keys} in {scope.where}: they are to be of one workspace, which this "
            "machine reaches. The verb `secrets` puts and checks them."
        )
        raise


def _workspace(rest: Rest, side: Databricks) -> Connection:
    # The SDK reads a workspace's id off this header too: WorkspaceClient.get_workspace_id.
    reply = rest.repeat(lambda: _first_reply(rest, "/api/2.0/preview/scim/v2/Me"))
    found = reply.headers.get("X-Databricks-Org-Id", "")
    try:
        user = reply.json()
    except (ValueError, RecursionError):
        user = None
    if not isinstance(user, dict) or not re.fullmatch(r"[0-9]{0,20}", found):
        raise _no_workspace(rest)
    if side.workspace_id and found != side.workspace_id:
        said = f"is {found}" if found else "is not told by the host"
        raise SignInRefused(
            f"{rest.role.prefix}-workspace-id is {side.workspace_id}, "
            f"and the id of the workspace {said}. Nothing was written.",
            where=rest.where,
            todo=f"Give {rest.role.prefix}-host, -token and -workspace-id of one workspace.",
        )
    return Connection(rest, True, found, str(user.get("userName", "")))


def _server(rest: Rest) -> Connection:
    reply = rest.repeat(lambda: _first_reply(rest, "/version"))
    version = re.match(r"\s*(\d+)\.(\d+)", reply.text[:100])
    if not version:
        raise _no_server(rest)
    return Connection(rest, False, server_version=(int(version[1]), int(version[2])))


def _first_reply(rest: Rest, path: str):  # type: ignore[no-untyped-def]
    try:
        return rest.reply("GET", path)
    except ApiError as error:
        if error.is_unknown_call or error.is_missing:
            raise (_no_workspace(rest) if "scim" in path else _no_server(rest)) from error
        raise


def _no_workspace(rest: Rest) -> Failure:
    return WrongHost(
        f"The {rest.role.name} host answers, but not as a Databricks workspace does.",
        where=rest.where,
        todo=f"Check {rest.role.prefix}-host; an MLflow server is given by {rest.role.prefix}-uri.",
    )


def _no_server(rest: Rest) -> Failure:
    return WrongHost(
        f"The {rest.role.name} host answers, but not as an MLflow server does (GET /version).",
        where=rest.where,
        todo=f"Check {rest.role.prefix}-uri; a Databricks workspace is given by "
        f"{rest.role.prefix}-host.",
    )
