"""What a killed job has left, and who takes it over or away."""

from __future__ import annotations

import json
import re
import signal
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from clients import call
from command import register
from exactly_once import (
    STAGING,
    Started,
    assert_nothing_left,
    assert_one_version,
    is_quiet,
    models,
    until,
    versions,
)
from workspace import Workspace

KILLED_AT = (
    "*/try.json",
    "/dbfs/*/MLmodel",
    "*/registered-models/create",
    "*/model-versions/create",
    "*/model-versions/get",
    "*/model-versions/list-artifacts",
    "*/dbfs/delete",
    "*/transition-stage",
)


@pytest.mark.parametrize("path", KILLED_AT)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_and_run_again(
    registry_workspace: Workspace,
    inputs: dict[str, str],
    name: str,
    tmp_path: Path,
    path: str,
    after: bool,
) -> None:
    registry_workspace.control.fault("silence", path=path, seconds=2, after_handler=after)
    inputs = {**inputs, "stage": "Staging"}
    outside = {"GITHUB_ACTIONS": ""}
    started = Started(tmp_path / "killed", inputs, **outside)
    until(lambda: [one for one in registry_workspace.requests() if one["fault"]])
    started.end(signal.SIGKILL)
    until(lambda: is_quiet(registry_workspace))
    registry_workspace.control.clear_faults()
    again = register(inputs, **outside)
    assert_one_version(registry_workspace, name, again)
    assert versions(registry_workspace, name)[0]["current_stage"] == "Staging"


def test_a_later_attempt_of_the_workflow_run_clears_what_was_killed(
    registry_workspace: Workspace, inputs: dict[str, str], name: str, tmp_path: Path
) -> None:
    registry_workspace.control.fault("silence", path="/dbfs/*/MLmodel", seconds=2)
    started = Started(tmp_path / "killed", inputs, GITHUB_RUN_ATTEMPT="1")
    until(lambda: [one for one in registry_workspace.requests() if one["fault"]])
    started.end(signal.SIGKILL)
    until(lambda: is_quiet(registry_workspace))
    assert list(registry_workspace.on_disk(STAGING).glob("remote-registry-*"))
    again = register(inputs, GITHUB_RUN_ATTEMPT="2")
    assert_one_version(registry_workspace, name, again)


@pytest.mark.parametrize("abandoned", [False, True])
def test_another_workflow_run_clears_only_what_is_abandoned(
    registry_workspace: Workspace,
    inputs: dict[str, str],
    name: str,
    tmp_path: Path,
    abandoned: bool,
) -> None:
    registry_workspace.control.fault("silence", path="/dbfs/*/MLmodel", seconds=2)
    started = Started(tmp_path / "killed", inputs, GITHUB_RUN_ID="41")
    until(lambda: [one for one in registry_workspace.requests() if one["fault"]])
    started.end(signal.SIGKILL)
    until(lambda: is_quiet(registry_workspace))
    after = {"REMOTE_REGISTRY_ABANDONED_AFTER": "0.1"} if abandoned else {}
    again = register(inputs, GITHUB_RUN_ID="42", **after)
    assert again.code == 0, again.log
    left = list(registry_workspace.on_disk(STAGING).glob("remote-registry-*"))
    assert len(left) == (0 if abandoned else 1)
    for folder in left:
        (folder / "try.json").write_text("{}")
        register(inputs, GITHUB_RUN_ID="42", REMOTE_REGISTRY_ABANDONED_AFTER="0.1")
        assert folder.exists(), "what bears no mark of ours is not ours"
        call(registry_workspace, "POST", "dbfs/delete",
             json={"path": f"{STAGING}/{folder.name}", "recursive": True})  # fmt: skip


def test_a_mark_is_renewed_while_its_maker_lives(
    registry_workspace: Workspace, inputs: dict[str, str], name: str, tmp_path: Path
) -> None:
    registry_workspace.control.set(hold_ready=True)
    started = Started(tmp_path / "slow", inputs, REMOTE_REGISTRY_ABANDONED_AFTER="6")
    seen: set[float] = set()

    def was_renewed_twice() -> bool:
        for mark in registry_workspace.on_disk(STAGING).glob("remote-registry-*/try.json"):
            seen.add(json.loads(mark.read_text())["renewed"])
        return len(seen) == 3

    until(was_renewed_twice)
    assert max(after - before for before, after in pairwise(sorted(seen))) < 6
    until(lambda: registry_workspace.requests("POST", "*/model-versions/set-tag"))
    registry_workspace.control.set(hold_ready=False)
    code, log = started.end()
    assert code == 0, log
    assert len(versions(registry_workspace, name)) == 1


def test_a_version_of_a_killed_job_that_never_gets_ready_is_made_anew(
    registry_workspace: Workspace, inputs: dict[str, str], name: str, tmp_path: Path
) -> None:
    registry_workspace.control.set(hold_ready=True)
    killed = Started(tmp_path / "killed", inputs, GITHUB_ACTIONS="")
    until(lambda: versions(registry_workspace, name))
    killed.end(signal.SIGKILL)
    again = register({**inputs, "timeout": "2"}, GITHUB_ACTIONS="")
    assert again.code == 5
    assert "was deleted" in again.log
    registry_workspace.reset()
    assert_one_version(registry_workspace, name, register(inputs, GITHUB_ACTIONS=""))


@pytest.mark.parametrize("alive", [False, True])
def test_a_version_whose_withdrawer_was_killed(
    registry_workspace: Workspace, inputs: dict[str, str], name: str, tmp_path: Path, alive: bool
) -> None:
    """It said that it deletes it, and came to no end: it is waited for while it may live."""
    registry_workspace.control.fault("silence", path="*/list-artifacts", seconds=2)
    maker = Started(tmp_path / "maker", inputs, GITHUB_RUN_ID="41")
    until(lambda: registry_workspace.requests("GET", "*/list-artifacts"))
    registry_workspace.control.fault("silence", path="*/model-versions/get", seconds=3)
    maker.process.send_signal(signal.SIGINT)
    until(lambda: registry_workspace.requests("POST", "*/model-versions/set-tag"))
    maker.end(signal.SIGKILL)
    until(lambda: is_quiet(registry_workspace))
    taker = Started(
        tmp_path / "taker", inputs, GITHUB_RUN_ID="42" if alive else "41", GITHUB_RUN_ATTEMPT="2"
    )
    if alive:
        until(lambda: registry_workspace.requests("GET", "*/model-versions/get")[5:])
        maker_tag = next(
            tag["key"] for tag in versions(registry_workspace, name)[0]["tags"]
            if tag["key"].startswith("remote_registry.withdrawing.")
        )  # fmt: skip
        gone = {"name": name, "version": "1", "key": maker_tag}
        call(registry_workspace, "DELETE", "mlflow/model-versions/delete-tag", json=gone)
    code, log = taker.end()
    assert code == 0, log
    (version,) = versions(registry_workspace, name)
    assert version["version"] == "1"
    assert not [tag for tag in version["tags"] if "withdrawing" in tag["key"]]


@pytest.mark.parametrize("ended", ["well", "badly"])
def test_a_mark_that_is_being_renewed_brings_nothing_back(
    registry_workspace: Workspace, inputs: dict[str, str], name: str, tmp_path: Path, ended: str
) -> None:
    registry_workspace.control.set(hold_ready=True)
    started = Started(tmp_path / "slow", inputs, REMOTE_REGISTRY_ABANDONED_AFTER="2")
    until(lambda: versions(registry_workspace, name))
    registry_workspace.control.clear_requests()
    registry_workspace.control.fault("silence", path="*/try.json", seconds=3)
    until(lambda: registry_workspace.requests("POST", "*/try.json"))
    if ended == "well":
        registry_workspace.control.set(hold_ready=False)
    code, log = started.end(*([signal.SIGINT] if ended == "badly" else []))
    assert code == (0 if ended == "well" else 130), log
    until(lambda: is_quiet(registry_workspace))
    assert_nothing_left(registry_workspace)


@pytest.fixture
def model_of_a_killed_job(
    registry_workspace: Workspace, inputs: dict[str, str], name: str, tmp_path: Path
) -> dict[str, Any]:
    """Its mark; there is no version of it."""
    registry_workspace.control.fault(
        "silence", path="*/registered-models/create", seconds=2, after_handler=True
    )
    inputs["permissions"] = "team=CAN_MANAGE"
    started = Started(tmp_path / "killed", inputs)
    until(lambda: models(registry_workspace, name))
    started.end(signal.SIGKILL)
    until(lambda: is_quiet(registry_workspace))
    (model,) = models(registry_workspace, name)
    return json.loads(model["tags"][0]["value"])


@pytest.mark.usefixtures("model_of_a_killed_job")
def test_permissions_are_granted_on_the_model_that_a_killed_job_made(
    registry_workspace: Workspace, inputs: dict[str, str], name: str
) -> None:
    again = register(inputs, GITHUB_RUN_ATTEMPT="2")
    assert_one_version(registry_workspace, name, again)
    assert f"took over the registered model {name}" in again.log
    assert len(registry_workspace.requests("PATCH", "/api/2.0/permissions/*")) == 1


@pytest.mark.usefixtures("model_of_a_killed_job")
def test_the_model_that_a_killed_job_made_goes_where_the_next_one_fails(
    registry_workspace: Workspace, inputs: dict[str, str], name: str
) -> None:
    registry_workspace.control.set(registration_error="no")
    again = register(inputs, GITHUB_RUN_ATTEMPT="2")
    assert again.code == 5, again.log
    assert models(registry_workspace, name) == []
    assert_nothing_left(registry_workspace)


def test_a_model_that_has_been_there_for_days_is_nobody_s_to_grant(
    registry_workspace: Workspace, inputs: dict[str, str], name: str,
    model_of_a_killed_job: dict[str, Any],
) -> None:  # fmt: skip
    old = json.dumps({**model_of_a_killed_job, "renewed": time.time() - 2 * 86_400})
    tag = {"name": name, "key": "remote_registry.try", "value": old}
    call(registry_workspace, "POST", "mlflow/registered-models/set-tag", json=tag)
    again = register(inputs, GITHUB_RUN_ATTEMPT="2")
    assert_one_version(registry_workspace, name, again)
    assert not re.search("(made|took over) the registered model", again.log)
    assert registry_workspace.requests("PATCH", "/api/2.0/permissions/*") == []
