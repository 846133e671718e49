"""One version for one source, whatever is lost, raced or told twice; and nothing left."""

from __future__ import annotations

import re
import signal
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from big_models import folder_of, run_with_files
from clients import call
from command import Run, register
from exactly_once import (
    FILES,
    Started,
    assert_nothing_left,
    assert_one_version,
    models,
    until,
    versions,
)
from workspace import Workspace


def busy(seconds: int) -> dict[str, Any]:
    """The fault of a server that asks to come back later."""
    return {"action": "reply", "status": 503, "headers": {"Retry-After": str(seconds)}}


# A gateway may say "busy, come back" of what it has handed on.
REPLIES_LOST = {"lost": {"action": "lost-reply"}, "busy": {**busy(1), "after_handler": True}}


def test_a_rerun_is_quick_and_makes_few_requests(
    source_workspace: Workspace, registry_workspace: Workspace, inputs: dict[str, str], name: str
) -> None:
    first = register({**inputs, "stage": "Staging"})
    source_workspace.control.clear_requests()
    registry_workspace.control.clear_requests()
    again = register({**inputs, "stage": "Staging"}, GITHUB_RUN_ATTEMPT="2")
    asked = registry_workspace.requests()
    assert_one_version(registry_workspace, name, first, again)
    assert again.outputs["created"] == "false"
    same = {key: first.outputs[key] for key in ("version", "digest", "download-uri", "stage")}
    assert {key: again.outputs[key] for key in same} == same
    assert len(source_workspace.requests()) <= 8
    assert len(asked) <= 8


def test_a_version_that_search_does_not_show_yet_is_found(
    registry_workspace: Workspace, inputs: dict[str, str], name: str
) -> None:
    registry_workspace.control.set(search_lag=5)
    runs = [register(inputs), register(inputs)]
    registry_workspace.reset()
    assert_one_version(registry_workspace, name, *runs)


@pytest.mark.parametrize("search_lag", [0, 3])
def test_jobs_that_race(
    registry_workspace: Workspace, inputs: dict[str, str], name: str, search_lag: float
) -> None:
    registry_workspace.control.set(search_lag=search_lag, ready_after=0.5)
    with ThreadPoolExecutor() as pool:
        runs = list(pool.map(register, [inputs] * 6))
    registry_workspace.reset()
    assert_one_version(registry_workspace, name, *runs)
    assert [run.outputs["created"] for run in runs].count("true") >= 1


@pytest.mark.parametrize(
    "path",
    [
        "*/model-versions/create",
        "*/registered-models/create",
        "*/transition-stage",
        "*/model-versions/set-tag",
        "*/try.json",
        "*/data/weights",
        "*/dbfs/delete",
    ],
)
@pytest.mark.parametrize("how", REPLIES_LOST)
def test_a_lost_reply(
    registry_workspace: Workspace, inputs: dict[str, str], name: str, path: str, how: str
) -> None:
    registry_workspace.control.fault(path=path, **REPLIES_LOST[how])
    run = register({**inputs, "stage": "Staging", "permissions": "team=CAN_MANAGE"})
    assert_one_version(registry_workspace, name, run)
    assert run.annotations("warning") == []
    assert versions(registry_workspace, name)[0]["current_stage"] == "Staging"
    assert len(registry_workspace.requests("PATCH", "/api/2.0/permissions/*")) == 1
    assert len(registry_workspace.requests("POST", "*/model-versions/create")) == 1


def test_who_is_asked_to_wait_tries_no_earlier(
    registry_workspace: Workspace, inputs: dict[str, str], name: str
) -> None:
    path = "*/model-versions/create"
    registry_workspace.control.fault(path=path, **busy(9))
    run = register(inputs)
    assert_one_version(registry_workspace, name, run)
    refused, taken = registry_workspace.requests("POST", path)
    assert taken["started"] - refused["started"] >= 9


def test_nobody_waits_longer_than_the_timeout(
    registry_workspace: Workspace, inputs: dict[str, str], name: str
) -> None:
    path = "*/model-versions/create"
    registry_workspace.control.fault(path=path, **busy(999))
    run = register(inputs)
    assert run.code == 5, run.log
    assert "503" in run.annotations()[0]
    assert len(registry_workspace.requests("POST", path)) == 1
    assert versions(registry_workspace, name) == models(registry_workspace, name) == []


def test_the_winner_of_a_race_is_verified_before_ours_is_given_up(
    registry_workspace: Workspace, inputs: dict[str, str], name: str, tmp_path: Path
) -> None:
    """One job waits before its files go; meanwhile another makes a version of damaged files."""
    registry_workspace.control.fault("silence", path="/dbfs/*/data/weights", seconds=4)
    slow = Started(tmp_path / "slow", {**inputs, "stage": "Production"})
    until(lambda: registry_workspace.requests("POST", "/dbfs/*/data/weights"))
    registry_workspace.control.set(corrupt=[{"path": "data/weights", "how": "size"}])
    registry_workspace.control.fault("silence", path="*/list-artifacts", seconds=20)
    killed = Started(tmp_path / "killed", inputs)
    until(lambda: registry_workspace.requests("GET", "*/list-artifacts"))
    registry_workspace.control.set(corrupt=[])
    killed.end(signal.SIGKILL)
    code, log = slow.end()
    assert code == 0, log
    assert "version 1 is no good" in log
    stages = {one["version"]: one["current_stage"] for one in versions(registry_workspace, name)}
    assert stages == {"1": "None", "2": "Production"}


def test_what_was_promoted_meanwhile_is_what_stood_there_before(
    registry_workspace: Workspace, inputs: dict[str, str], name: str, tmp_path: Path,
    source_workspace: Workspace,
) -> None:  # fmt: skip
    def other(**stage: str) -> Run:
        run_id = run_with_files(source_workspace, {"other": uuid.uuid4().bytes})
        return register({**inputs, "run-id": run_id, **stage})

    assert other(stage="Production").code == 0
    registry_workspace.control.set(hold_ready=True)
    ours = {**inputs, "stage": "Production", "archive-existing": "true"}
    slow = Started(tmp_path / "slow", ours)
    until(lambda: len(versions(registry_workspace, name)) == 2)
    registry_workspace.control.set(hold_ready=False)
    registry_workspace.control.fault("silence", path="*/dbfs/delete", seconds=3)
    until(lambda: registry_workspace.requests("POST", "*/dbfs/delete"))
    move = {"name": name, "version": "1", "stage": "Archived"}
    call(registry_workspace, "POST", "mlflow/model-versions/transition-stage", json=move)
    code, log = slow.end()
    assert code == 0, log
    assert "another job promoted meanwhile: nothing stands in Production now" in log
    tags = {tag["key"] for tag in versions(registry_workspace, name)[1]["tags"]}
    assert "remote_registry.previous.stage.Production" not in tags


@pytest.mark.parametrize(("expected", "code"), [("1", 0), ("none", 5), ("7", 5)])
def test_nothing_is_promoted_over_what_was_not_expected(
    registry_workspace: Workspace, source_workspace: Workspace, inputs: dict[str, str], name: str,
    expected: str, code: int,
) -> None:  # fmt: skip
    other = run_with_files(source_workspace, {"other": b"1"})
    assert register({**inputs, "run-id": other, "stage": "Production"}).code == 0
    run = register({**inputs, "stage": "Production", "expect-previous": expected})
    assert run.code == code, run.log
    stages = [one["current_stage"] for one in versions(registry_workspace, name)]
    assert stages == ["Production", "None" if code else "Production"]
    if code:
        assert "expect-previous is" in run.annotations()[0]
        assert run.outputs["version"] == "2"


def test_a_model_of_others_is_never_deleted(
    registry_workspace: Workspace, inputs: dict[str, str], name: str
) -> None:
    body = {"name": name, "tags": [{"key": "remote_registry.try", "value": "{}"}]}
    call(registry_workspace, "POST", "mlflow/registered-models/create", json=body)
    registry_workspace.control.set(registration_error="no")
    assert register(inputs).code == 5
    assert len(models(registry_workspace, name)) == 1
    assert_nothing_left(registry_workspace)


def test_a_version_that_another_job_has_taken_is_not_withdrawn(
    registry_workspace: Workspace, inputs: dict[str, str], name: str, tmp_path: Path
) -> None:
    """Its maker is cancelled when it is READY already, and another job has told its number."""
    registry_workspace.control.fault("silence", path="*/list-artifacts", seconds=5)
    maker = Started(tmp_path / "maker", inputs, GITHUB_RUN_ID="41")
    until(lambda: registry_workspace.requests("GET", "*/list-artifacts"))
    taker = register(inputs, GITHUB_RUN_ID="42")
    assert (taker.code, taker.outputs["version"]) == (0, "1")
    code, log = maker.end(signal.SIGINT)
    assert code == 130, log
    assert "is taken and may be in use by another job" in log
    assert_one_version(registry_workspace, name, taker)


def test_a_version_that_is_being_withdrawn_is_not_taken(
    registry_workspace: Workspace, inputs: dict[str, str], name: str, tmp_path: Path
) -> None:
    registry_workspace.control.fault("silence", path="*/list-artifacts", seconds=2)
    maker = Started(tmp_path / "maker", inputs, GITHUB_RUN_ID="41")
    until(lambda: registry_workspace.requests("GET", "*/list-artifacts"))
    registry_workspace.control.fault("silence", method="DELETE", path="*/delete", seconds=2)
    maker.process.send_signal(signal.SIGINT)
    until(lambda: registry_workspace.requests("DELETE", "*/model-versions/delete"))
    taker = register(inputs, GITHUB_RUN_ID="42")
    code, log = maker.end()
    assert code == 130, log
    assert "meanwhile. Beginning again." in taker.log
    assert_one_version(registry_workspace, name, taker)


def test_a_version_that_was_told_is_never_deleted(
    registry_workspace: Workspace, inputs: dict[str, str], name: str
) -> None:
    """Not even where it serves other files, and its maker ended long ago."""
    assert register(inputs, GITHUB_RUN_ID="41").code == 0
    (version,) = versions(registry_workspace, name)
    assert "remote_registry.taken" in {tag["key"] for tag in version["tags"]}
    registry_workspace.control.fault(
        "reply", path="*/list-artifacts", body='{"files": []}', status=200
    )
    again = register(inputs, GITHUB_RUN_ID="42", REMOTE_REGISTRY_ABANDONED_AFTER="0.01")
    assert again.code == 5, again.log
    assert "is not what was logged" in again.annotations()[0]
    assert versions(registry_workspace, name)[0]["tags"] == version["tags"]


def test_a_lower_version_that_may_still_get_ready_is_not_skipped(
    registry_workspace: Workspace, inputs: dict[str, str], name: str, tmp_path: Path
) -> None:
    """The later job's own is READY at once, and it waits in vain for the first one's."""
    registry_workspace.control.fault("silence", path="/dbfs/*/data/weights", seconds=4)
    later = Started(tmp_path / "later", {**inputs, "timeout": "2"}, GITHUB_RUN_ID="42")
    until(lambda: registry_workspace.requests("POST", "/dbfs/*/data/weights"))
    registry_workspace.control.set(ready_after=14)
    first = Started(tmp_path / "first", inputs, GITHUB_RUN_ID="41")
    until(lambda: versions(registry_workspace, name))
    registry_workspace.control.set(ready_after=0)
    code, log = later.end()
    assert code == 5, log
    assert "Version 1 is not READY after 2 s" in log
    assert [one["version"] for one in versions(registry_workspace, name)] == ["1"]
    code, log = first.end()
    assert code == 0, log
    assert_nothing_left(registry_workspace)


def test_what_failed_beside_a_good_version_goes(
    registry_workspace: Workspace, inputs: dict[str, str], name: str
) -> None:
    assert register(inputs).code == 0
    (good,) = versions(registry_workspace, name)
    body = {"name": name, "source": good["source"], "tags": good["tags"]}
    ours = [tag for tag in good["tags"] if tag["key"] != "remote_registry.taken"]
    registry_workspace.control.set(registration_error="no")
    for tags in (ours, []):  # the other one is somebody else's
        call(
            registry_workspace, "POST", "mlflow/model-versions/create", json={**body, "tags": tags}
        )
    until(
        lambda: (
            [v["status"] for v in versions(registry_workspace, name)][2:] == ["FAILED_REGISTRATION"]
        )
    )
    registry_workspace.reset()
    again = register(inputs, GITHUB_RUN_ATTEMPT="2")
    assert again.code == 0, again.log
    assert [one["version"] for one in versions(registry_workspace, name)] == ["1", "3"]


@pytest.mark.parametrize("status", [429, 503])
def test_what_does_not_pass_is_repeated_for_retry_timeout(
    registry_workspace: Workspace, inputs: dict[str, str], name: str, status: int
) -> None:
    registry_workspace.control.fault(
        "reply", path="*/model-versions/search", status=status, times=1000
    )
    begun = time.monotonic()
    run = register({**inputs, "retry-timeout": "3"})
    assert run.code == 5, run.log
    assert time.monotonic() - begun < 10
    assert 2 <= len(registry_workspace.requests("GET", "*/model-versions/search")) < 20


def test_a_staging_copy_that_can_t_be_deleted_is_told_and_not_waited_for(
    registry_workspace: Workspace, inputs: dict[str, str], name: str
) -> None:
    registry_workspace.control.fault("reply", path="*/dbfs/delete", status=503, times=0)
    begun = time.monotonic()
    run = register({**inputs, "retry-timeout": "2"})
    registry_workspace.reset()
    assert run.code == 0, run.log
    assert time.monotonic() - begun < 15
    assert "could not be removed" in run.annotations("warning")[0]
    assert register(inputs, GITHUB_RUN_ATTEMPT="2").code == 0
    assert_nothing_left(registry_workspace)


def test_a_version_that_was_told_is_taken_before_a_lower_one(
    registry_workspace: Workspace, inputs: dict[str, str], name: str, tmp_path: Path
) -> None:
    """The lower one is of a killed job, and of other bytes, which only `verify: full` sees."""
    registry_workspace.control.fault("silence", path="/dbfs/*/data/weights", seconds=4)
    full = Started(tmp_path / "full", {**inputs, "verify": "full"})
    until(lambda: registry_workspace.requests("POST", "/dbfs/*/data/weights"))
    registry_workspace.control.set(corrupt=[{"path": "data/weights", "how": "bytes"}])
    registry_workspace.control.fault("silence", path="*/list-artifacts", seconds=20)
    killed = Started(tmp_path / "killed", inputs, GITHUB_RUN_ID="41")
    until(lambda: registry_workspace.requests("GET", "*/list-artifacts"))
    registry_workspace.control.set(corrupt=[])
    killed.end(signal.SIGKILL)
    code, log = full.end()
    assert code == 0, log
    assert "version 1 is no good" in log
    again = register(inputs, GITHUB_RUN_ID="44", REMOTE_REGISTRY_ABANDONED_AFTER="0.1")
    assert again.code == 0, again.log
    assert again.outputs["version"] == "2"
    assert [one["version"] for one in versions(registry_workspace, name)] == ["2"]


def test_who_finds_its_version_promoted_meanwhile_has_what_it_asked_for(
    registry_workspace: Workspace, source_workspace: Workspace, inputs: dict[str, str], name: str,
    tmp_path: Path,
) -> None:  # fmt: skip
    other = run_with_files(source_workspace, {"other": b"1"})
    assert register({**inputs, "run-id": other, "stage": "Production"}).code == 0
    assert register(inputs).code == 0
    wanted = {**inputs, "stage": "Production", "archive-existing": "true", "expect-previous": "1"}
    registry_workspace.control.clear_requests()
    registry_workspace.control.fault("silence", path="*/list-artifacts", seconds=4)
    slow = Started(tmp_path / "slow", wanted, GITHUB_RUN_ID="43")
    until(lambda: registry_workspace.requests("GET", "*/list-artifacts"))
    quick = register(wanted, GITHUB_RUN_ID="44")
    assert (quick.code, quick.outputs["previous-version"]) == (0, "1"), quick.log
    code, log = slow.end()
    assert code == 0, log
    output = (tmp_path / "slow" / "output").read_text()
    assert re.search(r"^previous-version<<.*\n1\n", output, re.MULTILINE), output
    assert "nothing stands in Production" not in log


def test_a_lower_version_whose_files_can_t_be_listed_is_no_good(
    registry_workspace: Workspace, inputs: dict[str, str], name: str, tmp_path: Path
) -> None:
    registry_workspace.control.fault("silence", path="/dbfs/*/data/weights", seconds=4)
    later = Started(tmp_path / "later", inputs, GITHUB_RUN_ID="42")
    until(lambda: registry_workspace.requests("POST", "/dbfs/*/data/weights"))
    registry_workspace.control.fault("silence", path="*/list-artifacts", seconds=20)
    first = Started(tmp_path / "first", inputs, GITHUB_RUN_ID="41")
    until(lambda: registry_workspace.requests("GET", "*/list-artifacts"))
    first.end(signal.SIGKILL)
    missing = {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "gone"}
    registry_workspace.control.fault(
        "reply", path="*/list-artifacts", status=404, body=missing, skip=3, times=0
    )
    code, log = later.end()
    assert code == 0, log


def test_what_others_left_and_we_may_not_delete_is_no_failure(
    registry_workspace: Workspace, inputs: dict[str, str], name: str
) -> None:
    assert register(inputs).code == 0
    (good,) = versions(registry_workspace, name)
    ours = [tag for tag in good["tags"] if tag["key"] != "remote_registry.taken"]
    registry_workspace.control.set(registration_error="no")
    body = {"name": name, "source": good["source"], "tags": ours}
    call(registry_workspace, "POST", "mlflow/model-versions/create", json=body)
    until(lambda: versions(registry_workspace, name)[1]["status"] == "FAILED_REGISTRATION")
    denied = {"error_code": "PERMISSION_DENIED", "message": "no"}
    registry_workspace.control.fault(
        "reply", path="*/model-versions/delete", status=403, body=denied, times=0
    )
    again = register(inputs, GITHUB_RUN_ATTEMPT="2")
    assert (again.code, again.outputs["version"]) == (0, "1"), again.log
    assert "version 2" in again.annotations("warning")[0]


def change_bytes(source: Workspace, run_id: str, content: bytes) -> None:
    """Others of the same length, in the run's files."""
    reply = call(source, "GET", "mlflow/runs/get", params={"run_id": run_id})
    folder = folder_of(source, reply.json()["run"]["info"]["artifact_uri"])
    assert len(content) == len(FILES["code/x.py"])
    (folder / "model/code/x.py").write_bytes(content)


def test_bytes_that_changed_are_a_new_version_where_every_byte_is_compared(
    source_workspace: Workspace, registry_workspace: Workspace, inputs: dict[str, str], name: str
) -> None:
    def registered(verify: str, content: bytes) -> tuple[str, str, str]:
        change_bytes(source_workspace, inputs["run-id"], content)
        run = register({**inputs, "verify": verify})
        assert run.code == 0, run.log
        why = "changed since version 1" if "changed since version 1" in run.log else ""
        return run.outputs["version"], run.outputs["created"], why

    before, after = b"x = 1\n", b"x = 2\n"
    assert registered("sizes", before) == ("1", "true", "")
    assert registered("full", before) == ("1", "false", "")
    assert registered("full", after) == ("2", "true", "changed since version 1")
    for content, number in [(after, "2"), (before, "1"), (after, "2")]:
        assert registered("full", content) == (number, "false", "")
        assert registered("sizes", content) == (number, "false", "")
    assert len(versions(registry_workspace, name)) == 2
    assert_nothing_left(registry_workspace)


def test_a_version_of_changed_bytes_is_found_where_search_lags(
    source_workspace: Workspace, registry_workspace: Workspace, inputs: dict[str, str], name: str
) -> None:
    full = {**inputs, "verify": "full"}
    assert register(full).code == 0
    change_bytes(source_workspace, inputs["run-id"], b"x = 2\n")
    registry_workspace.control.set(search_lag=5)
    runs = [register(full), register(full)]
    assert [run.outputs["created"] for run in runs] == ["true", "false"]
    assert [run.outputs["version"] for run in runs] == ["2", "2"]


@pytest.mark.parametrize("times", [1, 2])
def test_a_tag_that_two_jobs_set_at_once_is_set_once_more(
    registry_workspace: Workspace, inputs: dict[str, str], name: str, times: int
) -> None:
    """As an MLflow server over SQLite answers one of two."""
    body = {"error_code": "BAD_REQUEST", "message": "UNIQUE constraint failed"}
    registry_workspace.control.fault(
        "reply", path="*/model-versions/set-tag", status=400, body=body, times=times
    )
    run = register(inputs)
    assert run.code == (0 if times == 1 else 5), run.log
    assert len(versions(registry_workspace, name)) == (1 if times == 1 else 0)
    assert_nothing_left(registry_workspace)
