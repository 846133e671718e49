"""The servers that a test session starts, each kind at its first use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from workspace import MlflowServers, ServerSpec, Workspace
from workspace.command import ARTIFACT_ROOT

ADMIN = ("admin", "a-password-only-for-tests")
IDENTITIES = {
    "source": {"workspace_id": "1111111111111111", "token": "dapi-of-the-source-workspace"},
    "registry": {"workspace_id": "5555555555555555", "token": "dapi-of-the-registry-workspace"},
}
WITH_ARTIFACTS = ServerSpec(artifact_root="mlflow-artifacts:/", artifacts="artifacts")
WITH_SIGN_IN = ServerSpec(artifact_root="mlflow-artifacts:/", artifacts="artifacts", auth=ADMIN)


@dataclass(frozen=True)
class MlflowServer:
    """A plain MLflow server; without a username, anybody may do anything.

    `store` are the variables by which a client reaches the files that it does not serve itself.
    """

    url: str
    username: str = ""
    password: str = field(default="", repr=False)
    store: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)

    def environment(self) -> dict[str, str]:
        """What an unmodified client has to find in its environment."""
        signed_in = {
            "MLFLOW_TRACKING_USERNAME": self.username,
            "MLFLOW_TRACKING_PASSWORD": self.password,
        }
        return {
            "MLFLOW_TRACKING_URI": self.url,
            **(signed_in if self.username else {}),
            **self.store,
        }


@contextmanager
def started_workspaces(servers: MlflowServers) -> Iterator[dict[str, Workspace]]:
    """A source and a registry that share nothing."""
    urls = servers.start([ServerSpec(ARTIFACT_ROOT)] * len(IDENTITIES))
    with ExitStack() as stack, ThreadPoolExecutor() as pool:
        starts = {
            name: pool.submit(Workspace.start, name, mlflow_url=url, **identity)
            for (name, identity), url in zip(IDENTITIES.items(), urls, strict=True)
        }
        yield {name: stack.enter_context(start.result()) for name, start in starts.items()}
