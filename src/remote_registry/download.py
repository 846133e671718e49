"""`download`: a version's files come into a folder of the job, whole or not at all."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path

from .connection import connect_registry
from .errors import BadInput, FolderFailed, RegistryFailed
from .files.copy import Manifest, copy
from .files.folder import FolderWriter
from .files.local import LocalFolder
from .files.pace import Limits
from .files.protocols import File, Reader
from .github import GitHub
from .inputs.download import DownloadInputs
from .outcome import Log, readable
from .progress import progress_to
from .reached import Downloaded
from .registry.api import READY, RegistryApi
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
        size = sum(file.size for file in files)
        outcome.files, outcome.bytes = len(files), size
        log.line(f"version {version.number}: {len(files)} files, {readable(size)}")
    if inputs.dry_run:
        outcome.plan = [f"download: {len(files)} files, {readable(size)}, to {inputs.path}"]
        outcome.status = "planned"
        return
    _Download(inputs, reader, files, outcome, log).run()
    outcome.path = str(inputs.path)
    if inputs.requirements:
        outcome.requirements = _requirements(inputs.path, log)


def _requirements(path: Path, log: Log) -> str:
    file = path / _REQUIREMENTS
    if file.is_file():
        return str(file)
    log.warning(f"the model has no {_REQUIREMENTS}")
    return ""


class _Download:
    """One download on its way."""

    def __init__(
        self, inputs: DownloadInputs, reader: Reader, files: Sequence[File],
        outcome: Downloaded, log: Log,
    ) -> None:  # fmt: skip
        self._path = inputs.path
        self._limits = Limits(inputs.max_connections, inputs.retry_timeout)
        self._reader = reader
        self._files = files
        self._outcome = outcome
        self._log = log
        own = f"{outcome.registry_url} {outcome.digest}"
        name = f".{inputs.path.name}.{hashlib.sha256(own.encode()).hexdigest()[:12]}"
        self._staging = inputs.path.with_name(name)
        self._whole = self._staging / "whole"

    def run(self) -> None:
        """Brings the files, checks them, and shows the folder."""
        if self._path.exists() and self._is_there_already():
            return
        with self._log.group("Download"):
            self._make(self._whole)
            manifest = self._brought()
        self._outcome.digest = self._outcome.digest or manifest.digest
        try:
            self._whole.rename(self._path)
            shutil.rmtree(self._staging)
        except OSError as error:
            raise self._failed(error) from error
        self._log.line(f"downloaded to {self._path}: {manifest.digest}")

    def _is_there_already(self) -> bool:
        """Whether the folder is the version's; an empty one is none."""
        if self._path.is_dir() and not any(self._path.iterdir()):
            return False
        if self._path.is_dir():
            folder = LocalFolder(self._path.resolve())
            files = folder.files()
            if tuple(files) == tuple(sorted(self._files)):
                manifest = self._read(folder, files)
                if manifest.digest == (self._outcome.digest or self._read_back().digest):
                    self._outcome.digest = manifest.digest
                    self._log.line(f"{self._path} holds these very files already")
                    return True
        raise BadInput(f"path: {str(self._path)!r} is there, and holds something else.")

    def _brought(self) -> Manifest:
        have = self._kept()
        manifest = self._copied(have)
        if have and not self._is_right(manifest):
            self._log.line("what an earlier download had left is not right; downloading all of it")
            self._clear()
            manifest = self._copied([])
        if not self._is_right(manifest):
            shutil.rmtree(self._staging, ignore_errors=True)
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
        show = progress_to(self._log, "downloaded", lacking)
        writer = FolderWriter(self._whole, self._staging / "begun")
        manifest = copy(self._reader, writer, lacking, show, self._limits)
        self._outcome.copied += sum(file.size for file in lacking)
        kept = self._read(LocalFolder(self._whole.resolve()), have).entries if have else ()
        entries = sorted([*manifest.entries, *kept], key=lambda entry: entry[1])
        return Manifest(tuple(entries))

    def _make(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._failed(error) from error

    def _kept(self) -> list[File]:
        """The files that an earlier download has left, whole."""
        there = set(LocalFolder(self._whole.resolve()).files())
        if there - set(self._files):
            self._clear()
            there = set()
        if there:
            self._log.line(f"{len(there)} files are there from an earlier download")
        return sorted(there)

    def _clear(self) -> None:
        try:
            shutil.rmtree(self._staging)
        except OSError as error:
            raise self._failed(error) from error
        self._make(self._whole)

    def _read(self, folder: LocalFolder, files: Sequence[File]) -> Manifest:
        return copy(folder, None, files, lambda *_: None, self._limits)

    def _read_back(self) -> Manifest:
        show = progress_to(self._log, "read", self._files)
        return copy(self._reader, None, self._files, show, self._limits)

    def _failed(self, error: OSError) -> FolderFailed:
        return FolderFailed(
            f"The folder {str(self._path)!r} can't be written: {error.strerror or error}.",
            todo="Look at the disk of the runner, and at the rights on the folder.",
        )
