"""What the first half of a test leaves to the second, which starts afresh without any secret."""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

from ..inputs.rows import Rows
from .described import Described
from .python import Maker

_SOURCES = Path(__file__).parents[2]
_SECOND_HALF = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from remote_registry.testing.second import main; main(int(sys.argv[2]))"
)
# Signals that wait until the second half listens.
WAITING = (signal.SIGINT, signal.SIGTERM)
# Where the second half reports, and how. They are told to it alone, and are no variables of its.
_PLACES = ("GITHUB_ACTIONS", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "NO_COLOR", "RUNNER_DEBUG")


@dataclass(frozen=True)
class Handover:
    """All that the second half knows.

    Attributes:
        folder: The private folder, with the model's files in it.
        lock: The descriptor that holds its lock.
        outcome: The fields of `Tested`, freed of secrets.
        variables: Those that the model's processes have.
        hidden: Folders that the model's processes are not to read.
        shown: Files and folders in those that they need all the same.
        places: Variables that say where to report.
        begun: When the command began, as `time.monotonic` tells it.
    """

    folder: str
    lock: int
    outcome: Mapping[str, Any]
    described: Described
    maker: Maker
    rows: Rows | None
    expected: tuple[Any, ...]
    tolerance: float
    timeout: float
    variables: Mapping[str, str]
    hidden: tuple[str, ...]
    shown: tuple[str, ...]
    places: Mapping[str, str]
    as_json: bool
    begun: float

    @classmethod
    def parse(cls, text: str) -> Handover:
        """What `text` has written."""
        fields = json.loads(text)
        rows = fields["rows"]
        python = fields["described"].pop("python")
        packages = tuple(fields["described"].pop("packages"))
        described = Described(
            python=tuple(python) if python else None, packages=packages, **fields["described"]
        )
        fields |= {
            "described": described,
            "maker": Maker(**fields["maker"]),
            "rows": Rows(**rows) if rows else None,
            "expected": tuple(fields["expected"]),
        }
        return cls(**fields)

    @property
    def text(self) -> str:
        """All of it, as JSON."""
        return json.dumps(asdict(self))


def places_of(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that say where to report."""
    return {name: environment[name] for name in _PLACES if name in environment}


def start_second_half(handover: Handover) -> NoReturn:
    """Becomes the second half: this process, with another environment, and nothing in its memory.

    `/proc/<pid>/environ` shows what a process was given at its start, also what it took out later;
    so the process starts again. It does not return. Signals that come meanwhile wait for it.

    Raises:
        OSError: The state can't be written.
    """
    with tempfile.TemporaryFile() as file:  # it has no name, so nothing is left of it
        file.write(handover.text.encode())
        file.flush()
        file.seek(0)
        for descriptor in (file.fileno(), handover.lock):
            os.set_inheritable(descriptor, True)
        cache = ["-X", f"pycache_prefix={sys.pycache_prefix}"] if sys.pycache_prefix else ["-B"]
        flags = ["-I", "-X", "utf8", *cache]
        command = [sys.executable, *flags, "-c", _SECOND_HALF, str(_SOURCES), str(file.fileno())]
        signal.pthread_sigmask(signal.SIG_BLOCK, WAITING)
        try:
            os.execve(sys.executable, command, dict(handover.variables))  # noqa: S606
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, WAITING)
