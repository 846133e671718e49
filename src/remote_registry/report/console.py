"""The log: what a person reads while it runs, and the annotations. All of it on stderr."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn, TextIO

from ..errors import Ending
from ..outcome import Passed
from .files import give_up, nowhere
from .masks import forms, mask_commands, secrets_in
from .text import command_data, command_property, plain

if TYPE_CHECKING:
    from tqdm import tqdm

_PROGRESS_SECONDS = 5.0
_STYLES = {"title": "1", "dim": "2", "warning": "33", "error": "31"}


class Console:
    """Writes lines, in groups where a runner folds them, and hides secrets in all of them.

    A log that can't be written is no reason to stop half-way: then what is told goes nowhere.

    Args:
        environment: The variables; tells whether a runner reads, and holds the secrets.
        stream: Where to; a test gives its own.
    """

    def __init__(self, environment: Mapping[str, str], stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr or nowhere()  # there is none where it was closed
        self.on_runner = environment.get("GITHUB_ACTIONS") == "true"
        self._on_terminal = self._stream.isatty() and not self.on_runner
        self._coloured = self._on_terminal and not environment.get("NO_COLOR")
        self._bar: tqdm[NoReturn] | None = None
        self._secrets: list[str] = []
        self._last_progress = time.monotonic()
        self._lock = threading.Lock()
        self.hide(secrets_in(environment))

    def hide(self, secrets: list[str]) -> None:
        """Masks secrets at the runner, and in all that this console writes from now on."""
        if self.on_runner:
            for line in mask_commands(secrets):
                with self._lock:
                    self._print(line)
        found = {form for secret in secrets for form in forms(secret)}
        self._secrets = sorted({*self._secrets, *found}, key=len, reverse=True)

    @property
    def hidden(self) -> tuple[str, ...]:
        """The secrets that are masked, in all their forms, longest first."""
        return tuple(self._secrets)

    def redacted(self, text: str) -> str:
        """The text, with `***` for each secret."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    def line(self, text: str) -> None:
        """One thing that was found or done."""
        self._write(f"  {plain(self.redacted(text))}")

    def progress(self, text: str) -> None:
        """A line at most every few seconds; others are dropped."""
        if time.monotonic() - self._last_progress >= _PROGRESS_SECONDS:
            self._last_progress = time.monotonic()
            self.line(f"… {text}")

    def passed(self, passed: Passed) -> None:
        """How far a copy is: a bar on a terminal, elsewhere a line every few seconds."""
        if not self._on_terminal:
            self.progress(str(passed))
            return
        if self._bar is None or self._bar.desc != f"  {passed.what}":
            self._bar = self._new_bar(passed)
        self._bar.set_postfix_str(f"{passed.files}/{passed.files_in_all} files", refresh=False)
        self._bar.update(passed.bytes - self._bar.n)
        if passed.files == passed.files_in_all:
            self._bar.close()
            self._bar = None

    def _new_bar(self, passed: Passed) -> tqdm[NoReturn]:
        from tqdm import tqdm

        return tqdm(
            desc=f"  {passed.what}",
            total=passed.bytes_in_all,
            file=self._stream,
            unit="B",
            unit_scale=True,
            leave=False,
        )

    def warning(self, text: str) -> None:
        """A warning, as an annotation where a runner reads."""
        self._annotate("warning", "Warning", self.redacted(text))

    def notice(self, text: str) -> None:
        """A notice, as an annotation where a runner reads."""
        self._annotate("notice", "Notice", self.redacted(text))

    def error(self, failure: Ending) -> None:
        """The one annotation of a failure."""
        self._annotate("error", failure.title, self.redacted("\n".join(failure.lines())))

    @contextmanager
    def group(self, title: str) -> Iterator[None]:
        """Folds what is told within it, and tells how long it took."""
        begun = time.monotonic()
        if self.on_runner:
            self._write(f"::group::{command_data(self.redacted(title))}")
        else:
            self._write(self._styled(plain(self.redacted(title)), "title"))
        try:
            yield
        finally:
            self._write(self._styled(f"  {time.monotonic() - begun:.1f} s", "dim"))
            if self.on_runner:
                self._write("::endgroup::")

    def _annotate(self, kind: str, title: str, text: str) -> None:
        if self.on_runner:
            self._write(f"::{kind} title={command_property(title)}::{command_data(text)}")
            return
        first, *rest = text.split("\n")
        self._write(self._styled(f"{title}: {plain(first)}", kind))
        for line in rest:
            self._write(f"  {plain(line)}")

    def _styled(self, text: str, style: str) -> str:
        code = _STYLES.get(style)
        return f"\x1b[{code}m{text}\x1b[0m" if self._coloured and code else text

    def _write(self, text: str) -> None:
        encoding = self._stream.encoding or "utf-8"
        safe = text.encode(encoding, "backslashreplace").decode(encoding)
        with self._lock:
            if self._bar is not None:
                self._bar.clear()
            self._print(safe)

    def _print(self, text: str) -> None:
        try:
            print(text, file=self._stream, flush=True)
        except OSError:
            give_up(self._stream)
