"""The results, for people and for a page."""

from __future__ import annotations

from collections.abc import Sequence

from faults.carry_out import Result
from faults.cases import FAULTS


def table(results: Sequence[Result]) -> str:
    """Scenario by fault: cases, and violations where there are any."""
    scenarios = list(dict.fromkeys(result.case.scenario for result in results))
    lines = [_row(["fault", *scenarios, "all"]), _row(["---"] * (len(scenarios) + 2))]
    for fault in FAULTS:
        of_fault = [result for result in results if result.case.fault.name == fault.name]
        if of_fault:
            lines.append(_row([fault.name, *_cells(of_fault, scenarios)]))
    lines.append(_row(["all", *_cells(results, scenarios)]))
    return "\n".join(lines)


def _cells(results: Sequence[Result], scenarios: Sequence[str]) -> list[str]:
    of_each = [[one for one in results if one.case.scenario == name] for name in scenarios]
    return [_cell(found) for found in [*of_each, results]]


def _cell(results: Sequence[Result]) -> str:
    broken = sum(bool(result.violations) for result in results)
    return f"{len(results)}, **{broken} violate**" if broken else str(len(results))


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def violations(results: Sequence[Result]) -> str:
    """Each with how to see it again."""
    lines = []
    for result in results:
        if result.violations:
            lines += ["", f"{result.case}, {result.codes}:"]
            lines += [f"  - {violation}" for violation in result.violations]
            lines.append(f"  {result.case.command}")
    missed = [result for result in results if not result.met]
    lines += ["", f"violations: {sum(len(result.violations) for result in results)}"]
    failed = [result for result in results if result.codes[0]]
    lines.append(f"first runs that failed, were cancelled or killed: {len(failed)}")
    lines.append(f"faults that did not come to pass: {len(missed)}")
    return "\n".join(lines)
