"""`test`: versions of a workspace and of an MLflow server, run for real."""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import clients
import made_versions
import pytest
from command import Run, Side
from runnable import (
    base_python,
    model_files,
    of_the_tests,
    of_this_machine,
    registered,
    try_out,
)
from sides import BOTH
from told import assert_told, writes
from workspace import Workspace

ROWS = '[{"x": 1}, {"x": 2}]'
NEVER_RUN = "raise SystemExit('it was run')\n"
UV = "uv==0.13.9"
TRAIN = """
import mlflow
import pandas as pd
from sklearn.linear_model import LinearRegression

data = pd.DataFrame({"x": [0.0, 1.0, 2.0]})
model = LinearRegression().fit(data, [1.0, 3.0, 5.0])
mlflow.sklearn.save_model(
    model, sys.argv[1], input_example=data, pip_requirements=sys.argv[2:],
    signature=mlflow.models.infer_signature(data, model.predict(data)),
)
print("null")
"""


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return of_the_tests(tmp_path_factory.mktemp("wheels"))


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    path = tmp_path / "temporary"
    path.mkdir()
    return path


@pytest.fixture
def name() -> str:
    return f"tested-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def run(packages: dict[str, str], temporary: Path, name: str) -> Callable[..., Run]:
    def to_the_end(target: Side, /, **inputs: str) -> Run:
        return try_out(target, name, {**packages, "RUNNER_TEMP": str(temporary)}, **inputs)

    return to_the_end


def trained(folder: Path, *requirements: str) -> dict[str, str | bytes]:
    """A real scikit-learn model, y = 2x + 1, with an input example of three rows."""
    place = folder / "trained"
    clients.run_code(TRAIN, {}, str(place), *requirements)
    return {
        str(file.relative_to(place)): file.read_bytes()
        for file in place.rglob("*")
        if file.is_file()
    }


@BOTH
def test_a_real_model_predicts_its_own_example(
    registry: str,
    side: Callable[[str], Side],
    run: Callable[..., Run],
    name: str,
    tmp_path: Path,
    temporary: Path,
) -> None:
    target = side(registry)
    files = trained(tmp_path, "scikit-learn") | {"requirements.txt": "packages-of-the-tests\n"}
    digest = registered(target, name, files)
    done = run(target, expect="[1, 3, 5]", digest=digest)
    assert done.code == 0, done.log
    told = {"version": "1", "passed": "true", "digest": digest, "model-uri": f"models:/{name}/1"}
    assert {output: done.outputs[output] for output in told} == told
    assert json.loads(done.outputs["prediction"]) == pytest.approx([1, 3, 5])
    assert "passed its test" in done.summary
    assert "&#123;&#34;x&#34;&#58; 1&#46;0&#125;" in done.summary
    assert done.stdout.startswith("passed<<")  # where a runner reads the outputs
    assert list(temporary.iterdir()) == []


@pytest.mark.timeout(600)
def test_an_environment_of_what_the_model_requires_made_by_venv(
    registry_workspace: Workspace, name: str, tmp_path: Path, temporary: Path
) -> None:
    """The real packages, from the index that this machine uses."""
    kept = ("mlflow-skinny", "pandas", "scikit-learn", "skops")
    files = trained(tmp_path, *(f"{package}=={version(package)}" for package in kept))
    registered(registry_workspace, name, files)
    environment = of_this_machine() | {"RUNNER_TEMP": str(temporary)}
    done = try_out(
        registry_workspace, name, environment, 500, expect="[1, 3, 5.1]", tolerance="0.05"
    )
    assert done.code == 0, done.log
    assert "by venv" in done.log
    assert "Successfully installed" in done.log
    assert list(temporary.iterdir()) == []


@pytest.fixture(scope="session")
def uv_and_shims(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PATH: `uv`, and Pythons of the kind that pyenv has, which the model can't run."""
    folder = tmp_path_factory.mktemp("programs")
    command = [base_python(), "-m", "pip", "install", "--quiet", "--target", folder / "uv", UV]
    subprocess.run(command, env={**os.environ, **of_this_machine()}, check=True)
    for minor in range(10, 30):
        shim = folder / f"python3.{minor}"
        shim.write_text(f'#!/bin/sh\nexec "{base_python()}" "$@"\n')
        shim.chmod(0o755)
    return f"{folder / 'uv/bin'}:{folder}"


@pytest.fixture
def offline(temporary: Path, uv_and_shims: str) -> dict[str, str]:
    return {
        "PATH": uv_and_shims,
        "RUNNER_TEMP": str(temporary),
        "UV_FIND_LINKS": of_the_tests(temporary)["PIP_FIND_LINKS"].replace(" ", ","),
        "UV_NO_INDEX": "1",
        "UV_OFFLINE": "1",
    }


@pytest.mark.timeout(600)
def test_an_environment_made_by_uv(
    registry_workspace: Workspace, name: str, offline: dict[str, str]
) -> None:
    registered(registry_workspace, name, model_files())
    done = try_out(registry_workspace, name, offline, rows=ROWS, expect="[2, 4]")
    assert done.code == 0, done.log
    assert "by uv" in done.log


@pytest.mark.timeout(600)
def test_uv_is_to_bring_a_python_that_is_not_here(
    registry_workspace: Workspace, name: str, offline: dict[str, str]
) -> None:
    files = model_files() | {"python_env.yaml": "python: 3.29.1\n"}
    registered(registry_workspace, name, files)
    done = try_out(registry_workspace, name, offline, rows=ROWS)
    assert done.code == 6, done.log
    assert "by uv, with Python 3.29" in done.log
    assert "3.29" in done.annotations()[0]
    assert "Permission denied" not in done.log


def test_nothing_is_asked_without_consent(
    registry_workspace: Workspace, run: Callable[..., Run]
) -> None:
    registry_workspace.control.clear_requests()
    done = run(registry_workspace, run_model_code="false", rows="{}")
    assert_told(done, 2, "run-model-code: testing installs", "rows: ")
    assert registry_workspace.requests() == []


def test_a_dry_run_brings_nothing(
    registry_workspace: Workspace, run: Callable[..., Run], name: str, temporary: Path
) -> None:
    registered(registry_workspace, name, model_files(NEVER_RUN))
    registry_workspace.control.clear_requests()
    done = run(registry_workspace, dry_run="true", run_model_code="")
    assert done.code == 0, done.log
    assert (done.outputs["status"], done.outputs["passed"]) == ("planned", "")
    assert done.result["plan"][-1] == "load the model and predict its own input example"
    assert registry_workspace.requests("GET", "/signed/*") == []
    assert writes(registry_workspace) == []
    assert list(temporary.iterdir()) == []


def test_another_digest_is_not_run(
    registry_workspace: Workspace, run: Callable[..., Run], name: str, temporary: Path
) -> None:
    digest = registered(registry_workspace, name, model_files(NEVER_RUN))
    wrong = run(registry_workspace, rows=ROWS, digest=f"sha256:{'0' * 64}")
    assert_told(wrong, 5, digest, "Nothing of it was run")
    assert list(temporary.iterdir()) == []


def test_other_bytes_than_were_registered_are_not_run(
    registry_workspace: Workspace, run: Callable[..., Run], name: str, temporary: Path
) -> None:
    registered(registry_workspace, name, model_files(NEVER_RUN))
    uri = run(registry_workspace, dry_run="true").outputs["download-uri"]
    code = registry_workspace.on_disk(uri.removeprefix("dbfs:")) / "code/loader.py"
    code.unlink()
    code.write_text(NEVER_RUN.replace("it was run", "it is run!"))
    assert_told(run(registry_workspace, rows=ROWS), 5, "was recorded", "Do not use it")
    assert list(temporary.iterdir()) == []


def test_somebody_elses_version_is_not_run(
    registry_workspace: Workspace, run: Callable[..., Run], name: str, temporary: Path
) -> None:
    mallory = "dapi-of-mallory"
    registry_workspace.control.set(tokens={mallory: {"user": "mallory@example.com"}})
    name = made_versions.make_model(registry_workspace)
    made_versions.make_version(registry_workspace, name, mallory, pull_request="3")
    environment = {"RUNNER_TEMP": str(temporary)}
    ways = {
        "pull-request=3": {},
        "version=1": {"trusted_creators": "ana@example.com"},
        "latest": {"trusted_creators": "ana@example.com\nben@example.com"},
        "stage=None": {"trusted_creators": "ana@example.com", "dry_run": "true"},
    }
    for select, more in ways.items():
        refused = try_out(registry_workspace, name, environment, select=select, rows=ROWS, **more)
        assert_told(refused, 6, "made by mallory@example.com")
    for select, more in ways.items():
        trusted = {**more, "trusted_creators": "mallory@example.com", "dry_run": "true"}
        assert try_out(registry_workspace, name, environment, select=select, **trusted).code == 0
    assert list(temporary.iterdir()) == []


def test_what_is_no_model_leaves_nothing(
    registry_workspace: Workspace, run: Callable[..., Run], name: str, temporary: Path
) -> None:
    registered(registry_workspace, name, {"MLmodel": "flavors: {}\n"})
    done = run(registry_workspace, rows=ROWS)
    assert_told(done, 6, "no flavor python_function")
    assert done.outputs["passed"] == "false"
    assert list(temporary.iterdir()) == []


def test_a_model_without_an_example_wants_rows(
    registry_workspace: Workspace, run: Callable[..., Run], name: str
) -> None:
    registered(registry_workspace, name, model_files(NEVER_RUN))
    assert_told(run(registry_workspace), 6, "no input example of its own", "Give rows")
