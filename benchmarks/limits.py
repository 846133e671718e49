"""What the network allows, and what is asked of the copy."""

from __future__ import annotations

from results import Result

BANDWIDTH = 160e6
READY_AFTER = 2.0
MOST_MEMORY = 256 << 20
MOST_FIRST_REQUEST = 1.0
MOST_CPU_PER_100_MIB = 1 / 3
CPU_COUNTS_FROM = 256 << 20  # below that it is Python's start that is measured
REQUESTS_COUNT_TO = 1 << 20  # bytes in a file; larger ones may go in parts


def limit(size: int) -> float:
    """The seconds below which nobody can be."""
    return size / BANDWIDTH + READY_AFTER


def must(size: int) -> float:
    return 1.2 * limit(size) + 2


def aim(size: int) -> float:
    return 1.1 * limit(size) + 1.5


def most_requests(files: int) -> int:
    """To each side: 220 for 200 files, and one more for each further."""
    return max(files - 1, 200) + 20


def missed_by(result: Result) -> list[str]:
    """Where our own tool is not as good as it must be."""
    if result.tool != "ours":
        return []
    found = result.median
    most = {
        "seconds": (found.seconds, must(result.bytes)),
        "bytes of memory": (found.memory, MOST_MEMORY),
        "bytes on the disk": (found.disk, 0),
        "seconds to the first request": (found.first_request, MOST_FIRST_REQUEST),
    }
    if result.bytes >= CPU_COUNTS_FROM:
        most["seconds of CPU for 100 MiB"] = (result.cpu_per_100_mib, MOST_CPU_PER_100_MIB)
    if result.bytes <= (result.files - 1) * REQUESTS_COUNT_TO:
        for side, number in found.requests.items():
            most[f"requests to the {side}"] = (number, most_requests(result.files))
    return [
        f"{result.model}: {_number(value)} {what}, at most {_number(bound)}"
        for what, (value, bound) in most.items()
        if value > bound
    ]


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.2f}"
