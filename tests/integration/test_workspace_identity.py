"""The stand-in workspace: who it is, whom it lets in, and what it does not answer."""

from __future__ import annotations

import pytest
import requests
from clients import call, sdk
from databricks.sdk.errors import PermissionDenied
from workspace import Workspace

READ_ONLY = {"user": "reader@example.com", "rights": []}


def test_the_two_workspaces_are_not_the_same(
    source_workspace: Workspace, registry_workspace: Workspace
) -> None:
    ids = [sdk(one).get_workspace_id() for one in (source_workspace, registry_workspace)]
    assert ids == [1111111111111111, 5555555555555555]
    assert source_workspace.token != registry_workspace.token


def test_a_foreign_token_is_refused(
    source_workspace: Workspace, registry_workspace: Workspace
) -> None:
    answer = call(registry_workspace, "GET", "dbfs/list?path=/", token=source_workspace.token)
    assert answer.status_code == 403
    assert answer.json() == {"error_code": 403, "message": "Invalid access token."}
    assert answer.headers["X-Databricks-Reason-Phrase"] == "Invalid access token."


def test_the_sdk_understands_the_refusal(registry_workspace: Workspace) -> None:
    client = sdk(registry_workspace, token="dapi-of-nobody")
    with pytest.raises(PermissionDenied, match="Invalid access token"):
        client.current_user.me()


def test_no_token_is_refused(source_workspace: Workspace) -> None:
    answer = requests.get(f"{source_workspace.host}/api/2.0/dbfs/list?path=/", timeout=30)
    assert answer.status_code == 401
    assert answer.json()["error_code"] == "401"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/.well-known/databricks-config", 200),
        ("GET", "preview/scim/v2/Me", 200),
        ("GET", "mlflow/runs/get?run_id=0", 404),
        ("GET", "clusters/list", 501),
        ("HEAD", "fs/files/Volumes/c/s/v/none", 404),
        ("GET", "/__control__/knobs", 403),
    ],
)
def test_every_answer_names_the_workspace(
    source_workspace: Workspace, method: str, path: str, status: int
) -> None:
    answer = call(source_workspace, method, path)
    assert answer.status_code == status
    assert answer.headers["X-Databricks-Org-Id"] == "1111111111111111"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "clusters/list"),
        ("GET", "/oidc/.well-known/oauth-authorization-server"),
        ("POST", "mlflow/registered-models/alias"),
        ("POST", "mlflow/registry-webhooks/create"),
        ("GET", "dbfs/list?path=/databricks/mlflow-tracking"),
        ("GET", "fs/directories/Workspace/x"),
        ("GET", "mlflow/model-versions/search?filter=name%3D'a'%20and%20run_id%3D'b'"),
    ],
)
def test_it_never_guesses(source_workspace: Workspace, method: str, path: str) -> None:
    answer = call(source_workspace, method, path)
    assert (answer.status_code, answer.json()["error_code"]) == (501, "NOT_IMPLEMENTED")


def test_more_tokens_have_their_own_users(source_workspace: Workspace) -> None:
    source_workspace.control.set(tokens={"a-token": READ_ONLY})
    assert sdk(source_workspace, token="a-token").current_user.me().user_name == READ_ONLY["user"]
    assert sdk(source_workspace).current_user.me().user_name == source_workspace.user


@pytest.mark.parametrize(
    ("rights", "path", "body", "status"),
    [
        ([], "dbfs/mkdirs", {"path": "/refused"}, 403),
        (["write"], "dbfs/mkdirs", {"path": "/allowed"}, 200),
        (["write"], "mlflow/registered-models/create", {"name": "refused"}, 403),
        (["write", "create-models"], "mlflow/registered-models/create", {"name": ""}, 400),
        (["write"], "mlflow/model-versions/transition-stage", {"name": "x"}, 403),
        (["write", "transition"], "mlflow/model-versions/transition-stage", {"name": "x"}, 400),
        ([], "mlflow/runs/search", {"experiment_ids": ["0"]}, 200),
    ],
)
def test_rights_are_kept(
    registry_workspace: Workspace, rights: list[str], path: str, body: dict, status: int
) -> None:
    registry_workspace.control.set(tokens={"a-token": {"user": "x", "rights": rights}})
    answer = call(registry_workspace, "POST", path, token="a-token", json=body)
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["error_code"] == "PERMISSION_DENIED"
