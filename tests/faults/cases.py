"""What is broken how: one request of a clean run, one fault."""

from __future__ import annotations

import re
import signal
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from faults.shortened import READ_SECONDS

SIGNAL_SECONDS = 0.8  # how long a request hangs, so that a signal comes in the middle of it
BAD_GATEWAY = "<html><head><title>502 Bad Gateway</title></head></html>"


@dataclass(frozen=True)
class Fault:
    """What is done to a request, or to the process while the request is under way."""

    name: str
    rule: dict[str, Any] = field(hash=False)
    passes: bool = False
    signum: int = 0


def _signals() -> Iterator[Fault]:
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        for when in ("before", "after"):
            rule = {"action": "silence", "seconds": SIGNAL_SECONDS}
            name = f"{signum.name} {when}"
            yield Fault(name, {**rule, "after_handler": when == "after"}, signum=signum)


_LATER = {"action": "reply", "headers": {"Retry-After": "1"}}
FAULTS = (
    Fault("429", {**_LATER, "status": 429}, passes=True),
    Fault("500", {"action": "reply", "status": 500}, passes=True),
    Fault(
        "502 after",
        {"action": "reply", "status": 502, "body": BAD_GATEWAY, "after_handler": True},
        passes=True,
    ),
    Fault(
        "503 after",
        {**_LATER, "status": 503, "after_handler": True},  # a gateway that had handed it on
        passes=True,
    ),
    Fault("lost reply", {"action": "lost-reply"}, passes=True),
    Fault("reset request", {"action": "reset-request"}, passes=True),
    Fault("reset reply", {"action": "reset-response"}, passes=True),
    # Carried out late: the client has given up by then, and looks for what it may have done.
    Fault("silence", {"action": "silence", "seconds": READ_SECONDS + 0.4}),
    Fault("html", {"action": "html"}),
    Fault("truncated", {"action": "truncated"}),
    *_signals(),
)


@dataclass(frozen=True)
class Request:
    """A request by what stays the same of it from run to run: the n-th that its glob takes."""

    side: str
    path: str
    method: str
    nth: int

    def __str__(self) -> str:
        return f"{self.side} {self.method} {self.path} #{self.nth}"


@dataclass(frozen=True)
class Case:
    scenario: str
    request: Request
    fault: Fault

    def __str__(self) -> str:
        return f"{self.scenario}: {self.fault.name} at {self.request}"

    @property
    def command(self) -> str:
        """How to see it again."""
        only = f"--fault '{self.fault.name}' --only '{self.request}'"
        return f"tests/faults/sweep --scenario {self.scenario} {only}"

    @property
    def number(self) -> int:
        """The same on every machine, whatever else there is."""
        return zlib.crc32(str(self).encode())


def requests_of(side: str, log: Iterable[dict[str, Any]]) -> list[Request]:
    """The requests of an access log, each as what a rule for it has to say."""
    seen: list[tuple[str, str]] = []
    found = []
    for entry in log:
        method, path = entry["method"], entry["path"]
        seen.append((method, path))
        glob = _glob(path)
        nth = sum(one == method and fnmatchcase(other, glob) for one, other in seen)
        found.append(Request(side, glob, method, nth))
    return found


def _glob(path: str) -> str:
    """Ids, tokens and names that are new in every run become `*`."""
    path = re.sub(r"sweep-[0-9a-z]+", "*", path)
    path = re.sub(r"[0-9a-f]{12,}", "*", path)
    return re.sub(r"(?<=/)[0-9]+(?=/|$)", "*", path)


def cases_of(scenario: str, requests: Iterable[Request]) -> list[Case]:
    """Every request with every fault: mixed, so that a few of them are of all kinds."""
    cases = [Case(scenario, one, fault) for one in set(requests) for fault in FAULTS]
    return sorted(cases, key=lambda case: case.number)
