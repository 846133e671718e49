"""The first half of `test`: which version, may it be run, its files. Nothing of it is run here."""

from __future__ import annotations

import os
import pwd
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NoReturn

from ..cancelling import tell_in_the_end
from ..connection import Connection, connect_registry
from ..download import Located, bring, locate
from ..errors import Ending, FolderFailed, ModelFailed, RegistryFailed
from ..files.pace import Limits
from ..github import GitHub
from ..inputs.tested import TestedInputs
from ..outcome import Log, readable
from ..registry.api import RegistryApi
from ..run import Call
from ..trust import check_creator
from .allowed import allowed, named_paths
from .described import Described, describe
from .folder import PrivateFolder, told_of_disk
from .handover import Handover, places_of, start_second_half
from .python import Maker, choose
from .tested import Tested


@dataclass(frozen=True)
class Brought:
    """A model that is ready to be run.

    Attributes:
        variables: Those that its processes have.
        hidden: Folders that they are not to read.
        shown: What in those they need all the same.
    """

    folder: PrivateFolder
    described: Described
    maker: Maker
    variables: Mapping[str, str]
    hidden: tuple[str, ...]
    shown: tuple[str, ...]


def begin(
    inputs: TestedInputs, github: GitHub, environment: Mapping[str, str], outcome: Tested, log: Log
) -> Brought | None:
    """Finds the version, sees that it may be run, and brings it.

    Args:
        environment: This process's variables.
        outcome: Is filled as things come true.

    Returns:
        What the second half runs; `None` where nothing is to be run.

    Raises:
        VersionMissing: No version fits, or several do.
        GateNotMet: Its creator is not trusted.
        RegistryFailed: It is not READY, or its files are not those that were registered.
        ModelFailed: It is no model that can be asked.
        FolderFailed: A file can't be written.
    """
    side = connect_registry(inputs, log)
    located = locate(inputs, side, github, outcome, log)
    by_tags = inputs.select.by_tags
    check_creator(_Trusting(inputs, side, located.api, log), located.version, by_tags=by_tags)
    if inputs.dry_run:
        asks = "the rows" if inputs.rows else "its own input example"
        outcome.plan = [
            f"download: {len(located.files)} files, {readable(outcome.bytes)}",
            "make an environment of what the model requires",
            f"load the model and predict {asks}",
        ]
        outcome.status = "planned"
        return None
    with told_of_disk():
        folder = PrivateFolder.make(_home(environment))
        tell_in_the_end(folder.still_there)
    try:
        limits = Limits(inputs.max_connections, inputs.retry_timeout)
        bring(located, folder.model, limits, outcome, log)
        _check_digest(inputs, located, outcome)
        with told_of_disk():
            return _brought(inputs, folder, environment, log)
    except BaseException as error:
        outcome.passed = False if isinstance(error, ModelFailed) else None
        left = folder.remove()
        if isinstance(error, Ending):
            error.left[:] = left  # what a download leaves for the next one is in the folder too
        raise


@dataclass(frozen=True)
class _Trusting:
    """What trust is asked about."""

    inputs: TestedInputs
    side: Connection
    api: RegistryApi
    log: Log


def hand_over(brought: Brought, inputs: TestedInputs, call: Call) -> NoReturn:
    """Becomes the second half, which runs the model and reports.

    Raises:
        FolderFailed: What it needs to know can't be written.
    """
    try:
        start_second_half(
            Handover(
                folder=str(brought.folder.path),
                lock=brought.folder.lock,
                outcome=asdict(call.outcome.redacted(call.console.redacted)),
                described=brought.described,
                maker=brought.maker,
                rows=inputs.rows,
                expected=(inputs.expect.value,) if inputs.expect else (),
                tolerance=inputs.tolerance,
                timeout=inputs.timeout,
                variables=brought.variables,
                hidden=brought.hidden,
                shown=brought.shown,
                places=places_of(os.environ),
                as_json=call.as_json,
                begun=call.begun,
            )
        )
    except BaseException as error:
        left = brought.folder.remove()
        if isinstance(error, OSError):
            raise FolderFailed(
                f"The test can't go on without its sign-ins: {error.strerror or error}.",
                todo="Look at the disk of the runner.",
            ) from error
        if isinstance(error, Ending):
            error.left += left
        raise


def _check_digest(inputs: TestedInputs, located: Located, outcome: Tested) -> None:
    if inputs.digest and inputs.digest != outcome.digest:
        raise RegistryFailed(
            f"The digest of version {outcome.version} is {outcome.digest}, and not "
            f"{inputs.digest}. Nothing of it was run.",
            where=located.api.where,
            todo="Compare it with the output `digest` of the job that registered the version.",
        )


def _brought(
    inputs: TestedInputs, folder: PrivateFolder, environment: Mapping[str, str], log: Log
) -> Brought:
    described = describe(folder.model)
    if not inputs.rows and not described.has_example:
        raise ModelFailed(
            "The model has no input example of its own, and no rows were given.",
            todo="Give rows, or log the model with input_example.",
        )
    variables, refused = allowed(environment)
    for name in refused:
        log.warning(
            f"{name} may hold a sign-in (it has an '@' or a '?'), so the model's environment is "
            "made without it."
        )
    maker = choose(described.python, environment)
    if maker.warning:
        log.warning(maker.warning)
    shown = tuple(map(os.path.realpath, (*maker.needs, *named_paths(variables))))
    hidden = tuple({os.path.realpath(folder) for folder in _hidden(environment)} - {"/"})
    return Brought(folder, described, maker, variables, hidden, shown)


def _home(environment: Mapping[str, str]) -> Path:
    """Where the private folder is made: the runner clears its own at each job's beginning."""
    return Path(environment.get("RUNNER_TEMP") or tempfile.gettempdir())


def _hidden(environment: Mapping[str, str]) -> Iterator[str]:
    """Where a job's files are, those with sign-ins among them."""
    for parent in Path(environment.get("RUNNER_WORKSPACE", "")).parents:
        if (parent / ".runner").is_file():  # a runner of one's own keeps its sign-in beside it
            yield str(parent)
    for name in ("HOME", "GITHUB_WORKSPACE", "RUNNER_TEMP", "RUNNER_WORKSPACE"):
        if folder := environment.get(name):
            yield folder
    with suppress(KeyError):  # a container's user need not have a name
        yield pwd.getpwuid(os.getuid()).pw_dir
    yield from (tempfile.gettempdir(), "/tmp", "/var/tmp", ".")  # noqa: S108
