"""A signal at any moment: what was begun is ended or taken back, and what is left is told."""

from __future__ import annotations

import re
import signal
import time
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
from faults import product
from faults.shortened import READ_SECONDS
from workspace import Workspace

MADE_LATE = {
    "/dbfs/*/try.json": "dbfs:/databricks/mlflow/tmp-external-source/remote-registry-",
    "*/experiments/create": "the experiment /Users/",
    "*/registered-models/create": "the registered model once-",
    "*/model-versions/create": "a version of once-",
}


@pytest.mark.parametrize("path", MADE_LATE)
@pytest.mark.parametrize("late", [1.5, 8.0], ids=["late", "too late"])
def test_what_is_made_after_a_signal_is_taken_back_or_told(
    registry_workspace: Workspace,
    inputs: dict[str, str],
    name: str,
    tmp_path: Path,
    path: str,
    late: float,
) -> None:
    stands = "model-versions" in path
    if stands:
        call(registry_workspace, "POST", "mlflow/registered-models/create", json={"name": name})
    registry_workspace.control.set(dbfs="experiments" not in path)
    registry_workspace.control.fault("silence", path=path, seconds=READ_SECONDS + late)
    started = product.Started(tmp_path / "late", product.Step("register", inputs))
    until(lambda: registry_workspace.requests("POST", path))
    started.signal(signal.SIGINT)
    ended = started.end()
    assert ended.code == 130, ended.log
    assert ended.seconds < 8
    until(lambda: is_quiet(registry_workspace))
    told = re.findall(r"Left behind: (.*?)(?:%0A|$)", ended.log, re.MULTILINE)
    assert [thing.startswith(MADE_LATE[path]) for thing in told] == [True] * (late > 3), ended.log
    assert all(thing.endswith(", perhaps") for thing in told)
    left = [
        *models(registry_workspace, name)[stands:],
        *versions(registry_workspace, name),
        *staging_copies(registry_workspace),
    ]
    assert len(left) == len(told)


def test_a_slow_look_for_what_is_made_late_leaves_time_for_the_rest(
    registry_workspace: Workspace, inputs: dict[str, str], name: str, tmp_path: Path
) -> None:
    registry_workspace.control.fault("silence", path="*/model-versions/create", seconds=10)
    started = product.Started(tmp_path / "late", product.Step("register", inputs))
    until(lambda: registry_workspace.requests("POST", "*/model-versions/create"))
    registry_workspace.control.set(latency=0.4)
    started.signal(signal.SIGINT)
    ended = started.end()
    registry_workspace.control.set(latency=0)
    assert ended.code == 130, ended.log
    assert ended.seconds < 8
    assert ended.log.count("Left behind: ") == 1, ended.log
    until(lambda: is_quiet(registry_workspace))
    assert versions(registry_workspace, name) == models(registry_workspace, name) == []
    assert_nothing_left(registry_workspace)


def test_of_two_creates_the_one_that_no_reply_came_to_is_told(
    registry_workspace: Workspace, inputs: dict[str, str], name: str, tmp_path: Path
) -> None:
    path = "*/model-versions/create"
    call(registry_workspace, "POST", "mlflow/registered-models/create", json={"name": name})
    registry_workspace.control.set(hold_ready=True)
    registry_workspace.control.fault("silence", path=path, seconds=READ_SECONDS + 10)
    started = product.Started(tmp_path / "late", product.Step("register", inputs))
    until(lambda: versions(registry_workspace, name))
    started.signal(signal.SIGINT)
    ended = started.end()
    assert ended.code == 130, ended.log
    assert f"Left behind: a version of {name}, perhaps" in ended.log
    until(lambda: is_quiet(registry_workspace))
    assert [one["version"] for one in versions(registry_workspace, name)] == ["2"]
    assert_nothing_left(registry_workspace)


SLOW_DOWN = {
    "status": 429,
    "headers": {"Retry-After": "1"},
    "body": {"error_code": "REQUEST_LIMIT_EXCEEDED", "message": "slow down"},
    "times": 0,
}


@pytest.mark.parametrize("path", MADE_LATE)
def test_what_a_refused_sign_in_did_not_make_is_not_told(
    registry_workspace: Workspace, inputs: dict[str, str], name: str, path: str
) -> None:
    registry_workspace.control.set(dbfs="experiments" not in path)
    expired = {"error_code": "401", "message": "expired"}
    registry_workspace.control.fault("reply", path=path, status=401, body=expired)
    run = register(inputs)
    assert run.code == 3, run.log
    assert "Left behind" not in run.log
    assert "::warning" not in run.log
    assert models(registry_workspace, name) == staging_copies(registry_workspace) == []


@pytest.mark.parametrize("path", MADE_LATE)
def test_what_was_put_off_when_the_signal_came_is_not_told(
    registry_workspace: Workspace, inputs: dict[str, str], name: str, tmp_path: Path, path: str
) -> None:
    registry_workspace.control.set(dbfs="experiments" not in path)
    registry_workspace.control.fault("reply", path=path, **SLOW_DOWN)
    started = Started(tmp_path / "cancelled", inputs)
    until(lambda: registry_workspace.requests("POST", path) and is_quiet(registry_workspace))
    code, log = started.end(signal.SIGINT)
    assert code == 130, log
    assert "Left behind" not in log
    assert "::warning" not in log
    assert models(registry_workspace, name) == staging_copies(registry_workspace) == []


def test_a_model_that_others_made_meanwhile_is_theirs(
    registry_workspace: Workspace, inputs: dict[str, str], name: str, tmp_path: Path
) -> None:
    path = "*/registered-models/create"
    registry_workspace.control.fault("silence", path=path, seconds=10)
    started = product.Started(tmp_path / "late", product.Step("register", inputs))
    until(lambda: registry_workspace.requests("POST", path))
    call(registry_workspace, "POST", "mlflow/registered-models/create", json={"name": name})
    started.signal(signal.SIGINT)
    ended = started.end()
    assert ended.code == 130, ended.log
    assert "Left behind" not in ended.log
    assert "::warning" not in ended.log
    until(lambda: is_quiet(registry_workspace))
    assert len(models(registry_workspace, name)) == 1
    assert_nothing_left(registry_workspace)


def test_a_model_that_was_made_again_is_taken_back(
    registry_workspace: Workspace, inputs: dict[str, str], name: str, tmp_path: Path
) -> None:
    path = "/dbfs/*/model/MLmodel"
    call(registry_workspace, "POST", "mlflow/registered-models/create", json={"name": name})
    registry_workspace.control.set(hold_ready=True)
    registry_workspace.control.fault("silence", path=path, seconds=1.5)
    started = Started(tmp_path / "cancelled", inputs)
    until(lambda: registry_workspace.requests("POST", path))
    call(registry_workspace, "DELETE", "mlflow/registered-models/delete", json={"name": name})
    until(lambda: models(registry_workspace, name) and versions(registry_workspace, name))
    code, log = started.end(signal.SIGINT)
    assert code == 130, log
    assert "making it again" in log
    assert "Left behind" not in log
    assert models(registry_workspace, name) == staging_copies(registry_workspace) == []


@pytest.mark.parametrize("path", ["*/experiments/create", "*/registered-models/create"])
def test_what_was_made_before_it_was_put_off_to_the_end_is_taken_back(
    registry_workspace: Workspace, inputs: dict[str, str], name: str, path: str
) -> None:
    registry_workspace.control.set(dbfs="experiments" not in path)
    registry_workspace.control.fault("reply", path=path, status=502, after_handler=True)
    registry_workspace.control.fault("reply", path=path, **SLOW_DOWN)
    run = register({**inputs, "retry-timeout": "2"})
    assert run.code == 5, run.log
    assert "Left behind" not in run.log
    assert models(registry_workspace, name) == staging_copies(registry_workspace) == []


def test_what_may_yet_be_made_is_told_though_the_last_reply_was_clear(
    registry_workspace: Workspace, inputs: dict[str, str], name: str, tmp_path: Path
) -> None:
    path = "*/registered-models/create"
    registry_workspace.control.fault("silence", path=path, seconds=READ_SECONDS + 8)
    registry_workspace.control.fault("reply", path=path, **SLOW_DOWN)
    step = product.Step("register", {**inputs, "retry-timeout": "2"})
    ended = product.Started(tmp_path / "late", step).end()
    assert ended.code == 5, ended.log
    assert f"Left behind: the registered model {name}, perhaps" in ended.log


def staging_copies(registry: Workspace) -> list[object]:
    """Folders on DBFS, and experiments."""
    body = {"filter": "name LIKE '/Users/%/remote-registry-%'", "max_results": 100}
    found = call(registry, "POST", "mlflow/experiments/search", json=body).json()
    folders = registry.on_disk(STAGING).glob("remote-registry-*")
    return [*found.get("experiments", []), *folders]


CANCELLED_AT = (
    "*/try.json", "/dbfs/*/MLmodel", "*/registered-models/create", "*/model-versions/create",
    "*/model-versions/list-artifacts",
)  # fmt: skip


@pytest.mark.parametrize("path", CANCELLED_AT)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_cancelled_in_the_middle_of_a_call(
    registry_workspace: Workspace,
    inputs: dict[str, str],
    name: str,
    tmp_path: Path,
    path: str,
    after: bool,
    signum: int,
) -> None:
    registry_workspace.control.fault("silence", path=path, seconds=1, after_handler=after)
    started = Started(tmp_path / "cancelled", {**inputs, "stage": "Production"})
    until(lambda: [one for one in registry_workspace.requests() if one["fault"]])
    begun = time.monotonic()
    code, log = started.end(signum)
    assert time.monotonic() - begun < 5
    assert code == 128 + signum, log
    assert "Left behind" not in log
    assert versions(registry_workspace, name) == models(registry_workspace, name) == []
    assert_nothing_left(registry_workspace)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_signal_while_it_takes_its_own_version_leaves_that_and_says_so(
    registry_workspace: Workspace, inputs: dict[str, str], name: str, tmp_path: Path, after: bool
) -> None:
    """It is READY and verified, and another job may find that tag at once."""
    registry_workspace.control.fault(
        "silence", path="*/model-versions/set-tag", seconds=1, after_handler=after
    )
    started = Started(tmp_path / "cancelled", {**inputs, "stage": "Production"})
    until(lambda: [one for one in registry_workspace.requests() if one["fault"]])
    code, log = started.end(signal.SIGINT)
    assert code == 130, log
    assert "Left behind" not in log
    assert "in use by another job" not in log
    output = (tmp_path / "cancelled" / "output").read_text()
    assert re.search(r"^version<<.*\n1\n", output, re.MULTILINE), output
    (version,) = versions(registry_workspace, name)
    assert (version["status"], version["current_stage"]) == ("READY", "None")
    assert_nothing_left(registry_workspace)


def test_a_signal_during_the_clean_up_promotes_nothing(
    registry_workspace: Workspace, inputs: dict[str, str], name: str, tmp_path: Path
) -> None:
    registry_workspace.control.fault("silence", path="*/dbfs/delete", seconds=1)
    started = Started(tmp_path / "cancelled", {**inputs, "stage": "Production"})
    until(lambda: registry_workspace.requests("POST", "*/dbfs/delete"))
    code, log = started.end(signal.SIGINT)
    assert code == 130, log
    (version,) = versions(registry_workspace, name)
    assert version["current_stage"] == "None"
    assert_nothing_left(registry_workspace)


def test_a_second_signal_leaves_at_once_and_says_what_is_left(
    registry_workspace: Workspace, inputs: dict[str, str], name: str, tmp_path: Path
) -> None:
    registry_workspace.control.set(hold_ready=True)
    started = Started(tmp_path / "cancelled", inputs)
    until(lambda: versions(registry_workspace, name))
    registry_workspace.control.fault("silence", path="*/delete", seconds=8, times=2)
    begun = time.monotonic()
    started.process.send_signal(signal.SIGINT)
    until(lambda: len(registry_workspace.requests(path="*/delete")) == 2)
    code, log = started.end(signal.SIGTERM)
    assert time.monotonic() - begun < 6
    assert code == 130, log
    (error,) = [line for line in log.splitlines() if line.startswith("::error")]
    assert f"Left behind: a version of {name}" in error
    assert f"Left behind: the registered model {name}" in error
    assert "Left behind: dbfs:/databricks/mlflow/tmp-external-source/remote-registry-" in error
    until(lambda: is_quiet(registry_workspace))
    registry_workspace.reset()
    assert register(inputs, GITHUB_RUN_ATTEMPT="2").code == 0
    assert len(versions(registry_workspace, name)) == 1
    assert_nothing_left(registry_workspace)


def test_what_takes_too_long_after_a_signal_is_told_to_be_left(
    registry_workspace: Workspace, inputs: dict[str, str], name: str, tmp_path: Path
) -> None:
    """A runner would end it 10 s after the first signal."""
    registry_workspace.control.set(hold_ready=True)
    started = Started(tmp_path / "cancelled", inputs)
    until(lambda: versions(registry_workspace, name))
    registry_workspace.control.fault("silence", method="DELETE", path="*", seconds=15)
    begun = time.monotonic()
    code, log = started.end(signal.SIGINT)
    assert time.monotonic() - begun < 9
    assert code == 130, log
    assert f"Left behind: a version of {name}" in log
    until(lambda: is_quiet(registry_workspace))
    registry_workspace.reset()
    assert_one_version(registry_workspace, name, register(inputs, GITHUB_RUN_ATTEMPT="2"))


def in_a_row(requests: list[dict[str, Any]]) -> int:
    """How many of them were sent each after the reply to the one before."""
    count, answered = 0, 0.0
    for one in sorted(requests, key=lambda one: one["started"] + one["seconds"]):
        if one["started"] >= answered:
            count, answered = count + 1, one["started"] + one["seconds"]
    return count


def test_where_every_call_is_slow_copy_and_version_are_gone_within_5_s_of_a_signal(
    registry_workspace: Workspace, inputs: dict[str, str], name: str, tmp_path: Path
) -> None:
    registry_workspace.control.set(hold_ready=True)
    started = Started(tmp_path / "cancelled", inputs)
    until(lambda: versions(registry_workspace, name))
    time.sleep(0.3)
    registry_workspace.control.set(latency=0.7)
    registry_workspace.control.clear_requests()
    signalled = time.time()
    code, log = started.end(signal.SIGINT)
    requests = registry_workspace.requests()
    ended = {one["path"]: one["started"] + one["seconds"] for one in requests}
    registry_workspace.reset()
    assert in_a_row(requests) <= 6
    assert ended["/api/2.0/mlflow/model-versions/delete"] - signalled < 5
    assert ended["/api/2.0/dbfs/delete"] - signalled < 5
    assert code == 130, log
    assert "Left behind" not in log
    assert versions(registry_workspace, name) == models(registry_workspace, name) == []
    assert_nothing_left(registry_workspace)


def test_a_signal_during_the_clean_up_tells_the_version_that_stays(
    registry_workspace: Workspace, inputs: dict[str, str], name: str, tmp_path: Path
) -> None:
    registry_workspace.control.fault("silence", path="*/dbfs/delete", seconds=1)
    started = Started(tmp_path / "cancelled", inputs)
    until(lambda: registry_workspace.requests("POST", "*/dbfs/delete"))
    code, log = started.end(signal.SIGINT)
    assert code == 130, log
    output = (tmp_path / "cancelled" / "output").read_text()
    assert re.search(r"^version<<.*\n1\n", output, re.MULTILINE), output
    assert re.search(r"^status<<.*\nREADY\n", output, re.MULTILINE), output


def test_a_signal_while_a_doubted_create_is_looked_for_once_more(
    registry_workspace: Workspace, inputs: dict[str, str], name: str, tmp_path: Path
) -> None:
    """The version stays, for it may be taken by now; the staging copy goes."""
    registry_workspace.control.fault("lost-reply", path="*/model-versions/create")
    registry_workspace.control.set(hold_ready=True)
    started = Started(tmp_path / "cancelled", inputs)
    until(lambda: versions(registry_workspace, name))
    until(lambda: len(registry_workspace.requests("GET", "*/model-versions/get")) > 8)
    registry_workspace.control.clear_requests()
    registry_workspace.control.fault("silence", path="*/model-versions/search", seconds=1)
    registry_workspace.control.set(hold_ready=False)
    until(lambda: registry_workspace.requests("GET", "*/model-versions/search"))
    code, log = started.end(signal.SIGINT)
    assert code == 130, log
    assert_nothing_left(registry_workspace)


def test_who_waits_for_a_version_whose_maker_is_cancelled_makes_one(
    registry_workspace: Workspace, inputs: dict[str, str], name: str, tmp_path: Path
) -> None:
    """The maker's staging copy goes first, so its version may fail before it is deleted."""
    registry_workspace.control.set(ready_after=3)
    maker = Started(tmp_path / "maker", inputs, GITHUB_RUN_ID="41")
    until(lambda: versions(registry_workspace, name))
    waiter = Started(tmp_path / "waiter", inputs, GITHUB_RUN_ID="43")
    until(lambda: len(registry_workspace.requests("GET", "*/model-versions/get")) > 8)
    registry_workspace.control.fault("silence", path="*/model-versions/set-tag", seconds=7)
    registry_workspace.control.set(ready_after=0)
    maker.process.send_signal(signal.SIGINT)
    code, log = waiter.end()
    assert code == 0, log
    assert maker.end()[0] == 130
    assert len(versions(registry_workspace, name)) == 1
    assert_nothing_left(registry_workspace)


def test_a_signal_after_the_reply_to_a_move_was_lost(
    registry_workspace: Workspace, inputs: dict[str, str], name: str, tmp_path: Path
) -> None:
    registry_workspace.control.fault(
        "reply",
        path="*/transition-stage",
        status=503,
        after_handler=True,
    )
    registry_workspace.control.fault("reply", path="*/transition-stage", status=503, times=0)
    started = Started(tmp_path / "cancelled", {**inputs, "stage": "Staging"})
    until(lambda: registry_workspace.requests("POST", "*/transition-stage"))
    code, log = started.end(signal.SIGINT)
    assert code == 130, log
    assert versions(registry_workspace, name)[0]["current_stage"] == "Staging"
    output = (tmp_path / "cancelled" / "output").read_text()
    assert re.search(r"^stage<<.*\nStaging\n", output, re.MULTILINE), output
