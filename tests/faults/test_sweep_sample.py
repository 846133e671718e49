"""A small sample of the sweep and of the race; the whole of both runs nightly."""

from __future__ import annotations

import json
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from clients import clean_environment
from faults.cases import FAULTS, Case, Request, cases_of, requests_of
from faults.scenarios import SCENARIOS
from faults.table import PAGE, Line, on_page, tables, violations

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
def test_a_sample_of_registering_breaks_no_law(scenario: str, only: str, tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    asked = ("--scenario", scenario, "--only", only, "--sample", "3")
    done = command("sweep", *asked, "--json", file)
    assert done.returncode == 0, done.stdout + done.stderr
    results: list[dict[str, Any]] = json.loads(file.read_text())
    assert len(results) == -(-len(FAULTS) // 3)
    assert all(result["met"] for result in results)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("scenarios", "faults", "only"),
    [
        (
            "promote,promote-undo,approve,retire-*",
            "SIGINT after,SIGKILL before",
            "*/transition-stage #1,*/approve #1,*/model-versions/delete #1,*/dbfs/delete #1",
        ),
        (
            "mlflow-promote,mlflow-undo,mlflow-retire",
            "SIGKILL after,lost reply",
            "*/alias #1,*/registered-models/delete #1",
        ),
        (
            "many",
            "SIGINT after,lost reply",
            "source GET */artifacts/list #1,registry POST */model-versions/create #1",
        ),
    ],
)
def test_a_sample_of_the_other_verbs_breaks_no_law(
    scenarios: str, faults: str, only: str, tmp_path: Path
) -> None:
    file = tmp_path / "results.json"
    asked = ("--scenario", scenarios, "--fault", faults, "--only", only)
    done = command("sweep", *asked, "--json", file)
    assert done.returncode == 0, done.stdout + done.stderr
    results: list[dict[str, Any]] = json.loads(file.read_text())
    swept = {result["scenario"] for result in results}
    assert len(results) >= 2 * len(swept)
    assert swept == {
        name for name in SCENARIOS if any(fnmatchcase(name, one) for one in scenarios.split(","))
    }
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


def line(scenario: str, fault: str, *violations: str, met: bool = True) -> Line:
    return Line(
        scenario, fault, f"{scenario}: {fault}", "again", met, [1, 0], [*violations], 1.0, []
    )


def test_what_is_broken_and_what_did_not_come_to_pass_is_told() -> None:
    lines = [line("promote", "429", "it moved"), line("mlflow-undo", "429", met=False)]
    assert "| 429 | 1, **1 violate** | 1, 1 not met | 2, **1 violate**, 1 not met |" in tables(
        lines
    )
    told = violations(lines)
    for words in ("it moved", "violations: 1", "did not come to pass: 1", "killed: 2"):
        assert words in told


def test_the_page_keeps_the_table_of_what_was_not_swept() -> None:
    page = PAGE.read_text(encoding="utf-8")
    renewed = on_page(page, [line("promote", "429")])
    before, _, after = renewed.partition("<!-- sweep: other verbs -->")
    assert before == page.partition("<!-- sweep: other verbs -->")[0]
    assert "Violations: 0. In 1 cases" in after
    assert "| 429 | 1 | 1 |" in after
    assert on_page(renewed, [line("promote", "429")]) == renewed
