"""`download`: a version's files come into a folder of the job, whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .cancelling import shielded
from .connection import Connection, connect_registry
from .errors import BadInput, Cancelled, DiskFull, Failure, RegistryFailed, SourceMissing
from .files.copy import Manifest, copy
from .files.folder import FolderWriter, clashes
from .files.hidden import Hidden
from .files.local import LocalFolder
from .files.pace import Limits
from .files.protocols import File, Reader
from .github import GitHub
from .inputs.download import DownloadInputs
from .inputs.resolve import ResolveInputs
from .outcome import Log, Outcome, readable
from .progress import progress_to
from .reached import Downloaded
from .registry.api import READY, RegistryApi, Version
from .resolve import tell_version
from .select import find, look, the_one
from .verify import served

_REQUIREMENTS = "requirements.txt"


def download(inputs: DownloadInputs, github: GitHub, outcome: Downloaded, log: Log) -> None:
    """Finds the version, and brings its files.

    What a download that was cut short has left beside the folder is used by the next one.

    Args:
        outcome: Is filled as things come true.

    Raises:
        VersionMissing: No version fits, or several do.
        BadInput: `path` is there already and holds something else.
        RegistryFailed: The version is not READY, or its files are not those that were registered.
        FolderFailed: A file can't be written.
    """
    side = connect_registry(inputs, log)
    located = locate(inputs, side, github, outcome, log)
    limits = Limits(inputs.max_connections, inputs.retry_timeout)
    one = _Download(located, inputs.path, limits, outcome, log)
    if inputs.dry_run:
        one.check()
        size = readable(outcome.bytes)
        outcome.plan = [f"download: {outcome.files} files, {size}, to {inputs.path}"]
        outcome.status = "planned"
        return
    one.run()
    if inputs.requirements:
        outcome.requirements = _requirements(inputs.path, log)


@dataclass(frozen=True)
class Located:
    """A version that was found, and what the registry serves of it."""

    api: RegistryApi
    version: Version
    reader: Reader
    files: Sequence[File]


def locate(
    inputs: ResolveInputs, side: Connection, github: GitHub, outcome: Outcome, log: Log
) -> Located:
    """Finds the version that is meant, and lists its files.

    Raises:
        VersionMissing: No version fits, or several do.
        RegistryFailed: The version is not READY, or has files that no folder can hold.
    """
    api = RegistryApi(side, inputs.model_name)
    with log.group("Find the version"):
        found = look(api, side)
        version = the_one(api, found, inputs.select, find(api, found, inputs.select, github, log))
        tell_version(side, api, version, found, outcome)
        if version.status != READY:
            raise RegistryFailed(
                f"Version {version.number} is {version.status}: it has no files yet.",
                where=api.where,
                todo="Run again when it is READY.",
            )
        reader = served(side, api, version)
        files = reader.files()
        _check_names(files, api.where)
        size = sum(file.size for file in files)
        outcome.files, outcome.bytes = len(files), size
        log.line(f"version {version.number}: {len(files)} files, {readable(size)}")
    return Located(api, version, reader, files)


def bring(located: Located, path: Path, limits: Limits, outcome: Outcome, log: Log) -> None:
    """Brings a version's files into a folder, whole and with the digest that was recorded.

    Args:
        outcome: Gets the digest of what was brought, where none was recorded.

    Raises:
        BadInput: The folder is there already and holds something else.
        RegistryFailed: The files are not those that were registered.
        FolderFailed: A file can't be written.
    """
    brought = Downloaded(outcome.model_name, version=outcome.version, digest=outcome.digest)
    _Download(located, path, limits, brought, log).run()
    outcome.digest, outcome.copied = brought.digest, brought.copied


def _requirements(path: Path, log: Log) -> str:
    file = path / _REQUIREMENTS
    if file.is_file():
        return str(file)
    log.warning(f"the model has no {_REQUIREMENTS}")
    return ""


class _Download:
    """One download on its way."""

    def __init__(
        self, located: Located, path: Path, limits: Limits, outcome: Downloaded, log: Log
    ) -> None:
        self._path = path
        self._limits = limits
        self._reader = located.reader
        self._files = tuple(sorted(located.files))
        self._outcome = outcome
        self._log = log
        self._hidden = Hidden(path, outcome.digest, log)

    def run(self) -> None:
        """Brings the files, checks them, and shows the folder."""
        if self._is_there_already():
            self._hidden.tidy()
            return
        try:
            with self._hidden.held():
                # Another download may have ended while we waited for it.
                if not self._is_there_already():
                    self._bring()
        except (Failure, Cancelled) as error:
            if self._hidden.has_something():
                error.left.append(f"{self._hidden.folder}, from which the next download goes on")
            raise

    def check(self) -> None:
        """Sees that what is there already is not in the way.

        Raises:
            BadInput: It holds something else.
        """
        if self._is_folder() and self._listed() != self._files:
            raise self._holds_something_else()

    def _bring(self) -> None:
        with self._log.group("Download"):
            manifest = self._brought()
        with shielded():
            self._hidden.show()
            self._outcome.digest = self._outcome.digest or manifest.digest
            self._outcome.path = str(self._path)
        self._log.line(f"downloaded to {self._path}: {manifest.digest}")

    def _is_there_already(self) -> bool:
        """Whether the folder is the version's; an empty one is none."""
        if not self._is_folder():
            return False
        self.check()
        manifest = self._read(self._path, self._files)
        if manifest.digest != (self._outcome.digest or self._read_back().digest):
            raise self._holds_something_else()
        self._outcome.digest = manifest.digest
        self._outcome.path = str(self._path)
        self._log.line(f"{self._path} holds these very files already")
        return True

    def _is_folder(self) -> bool:
        with self._hidden.told():
            return self._path.exists() and not (self._path.is_dir() and _is_empty(self._path))

    def _listed(self) -> tuple[File, ...] | None:
        """What is in the folder; `None` where it is none, or holds what no model does."""
        try:
            return tuple(LocalFolder(self._path.resolve()).files()) if self._path.is_dir() else None
        except SourceMissing:
            return None

    def _holds_something_else(self) -> BadInput:
        return BadInput(f"path: {str(self._path)!r} is there, and holds something else.")

    def _brought(self) -> Manifest:
        have = self._kept()
        manifest = self._copied(have)
        if have and not self._is_right(manifest):
            self._log.line("what an earlier download had left is not right; downloading all of it")
            self._hidden.clear()
            manifest = self._copied([])
        if not self._is_right(manifest):
            self._hidden.clear()
            raise RegistryFailed(
                f"What the registry serves of version {self._outcome.version} has the digest "
                f"{manifest.digest}, and {self._outcome.digest} was recorded.",
                todo="Do not use it: register the model again.",
            )
        return manifest

    def _is_right(self, manifest: Manifest) -> bool:
        return self._outcome.digest in ("", manifest.digest)

    def _copied(self, have: Sequence[File]) -> Manifest:
        lacking = [file for file in self._files if file not in set(have)]
        self._see_that_there_is_room(sum(file.size for file in lacking))
        show = progress_to(self._log, "downloaded", lacking)
        writer = FolderWriter(self._hidden.whole, self._hidden.begun)
        manifest = copy(self._reader, writer, lacking, show, self._limits)
        self._outcome.copied += sum(file.size for file in lacking)
        self._see_that_all_are_there()
        kept = self._read(self._hidden.whole, have).entries if have else ()
        entries = sorted([*manifest.entries, *kept], key=lambda entry: entry[1])
        return Manifest(tuple(entries))

    def _see_that_there_is_room(self, size: int) -> None:
        with self._hidden.told():
            free = shutil.disk_usage(self._hidden.folder).free
        if free < size:
            raise DiskFull(
                f"The disk of {str(self._path)!r} has no room: {readable(size)} are to come, and "
                f"{readable(free)} are free.",
                todo="Make room on the runner's disk, or name a path on another one.",
            )

    def _see_that_all_are_there(self) -> None:
        """A disk that does not tell cases apart keeps one of two."""
        if lost := sorted(set(self._files) - set(self._hidden.kept())):
            self._hidden.clear()
            raise _cannot_hold([file.path for file in lost])

    def _kept(self) -> list[File]:
        """The files that an earlier download has left, whole."""
        there = self._hidden.kept()
        if set(there) - set(self._files):
            self._hidden.clear()
            return []
        if there:
            self._log.line(f"{len(there)} files are there from an earlier download")
        return there

    def _read(self, folder: Path, files: Sequence[File]) -> Manifest:
        return copy(LocalFolder(folder.resolve()), None, files, lambda *_: None, self._limits)

    def _read_back(self) -> Manifest:
        show = progress_to(self._log, "read", self._files)
        return copy(self._reader, None, self._files, show, self._limits)


def _is_empty(folder: Path) -> bool:
    return not any(folder.iterdir())


def _check_names(files: Sequence[File], where: str) -> None:
    if not files:
        raise RegistryFailed("The registry serves no file of it.", where=where)
    if found := clashes(files):
        raise _cannot_hold(found)


def _cannot_hold(paths: Sequence[str]) -> RegistryFailed:
    more = f" (and {len(paths) - 5} more)" if len(paths) > 5 else ""
    return RegistryFailed(
        f"Names that a folder can't hold beside the others: {', '.join(map(repr, paths[:5]))}"
        f"{more}.",
        todo="Rename these files where the model is logged; a disk may not tell cases apart.",
    )
