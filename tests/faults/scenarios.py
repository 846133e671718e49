"""What is run where: a verb, and the sides that it works on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import servers
from faults import changes
from faults.between_servers import BetweenServers
from faults.between_workspaces import BetweenWorkspaces
from faults.many_models import Many
from faults.moving import Move, Moving
from faults.places import Place
from faults.proxy import FaultyProxy
from faults.registering_place import Registering
from faults.registries import Registry, ServerRegistry, WorkspaceRegistry
from faults.retiring import Retire, Retiring
from faults.standing_places import StandingPlace
from workspace import MlflowServers, ServerSpec, Workspace
from workspace.command import ARTIFACT_ROOT

Sides = Callable[[MlflowServers], AbstractContextManager[Any]]


class Pair(NamedTuple):
    """Two sides to register between: workspaces, or proxies of MLflow servers."""

    source: Any
    registry: Any


@contextmanager
def _proxies(running: MlflowServers, count: int) -> Iterator[list[FaultyProxy]]:
    proxies = [FaultyProxy(url) for url in running.start([servers.WITH_ARTIFACTS] * count)]
    try:
        yield proxies
    finally:
        for proxy in proxies:
            proxy.stop()


@contextmanager
def _two_workspaces(running: MlflowServers) -> Iterator[Pair]:
    with servers.started_workspaces(running) as pair:
        yield Pair(pair["source"], pair["registry"])


@contextmanager
def _two_servers(running: MlflowServers) -> Iterator[Pair]:
    with _proxies(running, 2) as proxies:
        yield Pair(*proxies)


@contextmanager
def _workspace(running: MlflowServers) -> Iterator[WorkspaceRegistry]:
    (url,) = running.start([ServerSpec(ARTIFACT_ROOT)])
    identity = servers.IDENTITIES["registry"]
    with Workspace.start("registry", mlflow_url=url, **identity) as workspace:
        yield WorkspaceRegistry(workspace)


@contextmanager
def _server(running: MlflowServers) -> Iterator[ServerRegistry]:
    with _proxies(running, 1) as proxies:
        yield ServerRegistry(*proxies)


@dataclass(frozen=True)
class Scenario:
    """A verb and what it works on.

    Attributes:
        sides: Starts them; scenarios may share them, one case at a time.
        place: Makes the place of sides that run.
    """

    verb: str
    sides: Sides
    place: Callable[[Any], Place[Any]]


def _register(sides: Sides, kind: Callable[..., Registering], **how: bool) -> Scenario:
    return Scenario("register", sides, lambda pair: kind(*pair, **how))


def _many(pair: Pair) -> Many:
    """Over a version that stands in the stage, and into a new registered model."""
    kinds = (True, False)
    return Many([BetweenWorkspaces(*pair, dbfs=True, has_previous=kind) for kind in kinds])


def _change(sides: Sides, change: Move | Retire) -> Scenario:
    def place(registry: Registry) -> StandingPlace:
        if isinstance(change, Move):
            return Moving(registry, change)
        return Retiring(registry, change)

    return Scenario(change.verb, sides, place)


SCENARIOS: dict[str, Scenario] = {
    "databricks-dbfs": _register(_two_workspaces, BetweenWorkspaces, dbfs=True, has_previous=True),
    "databricks-new": _register(_two_workspaces, BetweenWorkspaces, dbfs=True, has_previous=False),
    "databricks-run": _register(_two_workspaces, BetweenWorkspaces, dbfs=False, has_previous=True),
    "mlflow": _register(_two_servers, BetweenServers, by_alias=True, has_previous=True),
    "mlflow-new": _register(_two_servers, BetweenServers, by_alias=False, has_previous=False),
    "many": Scenario("many", _two_workspaces, _many),
    "promote": _change(_workspace, changes.PROMOTE),
    "promote-undo": _change(_workspace, changes.UNDO),
    "approve": _change(_workspace, changes.APPROVE),
    "retire-archive": _change(_workspace, changes.ARCHIVE),
    "retire-delete": _change(_workspace, changes.DELETE),
    "mlflow-promote": _change(_server, changes.PROMOTE_ALIAS),
    "mlflow-undo": _change(_server, changes.UNDO_ALIAS),
    "mlflow-retire": _change(_server, changes.DELETE_MODEL),
}


def grouped(names: Iterable[str]) -> Iterator[tuple[Sides, list[str]]]:
    """The scenarios that work on the same sides, with what starts these."""
    groups: dict[Sides, list[str]] = {}
    for name in names:
        groups.setdefault(SCENARIOS[name].sides, []).append(name)
    yield from groups.items()


@contextmanager
def place_of(scenario: str, running: MlflowServers) -> Iterator[Place[Any]]:
    """A place for this scenario, until it is needed no more."""
    one = SCENARIOS[scenario]
    with one.sides(running) as sides:
        yield one.place(sides)
