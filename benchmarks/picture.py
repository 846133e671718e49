"""Draws the README's picture from what `compare --json` wrote."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import svg
from limits import limit
from results import Result, results_of

OUT = Path(__file__).parents[1] / "docs" / "benchmark.svg"
WIDTH = 760
LEFT, RIGHT = 190, 70
BAR, GAP, HEAD, TOP = 15, 5, 26, 34
NAMES = {
    "ours": "this action",
    "mlflow": "mlflow.register_model",
    "export-import": "mlflow-export-import",
}
MODELS = {
    "5-small": "scikit-learn model, 5 small files",
    "200x1MiB": "200 files of 1 MiB",
    "8x64MiB": "8 files of 64 MiB",
    "1x1GiB": "1 file of 1 GiB",
}
TITLE = "Seconds from start to end; the dashed line is what the network allows"


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks/run picture", description=__doc__)
    parser.add_argument("figures", type=Path, help="the file that `compare --json` wrote")
    parser.add_argument("--out", type=Path, default=OUT, help="default: docs/benchmark.svg")
    asked = parser.parse_args(argv)
    asked.out.write_text(draw(results_of(json.loads(asked.figures.read_text()))))
    print(asked.out, file=sys.stderr)


def draw(results: Sequence[Result]) -> str:
    scale = (WIDTH - LEFT - RIGHT) / max(result.median.seconds for result in results)
    parts = [svg.text(0, 16, TITLE, "quiet")]
    y = TOP
    for model in dict.fromkeys(result.model for result in results):
        group = [result for result in results if result.model == model]
        parts += _group(group, y, scale)
        y += HEAD + len(group) * (BAR + GAP) + GAP
    return svg.document(WIDTH, y, TITLE, parts)


def _group(group: Sequence[Result], top: float, scale: float) -> Iterator[str]:
    model = group[0]
    yield svg.text(0, top + HEAD - 10, MODELS.get(model.model, model.model), "head")
    y = top + HEAD
    for result in group:
        seconds = result.median.seconds
        kind = "first" if result.tool == "ours" else "other"
        yield svg.text(LEFT - 10, y + BAR - 3, NAMES[result.tool], "quiet", "end")
        yield svg.bar(LEFT, y, seconds * scale, BAR, kind)
        yield svg.text(LEFT + seconds * scale + 6, y + BAR - 3, f"{seconds:.1f} s")
        y += BAR + GAP
    x = LEFT + limit(model.bytes) * scale
    yield svg.line(x, top + HEAD - 3, x, y - 2, "bound")


if __name__ == "__main__":
    main()
