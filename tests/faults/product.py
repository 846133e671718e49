"""The product as a step of a workflow: started, signalled, and what it leaves on its machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import runner
from command import command_environment

SCRIPT = Path(__file__).with_name("shortened.py")
LONGEST_SECONDS = 120


@dataclass(frozen=True)
class Step:
    """A step of a workflow: a verb, its inputs, and the files of the checkout."""

    verb: str
    inputs: dict[str, str]
    checkout: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Ended:
    """How a run ended, and what it said and left.

    Attributes:
        seconds: From its start; or from the signal, if it was sent one.
        left: Processes and files on the runner's machine that ought to be gone.
    """

    code: int
    log: str
    summary: str
    output: str
    seconds: float
    left: list[str] = field(default_factory=list)

    @property
    def outputs(self) -> dict[str, str]:
        """By name; as the runner reads them.

        Raises:
            AssertionError: The runner could not.
        """
        return dict(runner.file_outputs(self.output))


class Started:
    """A run in a folder of its own, in a process group of its own.

    Args:
        script: What is run: the product with shortened waits, or as it is.
    """

    def __init__(
        self,
        folder: Path,
        step: Step,
        script: Path = SCRIPT,
        **environment: str,
    ) -> None:
        self._folder = folder
        for name in ("tmp", "home", "work"):
            (folder / name).mkdir(parents=True)
        self._given = [folder / "work" / name for name in step.checkout]
        for path, text in zip(self._given, step.checkout.values(), strict=True):
            path.write_text(text, encoding="utf-8")
        places = {"TMPDIR": str(folder / "tmp"), "HOME": str(folder / "home")}
        self._log = folder / "log"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-B", str(script), step.verb],
                env=command_environment(folder, step.inputs, **places, **environment),
                cwd=folder / "work",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._since = time.monotonic()

    @property
    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def signal(self, signum: int) -> None:
        self._since = time.monotonic()
        with suppress(ProcessLookupError):
            self.process.send_signal(signum)

    def end(self) -> Ended:
        left = []
        try:
            code = self.process.wait(LONGEST_SECONDS)
        except subprocess.TimeoutExpired:
            left.append(f"it was still running after {LONGEST_SECONDS} s")
            self.process.kill()
            code = self.process.wait()
        seconds = time.monotonic() - self._since
        return Ended(
            code,
            _text(self._log),
            _text(self._folder / "summary"),
            _text(self._folder / "output"),
            seconds,
            left + self._left(),
        )

    def _left(self) -> list[str]:
        left = []
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
            left.append("a process is left")
        for name in ("tmp", "home", "work"):
            paths = {*(self._folder / name).rglob("*")} - {*self._given}
            left += [f"the file {path.relative_to(self._folder)} is left" for path in paths]
        return left


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""
