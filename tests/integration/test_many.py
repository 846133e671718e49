"""The models of a file in one job: each on its own, each exactly once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

import clients
import pytest
from big_models import run_with_files
from command import SOURCES, Run, call, command_environment, side_inputs
from conftest import LogModels
from exactly_once import assert_nothing_left, is_quiet, models, until, versions
from faults import product
from faults.shortened import READ_SECONDS
from integration.test_register import numbers
from servers import MlflowServer
from workspace import Workspace

FILES = {"data/weights": 4096, "code/x.py": b"x = 1\n"}
SIGN_IN = "/api/2.0/preview/scim/v2/Me"


@dataclass(frozen=True)
class Many:
    """Three models of the source, a file that lists them, and where they go."""

    source: Workspace
    registry: Workspace
    names: tuple[str, ...]
    folder: Path

    def write(self, **of_each: Any) -> None:
        """Lists them, each with more inputs, by its place (`stage__0`) or all of them."""
        entries = self.entries
        for key, value in of_each.items():
            name, _, number = key.partition("__")
            for entry in [entries[int(number)]] if number else entries:
                entry[name.replace("_", "-")] = value
        self.list(entries)

    @property
    def entries(self) -> list[dict[str, Any]]:
        return json.loads((self.folder / "models.yml").read_text())["models"]

    def list(self, entries: list[dict[str, Any]]) -> None:
        (self.folder / "models.yml").write_text(json.dumps({"models": entries}))

    @property
    def inputs(self) -> dict[str, str]:
        return {
            "models": str(self.folder / "models.yml"),
            **side_inputs("tracking", self.source),
            **side_inputs("registry", self.registry),
        }

    def run(self, inputs: dict[str, str] | None = None, **environment: str) -> Run:
        given = {**self.inputs, **(inputs or {})}
        return call("many", given, GITHUB_WORKSPACE=str(self.folder), **environment)

    def start(self, folder: str, inputs: dict[str, str] | None = None, **environment: str) -> Begun:
        own = self.folder / folder
        own.mkdir()
        more = {"GITHUB_WORKSPACE": str(self.folder), **environment}
        variables = command_environment(own, {**self.inputs, **(inputs or {})}, **more)
        return Begun(own, variables)

    def numbers(self, name: str) -> list[str]:
        return [one["version"] for one in versions(self.registry, name)]


class Begun:
    """The command as a process that can be signalled."""

    def __init__(self, folder: Path, variables: dict[str, str]) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-B", str(SOURCES), "many", "--json"],
            env=variables,
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def end(self, *signals: int) -> Run:
        for signum in signals:
            self.process.send_signal(signum)
        said, log = self.process.communicate(timeout=60)
        outputs = json.loads(said) if said.strip() else {}
        summary = self.folder / "summary"
        return Run(
            self.process.returncode, outputs, log, summary.read_text() if summary.exists() else ""
        )


@pytest.fixture
def many(
    source_workspace: Workspace,
    registry_workspace: Workspace,
    staging_is_cleared: None,
    tmp_path: Path,
) -> Many:
    names = tuple(f"many-{uuid.uuid4().hex[:8]}" for _ in range(3))
    made = Many(source_workspace, registry_workspace, names, tmp_path)
    made.list(
        [
            {"model-name": name, "run-id": run_with_files(source_workspace, FILES)}
            | {"artifact-path": "model"}
            for name in names
        ]
    )
    registry_workspace.control.clear_requests()
    source_workspace.control.clear_requests()
    return made


def results(run: Run) -> list[dict[str, Any]]:
    return json.loads(run.outputs["results"])


def assert_each_once(many: Many, *runs: Run) -> None:
    assert {run.code for run in runs} == {0}, "\n".join(run.log for run in runs)
    for number, name in enumerate(many.names):
        (version,) = versions(many.registry, name)
        assert version["status"] == "READY"
        assert {results(run)[number]["version"] for run in runs} == {version["version"]}
    assert_nothing_left(many.registry)


def test_three_models_and_one_sign_in_to_each_side(many: Many) -> None:
    many.write(stage="Staging", tags={"team": "risk"})
    run = many.run()
    assert_each_once(many, run)
    assert [one["created"] for one in results(run)] == [True] * 3
    assert [one["stage"] for one in results(run)] == ["Staging"] * 3
    assert {one["exit-code"] for one in results(run)} == {0}
    assert run.outputs["status"] == "READY"
    for side in (many.source, many.registry):
        assert len(side.requests("GET", SIGN_IN)) == 1
    assert "3 models: 3 registered, 0 already registered" in unescape(run.summary)
    assert run.summary.count("| &#9989; |") == 3
    for name in many.names:
        assert f"  {name}: created version 1 of {name}: PENDING_REGISTRATION" in run.log
        (version,) = versions(many.registry, name)
        assert {"key": "team", "value": "risk"} in version["tags"]


def test_no_output_that_crosses_jobs_holds_a_host_or_an_id(many: Many) -> None:
    many.write(run_id__1="0" * 32)
    run = many.run()
    assert run.code == 4
    told = json.dumps(run.outputs)
    for side in (many.source, many.registry):
        for secret in (side.host.partition("://")[2], side.workspace_id, side.token):
            assert secret not in told


def test_a_rerun_finds_all(many: Many) -> None:
    first = many.run()
    again = many.run(GITHUB_RUN_ATTEMPT="2")
    assert_each_once(many, first, again)
    assert [one["created"] for one in results(again)] == [False] * 3
    assert "0 registered, 3 already registered" in unescape(again.summary)


def test_one_that_fails_stops_no_other(many: Many) -> None:
    many.write(run_id__1="0" * 32, gate__2="accuracy >= 0.9")
    run = many.run()
    assert run.code == 4, run.log
    assert [one["exit-code"] for one in results(run)] == [0, 4, 6]
    assert [one["error"] for one in results(run)] == ["", "No such source", "Gate not met"]
    assert [many.numbers(name) for name in many.names] == [["1"], [], []]
    assert run.outputs["status"] == "incomplete"
    missing, gate, whole = run.annotations()
    assert missing.startswith(f"No such source%3A {many.names[1]}: ")
    assert gate.startswith(f"Gate not met%3A {many.names[2]}: ")
    assert whole.startswith("Not all models were registered: 2 of 3 models failed.")
    assert "though 1 of 3 are registered" in run.summary
    assert_nothing_left(many.registry)


def test_the_registrys_failure_is_worse_than_a_missing_source(many: Many) -> None:
    many.write(run_id__1="0" * 32)
    many.registry.control.fault("reply", path="*/model-versions/create", status=400, times=1)
    run = many.run()
    assert run.code == 5, run.log
    assert sorted(one["exit-code"] for one in results(run)) == [0, 4, 5]
    assert_nothing_left(many.registry)


def test_a_dry_run_tells_the_plan_of_each(many: Many) -> None:
    run = many.run({"dry-run": "true"})
    assert run.code == 0, run.log
    assert {one["status"] for one in results(run)} == {run.outputs["status"]} == {"planned"}
    assert all(any("create" in step for step in one["plan"]) for one in results(run))
    assert [many.numbers(name) for name in many.names] == [[], [], []]
    for name in many.names:
        assert f"{name}: copy: 3 files" in run.log


def test_a_matrix_is_made_without_any_call(many: Many) -> None:
    many.write(archive_existing=True, stage="Production", gate=["accuracy >= 0.9", "loss < 1"])
    run = call(
        "many",
        {"models": many.inputs["models"], "matrix": "true"},
        GITHUB_WORKSPACE=str(many.folder),
    )
    assert run.code == 0, run.log
    first = json.loads(run.outputs["matrix"])["include"][0]
    assert first["model-name"] == many.names[0]
    assert first["archive-existing"] == "true"
    assert first["gate"] == "accuracy >= 0.9\nloss < 1"
    assert many.source.requests() == many.registry.requests() == []


@pytest.mark.parametrize("most", [2, 3])
def test_all_copies_together_keep_to_max_connections(many: Many, most: int) -> None:
    many.registry.control.set(latency=0.05)
    many.source.control.set(latency=0.05)
    run = many.run({"max-connections": str(most)})
    many.registry.control.set(latency=0)
    assert_each_once(many, run)
    at = [
        (one["started"], one["started"] + 0.8 * one["seconds"])  # its end is noted late
        for one in many.registry.requests("POST", "/dbfs/*/model/*")
    ]
    assert len(at) == 9
    assert 1 < max(sum(begun <= one[0] < ended for begun, ended in at) for one in at) <= most


def test_two_sources_of_one_model_go_one_after_the_other(many: Many) -> None:
    many.write(model_name=many.names[0], stage="Production")
    many.write(archive_existing=True)
    run = many.run()
    assert run.code == 0, run.log
    assert [one["version"] for one in results(run)] == ["1", "2", "3"]
    assert [one["previous-version"] for one in results(run)] == ["", "1", "2"]
    stages = [one["current_stage"] for one in versions(many.registry, many.names[0])]
    assert stages == ["Archived", "Archived", "Production"]


def test_two_ways_to_say_one_source_are_one_version(many: Many) -> None:
    """Only when they are looked for it turns out that they are the same."""
    first, second, _ = many.entries
    run = clients.call(
        many.source, "GET", "mlflow/runs/get", params={"run_id": first["run-id"]}
    ).json()["run"]["info"]
    del second["run-id"]
    second |= {
        "model-name": many.names[0],
        "experiment": int(run["experiment_id"]),
        "run-filter": "attributes.status = 'FINISHED'",
    }
    many.list([first, second])
    done = many.run()
    assert done.code == 0, done.log
    assert [one["version"] for one in results(done)] == ["1", "1"]
    assert [one["created"] for one in results(done)] == [True, False]
    assert_nothing_left(many.registry)


def test_two_jobs_that_race_over_one_file(many: Many) -> None:
    many.registry.control.set(ready_after=0.5)
    with ThreadPoolExecutor() as pool:
        runs = list(pool.map(lambda _: many.run(), range(2)))
    assert_each_once(many, *runs)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    "path",
    ["*/try.json", "/dbfs/*/MLmodel", "*/model-versions/create", "*/model-versions/get"],
)
def test_cancelled_in_the_middle_all_are_taken_back(many: Many, signum: int, path: str) -> None:
    many.registry.control.set(hold_ready=True)
    many.registry.control.fault("silence", path=path, seconds=1, times=3)
    begun = many.start("cancelled")
    until(lambda: len([one for one in many.registry.requests() if one["fault"]]) == 3)
    at = time.monotonic()
    run = begun.end(signum)
    assert time.monotonic() - at < 5
    assert run.code == 128 + signum, run.log
    assert "Left behind" not in run.log
    assert {one["exit-code"] for one in results(run)} == {128 + signum}
    for name in many.names:
        assert versions(many.registry, name) == models(many.registry, name) == []
    assert_nothing_left(many.registry)
    many.registry.reset()
    assert_each_once(many, many.run(GITHUB_RUN_ATTEMPT="2"))


@pytest.mark.parametrize("late", [1.5, 8.0], ids=["late", "too late"])
def test_what_is_made_after_a_signal_is_taken_back_or_told(
    many: Many, tmp_path: Path, late: float
) -> None:
    path = "*/registered-models/create"
    many.registry.control.fault("silence", path=path, seconds=READ_SECONDS + late)
    step = product.Step("many", many.inputs)
    started = product.Started(tmp_path / "late", step, GITHUB_WORKSPACE=str(many.folder))
    until(lambda: many.registry.requests("POST", path))
    started.signal(signal.SIGINT)
    ended = started.end()
    assert ended.code == 130, ended.log
    until(lambda: is_quiet(many.registry))
    left = [name for name in many.names if models(many.registry, name)]
    assert len(left) == (late > 3)
    assert ended.log.count("Left behind: ") == len(left), ended.log
    assert all(f"Left behind: the registered model {name}, perhaps" in ended.log for name in left)
    assert_nothing_left(many.registry)


def test_a_second_signal_leaves_at_once_and_says_what_each_leaves(many: Many) -> None:
    many.registry.control.set(hold_ready=True)
    begun = many.start("cancelled")
    until(lambda: all(versions(many.registry, name) for name in many.names))
    many.registry.control.fault("silence", method="DELETE", path="*", seconds=8, times=0)
    at = time.monotonic()
    begun.process.send_signal(signal.SIGINT)
    until(lambda: many.registry.requests("DELETE"))
    run = begun.end(signal.SIGTERM)
    assert time.monotonic() - at < 6
    assert run.code == 130, run.log
    (error,) = run.annotations()
    for name in many.names:
        assert f"Left behind: a version of {name}" in error
    until(lambda: is_quiet(many.registry))
    many.registry.reset()
    assert_each_once(many, many.run(GITHUB_RUN_ATTEMPT="2"))


def test_a_log_that_nobody_reads_ends_nothing(many: Many) -> None:
    reading, writing = os.pipe()
    many.registry.control.fault("silence", path="/dbfs/*/MLmodel", seconds=1)
    folder = many.folder / "unread"
    folder.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-I", "-B", str(SOURCES), "many"],
        env=command_environment(folder, many.inputs, GITHUB_WORKSPACE=str(many.folder)),
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=writing,
    )
    os.close(writing)
    os.close(reading)
    assert process.wait(60) == 0
    for name in many.names:
        assert many.numbers(name) == ["1"]
    assert_nothing_left(many.registry)


def test_between_mlflow_servers(
    mlflow_server: MlflowServer,
    other_mlflow_server: MlflowServer,
    log_models: LogModels,
    tmp_path: Path,
) -> None:
    logged = log_models(mlflow_server)
    names = [f"many-{uuid.uuid4().hex[:8]}" for _ in range(3)]
    sources = [
        {"run-id": logged.as_logged_model.run_id},
        {"run-id": logged.as_run_artifacts.run_id, "artifact-path": "model"},
        {"model-uri": f"models:/{logged.as_logged_model.model_id}"},
    ]
    entries = [
        {"model-name": name, "alias": ["champion"], **source}
        for name, source in zip(names, sources, strict=True)
    ]
    (tmp_path / "models.yml").write_text(json.dumps({"models": entries}))
    sides = side_inputs("tracking", mlflow_server), side_inputs("registry", other_mlflow_server)
    given = {"models": str(tmp_path / "models.yml")}
    first, again = (
        call("many", given, *sides, GITHUB_WORKSPACE=str(tmp_path), GITHUB_RUN_ATTEMPT=attempt)
        for attempt in "12"
    )
    assert first.code == again.code == 0, first.log + again.log
    assert [one["created"] for one in results(first)] == [True] * 3
    assert [one["created"] for one in results(again)] == [False] * 3
    assert [one["aliases"] for one in results(again)] == [["champion"]] * 3
    for name in names:
        assert numbers(other_mlflow_server, name) == ["1"]
