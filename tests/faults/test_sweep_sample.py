"""A small sample of the sweep and of the race; the whole of both runs nightly."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from clients import clean_environment
from faults.cases import FAULTS, Case, Request, cases_of, requests_of

FOLDER = Path(__file__).parent


def command(script: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-B", FOLDER / f"{script}.py", *arguments],
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("scenario", "only"),
    [
        ("databricks-new", "registry POST */model-versions/create #1"),
        ("mlflow", "registry POST */logged-models #1"),
    ],
)
def test_a_sample_of_the_sweep_breaks_no_law(scenario: str, only: str, tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    done = command("sweep", "--scenario", scenario, "--only", only, "--sample", "3", "--json", file)
    assert done.returncode == 0, done.stdout + done.stderr
    results: list[dict[str, Any]] = json.loads(file.read_text())
    assert len(results) == -(-len(FAULTS) // 3)
    assert all(result["met"] for result in results)


def test_a_small_race_breaks_no_law() -> None:
    done = command("race", "--processes", "4", "--rounds", "1", "--lags", "1")
    assert done.returncode == 0, done.stdout + done.stderr


def test_requests_are_known_again_in_another_run() -> None:
    def log(*ids: str) -> list[dict[str, Any]]:
        one, other = (f"/api/2.0/mlflow/logged-models/m-{32 * text}" for text in ids)
        return [{"method": "GET", "path": path} for path in (one, f"{other}/tags", other, "/x")]

    found = requests_of("registry", log("a", "b"))
    assert found == requests_of("registry", log("c", "d"))
    assert [(one.path, one.nth) for one in found] == [
        ("/api/2.0/mlflow/logged-models/m-*", 1),
        ("/api/2.0/mlflow/logged-models/m-*/tags", 1),
        ("/api/2.0/mlflow/logged-models/m-*", 3),
        ("/x", 1),
    ]


def test_every_case_says_how_to_see_it_again() -> None:
    requests = [Request("source", "/version", "GET", nth) for nth in (1, 2)]
    cases = cases_of("mlflow", requests)
    assert len(cases) == len(set(cases)) == 2 * len(FAULTS)
    assert cases == cases_of("mlflow", reversed(requests))
    case = Case("mlflow", requests[1], FAULTS[0])
    assert case.command == (
        "tests/faults/sweep --scenario mlflow --fault '429' --only 'source GET /version #2'"
    )
