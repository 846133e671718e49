"""Where outputs and the summary go: the runner's files, and stdout."""

from __future__ import annotations

import json
import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO


def write_outputs(path: str, outputs: Mapping[str, str]) -> None:
    """Appends outputs to the file that `GITHUB_OUTPUT` names.

    Each value stands between lines of a delimiter that nobody can guess, so that no value can end
    itself and write another output.
    """
    lines = []
    for name, value in outputs.items():
        delimiter = f"end-{secrets.token_hex(16)}"
        lines.append(f"{name}<<{delimiter}\n{value}\n{delimiter}\n")
    _append(path, "".join(lines))


def write_summary(path: str, text: str) -> None:
    """Appends Markdown to the file that `GITHUB_STEP_SUMMARY` names."""
    _append(path, text)


def print_outputs(outputs: Mapping[str, str]) -> None:
    """Prints outputs as one JSON object on stdout.

    Raises:
        OSError: Stdout can't be written.
    """
    try:
        print(json.dumps(outputs), flush=True)
    except OSError:
        give_up(sys.stdout)
        raise


def nowhere() -> TextIO:
    """A stream that nobody reads."""
    return Path(os.devnull).open("w", encoding="utf-8")


def give_up(stream: TextIO) -> None:
    """What is still written to a stream that can't be written goes nowhere.

    Python would try once more when it ends, and end with an exit code of its own.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _append(path: str, text: str) -> None:
    with Path(path).open("a", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
        file.write(text)
