"""Who makes something: a mark that says so, and whether its maker has come to an end."""

from __future__ import annotations

import json
import os
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .inputs.values import TAG_PREFIX

MARK_TAG = f"{TAG_PREFIX}try"  # that holds a mark, on whatever has tags
_RENEWED_SECONDS = 900.0


@dataclass(frozen=True)
class Mark:
    """What a try writes on all that it makes.

    Attributes:
        token: The try's own, of hexadecimal digits.
        key: The registration's, as on its version.
        workflow_run: The URL of the workflow run, without the attempt; empty outside of Actions.
        attempt: The attempt of that workflow run.
        machine: What tells this machine, since it was started, from any other; empty where that
            is not known, and in Actions, whose machines may all look the same.
        process: Process id and start time.
        renewed: Seconds since the epoch.
    """

    token: str
    key: str
    workflow_run: str = ""
    attempt: int = 1
    machine: str = ""
    process: str = ""
    renewed: float = 0.0

    @property
    def text(self) -> str:
        """The mark, to be written."""
        return json.dumps(asdict(self))


def mark_from(text: str) -> Mark | None:
    """Reads a mark; `None` where it is none of ours."""
    try:
        fields = json.loads(text)
        mark = Mark(**{name: type(value)(fields[name]) for name, value in _EMPTY.items()})
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
    return mark if mark.token and mark.key else None


_EMPTY = asdict(Mark(token="", key=""))


@dataclass(frozen=True)
class Attempt:
    """This process's try at a registration.

    Attributes:
        abandoned_after: Seconds after which what was not renewed is taken for abandoned.
    """

    workflow_run: str = ""
    number: int = 1
    machine: str = ""
    process: str = ""
    abandoned_after: float = _RENEWED_SECONDS
    token: str = field(default_factory=lambda: secrets.token_hex(8))

    def mark(self, key: str) -> Mark:
        """What to write on all that is made now."""
        return Mark(
            self.token, key, self.workflow_run, self.number, self.machine, self.process, time.time()
        )

    def is_over(self, mark: Mark) -> bool:
        """Whether the try that wrote a mark has surely ended, or is this one."""
        if mark.token == self.token:
            return True
        # GitHub begins an attempt only when the one before has ended.
        same_run = mark.workflow_run and mark.workflow_run == self.workflow_run
        if same_run and mark.attempt < self.number:
            return True
        if mark.machine and mark.machine == self.machine and not _runs(mark.process):
            return True
        return time.time() - mark.renewed > self.abandoned_after


def attempt_from(environment: Mapping[str, str]) -> Attempt:
    """This process's, as Actions and the operating system tell it."""
    after = environment.get("REMOTE_REGISTRY_ABANDONED_AFTER", "")
    seconds = float(after) if re.fullmatch(r"[0-9]{1,6}(\.[0-9]+)?", after) else _RENEWED_SECONDS
    run = environment.get("GITHUB_RUN_ID", "")
    if environment.get("GITHUB_ACTIONS") == "true" and run:
        server = environment.get("GITHUB_SERVER_URL", "")
        repository = environment.get("GITHUB_REPOSITORY", "")
        number = environment.get("GITHUB_RUN_ATTEMPT", "")
        return Attempt(
            workflow_run=f"{server}/{repository}/actions/runs/{run}",
            number=int(number) if number.isdecimal() else 1,
            abandoned_after=seconds,
        )
    return Attempt(machine=_machine(), process=_process(os.getpid()), abandoned_after=seconds)


def _machine() -> str:
    """Linux only: its start, and the namespace in which process ids mean what they say."""
    try:
        start = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{start}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _process(pid: int) -> str:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    # The name of the program, in parentheses, may hold anything.
    return f"{pid}/{fields.rpartition(')')[2].split()[19]}"


def _runs(process: str) -> bool:
    pid = process.partition("/")[0]
    return pid.isdecimal() and _process(int(pid)) == process
