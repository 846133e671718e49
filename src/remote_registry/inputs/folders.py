"""A model's folder in the checkout: what may be read of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from .texts import InputError
from .values import path_problem


def checked_folder(text: str, checkout: Path | None) -> Path:
    """The folder, resolved, after every link in it has been seen to stay inside.

    Raises:
        InputError: No folder, outside the checkout, without an `MLmodel`, or with a link or a name
            that can't be carried.
    """
    folder = _resolved(Path(text))
    if checkout and not folder.is_relative_to(checkout.resolve()):
        raise InputError(f"{text!r} leaves the checkout.")
    try:
        if not folder.is_dir():
            raise InputError(f"{text!r} is no folder. Is there a checkout step before this one?")
        paths = [path for path, _ in local_files(folder)]
    except OSError as error:
        raise InputError(f"{text!r} can't be read: {error.strerror}.") from error
    if "MLmodel" not in paths:
        has = ", ".join(paths[:10]) or "no file"
        raise InputError(f"{text!r} holds no MLmodel; it has {has}.")
    return folder


def local_files(folder: Path) -> Iterator[tuple[str, int]]:
    """The files of a resolved folder as (path relative to it and `/`-separated, bytes).

    Raises:
        InputError: A link leaves the folder or leads to a folder, an entry is no plain file, or a
            name can't be carried.
        OSError: A folder can't be read.
    """
    for parent, folders, names in os.walk(folder, onerror=_raise):
        for name in sorted([*names, *(f for f in folders if Path(parent, f).is_symlink())]):
            file = Path(parent, name)
            path = file.relative_to(folder).as_posix()
            if problem := path_problem(path):
                raise InputError(f"the name {path!r} {problem}.")
            if not _resolved(file).is_relative_to(folder):
                raise InputError(f"{path!r} is a link that leaves the folder.")
            if not file.is_file():
                raise InputError(f"{path!r} is no plain file.")
            yield path, file.stat().st_size


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links; a name too long
        raise InputError(f"{path.name!r} leads nowhere.") from error


def _raise(error: OSError) -> None:
    raise error
