"""The stand-in workspace: registered models and versions, by Databricks' own client."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from clients import sdk
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import (
    BadRequest,
    DatabricksError,
    InvalidParameterValue,
    NotFound,
    ResourceAlreadyExists,
)
from databricks.sdk.service.ml import (
    RegisteredModelAccessControlRequest,
    RegisteredModelPermissionLevel,
)
from registering import MISSING_SOURCE, ended, staged
from workspace import Workspace

MakeReady = Callable[[], tuple[str, str]]


@pytest.fixture
def client(registry_workspace: Workspace) -> WorkspaceClient:
    return sdk(registry_workspace)


@pytest.fixture
def name(client: WorkspaceClient) -> str:
    model = client.model_registry.create_model(f"model {uuid.uuid4().hex}").registered_model
    return model.name


@pytest.fixture
def ready(registry_workspace: Workspace, client: WorkspaceClient, name: str) -> MakeReady:
    """Makes one more version that is READY; its model's name and its number."""

    def make() -> tuple[str, str]:
        source = f"dbfs:{staged(registry_workspace)}"
        version = client.model_registry.create_model_version(name, source).model_version.version
        assert ended(registry_workspace, name, version)["status"] == "READY"
        return name, version

    return make


def test_models(registry_workspace: Workspace, client: WorkspaceClient, name: str) -> None:
    registry = client.model_registry
    registry.update_model(name, description="what it is for")
    registry.set_model_tag(name, "team", "a")
    model = registry.get_model(name).registered_model_databricks
    assert (model.name, model.description) == (name, "what it is for")
    assert (model.user_id, model.permission_level.value) == (registry_workspace.user, "CAN_MANAGE")
    assert [(tag.key, tag.value) for tag in model.tags] == [("team", "a")]
    registry.delete_model_tag(name, "team")
    assert not registry.get_model(name).registered_model_databricks.tags
    with pytest.raises(ResourceAlreadyExists):
        registry.create_model(name)
    assert name in {one.name for one in registry.list_models()}
    part = name.split()[1][4:20]
    assert [one.name for one in registry.search_models(filter=f"name LIKE '{part}'")] == [name]
    registry.delete_model(name)
    with pytest.raises(NotFound, match=f"RegisteredModel '{name}' does not exist"):
        registry.get_model(name)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("a/b", "Invalid name 'a/b'. A workspace registered model name must be"),
        ("a.b", "cannot contain forward slashes"),
        ("a:b", "cannot contain forward slashes"),
        ("", "Got an invalid name ''"),
    ],
)
def test_names_that_are_refused(client: WorkspaceClient, name: str, told: str) -> None:
    with pytest.raises(InvalidParameterValue, match=told):
        client.model_registry.create_model(name)


def test_rename(
    registry_workspace: Workspace, client: WorkspaceClient, name: str, ready: MakeReady
) -> None:
    _, version = ready()
    before = client.model_registry.get_model(name).registered_model_databricks.id
    client.model_registry.rename_model(name, new_name=f"{name} renamed")
    after = client.model_registry.get_model(f"{name} renamed").registered_model_databricks.id
    assert after == before
    assert ended(registry_workspace, f"{name} renamed", version)["status"] == "READY"


def test_stages(client: WorkspaceClient, name: str, ready: MakeReady) -> None:
    registry = client.model_registry
    (_, first), (_, second) = ready(), ready()
    registry.transition_stage(name, first, "Production", archive_existing_versions=False)
    moved = registry.transition_stage(name, second, "Production", archive_existing_versions=True)
    assert moved.model_version_databricks.current_stage == "Production"
    assert moved.model_version_databricks.permission_level.value == "CAN_MANAGE"
    latest = {one.current_stage: one.version for one in registry.get_latest_versions(name)}
    assert latest == {"Production": second, "Archived": first}
    only = registry.get_latest_versions(name, stages=["Archived"])
    assert [one.version for one in only] == [first]


@pytest.mark.parametrize(
    ("stage", "archive", "code"),
    [
        ("Live", False, "INVALID_PARAMETER_VALUE"),
        ("production", False, "NOT_IMPLEMENTED"),
        ("Archived", True, "INVALID_PARAMETER_VALUE"),
    ],
)
def test_stages_that_are_refused(
    client: WorkspaceClient, ready: MakeReady, stage: str, archive: bool, code: str
) -> None:
    with pytest.raises(DatabricksError) as caught:
        client.model_registry.transition_stage(*ready(), stage, archive)
    assert caught.value.error_code == code


def test_what_is_in_use_is_not_deleted(
    client: WorkspaceClient, name: str, ready: MakeReady
) -> None:
    registry = client.model_registry
    _, version = ready()
    registry.transition_stage(name, version, "Staging", archive_existing_versions=False)
    for refused in (
        lambda: registry.delete_model_version(name, version),
        lambda: registry.delete_model(name),
    ):
        with pytest.raises(BadRequest, match="is in stage Staging"):
            refused()
    registry.transition_stage(name, version, "None", archive_existing_versions=False)
    registry.delete_model_version(name, version)
    registry.delete_model(name)


def test_requests_to_move(
    registry_workspace: Workspace, client: WorkspaceClient, name: str, ready: MakeReady
) -> None:
    registry = client.model_registry
    _, version = ready()
    asked = registry.create_transition_request(name, version, "Staging", comment="please").request
    assert (asked.to_stage, asked.comment) == ("Staging", "please")
    assert asked.user_id == registry_workspace.user
    registry.create_transition_request(name, version, "Production")
    registry.create_transition_request(name, version, "Archived")
    approved = registry.approve_transition_request(name, version, "Staging", False).activity
    assert (approved.activity_type.value, approved.to_stage) == ("APPROVED_REQUEST", "Staging")
    assert ended(registry_workspace, name, version)["current_stage"] == "Staging"
    rejected = registry.reject_transition_request(name, version, "Production").activity
    assert rejected.activity_type.value == "REJECTED_REQUEST"
    (left,) = registry.list_transition_requests(name, version)
    assert left.to_stage == "Archived"
    with pytest.raises(NotFound):
        registry.delete_transition_request(name, version, "Archived", creator="somebody")
    registry.delete_transition_request(name, version, "Archived", creator=registry_workspace.user)
    assert not list(registry.list_transition_requests(name, version))
    assert ended(registry_workspace, name, version)["current_stage"] == "Staging"


def test_who_may_not_move_may_ask(
    registry_workspace: Workspace, client: WorkspaceClient, name: str, ready: MakeReady
) -> None:
    _, version = ready()
    builder = {"user": "builder@example.com", "rights": ["write"]}
    registry_workspace.control.set(tokens={"builder": builder})
    registry = sdk(registry_workspace, token="builder").model_registry
    with pytest.raises(DatabricksError, match="lacks: transition"):
        registry.transition_stage(name, version, "Staging", archive_existing_versions=False)
    asked = registry.create_transition_request(name, version, "Staging").request
    assert [action.value for action in asked.available_actions] == ["CANCEL_TRANSITION_REQUEST"]
    model = registry.get_model(name).registered_model_databricks
    assert model.permission_level.value == "CAN_EDIT"
    (seen,) = client.model_registry.list_transition_requests(name, version)
    assert seen.user_id == "builder@example.com"


def test_comments(client: WorkspaceClient, name: str, ready: MakeReady) -> None:
    registry = client.model_registry
    comment = registry.create_comment(*ready(), "first").comment
    assert registry.update_comment(comment.id, "second").comment.comment == "second"
    registry.delete_comment(comment.id)
    with pytest.raises(NotFound):
        registry.update_comment(comment.id, "third")


def test_permissions(registry_workspace: Workspace, client: WorkspaceClient, name: str) -> None:
    registry = client.model_registry
    model_id = registry.get_model(name).registered_model_databricks.id
    assert model_id.isdigit()

    def levels() -> dict[str, str]:
        kept = registry.get_permissions(model_id).access_control_list
        return {
            one.user_name or one.group_name: one.all_permissions[0].permission_level.value
            for one in kept
        }

    can_read = RegisteredModelAccessControlRequest(
        group_name="readers", permission_level=RegisteredModelPermissionLevel.CAN_READ
    )
    owner = {registry_workspace.user: "CAN_MANAGE"}
    assert levels() == owner
    registry.update_permissions(model_id, access_control_list=[can_read])
    assert levels() == {**owner, "readers": "CAN_READ"}
    registry.set_permissions(model_id, access_control_list=[can_read])
    assert levels() == {"readers": "CAN_READ"}


def test_versions(registry_workspace: Workspace, client: WorkspaceClient, name: str) -> None:
    registry = client.model_registry
    made = registry.create_model_version(
        name, MISSING_SOURCE, run_id="a" * 32, run_link="https://ci/1", description="first"
    ).model_version
    assert (made.version, made.status.value) == ("1", "PENDING_REGISTRATION")
    registry.set_model_version_tag(name, "1", "digest", "sha256:0")
    registry.update_model_version(name, "1", description="second")
    (found,) = registry.search_model_versions(filter=f"name='{name}'")
    assert (found.description, found.run_link, found.run_id) == ("second", "https://ci/1", "a" * 32)
    assert [(tag.key, tag.value) for tag in found.tags] == [("digest", "sha256:0")]
    assert found.user_id == registry_workspace.user
    registry.delete_model_version_tag(name, "1", "digest")
    assert not registry.get_model_version(name, "1").model_version.tags
    by_run = registry.search_model_versions(filter=f"run_id='{'a' * 32}'")
    assert name in {one.name for one in by_run}


@pytest.mark.parametrize("source", ["s3://bucket/model", "runs:/0/model", "models:/m-0"])
def test_sources_that_are_refused(client: WorkspaceClient, name: str, source: str) -> None:
    with pytest.raises(InvalidParameterValue, match="must be a dbfs:/ path"):
        client.model_registry.create_model_version(name, source)


def test_listings_come_in_pages(registry_workspace: Workspace, client: WorkspaceClient) -> None:
    registry_workspace.control.set(page_size=2)
    prefix = uuid.uuid4().hex
    for number in range(5):
        client.model_registry.create_model(f"{prefix}-{number}")
    for _ in range(3):
        client.model_registry.create_model_version(f"{prefix}-0", MISSING_SOURCE)
    registry_workspace.control.clear_requests()
    models = client.model_registry.search_models(filter=f"name LIKE '{prefix}'")
    assert sorted(one.name for one in models) == [f"{prefix}-{number}" for number in range(5)]
    versions = client.model_registry.search_model_versions(filter=f"name='{prefix}-0'")
    assert sorted(one.version for one in versions) == ["1", "2", "3"]
    assert len(registry_workspace.requests("GET", "*/registered-models/search")) == 3
    assert len(registry_workspace.requests("GET", "*/model-versions/search")) == 2
