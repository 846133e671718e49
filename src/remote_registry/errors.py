"""What can go wrong: one class per cause, with what happened, where, and what to do next."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence


class Ending(BaseException):
    """What ends a command with an annotation instead of a traceback.

    Args:
        what: What happened, one sentence. May quote a server's words; whoever shows it escapes it.
        where: The side, model or version that it happened to; empty where `what` says so.
        todo: What to do next.

    Attributes:
        may_be_done: Whether what was asked for may have been done all the same, or may yet be.
    """

    exit_code: int = 1
    title: str = "Failed"
    may_be_done = True

    def __init__(self, what: str, *, where: str = "", todo: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.todo = todo
        self.left: list[str] = []

    def lines(self) -> list[str]:
        """What happened, where, what to do next, and what is left behind; one line each."""
        where = f"Where: {self.where}" if self.where else ""
        todo = f"What to do: {self.todo}" if self.todo else ""
        left = [f"Left behind: {thing}" for thing in self.left]
        return [line for line in (self.what, where, todo, *left) if line]


class Failure(Ending, Exception):
    """Something went wrong, or is not as it was said to be."""


class BadInput(Failure):
    """One or more inputs can't be right. Raised before any network call, with all of them."""

    exit_code = 2
    title = "Bad input"

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems

    def lines(self) -> list[str]:
        return list(self.problems)


class SignInRefused(Failure):
    """The credentials are refused, or the workspace is not the one that was named."""

    exit_code = 3
    title = "Sign-in refused"


class WrongHost(SignInRefused):
    """The host is not of the kind that was named."""


class NotReady(Failure):
    """Something that registering needs is missing."""

    exit_code = 3
    title = "Not ready"


class ScopeRefused(Failure):
    """A secret scope can't be read or written, or does not hold what it ought to."""

    exit_code = 3
    title = "Secret scope refused"


class SourceMissing(Failure):
    """There is no such source, or it can't be read."""

    exit_code = 4
    title = "No such source"


class VersionMissing(Failure):
    """The registry has no such version, or several of which one was meant."""

    exit_code = 4
    title = "No such version"


class RequestMissing(Failure):
    """Nobody has asked for what is to be approved, or the request is closed already."""

    exit_code = 4
    title = "No such request"


class RegistryFailed(Failure):
    """The registry failed or refused, or what it serves is not what was logged."""

    exit_code = 5
    title = "Registry failed"


class NeedsStores(Failure):
    """The files are in an object store, and the library that speaks to it is not installed."""

    exit_code = 7
    title = "obstore is missing"

    def __init__(self, place: str) -> None:
        super().__init__(
            f"The model's files are in {place}, which is read and written by obstore.",
            todo="Install it: pip install 'register-remote-model[stores]'.",
        )
        self.place = place


class MachineTooSmall(Failure):
    """The runner's machine has no room for the copy."""

    exit_code = 7
    title = "Machine too small"

    def __init__(self) -> None:
        super().__init__(
            "The runner's machine has no room for the buffers of the copy.",
            todo="Raise the limit on its memory (ulimit -v).",
        )


class FolderFailed(Failure):
    """A file can't be written on the runner's machine."""

    exit_code = 7
    title = "Can't write"


class DiskFull(FolderFailed):
    """The runner's disk, or its owner's share of it, has no room for a file."""

    title = "Disk full"


class OutputsLost(Failure):
    """What was reached can't be told: the runner's file or stdout can't be written."""

    exit_code = 7
    title = "Outputs lost"


class GitHubFailed(Failure):
    """GitHub's API can't be asked, or refuses."""

    exit_code = 7
    title = "GitHub failed"


class GateNotMet(Failure):
    """The model does not meet the conditions that were asked of it.

    Args:
        unmet: Those that it does not meet, one line each.
    """

    exit_code = 6
    title = "Gate not met"

    def __init__(self, what: str, *unmet: str, where: str = "", todo: str = "") -> None:
        super().__init__(what, where=where, todo=todo)
        self.unmet = unmet

    def lines(self) -> list[str]:
        first, *rest = super().lines()
        return [first, *self.unmet, *rest]


def bug(error: Exception, tell: Callable[[str], None]) -> Failure:
    """The failure of what nobody expected; tells its traceback where debug logging is on."""
    if os.environ.get("RUNNER_DEBUG") == "1":
        import traceback

        for line in "".join(traceback.format_exception(error)).splitlines():
            tell(line)
    failure = Failure(
        f"A bug of ours: {type(error).__name__}: {error}",
        todo="Run again with debug logging (RUNNER_DEBUG=1), and report the traceback.",
    )
    failure.__cause__ = error
    return failure


class SomeFailed(Failure):
    """Of several models some were not registered; the others were.

    Args:
        each: What went wrong with which, one line each.
        exit_code: That of the worst.
    """

    title = "Not all models were registered"

    def __init__(self, what: str, each: Sequence[str], exit_code: int) -> None:
        super().__init__(what)
        self.each = each
        self.exit_code = exit_code

    def lines(self) -> list[str]:
        first, *rest = super().lines()
        return [first, *self.each, *rest]


class ModelFailed(Failure):
    """The model can't be installed, loaded or asked, or predicts something else.

    Args:
        said: The last of what it printed, one line each.
    """

    exit_code = 6
    title = "Test failed"

    def __init__(self, what: str, *said: str, where: str = "", todo: str = "") -> None:
        super().__init__(what, where=where, todo=todo)
        self.said = said

    def lines(self) -> list[str]:
        first, *rest = super().lines()
        return [first, *(f"  {line}" for line in self.said), *rest]


class Cancelled(Ending, BaseException):
    """A signal asked to stop: exit code 130 for SIGINT, 143 for SIGTERM.

    No failure, so that nobody who goes on after one goes on after it.
    """

    title = "Cancelled"

    def __init__(self, signum: int) -> None:
        name = signal.Signals(signum).name
        super().__init__(f"{name} was received.")
        self.exit_code = 128 + signum
