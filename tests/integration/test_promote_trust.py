"""Whose versions `promote` takes: creators that are trusted, and digests."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from command import Run, Side, call, side_inputs
from made_versions import (
    make_model,
    make_version,
    move,
    stages,
)
from promoting import promote
from registering import staged_digest
from servers import MlflowServer
from told import assert_told, writes
from workspace import Workspace

SHA = "e" * 40
MALLORY = "dapi-of-mallory"


def test_what_tags_have_found_must_be_of_who_is_trusted(registry_workspace: Workspace) -> None:
    workspace, digest = registry_workspace, staged_digest()
    workspace.control.set(tokens={MALLORY: {"user": "mallory@example.com"}})
    name = make_model(workspace)
    make_version(workspace, name, MALLORY, commit=SHA, digest=digest, pull_request="3")
    workspace.control.clear_requests()

    for select in (f"commit={SHA}", f"digest={digest}", "pull-request=3"):
        refused = promote(workspace, name, select)
        assert_told(refused, 6, "made by mallory@example.com", "trusted-creators")
    wrong = promote(workspace, name, f"commit={SHA}", digest=f"sha256:{'0' * 64}")
    assert_told(wrong, 5, "digest of version 1 is", digest)
    others = promote(workspace, name, f"commit={SHA}", trusted_creators="ana@example.com")
    assert_told(others, 6, "Trusted are: ana@example.com", "or take another version")
    assert promote(workspace, name, f"commit={SHA}", dry_run="true").code == 6
    assert writes(workspace) == []
    for right in (
        {"trusted_creators": "ana@example.com, mallory@example.com"},
        {"digest": digest},
    ):
        done = promote(workspace, name, f"commit={SHA}", dry_run="true", **right)
        assert done.code == 0, done.log
    assert promote(workspace, name, "version=1").code == 0


@pytest.mark.parametrize("select", ["version=1", "latest", "stage=Staging", f"commit={SHA}"])
def test_creators_that_are_given_are_checked_however_it_was_found(
    registry_workspace: Workspace, select: str
) -> None:
    workspace = registry_workspace
    workspace.control.set(tokens={MALLORY: {"user": "mallory@example.com"}})
    name = make_model(workspace)
    make_version(workspace, name, MALLORY, commit=SHA)
    move(workspace, name, "1", "Staging")
    workspace.control.clear_requests()

    for digest in ({}, {"digest": staged_digest()}):
        others = promote(workspace, name, select, trusted_creators="ana@example.com", **digest)
        assert_told(others, 6, "made by mallory@example.com", "Trusted are: ana@example.com")
    wrong = {"trusted_creators": "mallory@example.com", "digest": f"sha256:{'0' * 64}"}
    assert_told(promote(workspace, name, select, **wrong), 5, staged_digest())
    assert writes(workspace) == []
    theirs = promote(workspace, name, select, trusted_creators="mallory@example.com")
    assert theirs.code == 0, theirs.log


def test_who_signs_in_is_trusted(registry_workspace: Workspace) -> None:
    name = make_model(registry_workspace)
    make_version(registry_workspace, name, commit=SHA)

    assert promote(registry_workspace, name, f"commit={SHA}").code == 0


def test_a_server_that_names_no_creator_has_none_to_check(mlflow_server: MlflowServer) -> None:
    name = make_model(mlflow_server)
    make_version(mlflow_server, name, commit=SHA)

    done = promote(mlflow_server, name, f"commit={SHA}")
    assert (done.code, done.annotations("warning")) == (0, [])
    done = promote(mlflow_server, name, f"commit={SHA}", trusted_creators="ana@example.com")
    assert done.code == 0, done.log
    (warning,) = done.annotations("warning")
    assert "names no creator of version 1, so trusted-creators has none to check" in warning


def test_a_digest_on_a_server(mlflow_server: MlflowServer) -> None:
    name = make_model(mlflow_server)
    made = made_from_a_folder(mlflow_server, name)

    wrong = promote(mlflow_server, name, "latest", digest=f"sha256:{'0' * 64}")
    assert_told(wrong, 5, made.outputs["digest"], "Nothing was changed")
    right = promote(mlflow_server, name, "latest", digest=made.outputs["digest"])
    assert right.code == 0, right.log
    assert "verified: version 1 is sha256:" in right.log


def made_from_a_folder(side: Side, name: str) -> Run:
    """Registers a folder with one file."""
    with TemporaryDirectory() as folder:
        Path(folder, "MLmodel").write_text("flavors: {}\n")
        inputs = {"model-path": folder, "model-name": name}
        made = call("register", inputs, side_inputs("registry", side), GITHUB_WORKSPACE=folder)
    assert made.code == 0, made.log
    return made


def test_going_back_to_a_version_of_somebody_else(registry_workspace: Workspace) -> None:
    workspace = registry_workspace
    workspace.control.set(tokens={MALLORY: {"user": "mallory@example.com"}})
    name = make_model(workspace)
    make_version(workspace, name, MALLORY)
    make_version(workspace, name, **{"previous.stage.Production": "1"})
    move(workspace, name, "2", "Production")

    refused = promote(workspace, name, "version=2", undo="true")
    assert_told(refused, 6, "mallory@example.com")
    assert "To go back" not in refused.summary
    assert stages(workspace, name) == {"1": "None", "2": "Production"}
    trusted = promote(
        workspace, name, "version=2", undo="true", trusted_creators="mallory@example.com"
    )
    assert trusted.code == 0, trusted.log
