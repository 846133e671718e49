"""Secret scopes of a stand-in workspace, as a person would put them there."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from clients import call
from command import Run
from workspace import Workspace

PREFIX = "central"


@dataclass(frozen=True)
class Scope:
    """A scope in a workspace."""

    workspace: Workspace
    name: str

    @property
    def uri(self) -> str:
        return f"databricks://{self.name}:{PREFIX}"

    def put(self, kind: str, text: str | bytes) -> None:
        """Puts one of the three secrets."""
        import base64

        value = base64.b64encode(text.encode() if isinstance(text, str) else text).decode()
        body = {"scope": self.name, "key": f"{PREFIX}-{kind}", "bytes_value": value}
        assert call(self.workspace, "POST", "secrets/put", json=body).ok

    def take_out(self, kind: str) -> None:
        body = {"scope": self.name, "key": f"{PREFIX}-{kind}"}
        assert call(self.workspace, "POST", "secrets/delete", json=body).ok


def new_name() -> str:
    return f"scope-{uuid.uuid4().hex[:8]}"


def made_scope(workspace: Workspace, of: Workspace) -> Scope:
    """A scope in one workspace that says another."""
    scope = Scope(workspace, new_name())
    assert call(workspace, "POST", "secrets/scopes/create", json={"scope": scope.name}).ok
    scope.put("host", of.host)
    scope.put("token", of.token)
    scope.put("workspace-id", of.workspace_id)
    return scope


def secrets_of(workspace: Workspace) -> set[str]:
    """What nobody may see of a workspace that a scope says."""
    return {workspace.host, workspace.token, workspace.workspace_id, workspace.host.split("/")[-1]}


def assert_none_is_told(run: Run, workspace: Workspace) -> None:
    """No secret of the workspace is in anything that a command told, but for the masks."""
    masks = "::add-mask::"
    told = [line for line in run.log.splitlines() if not line.startswith(masks)]
    places = {"log": "\n".join(told), "summary": run.summary, "output": run.stdout}
    for place, text in places.items():
        held = [secret for secret in secrets_of(workspace) if secret in text]
        assert not held, (place, held, text)
    for output, text in run.outputs.items():
        assert not [secret for secret in secrets_of(workspace) if secret in text], output
