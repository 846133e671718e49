"""The inputs of `download`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from os import fsencode
from pathlib import Path

from . import values
from .registries import read_registry
from .resolve import ResolveInputs, read_select
from .sides import secret
from .texts import InputError

_LONGEST_NAME = 240  # bytes; of the hidden folder that stands beside it, 255


@dataclass(frozen=True)
class DownloadInputs(ResolveInputs):
    """What `download` is asked to bring.

    Attributes:
        path: The folder that is made.
        requirements: Whether the model's `requirements.txt` is an output.
        max_connections: To the registry, and to the folder.
    """

    path: Path
    requirements: bool
    max_connections: int
    dry_run: bool


def download_inputs(raw: Mapping[str, str | None], checkout: Path | None) -> DownloadInputs:
    """Reads all inputs of `download`.

    Args:
        checkout: The folder that `path` must not leave; `None` outside of a workflow.

    Raises:
        BadInput: With every problem that was found.
    """
    texts, fields = read_registry(raw)
    select = read_select(texts)
    fields |= {
        "github_token": texts.read("github-token", secret),
        "path": texts.read("path", lambda text: _folder(text or "model", checkout)),
        "requirements": texts.read("requirements", values.boolean),
        "max_connections": texts.read("max-connections", values.max_connections),
        "dry_run": texts.read("dry-run", values.boolean),
    }
    texts.raise_problems()
    if select is None:
        raise AssertionError("a way of saying that can't be read is a problem noted")
    return DownloadInputs(**fields, select=select)


def _folder(text: str, checkout: Path | None) -> Path:
    path = Path(text)
    if not text.isprintable() or path.name in ("", ".."):
        raise InputError(f"{text!r} is no name of a folder.")
    if len(fsencode(path.name)) > _LONGEST_NAME:
        raise InputError(f"{text!r} is a name of more than {_LONGEST_NAME} bytes.")
    try:
        parent = path.parent.resolve()
        is_other = path.is_symlink() or (path.exists() and not path.is_dir())
        is_mount = path.is_mount()
    except (OSError, RuntimeError) as error:  # a name too long; a loop of links
        raise InputError(f"{text!r} leads nowhere.") from error
    if checkout and not parent.is_relative_to(checkout.resolve()):
        raise InputError(f"{text!r} leaves the checkout.")
    if is_other:
        raise InputError(f"{text!r} is there, and is no folder.")
    if is_mount:
        raise InputError(f"{text!r} is where a disk is mounted; name a folder in it.")
    return path
