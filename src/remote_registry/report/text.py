"""Other people's text, made harmless for the place that it is shown in."""

from __future__ import annotations

import re
import unicodedata

_LONGEST = 2000


def plain(text: str) -> str:
    """One line for a log: no control or direction codes, and nothing that a runner obeys."""
    shown = "".join(_visible(character) for character in text[:_LONGEST])
    # `##[…]` is the older form of a workflow command, which counts anywhere in a line.
    shown = shown.replace("##[", "#\u200b#[")
    return re.sub(r"^(\s*)::", "\\1:\u200b:", shown)


def _visible(character: str) -> str:
    if character == "\t":
        return " "
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return f"\\u{ord(character):04x}"
    return character


def command_data(text: str) -> str:
    """The data of a workflow command; lines are kept."""
    lines = (plain(line) for line in text.split("\n"))
    return "%0A".join(line.replace("%", "%25") for line in lines)


def command_property(text: str) -> str:
    """A property of a workflow command, such as a title."""
    return command_data(text).replace(":", "%3A").replace(",", "%2C")


def markdown(text: str) -> str:
    """Text in a paragraph or a table cell: every mark is an entity, so none is obeyed."""
    return "".join(
        character if character.isalnum() or character in " -" else f"&#{ord(character)};"
        for character in plain(text).replace("\u200b", "")
    )


def code(text: str, longest: int = 200) -> str:
    """Text in a code span, where GitHub obeys no mark, mention, reference, commit or address.

    As entities it would: those are looked for once they are decoded.
    """
    shown = _shortened(plain(text).replace("\u200b", ""), longest)
    if not shown.strip():
        return ""
    mark = _ticks(shown, least=1)
    pad = " " if {shown[0], shown[-1]} & {"`", " "} else ""
    return f"{mark}{pad}{shown}{pad}{mark}"


def code_cell(text: str) -> str:
    """The same, in a cell of a table."""
    return code(text).replace("|", "\\|")


def address(url: str) -> str:
    """An address for a link's `<…>`; empty where it is none. Encoded, so it can't end early."""
    if not url.startswith(("https://", "http://")):
        return ""
    return "".join(c if c.isalnum() or c in ":/?#=&%.~_-" else f"%{ord(c):02X}" for c in url)


def mermaid(text: str, longest: int = 48) -> str:
    """Text in a quoted Mermaid label, in Mermaid's own entities."""
    short = _shortened(text, longest)
    return "".join(
        character if character.isalnum() or character in " -._/…" else f"#{ord(character)};"
        for character in plain(short).replace("\u200b", "")
    )


def fenced(text: str) -> str:
    """Lines in a code fence that is longer than any within, where nothing is obeyed."""
    fence = _ticks(text, least=3)
    lines = "\n".join(plain(line) for line in text.split("\n"))
    return f"{fence}text\n{lines}\n{fence}"


def _ticks(text: str, *, least: int) -> str:
    """A run of backticks that is longer than any in a text."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    return "`" * max(least, longest + 1)


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
