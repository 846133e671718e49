"""Our own copy alone, as one thing grows at a time: time ought to be straight, memory flat."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from carry import carry
from growth_picture import draw
from measure import Broken
from models import Model, parse_model, parse_size, size_text
from report import describe_machine, markdown
from results import Result
from sides import private_folder, started
from tools import TOOLS

FILES = (10, 100, 1_000, 10_000, 100_000)
BYTES = ("64MiB", "256MiB", "1GiB", "4GiB", "8GiB")
KNOBS = {"latency": 0.005, "ready_after": 0.2}
COPIES = 2  # in the run and in the registry
HEADER = ("model", "bytes", "seconds", "CPU s", "memory MiB", "disk MiB", "requests")


def main(argv: Sequence[str] | None = None) -> int:
    asked = parse(argv)
    by_files = [parse_model(f"{count}x1KiB") for count in FILES if count <= asked.most_files]
    by_bytes = [parse_model(f"1x{size}") for size in BYTES if parse_size(size) <= asked.most_bytes]
    needed = COPIES * max((model.bytes for model in by_files + by_bytes), default=0)
    with private_folder(asked.folder, needed):
        grown = {"files": _measured(by_files), "bytes": _measured(by_bytes)}
    for results in grown.values():
        print(markdown(HEADER, [_row(result) for result in results]), end="\n\n")
    if asked.json:
        found = {name: [asdict(one) for one in results] for name, results in grown.items()}
        content = {"machine": describe_machine(), "knobs": KNOBS, **found}
        asked.json.write_text(json.dumps(content, indent=2) + "\n")
    if asked.svg:
        asked.svg.write_text(draw(grown))
    return 0 if list(map(len, grown.values())) == [len(by_files), len(by_bytes)] else 1


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks/run grow", description=__doc__)
    parser.add_argument("--most-files", type=int, default=FILES[-1], help="0: not by files")
    parser.add_argument("--most-bytes", type=parse_size, default=BYTES[-1], help="0B: not by bytes")
    parser.add_argument("--json", type=Path, help="a file for all figures")
    parser.add_argument("--svg", type=Path, help="a file for the plot")
    parser.add_argument("--folder", type=Path, help="default: in memory, where there is room")
    return parser.parse_args(argv)


def _measured(wanted: Sequence[Model]) -> list[Result]:
    """Between workspaces that have met nothing bigger before; up to the first that fails."""
    results = []
    with started(KNOBS) as sides:
        for model in wanted:
            try:
                with sides.run(model) as run:
                    one = carry(sides, run, TOOLS["ours"])
            except Broken as error:
                print(f"{model.name}: {error}", file=sys.stderr)
                break
            print(f"{model.name}: {one.seconds:.1f} s", file=sys.stderr, flush=True)
            results.append(Result("ours", model.name, model.files, model.bytes, [one]))
    return results


def _row(result: Result) -> list[str]:
    found = result.median
    return [
        result.model,
        size_text(result.bytes),
        f"{found.seconds:.1f}",
        f"{found.cpu:.1f}",
        f"{found.memory / (1 << 20):.0f}",
        f"{found.disk / (1 << 20):.1f}",
        " + ".join(f"{count:,}" for count in found.requests.values()),
    ]


if __name__ == "__main__":
    sys.exit(main())
