"""Telling a pull request what was registered. Nothing that fails here fails the registration."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

from .comments import PullRequestComments, marker
from .errors import Failure, GitHubFailed, NeedsStores
from .github import GitHub, Refused, github_from
from .inputs.many import ManyInputs
from .inputs.register import RegisterInputs
from .inputs.sides import Secret
from .provenance import Provenance
from .report.comment import comment
from .report.console import Console
from .report.masks import forms
from .run import Call
from .several import Entry, Several

_SECONDS = 30.0
_SECONDS_OF_EACH = 2.0  # more
_SHORTEST = 4  # as short a text is in many others
# Kept as secrets by many, though no input says so; and a comment is read by everybody.
_OF_A_SIDE = ("host", "uri", "workspace-id", "username")


def commenting(inputs: RegisterInputs, call: Call) -> AbstractContextManager[None]:
    """Tells the pull request how what is done within has ended; in a dry run nothing."""
    if not inputs.comment or inputs.dry_run:
        return nullcontext()
    commenter = _commenter(call, inputs.github_token)
    return _in_the_end(lambda failure: commenter.tell([Entry(call.outcome, failure)]))


def commenting_on_each(
    inputs: ManyInputs, call: Call, outcome: Several
) -> AbstractContextManager[None]:
    """Tells the pull request how each model has ended; of several of one name, the last."""
    if not inputs.comment or inputs.dry_run or inputs.matrix:
        return nullcontext()
    commenter = _commenter(call, inputs.github_token)
    return _in_the_end(lambda _: commenter.tell(outcome.entries))


@contextmanager
def _in_the_end(tell: Callable[[Failure | None], object]) -> Iterator[None]:
    try:
        yield
    except NeedsStores:  # which begins once more
        raise
    except Failure as failure:
        tell(failure)
        raise
    tell(None)


def _commenter(call: Call, token: Secret | None) -> Commenter:
    github = github_from(os.environ, token, _SECONDS) if token else None
    return Commenter(call.provenance, github, call.texts, call.console)


@dataclass(frozen=True)
class Commenter:
    """Who comments on the pull request that a workflow run is of.

    Attributes:
        github: `None` where there is no token.
        texts: The inputs, whose hosts and ids get into no comment.
    """

    provenance: Provenance
    github: GitHub | None
    texts: Mapping[str, str | None]
    console: Console

    def tell(self, entries: Iterable[Entry]) -> None:
        """Keeps one comment on each model up to date; where it can't, it says so, and no more.

        Args:
            entries: How each registration ended; of several of one name, the last counts.
        """
        last = {entry.outcome.model_name: entry for entry in entries}
        if self.github is None or self._reason_for_none:
            told = self._reason_for_none or "there is no github-token."
            self.console.notice(f"There is no comment on {_some(last)}: {told}")
            return
        number = self.provenance.pull_request
        failed = f"The comment on pull request {number} failed"
        try:
            seconds = _SECONDS + _SECONDS_OF_EACH * len(last)
            self._keep(PullRequestComments(self.github, number, seconds), last)
        except Refused as refused:
            if refused.status in (403, 404):
                todo = "Does the job have the permission pull-requests: write?"
                self.console.notice(f"{failed}: {refused.what.rstrip('.')}. {todo}")
            else:
                self.console.warning(f"{failed}: {refused}")
        except GitHubFailed as error:
            self.console.warning(f"{failed}: {error}")
        except Exception as error:  # noqa: BLE001 - what is registered is so, whatever is told of it
            self.console.warning(f"{failed} by a bug of ours: {error!r}")

    def _keep(self, comments: PullRequestComments, entries: Mapping[str, Entry]) -> None:
        redacted = self.redactor()
        names, texts = {}, {}
        for name, entry in entries.items():
            mark = marker(name)
            text = comment(entry.outcome, entry.failure, self.provenance, redacted)
            names[mark], texts[mark] = name, f"{mark}\n{text}\n"
        told = f"told pull request {self.provenance.pull_request} of"
        comments.keep(texts, lambda mark: self.console.line(f"{told} {names[mark]}"))

    @property
    def _reason_for_none(self) -> str:
        if not self.provenance.pull_request:
            return "this workflow run is of no pull request."
        if self.provenance.from_fork:
            return "GitHub lets no workflow of a fork or of Dependabot write one."
        return ""

    def redactor(self) -> Callable[[str], str]:
        """Takes out what the console masks, and hosts, ids and user names of both sides."""
        sides = (f"{side}-{name}" for side in ("registry", "tracking") for name in _OF_A_SIDE)
        texts = [(self.texts.get(name) or "").strip() for name in sides]
        parts = [*map(_parts, texts), *map(_address_parts, self.console.hidden)]
        kept = {form for some in parts for part in some for form in forms(part)}
        longest_first = sorted(map(re.escape, kept), key=len, reverse=True)
        pattern = re.compile("|".join(longest_first) or "(?!)", re.IGNORECASE)
        return lambda text: pattern.sub("***", self.console.redacted(text))


def _some(names: Iterable[str]) -> str:
    all_of_them = [*names]
    return all_of_them[0] if len(all_of_them) == 1 else f"{len(all_of_them)} models"


def _parts(text: str) -> list[str]:
    """A text, and what of an address tells where it is; without what is too short."""
    return [text, *_address_parts(text)] if len(text) >= _SHORTEST else []


def _address_parts(text: str) -> list[str]:
    """The host of an address, with its port and without, and what is a workspace's id in it."""
    found = re.match(r"https?://([^/?#]+)", text, re.IGNORECASE)
    if not found:
        return []
    parts = [found[1], found[1].rpartition(":")[0], *re.findall(r"\d{10,}", found[1])]
    return [part for part in parts if len(part) >= _SHORTEST]
