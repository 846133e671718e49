"""Running a model's code: a process that is shut in, heard with limits, and ended with its kin."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..cancelling import Hurry, shielded
from ..errors import ModelFailed
from ..outcome import Log
from .processes import end_descendants

SHUT_IN = Path(__file__).with_name("shut_in.py")
_PIECE = 1 << 16
_PIECES_IN_A_PIPE = 1 << 10  # a small write may be a piece of its own
_LOUDEST = 100_000  # characters of what a command prints that are shown
_LONGEST_LINE = 1_000
_LAST_LINES = 15
LONGEST_ANSWER = 10_000_000  # bytes


@dataclass(frozen=True)
class Limits:
    """What a model's processes may do.

    Attributes:
        deadline: When they must have ended, as `time.monotonic` tells it.
        seconds: How long that was at the beginning.
    """

    hidden: Sequence[str]
    shown: Sequence[str]
    writable: Sequence[str]
    variables: Mapping[str, str]
    deadline: float
    seconds: float


@dataclass(frozen=True)
class Ran:
    """How a command ended.

    Attributes:
        answer: What it wrote to the pipe that it was given; cut after `LONGEST_ANSWER`.
        said: The last lines that it printed.
    """

    code: int
    answer: bytes
    said: tuple[str, ...]

    @property
    def ending(self) -> str:
        """How it ended, for people."""
        if self.code >= 0:
            return f"ended with exit code {self.code}"
        hint = ", as the system does where memory runs out" if self.code == -9 else ""
        return f"was ended by signal {-self.code}{hint}"


class Shown:
    """What a command prints: told line by line as data, up to a limit, and the last of it kept."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._begun = b""
        self._shown = 0
        self._dropped = 0
        self.last: deque[str] = deque(maxlen=_LAST_LINES)

    def feed(self, piece: bytes) -> None:
        """Takes what came."""
        *lines, self._begun = (self._begun + piece).replace(b"\r", b"\n").split(b"\n")
        if len(self._begun) > _LONGEST_LINE:
            lines.append(self._begun)
            self._begun = b""
        for line in lines:
            self._tell(line)

    def end(self) -> None:
        """Tells what is left."""
        self._tell(self._begun)
        self._begun = b""
        if self._dropped:
            self._log.line(f"… and {self._dropped} more lines")
            self._dropped = 0

    def _tell(self, line: bytes) -> None:
        text = line[:_LONGEST_LINE].decode(errors="replace").rstrip()
        if not text:
            return
        self.last.append(text)
        if self._shown > _LOUDEST:
            self._dropped += 1
            return
        self._shown += len(text) + 1
        self._log.line(f"| {text}")


@dataclass
class _Heard:
    """The two pipes of a running command."""

    shown: Shown
    answer: bytearray = field(default_factory=bytearray)

    def take(self, pipe: int, *, is_answer: bool) -> int | None:
        """Takes what is there: how many bytes, 0 once the pipe has been closed, or `None`."""
        try:
            piece = os.read(pipe, _PIECE)
        except BlockingIOError:
            return None  # nothing yet
        if is_answer:
            self.answer += piece[: LONGEST_ANSWER + 1 - len(self.answer)]
        else:
            self.shown.feed(piece)
        return len(piece)


def run(command: Sequence[str], folder: Path, limits: Limits, what: str, log: Log) -> Ran:
    """Runs a command to its end, and ends whatever it leaves running.

    A `{answer}` among its arguments becomes the number of the descriptor to write its answer to.

    Args:
        folder: Where it runs.
        what: What it does, for people.

    Raises:
        ModelFailed: It took too long, or the machine has no room for one more process.
    """
    answer, answering = os.pipe()
    try:
        process = _started(command, folder, limits, answering)
    except OSError as error:
        os.close(answer)
        raise ModelFailed(f"{what} could not begin: {error.strerror or error}.") from error
    finally:
        os.close(answering)
    heard = _Heard(Shown(log))
    try:
        in_time = _listen(process, answer, heard, limits.deadline)
    finally:
        try:
            with shielded():
                _end(process, log)
        except Hurry:  # nothing comes between any more
            _end(process, log)
            raise
    _drain(process, answer, heard)
    heard.shown.end()
    last = tuple(heard.shown.last)
    if not in_time:
        raise ModelFailed(
            f"{what} was not done when the {limits.seconds:g} seconds of the timeout had passed.",
            *last,
            todo="Raise timeout, or look at what takes so long.",
        )
    return Ran(process.returncode, bytes(heard.answer), last)


def _started(
    command: Sequence[str], folder: Path, limits: Limits, answering: int
) -> subprocess.Popen[bytes]:
    named = {name: list(getattr(limits, name)) for name in ("hidden", "shown", "writable")}
    given = [str(answering) if part == "{answer}" else part for part in command]
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-B", str(SHUT_IN), json.dumps(named), *given],
        cwd=folder,
        env=dict(limits.variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=[answering],
        start_new_session=True,
    )


def _listen(process: subprocess.Popen[bytes], answer: int, heard: _Heard, deadline: float) -> bool:
    """Listens until the command has ended; whether it did so in time."""
    printed = _printed(process)
    for pipe in (printed, answer):
        os.set_blocking(pipe, False)
    with selectors.DefaultSelector() as pipes:
        pipes.register(printed, selectors.EVENT_READ)
        pipes.register(answer, selectors.EVENT_READ)
        while process.poll() is None:
            if time.monotonic() >= deadline:
                return False
            if not pipes.get_map():
                time.sleep(0.05)
            for key, _ in pipes.select(0.1):
                if heard.take(key.fd, is_answer=key.fd == answer) == 0:
                    pipes.unregister(key.fd)
    return True


def _printed(process: subprocess.Popen[bytes]) -> int:
    if process.stdout is None:
        raise AssertionError("it was asked for")
    return process.stdout.fileno()


def _end(process: subprocess.Popen[bytes], log: Log) -> None:
    """Ends the command, where it runs still, and all that it has started."""
    process.poll()  # before others reap it
    if process.returncode is None:
        process.kill()
        process.wait()
    if living := end_descendants(process.pid):
        log.warning(
            f"{len(living)} processes that the model has started can't be ended: "
            f"{', '.join(map(str, living[:10]))}."
        )


def _drain(process: subprocess.Popen[bytes], answer: int, heard: _Heard) -> None:
    """Takes what lies in the pipes still, which hold a megabyte at most, and closes them."""
    for pipe in (_printed(process), answer):
        for _ in range(_PIECES_IN_A_PIPE):
            if not heard.take(pipe, is_answer=pipe == answer):
                break
    if process.stdout:
        process.stdout.close()
    os.close(answer)
