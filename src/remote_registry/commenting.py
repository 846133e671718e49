"""Telling a pull request what was registered. Nothing that fails here fails the registration."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

from .comments import PullRequestComments, marker
from .errors import Ending, Failure, GitHubFailed, NeedsStores
from .github import GitHub, Refused, github_from
from .inputs.many import ManyInputs
from .inputs.register import RegisterInputs
from .inputs.sides import Secret
from .outcome import Outcome
from .provenance import Provenance
from .report.comment import comment
from .report.console import Console
from .report.masks import forms
from .run import Call
from .several import Several

_SECONDS = 30.0
_SHORTEST = 4  # as short a text is in many others
# Kept as secrets by many, though no input says so; and a comment is read by everybody.
_OF_A_SIDE = ("host", "uri", "workspace-id", "username")


def commenting(inputs: RegisterInputs, call: Call) -> AbstractContextManager[None]:
    """Tells the pull request how what is done within has ended; in a dry run nothing."""
    if not inputs.comment or inputs.dry_run:
        return nullcontext()
    commenter = _commenter(call, inputs.github_token)
    return _in_the_end(lambda failure: commenter.tell(call.outcome, failure))


def commenting_on_each(
    inputs: ManyInputs, call: Call, outcome: Several
) -> AbstractContextManager[None]:
    """Tells the pull request how each model has ended; of several of one name, the last."""
    if not inputs.comment or inputs.dry_run or inputs.matrix:
        return nullcontext()
    commenter = _commenter(call, inputs.github_token)
    return _in_the_end(lambda _: commenter.tell_of_each(outcome))


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

    def tell_of_each(self, outcome: Several) -> None:
        """Keeps the comments on several models up to date; after one that fails, no more."""
        for entry in {one.outcome.model_name: one for one in outcome.entries}.values():
            if not self.tell(entry.outcome, entry.failure):
                return

    def tell(self, outcome: Outcome, failure: Ending | None) -> bool:
        """Keeps the one comment on a model up to date; where it can't, it says so, and no more.

        Args:
            failure: How the registration ended; `None` where it did not fail.

        Returns:
            Whether there is a comment that says so.
        """
        if self.github is None or self._reason_for_none:
            told = self._reason_for_none or "there is no github-token."
            self.console.notice(f"There is no comment on {outcome.model_name}: {told}")
            return False
        number = self.provenance.pull_request
        failed = f"The comment on pull request {number} failed"
        try:
            mark = marker(outcome.model_name)
            text = comment(outcome, failure, self.provenance, self.redactor())
            comments = PullRequestComments(self.github, number, _SECONDS)
            comments.keep(mark, f"{mark}\n{text}\n")
            self.console.line(f"told pull request {number} of {outcome.model_name}")
            return True
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
        return False

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
