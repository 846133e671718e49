"""How far a copy is: bytes and files, counted by many threads."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from .files.pace import Progress
from .files.protocols import File
from .job import Job
from .outcome import Log, Passed


def progress_of(job: Job, done: str) -> Progress:
    """Tells the log of a copy's progress.

    Args:
        done: What happened to the bytes, such as `copied`.
    """
    return progress_to(job.log, done, job.source.files)


def progress_to(log: Log, done: str, files: Sequence[File]) -> Progress:
    """The same for any files."""
    passed = Passed(done, sum(file.size for file in files), len(files))
    lock = threading.Lock()

    def progress(count: int, files: int) -> None:
        with lock:
            passed.bytes += count
            passed.files += files
            log.passed(passed)

    return progress
