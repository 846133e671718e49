"""Which way the bytes go: a pure choice, from sizes and from what the registry allows."""

from __future__ import annotations

import enum
from collections.abc import Iterable

from .files.parts import LARGE


class Way(enum.Enum):
    """How the registry comes by a model's files."""

    IN_PLACE = "read where it is"
    DBFS = "by the staging folder on DBFS"
    RUN = "by a staging run"
    STORE = "into the server's own store"


def ways(
    sizes: Iterable[int], *, native: bool, on_databricks: bool, dbfs_is_on: bool
) -> tuple[Way, ...]:
    """The ways that may do, best first; where one is refused at its start, the next is tried.

    DBFS takes a file in one piece, by one connection, so that a large one goes faster in parts to
    a run. All files of a version lie in one folder, so all of them go the same way.

    Args:
        sizes: Of the model's files, in bytes.
        native: Whether the registry can read the source where it is.
    """
    if native:
        return (Way.IN_PLACE,)
    if not on_databricks:
        return (Way.STORE,)
    if not dbfs_is_on:
        return (Way.RUN,)
    if any(size >= LARGE for size in sizes):
        return (Way.RUN, Way.DBFS)
    return (Way.DBFS, Way.RUN)
