"""Three secrets are read as one set, whatever somebody does to them meanwhile."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from remote_registry.errors import ScopeRefused
from remote_registry.inputs.scopes import ScopeUri
from remote_registry.scopes import SecretScope, side_in

URI = ScopeUri("scope", "central")


class Workspace:
    """Has hosts, the next of which is there at each look."""

    where = "the source"

    def __init__(self, hosts: Iterator[str]) -> None:
        self.hosts = hosts
        self.asked: list[str] = []

    def get(self, path: str, params: dict[str, str]) -> dict[str, Any]:
        kind = params["key"].removeprefix("central-")
        self.asked.append(kind)
        text = {"token": "dapi-1", "workspace-id": "5"}.get(kind) or next(self.hosts)
        return {"value": base64.b64encode(text.encode()).decode()}


def scope(workspace: Workspace) -> SecretScope:
    return SecretScope(workspace, "scope", lambda _: None)  # type: ignore[arg-type]


def test_a_host_that_changes_once_is_read_again_with_its_token() -> None:
    hosts = ["https://a.example.com", "https://b.example.com"]
    workspace = Workspace(itertools.chain(hosts, itertools.repeat(hosts[1])))

    assert side_in(scope(workspace), URI).url == hosts[1]
    assert workspace.asked.count("token") == 2


def test_a_host_that_never_rests_is_refused() -> None:
    workspace = Workspace(f"https://{number}.example.com" for number in itertools.count())

    with pytest.raises(ScopeRefused, match="central-host changes while it is read"):
        side_in(scope(workspace), URI)
    assert len(workspace.asked) < 50
