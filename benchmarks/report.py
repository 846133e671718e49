"""The figures as a table that can be pasted into a README."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from limits import aim, limit, must
from results import Result

PACKAGES = ("mlflow", "mlflow-export-import-v2", "databricks-sdk")
HEADER = (
    "model", "limit", "aim", "must", "tool", "seconds", "× ours", "CPU s", "CPU s/100 MiB",
    "memory MiB", "disk MiB", "requests source + registry", "first request s",
)  # fmt: skip


def as_table(results: Sequence[Result]) -> str:
    ours = {one.model: one.median.seconds for one in results if one.tool == "ours"}
    return markdown(HEADER, [_row(result, ours.get(result.model)) for result in results])


def _row(result: Result, ours: float | None) -> list[str]:
    found = result.median
    size = result.bytes
    return [
        result.model,
        *(f"{bound(size):.1f}" for bound in (limit, aim, must)),
        result.tool,
        f"{found.seconds:.1f}",
        f"{found.seconds / ours:.1f}" if ours else "",
        f"{found.cpu:.1f}",
        f"{result.cpu_per_100_mib:.2f}" if size >= 100 << 20 else "",
        f"{found.memory / (1 << 20):.0f}",
        f"{found.disk / (1 << 20):.1f}",
        " + ".join(f"{found.requests[side]:,}" for side in ("source", "registry")),
        f"{found.first_request:.2f}",
    ]


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as they need to be, so that it can be read as it is."""
    cells = [list(header), ["---"] * len(header), *map(list, rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        f"| {' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))} |"
        for row in cells
    )


def describe_machine() -> dict[str, str | int]:
    return {
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "system": platform.platform(),
        **{name: _version(name) for name in PACKAGES},
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
