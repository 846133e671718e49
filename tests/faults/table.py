"""The results of a sweep, for people; and, of whole ones, for the page that tells of them.

`tests/faults/sweep table results-*.json` puts what `--json` has written into that page.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "src")]

from faults.carry_out import Result  # noqa: E402
from faults.cases import FAULTS  # noqa: E402
from faults.scenarios import SCENARIOS  # noqa: E402

PAGE = ROOT / "docs" / "exactly-once.md"
REGISTERING = {name: one for name, one in SCENARIOS.items() if one.verb == "register"}
GROUPS = {
    "register": [*REGISTERING],
    "other verbs": [name for name in SCENARIOS if name not in REGISTERING],
}


@dataclass(frozen=True)
class Line:
    """A result in a file.

    Attributes:
        met: Whether the fault came to pass.
        codes: Of the first run and the next.
        logs: Of both, where a law was broken.
    """

    scenario: str
    fault: str
    case: str
    command: str
    met: bool
    codes: list[int]
    violations: list[str]
    seconds: float
    logs: list[str]


def line_of(result: Result) -> Line:
    """A result as it is written to a file."""
    case = result.case
    names = (case.scenario, case.fault.name, str(case), case.command)
    seconds = round(result.seconds, 2)
    return Line(*names, result.met, [*result.codes], result.violations, seconds, result.logs)


def write(lines: Iterable[Line], file: Path) -> None:
    file.write_text(json.dumps([asdict(line) for line in lines], indent=1) + "\n")


def read(files: Iterable[Path]) -> list[Line]:
    return [Line(**fields) for file in files for fields in json.loads(file.read_text())]


def tables(lines: Sequence[Line]) -> str:
    """What was swept, a table for each group of scenarios."""
    found = (_table(group, lines) for group in GROUPS)
    return "\n\n".join(filter(None, found))


def _table(group: str, lines: Sequence[Line]) -> str:
    """Scenario by fault: cases, and where there are any, violations and faults not met."""
    of_group = [line for line in lines if line.scenario in GROUPS[group]]
    scenarios = [name for name in GROUPS[group] if any(line.scenario == name for line in of_group)]
    if not scenarios:
        return ""
    rows = [_row(["fault", *scenarios, "all"]), _row(["---"] * (len(scenarios) + 2))]
    for fault in FAULTS:
        if of_fault := [line for line in of_group if line.fault == fault.name]:
            rows.append(_row([fault.name, *_cells(of_fault, scenarios)]))
    return "\n".join([*rows, _row(["all", *_cells(of_group, scenarios)])])


def _cells(lines: Sequence[Line], scenarios: Sequence[str]) -> list[str]:
    of_each = [[line for line in lines if line.scenario == name] for name in scenarios]
    return [_cell(found) for found in [*of_each, lines]]


def _cell(lines: Sequence[Line]) -> str:
    broken = sum(bool(line.violations) for line in lines)
    missed = sum(not line.met for line in lines)
    told = [str(len(lines))]
    told += [f"**{broken} violate**"] if broken else []
    return ", ".join([*told, f"{missed} not met"] if missed else told)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def violations(lines: Sequence[Line]) -> str:
    """Each with how to see it again, and what did not come to pass."""
    told = []
    for line in lines:
        if line.violations or not line.met:
            told += ["", f"{line.case}, {line.codes}:"]
            told += [f"  - {violation}" for violation in line.violations]
            told += [] if line.met else ["  - the fault did not come to pass"]
            told.append(f"  {line.command}")
    return "\n".join([*told, "", *_figures(lines)])


def _figures(lines: Sequence[Line]) -> list[str]:
    return [
        f"violations: {sum(len(line.violations) for line in lines)}",
        f"first runs that failed, were cancelled or killed: {_count_failed(lines)}",
        f"faults that did not come to pass: {sum(not line.met for line in lines)}",
    ]


def _count_failed(lines: Sequence[Line]) -> int:
    return sum(line.codes[0] != 0 for line in lines)


def on_page(page: str, lines: Sequence[Line]) -> str:
    """The page with the tables of those groups that were swept."""
    for group, scenarios in GROUPS.items():
        if table := _table(group, lines):
            of_group = [line for line in lines if line.scenario in scenarios]
            broken = sum(bool(line.violations) for line in of_group)
            told = f"Violations: {broken}. In {_count_failed(of_group):,} cases the first run "
            told += "failed, was cancelled or was killed, and the next one ended as it should."
            begin, end = f"<!-- sweep: {group} -->", "<!-- sweep end -->"
            before, found, after = page.partition(begin)
            if found:
                rest = after.partition(end)[2]
                page = f"{before}{begin}\n{told}\n\n{table}\n{end}{rest}"
    return page


def main(arguments: Sequence[str]) -> None:
    lines = read(map(Path, arguments))
    PAGE.write_text(on_page(PAGE.read_text(encoding="utf-8"), lines), encoding="utf-8")
    print(violations(lines))


if __name__ == "__main__":
    main(sys.argv[1:])
