"""The copy: from a reader to a writer, hashing on the way, with no byte on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import nullcontext
from dataclasses import dataclass

from .. import cancelling
from ..errors import MachineTooSmall, RegistryFailed
from .bodies import Passing, chunks_of_file, hashing
from .pace import Crew, Limits, Pace, Progress
from .parts import LARGE, Buffers, Lanes, PartedFile, part_bytes, spans_of
from .protocols import File, Reader, Writer
from .sharing import Gate

_USUAL = Limits()
_LARGE_AT_ONCE = 2  # so that the end of one file does not leave the lanes empty
_LAST_CALLS_SECONDS = 3.0  # so that what is undone next is not written to any more
_LOOK_SECONDS = 0.2
_WAITING = 64  # files that wait for a thread: enough to keep all busy, however many there are


@dataclass(frozen=True)
class Manifest:
    """What was read: (SHA-256 in hexadecimal, file), sorted by path."""

    entries: tuple[tuple[str, File], ...]

    @property
    def digest(self) -> str:
        """`sha256:` and the SHA-256 of the lines `sha256  size  path`, each ended by a newline."""
        whole = hashlib.sha256()
        for sha, file in self.entries:
            whole.update(f"{sha}  {file.size}  {file.path}\n".encode())
        return f"sha256:{whole.hexdigest()}"


def copy(
    reader: Reader,
    writer: Writer | None,
    files: Sequence[File],
    progress: Progress,
    limits: Limits = _USUAL,
) -> Manifest:
    """Copies files side by side, large ones in parts, and takes their manifest.

    Args:
        writer: Where they go; `None` to read them for the manifest alone.
        progress: Called with the bytes and files that passed, from several threads; with a
            negative number where bytes have to pass again.

    Raises:
        RegistryFailed: A file is not as long as it was listed, or a name can't be carried.
        MachineTooSmall: There is no room for its buffers.
        Cancelled: A signal came.
        Failure: Of the reader's or the writer's side.
    """
    if writer is not None:
        _check_names(writer, files)
    large = any(file.size >= LARGE for file in files)
    with limits.sharing.part(large=large) if limits.sharing else nullcontext():
        return _Copy(reader, writer, files, Pace(limits, progress)).run()


def _check_names(writer: Writer, files: Sequence[File]) -> None:
    problems = [f"{file.path!r} {why}" for file in files if (why := writer.problem(file))]
    if problems:
        more = f" (and {len(problems) - 5} more)" if len(problems) > 5 else ""
        raise RegistryFailed(
            f"Names that the registry can't carry faithfully: {'; '.join(problems[:5])}{more}.",
            todo="Rename these files where the model is logged.",
        )


class _Copy:
    """One copy on its way."""

    def __init__(
        self, reader: Reader, writer: Writer | None, files: Sequence[File], pace: Pace
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._files = files
        self._pace = pace
        buffers = Buffers(part_bytes(max((file.size for file in files), default=0)))
        readers, writers = Crew(lambda: pace.width), Crew(lambda: pace.width)
        self._lanes = Lanes(pace, readers, writers, Gate(lambda: pace.width), buffers)
        self._large = Crew(lambda: min(_LARGE_AT_ONCE, pace.width))
        pace.when_widened += [self._lanes.readers.hire, self._lanes.writers.hire]

    def run(self) -> Manifest:
        hashes: dict[File, str] = {}
        waiting: dict[Future[str], File] = {}
        started = self._started()
        try:
            for future, file in started:
                waiting[future] = file
                while len(waiting) >= _WAITING:
                    self._collect(waiting, hashes)
            while waiting:
                self._collect(waiting, hashes)
        except BaseException as error:  # noqa: BLE001 raised again, or what came before it
            cause = self._pace.stop(error)
            wait(waiting, _LAST_CALLS_SECONDS)
            raise (MachineTooSmall() if isinstance(cause, MemoryError) else cause) from None
        return Manifest(tuple((hashes[file], file) for file in sorted(self._files)))

    def _started(self) -> Iterator[tuple[Future[str], File]]:
        """The large files are begun first, for they take longest."""
        for file in sorted(self._files, key=lambda file: file.size < LARGE):
            if file.size < LARGE:
                yield self._lanes.readers.submit(self._carry_whole, file), file
            else:
                yield self._large.submit(self._carry_large, file), file

    def _collect(self, waiting: dict[Future[str], File], hashes: dict[File, str]) -> None:
        done, _ = wait(waiting, _LOOK_SECONDS, FIRST_COMPLETED)
        cancelling.look()
        for future in done:
            hashes[waiting.pop(future)] = future.result()
            self._pace.file_passed()

    def _carry_large(self, file: File) -> str:
        self._pace.check()
        if self._writer is None:
            return PartedFile(self._reader, None, file, self._lanes).carry()
        upload = self._writer.upload(file, len(spans_of(file.size)))
        if upload is None:
            return self._lanes.readers.submit(self._carry_whole, file).result()
        try:
            return PartedFile(self._reader, upload, file, self._lanes).carry()
        except BaseException:
            upload.abort()
            raise

    def _carry_whole(self, file: File) -> str:
        return self._pace.repeat(lambda: self._try_whole(file))

    def _try_whole(self, file: File) -> str:
        """One attempt at a file that is written at one go."""
        sha = hashlib.sha256()
        chunks = hashing(chunks_of_file(self._reader, file, self._pace), sha)
        with self._pace.reading(), Passing(chunks, file.size, self._pace) as body:
            if self._writer:
                with self._lanes.writing.passed(), self._pace.writing():
                    self._writer.write(file, body)
            else:
                for _ in body:
                    pass
        return sha.hexdigest()
