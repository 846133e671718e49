"""What GitHub's runner makes of a step's log and files, as its sources do it.

`ActionCommand.cs` and `FileCommandManager.cs` of actions/runner.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

COMMANDS = {
    "add-mask", "add-matcher", "add-path", "debug", "echo", "endgroup", "error", "group", "notice",
    "remove-matcher", "save-state", "set-env", "set-output", "stop-commands", "warning",
}  # fmt: skip
_OF_DATA = {"%0D": "\r", "%0A": "\n", "%25": "%"}
_OF_PROPERTIES = {"%0D": "\r", "%0A": "\n", "%3A": ":", "%2C": ",", "%25": "%"}
_OLD_COMMAND = re.compile(r"##\[([^] ]*)[^]]*\](.*)")


@dataclass(frozen=True)
class Command:
    """A workflow command that the runner would carry out."""

    name: str
    data: str
    properties: dict[str, str] = field(default_factory=dict)


def commands(log: str) -> list[Command]:
    """All workflow commands in a log, of both forms; a line ends where .NET's readers end it."""
    found = (_new_command(line) or _old_command(line) for line in re.split(r"\r\n|\r|\n", log))
    return [command for command in found if command]


def _new_command(line: str) -> Command | None:
    info, separator, data = line.lstrip().removeprefix("::").partition("::")
    if not line.lstrip().startswith("::") or not separator:
        return None
    name, _, properties = info.partition(" ")
    if name.lower() not in COMMANDS:
        return None
    pairs = (pair.partition("=") for pair in properties.strip().split(",") if "=" in pair)
    unescaped = {key: _unescaped(value, _OF_PROPERTIES) for key, _, value in pairs}
    return Command(name, _unescaped(data, _OF_DATA), unescaped)


def _old_command(line: str) -> Command | None:
    found = _OLD_COMMAND.search(line)
    return Command(found[1], found[2]) if found and found[1].lower() in COMMANDS else None


def _unescaped(text: str, replacements: dict[str, str]) -> str:
    for escaped, character in replacements.items():
        text = text.replace(escaped, character)
    return text


def file_outputs(text: str) -> list[tuple[str, str]]:
    """All outputs in the text of a `GITHUB_OUTPUT` file, in their order."""
    return list(_file_outputs(iter(text.removesuffix("\n").split("\n"))))


def _file_outputs(lines: Iterator[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        name, heredoc, delimiter = line.partition("<<")
        if heredoc and "=" not in name:
            assert name, line
            assert delimiter, line
            yield name, "\n".join(_until(delimiter, lines))
        elif line:
            name, equals, value = line.partition("=")
            assert equals, f"the runner fails at {line!r}"
            yield name, value


def _until(delimiter: str, lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        if line == delimiter:
            return
        yield line
    raise AssertionError(f"the runner finds no {delimiter!r}")
