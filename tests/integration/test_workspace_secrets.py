"""The stand-in workspace: secrets."""

from __future__ import annotations

import base64
import uuid

import pytest
from clients import call, sdk
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import (
    BadRequest,
    InvalidParameterValue,
    NotFound,
    ResourceAlreadyExists,
)
from databricks.sdk.service.workspace import AclPermission
from workspace import Workspace


@pytest.fixture
def client(registry_workspace: Workspace) -> WorkspaceClient:
    return sdk(registry_workspace)


@pytest.fixture
def scope(client: WorkspaceClient) -> str:
    name = f"Scope-{uuid.uuid4().hex}"
    client.secrets.create_scope(name)
    return name


def test_secrets_are_kept_and_given_back(client: WorkspaceClient, scope: str) -> None:
    client.secrets.put_secret(scope, "text", string_value="höst")
    client.secrets.put_secret(scope, "raw", bytes_value=base64.b64encode(b"\0\xff").decode())
    client.secrets.put_secret(scope, "text", string_value="new")
    assert {one.key for one in client.secrets.list_secrets(scope)} == {"text", "raw"}
    assert base64.b64decode(client.secrets.get_secret(scope, "text").value) == b"new"
    assert base64.b64decode(client.secrets.get_secret(scope.lower(), "raw").value) == b"\0\xff"
    assert client.dbutils.secrets.get(scope, "text") == "new"
    client.secrets.delete_secret(scope, "raw")
    with pytest.raises(NotFound):
        client.secrets.get_secret(scope, "raw")


def test_a_list_never_shows_a_value(
    registry_workspace: Workspace, client: WorkspaceClient, scope: str
) -> None:
    client.secrets.put_secret(scope, "key", string_value="hidden")
    listed = call(registry_workspace, "GET", "secrets/list", params={"scope": scope}).json()
    assert [set(one) for one in listed["secrets"]] == [{"key", "last_updated_timestamp"}]


def test_scopes(client: WorkspaceClient, scope: str) -> None:
    assert scope in {one.name for one in client.secrets.list_scopes()}
    with pytest.raises(ResourceAlreadyExists):
        client.secrets.create_scope(scope.upper())
    client.secrets.delete_scope(scope)
    for refused in (
        lambda: client.secrets.delete_scope(scope),
        lambda: list(client.secrets.list_secrets(scope)),
        lambda: client.secrets.put_secret(scope, "key", string_value=""),
    ):
        with pytest.raises(NotFound):
            refused()


def test_limits(client: WorkspaceClient, scope: str) -> None:
    client.secrets.put_secret(scope, "k" * 128, string_value="v" * (128 << 10))
    for key, value in (("k" * 129, ""), ("a/b", ""), ("key", "v" * ((128 << 10) + 1))):
        with pytest.raises(InvalidParameterValue):
            client.secrets.put_secret(scope, key, string_value=value)
    with pytest.raises(InvalidParameterValue):
        client.secrets.create_scope("a scope")
    with pytest.raises(BadRequest, match="Exactly one"):
        client.secrets.put_secret(scope, "key")


def test_access_lists(registry_workspace: Workspace, client: WorkspaceClient, scope: str) -> None:
    client.secrets.put_acl(scope, "readers", AclPermission.READ)
    found = {one.principal: one.permission.value for one in client.secrets.list_acls(scope)}
    assert found == {registry_workspace.user: "MANAGE", "readers": "READ"}
    assert client.secrets.get_acl(scope, "readers").permission == AclPermission.READ
    client.secrets.delete_acl(scope, "readers")
    with pytest.raises(NotFound):
        client.secrets.get_acl(scope, "readers")
