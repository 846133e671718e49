"""The benchmarks' scripts: that they start, and what is computed and drawn. No time is taken."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(autouse=True)
def _benchmarks_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))


def run(script: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-B", BENCHMARKS / f"{script}.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def figures(tool: str = "ours", model: str = "8x64MiB", **changes: object) -> dict[str, object]:
    one = {
        "seconds": 6.0,
        "cpu": 1.0,
        "memory": 50 << 20,
        "disk": 0,
        "first_request": 0.3,
        "requests": {"source": 15, "registry": 24},
    }
    size = 8 * 64 << 20
    return {"tool": tool, "model": model, "files": 9, "bytes": size, "rounds": [one | changes]}


@pytest.mark.parametrize("script", ["compare", "grow", "picture"])
def test_a_script_tells_what_it_does(script: str) -> None:
    done = run(script, "--help")
    assert done.returncode == 0, done.stderr
    assert f"benchmarks/run {script}" in done.stdout


@pytest.mark.parametrize("wrong", [["--tools", "theirs"], ["--models", "8 of 64"]])
def test_what_is_not_known_is_refused(wrong: list[str]) -> None:
    done = run("compare", *wrong)
    assert done.returncode == 2
    assert wrong[1] in done.stderr


@pytest.mark.parametrize(
    ("name", "must", "aim"),
    [("5-small", 4.4, 3.7), ("200x1MiB", 6.0, 5.1), ("8x64MiB", 8.4, 7.4), ("1x1GiB", 12.5, 11.1)],
)
def test_what_is_asked_of_a_model(name: str, must: float, aim: float) -> None:
    import limits
    from models import parse_model

    size = parse_model(name).bytes
    assert (round(limits.must(size), 1), round(limits.aim(size), 1)) == (must, aim)


def test_a_model_is_written_as_its_name_says(tmp_path: Path) -> None:
    from models import parse_model, write_model

    model = parse_model("3x1025KiB")
    write_model(model, tmp_path / "model", "a" * 32)
    found = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    assert [path.name for path in found[1:]] == [f"part-00000{number}.bin" for number in range(3)]
    assert [path.stat().st_size for path in found[1:]] == [1025 << 10] * 3
    assert len({path.read_bytes() for path in found}) == model.files


@pytest.mark.parametrize(
    ("changes", "missed"),
    [
        ({}, []),
        ({"seconds": 8.5}, ["seconds"]),
        ({"memory": 257 << 20}, ["bytes of memory"]),
        ({"disk": 1}, ["bytes on the disk"]),
        ({"first_request": 1.1}, ["seconds to the first request"]),
        ({"cpu": 1.8}, ["seconds of CPU for 100 MiB"]),
        ({"requests": {"source": 999, "registry": 999}}, []),
    ],
)
def test_a_miss_is_named(changes: dict[str, object], missed: list[str]) -> None:
    from limits import missed_by
    from results import results_of

    (ours,) = results_of({"results": [figures(**changes)]})
    told = missed_by(ours)
    assert len(told) == len(missed)
    assert all(what in text for what, text in zip(missed, told, strict=True))
    (other,) = results_of({"results": [figures("mlflow", **changes)]})
    assert missed_by(other) == []


def test_requests_count_where_files_are_small() -> None:
    from limits import missed_by
    from results import results_of

    requests = {"source": 221, "registry": 220}
    small = figures(seconds=5.0, requests=requests) | {"files": 201, "bytes": 200 << 20}
    (ours,) = results_of({"results": [small]})
    assert missed_by(ours) == ["8x64MiB: 221 requests to the source, at most 220"]


def test_what_a_process_starts_is_measured_too(tmp_path: Path) -> None:
    from measure import Step, measure

    grandchild = (
        "import os, time; filled = b'x' * (64 << 20); "
        "open(os.environ['TMPDIR'] + '/kept', 'wb').write(filled[:1 << 20]); time.sleep(0.5)"
    )
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {grandchild!r}])"
    step = Step([sys.executable, "-c", child], {})
    usage = measure([step], tmp_path / "folder", tmp_path / "log", timeout=60)
    assert usage.memory > 64 << 20
    assert usage.disk == 1 << 20
    assert usage.cpu > 0


def test_a_process_that_fails_is_told(tmp_path: Path) -> None:
    from measure import Broken, Step, measure

    step = Step([sys.executable, "-c", "raise SystemExit('nothing works')"], {})
    with pytest.raises(Broken, match="ended with 1:\nnothing works"):
        measure([step], tmp_path / "folder", tmp_path / "log", timeout=60)


def test_the_table_compares_with_ours() -> None:
    from report import as_table
    from results import results_of

    table = as_table(results_of({"results": [figures(), figures("mlflow", seconds=24.0)]}))
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]
    assert len({len(row) for row in rows}) == 1
    assert [(row[4], row[5], row[6]) for row in rows[2:]] == [
        ("ours", "6.0", "1.0"),
        ("mlflow", "24.0", "4.0"),
    ]


def test_the_picture_is_drawn(tmp_path: Path) -> None:
    tools = ("ours", "mlflow", "export-import")
    content = {"results": [figures(tool, model) for model in ("a<b", "8x64MiB") for tool in tools]}
    (tmp_path / "figures").write_text(json.dumps(content))
    done = run("picture", tmp_path / "figures", "--out", tmp_path / "picture.svg")
    assert done.returncode == 0, done.stderr
    drawn = ET.parse(tmp_path / "picture.svg").getroot()
    assert len(drawn.findall("{*}rect")) == 6
    assert "a<b" in [text.text for text in drawn.findall("{*}text")]


def test_growth_is_drawn() -> None:
    from growth_picture import draw
    from results import results_of

    grown = results_of({"results": [figures() | {"bytes": size << 26} for size in (1, 4, 16)]})
    drawn = ET.fromstring(draw({"files": [], "bytes": grown}))
    assert len(drawn.findall("{*}polyline")) == 3
