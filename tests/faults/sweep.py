"""Every request of a verb broken in every way, and the laws looked at from the outside."""

from __future__ import annotations

import argparse
import queue
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "src")]

from faults.carry_out import Result, carry_out, learn  # noqa: E402
from faults.cases import FAULTS, Case, cases_of  # noqa: E402
from faults.places import Place  # noqa: E402
from faults.scenarios import SCENARIOS, Sides, grouped  # noqa: E402
from faults.table import line_of, tables, violations, write  # noqa: E402
from workspace import MlflowServers  # noqa: E402

Places = dict[str, Place[Any]]
_MISSED_AT_MOST = 0.01  # of the faults: what is polled is not asked equally often in each run


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    names = ", ".join(SCENARIOS)
    parser = argparse.ArgumentParser(prog="tests/faults/sweep", description=__doc__)
    parser.add_argument("--scenario", default="*", metavar="GLOB,…", help=names)
    parser.add_argument("--fault", default="*", metavar="GLOB,…", help=", ".join(_fault_names()))
    parser.add_argument("--only", default="*", metavar="GLOB,…", help="'registry POST */create #1'")
    parser.add_argument("--sample", type=int, default=1, metavar="N", help="every N-th case")
    parser.add_argument("--shard", type=_shard, default=(0, 1), metavar="I/N", help="1/4 to 4/4")
    parser.add_argument("--workers", type=int, default=2, help="cases at a time")
    parser.add_argument("--json", type=Path, help="a file for all results")
    return parser.parse_args(argv)


def _shard(text: str) -> tuple[int, int]:
    number, _, count = text.partition("/")
    if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
        raise argparse.ArgumentTypeError("such as 1/4")
    return int(number) - 1, int(count)


def _fault_names() -> list[str]:
    return [fault.name for fault in FAULTS]


@dataclass
class Sweep:
    """The cases that are asked for, taken by workers that have places of their own."""

    asked: argparse.Namespace
    running: MlflowServers
    results: list[Result] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    in_all: int = 0

    def run(self, sides: Sides, scenarios: list[str]) -> None:
        """Learns the requests of scenarios of the same sides, then carries out their cases."""
        waiting: queue.Queue[Case] = queue.Queue()
        with self._places(sides, scenarios) as places:
            cases = [
                case
                for scenario in scenarios
                for case in self._chosen(cases_of(scenario, learn(places[scenario])))
            ]
            for case in cases:
                waiting.put(case)
            self.in_all += len(cases)
            helpers = [
                threading.Thread(target=self._help, args=(sides, scenarios, waiting))
                for _ in range(min(self.asked.workers, len(cases)) - 1)
            ]
            for helper in helpers:
                helper.start()
            self._work(places, waiting)
            for helper in helpers:
                helper.join()

    @contextmanager
    def _places(self, sides: Sides, scenarios: list[str]) -> Iterator[Places]:
        with sides(self.running) as running:
            yield {scenario: SCENARIOS[scenario].place(running) for scenario in scenarios}

    def _chosen(self, cases: Iterable[Case]) -> list[Case]:
        number, count = self.asked.shard
        fitting = [
            case
            for case in cases
            if _fits(case.fault.name, self.asked.fault)
            and _fits(str(case.request), self.asked.only)
        ]
        return [case for case in fitting[:: self.asked.sample] if case.number % count == number]

    def _help(self, sides: Sides, scenarios: list[str], waiting: queue.Queue[Case]) -> None:
        with self._places(sides, scenarios) as places:
            self._work(places, waiting)

    def _work(self, places: Places, waiting: queue.Queue[Case]) -> None:
        while not self.errors:
            try:
                case = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                self._tell(carry_out(case, places[case.scenario]))
            except Exception as error:  # noqa: BLE001 - the sweep's own, told at the end
                self.errors.append(f"{case}: {type(error).__name__}: {error}")

    def _tell(self, result: Result) -> None:
        self.results.append(result)
        told = "; ".join(result.violations) or ("ok" if result.met else "not met")
        number = f"{len(self.results)}/{self.in_all}"
        print(f"{number} {result.case} {result.codes}: {told}", file=sys.stderr, flush=True)


def _fits(text: str, globs: str) -> bool:
    return any(text == glob or fnmatchcase(text, glob) for glob in globs.split(","))


def main(argv: Sequence[str] | None = None) -> int:
    asked = parse(argv)
    begun = time.monotonic()
    running = MlflowServers()
    try:
        sweep = Sweep(asked, running)
        named = [name for name in SCENARIOS if _fits(name, asked.scenario)]
        for sides, scenarios in grouped(named):
            sweep.run(sides, scenarios)
    finally:
        running.stop()
    lines = [line_of(result) for result in sweep.results]
    if asked.json:
        write(lines, asked.json)
    print(tables(lines))
    print(violations(lines))
    print(f"{len(lines)} cases in {time.monotonic() - begun:.0f} s")
    print("".join(f"the sweep itself failed: {error}\n" for error in sweep.errors), end="")
    missed = sum(not line.met for line in lines)
    broken = any(line.violations for line in lines) or missed > _MISSED_AT_MOST * len(lines)
    return 1 if broken or sweep.errors or not lines else 0


if __name__ == "__main__":
    sys.exit(main())
