"""One version for one source, whatever is lost, raced, cancelled or killed; and nothing left."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from big_models import folder_of, run_with_files
from clients import call
from command import SOURCES, Run, command_environment, register, side_inputs
from faults import product
from faults.shortened import READ_SECONDS
from integration.test_copy_ways import assert_nothing_left
from workspace import Workspace

FILES = {"data/weights": 4096, "code/x.py": b"x = 1\n"}
STAGING = "/databricks/mlflow/tmp-external-source"


@pytest.fixture
def name() -> str:
    return f"once-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def inputs(
    source_workspace: Workspace,
    registry_workspace: Workspace,
    name: str,
    staging_is_cleared: None,
) -> dict[str, str]:
    run_id = run_with_files(source_workspace, FILES)
    registry_workspace.control.clear_requests()
    source_workspace.control.clear_requests()
    return {
        "run-id": run_id,
        "artifact-path": "model",
        "model-name": name,
        **side_inputs("tracking", source_workspace),
        **side_inputs("registry", registry_workspace),
    }


def versions(registry: Workspace, name: str) -> list[dict[str, Any]]:
    reply = call(
        registry, "GET", "mlflow/model-versions/search", params={"filter": f"name='{name}'"}
    )
    found = reply.json().get("model_versions", [])
    return sorted(found, key=lambda version: int(version["version"]))


def models(registry: Workspace, name: str) -> list[dict[str, Any]]:
    reply = call(
        registry, "GET", "mlflow/registered-models/search", params={"filter": f"name='{name}'"}
    )
    return reply.json().get("registered_models", [])


def assert_one_version(registry: Workspace, name: str, *runs: Run) -> None:
    assert {run.code for run in runs} == {0}, "\n".join(run.log for run in runs)
    (version,) = versions(registry, name)
    assert version["status"] == "READY"
    assert {run.outputs["version"] for run in runs} == {version["version"]}
    assert_nothing_left(registry)


class Started:
    """The command as a process that can be signalled and killed."""

    def __init__(self, folder: Path, inputs: dict[str, str], **environment: str) -> None:
        folder.mkdir()
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-B", str(SOURCES), "register", "--json"],
            env=command_environment(folder, inputs, **environment),
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def end(self, *signals: int) -> tuple[int, str]:
        for signum in signals:
            self.process.send_signal(signum)
        _, log = self.process.communicate(timeout=60)
        return self.process.returncode, log


def is_quiet(registry: Workspace) -> bool:
    """Whether no request is under way."""
    return all("seconds" in one for one in registry.requests())


def until(happened: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


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
def test_a_lost_reply(
    registry_workspace: Workspace, inputs: dict[str, str], name: str, path: str
) -> None:
    registry_workspace.control.fault("lost-reply", path=path)
    run = register({**inputs, "stage": "Staging", "permissions": "team=CAN_MANAGE"})
    assert_one_version(registry_workspace, name, run)
    assert run.annotations("warning") == []
    assert versions(registry_workspace, name)[0]["current_stage"] == "Staging"
    assert len(registry_workspace.requests("PATCH", "/api/2.0/permissions/*")) == 1
    assert len(registry_workspace.requests("POST", "*/model-versions/create")) == 1


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
    left = [
        *models(registry_workspace, name)[stands:],
        *versions(registry_workspace, name),
        *staging_copies(registry_workspace),
    ]
    assert len(left) == len(told)


def staging_copies(registry: Workspace) -> list[object]:
    """Folders on DBFS, and experiments."""
    body = {"filter": "name LIKE '/Users/%/remote-registry-%'", "max_results": 100}
    found = call(registry, "POST", "mlflow/experiments/search", json=body).json()
    folders = registry.on_disk(STAGING).glob("remote-registry-*")
    return [*found.get("experiments", []), *folders]


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
    started = Started(tmp_path / "slow", inputs, REMOTE_REGISTRY_ABANDONED_AFTER="2")
    until(lambda: len(registry_workspace.requests("POST", "*/try.json")) >= 4)
    (folder,) = registry_workspace.on_disk(STAGING).glob("remote-registry-*")
    mark = json.loads((folder / "try.json").read_text())
    assert time.time() - mark["renewed"] < 2
    until(lambda: registry_workspace.requests("POST", "*/model-versions/set-tag"))
    registry_workspace.control.set(hold_ready=False)
    code, log = started.end()
    assert code == 0, log
    assert len(versions(registry_workspace, name)) == 1


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
    started.process.send_signal(signal.SIGINT)
    until(lambda: len(registry_workspace.requests(path="*/delete")) == 2)
    begun = time.monotonic()
    code, log = started.end(signal.SIGTERM)
    assert time.monotonic() - begun < 2
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


def test_where_every_call_is_slow_copy_and_version_are_gone_within_5_s_of_a_signal(
    registry_workspace: Workspace, inputs: dict[str, str], name: str, tmp_path: Path
) -> None:
    registry_workspace.control.set(hold_ready=True)
    started = Started(tmp_path / "cancelled", inputs)
    until(lambda: versions(registry_workspace, name))
    time.sleep(0.3)
    registry_workspace.control.set(latency=0.9)
    registry_workspace.control.clear_requests()
    begun, signalled = time.monotonic(), time.time()
    code, log = started.end(signal.SIGINT)
    assert time.monotonic() - begun < 6.5
    ended = {one["path"]: one["started"] + one["seconds"] for one in registry_workspace.requests()}
    registry_workspace.reset()
    assert ended["/api/2.0/mlflow/model-versions/delete"] - signalled < 5
    assert ended["/api/2.0/dbfs/delete"] - signalled < 5
    assert code == 130, log
    assert "Left behind" not in log
    assert versions(registry_workspace, name) == models(registry_workspace, name) == []
    assert_nothing_left(registry_workspace)


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
