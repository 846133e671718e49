"""The same models carried by each tool, between the same two workspaces: what does it take?"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from carry import carry
from limits import missed_by
from measure import Broken
from models import Model, parse_model
from report import as_table, describe_machine
from results import Result, Round
from sides import Run, Sides, private_folder, started
from tools import TOOLS, Tool

MODELS = "5-small,200x1MiB,8x64MiB,1x1GiB"
KNOBS = {
    "latency": 0.02,
    "connection_bandwidth": 40e6,
    "total_bandwidth_in": 160e6,
    "total_bandwidth_out": 160e6,
    "ready_after": 2.0,
}
COPIES = 4  # of a model at a time, at most: in the run, on the runner, as parts, in the registry


def main(argv: Sequence[str] | None = None) -> int:
    asked = parse(argv)
    needed = COPIES * max(model.bytes for model in asked.models)
    results = []
    with private_folder(asked.folder, needed), started(KNOBS) as sides:
        for model in asked.models:
            results += compare(sides, model, asked.tools, asked.rounds)
    missed = [text for result in results for text in missed_by(result)]
    print(as_table(results))
    print("".join(f"\nmissed: {text}" for text in missed))
    if asked.json:
        found = {"machine": describe_machine(), "knobs": KNOBS, "missed": missed}
        content = {**found, "results": [asdict(result) for result in results]}
        asked.json.write_text(json.dumps(content, indent=2) + "\n")
    return 1 if missed else 0


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks/run compare", description=__doc__)
    parser.add_argument("--tools", type=_tools, default=list(TOOLS.values()), help=", ".join(TOOLS))
    parser.add_argument("--models", type=_models, default=_models(MODELS), help=MODELS)
    parser.add_argument("--rounds", type=int, default=3, help="of which the median counts")
    parser.add_argument("--quick", dest="rounds", action="store_const", const=1, help="one round")
    parser.add_argument("--json", type=Path, help="a file for all figures")
    parser.add_argument("--folder", type=Path, help="default: in memory, where there is room")
    return parser.parse_args(argv)


def _models(text: str) -> list[Model]:
    try:
        return [parse_model(name) for name in dict.fromkeys(text.split(","))]
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _tools(text: str) -> list[Tool]:
    names = text.split(",")
    if unknown := set(names) - TOOLS.keys():
        raise argparse.ArgumentTypeError(f"no tool is called {', '.join(sorted(unknown))}")
    return [TOOLS[name] for name in names]


def compare(sides: Sides, model: Model, tools: list[Tool], rounds: int) -> list[Result]:
    """Each tool in its turn, several times over, so that all meet the same machine."""
    measured: dict[str, list[Round]] = {tool.name: [] for tool in tools}
    with sides.run(model) as run:
        for number in range(rounds):
            for tool in tools:
                one = _carried(sides, run, tool)
                measured[tool.name].append(one)
                told = f"{model.name} {tool.name} {number + 1}/{rounds}: {one.seconds:.1f} s"
                print(told, file=sys.stderr, flush=True)
    return [
        Result(tool=name, model=model.name, files=model.files, bytes=model.bytes, rounds=found)
        for name, found in measured.items()
    ]


def _carried(sides: Sides, run: Run, tool: Tool) -> Round:
    try:
        return carry(sides, run, tool)
    except Broken as error:
        raise SystemExit(f"{run.model.name} {tool.name}: {error}") from None


if __name__ == "__main__":
    sys.exit(main())
