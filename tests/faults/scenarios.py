"""The ways that a model takes, each with its own pair of sides."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import servers
from faults.between_servers import BetweenServers
from faults.between_workspaces import BetweenWorkspaces
from faults.places import Place
from workspace import MlflowServers


class Workspaces(NamedTuple):
    """Between two stand-in workspaces."""

    dbfs: bool
    has_previous: bool


class Servers(NamedTuple):
    """Between two real MLflow servers."""

    by_alias: bool
    has_previous: bool


SCENARIOS: dict[str, Workspaces | Servers] = {
    "databricks-dbfs": Workspaces(dbfs=True, has_previous=True),
    "databricks-new": Workspaces(dbfs=True, has_previous=False),
    "databricks-run": Workspaces(dbfs=False, has_previous=True),
    "mlflow": Servers(by_alias=True, has_previous=True),
    "mlflow-new": Servers(by_alias=False, has_previous=False),
}


@contextmanager
def place_of(scenario: str, running: MlflowServers) -> Iterator[Place]:
    """A place for this scenario, until it is needed no more."""
    kind = SCENARIOS[scenario]
    if isinstance(kind, Workspaces):
        with servers.started_workspaces(running) as pair:
            yield BetweenWorkspaces(pair["source"], pair["registry"], **kind._asdict())
        return
    urls = running.start([servers.WITH_ARTIFACTS] * 2)
    place = BetweenServers(*urls, **kind._asdict())
    try:
        yield place
    finally:
        place.stop()
