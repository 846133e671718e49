"""Comments of ours on a pull request: found by their markers, made or brought up to date."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from . import cancelling
from .github import GitHub, Refused
from .retry import Transient, repeated

_GONE_SECONDS = 3.0  # after which a comment that is listed, and not there, stays so


def marker(model_name: str) -> str:
    """The line that our comment on a model begins with, and that nobody sees.

    The name is hashed, for it might end the HTML comment.
    """
    return f"<!-- register-remote-model {hashlib.sha256(model_name.encode()).hexdigest()} -->"


@dataclass(frozen=True, order=True)
class _Comment:
    number: int
    body: str


class PullRequestComments:
    """The comments of one pull request.

    Args:
        seconds: After which nothing more is tried.
    """

    def __init__(self, github: GitHub, pull_request: str, seconds: float) -> None:
        self._github = github
        self._path = f"{github.path}/issues/{quote(pull_request, safe='')}/comments"
        self._ends = time.monotonic() + seconds

    def keep(
        self, texts: Mapping[str, str], told: Callable[[str], object] = lambda _: None
    ) -> None:
        """Sees that there is one comment of this token's for each mark, which it begins with.

        Another's comment with the same mark is left alone. Of several, such as two jobs make at
        the same moment, the first stays. However many are kept, they are listed once or twice.

        Args:
            texts: By its mark, the whole comment; begins with the mark, which is its first line.
            told: Is called with each mark whose comment stands.

        Raises:
            Refused: By its status, such as 403 where the token may not write.
            GitHubFailed: It could not be done in time.
        """
        waiting = dict(texts)
        # Begun anew after a failure, for a comment may be there whose reply was lost.
        repeated(lambda: self._keep(waiting, told), seconds=self._left(), sleep=cancelling.sleep)

    def _keep(self, waiting: dict[str, str], told: Callable[[str], object]) -> None:
        author = self._viewer()
        found = self._own(waiting, author)
        new = [mark for mark in waiting if not found[mark]]
        for mark in new:
            self._send("POST", self._path, {"body": waiting[mark]})
        again = self._own(new, author) if new else {}
        for mark, text in list(waiting.items()):
            self._settle(again.get(mark, found[mark]), text)
            del waiting[mark]
            told(mark)

    def _settle(self, found: list[_Comment], text: str) -> None:
        """Has the first of one mark's comments say a text, and deletes all others."""
        for first in found[:1]:  # none where the list lags behind what was written
            if first.body.strip() != text.strip():
                self._change(first.number, text)
        for other in found[1:]:
            self._delete(other.number)

    def _viewer(self) -> str:
        return self._github.viewer(seconds=self._left())

    def _own(self, marks: Iterable[str], author: str) -> dict[str, list[_Comment]]:
        """This token's own comments with each mark, lowest number first."""
        found: dict[str, list[_Comment]] = {mark: [] for mark in marks}
        try:
            for one in self._all():
                body = str(one["body"] or "")
                mark = body.partition("\n")[0].rstrip()
                # There is no user where it is deleted.
                if mark in found and one["user"] and one["user"]["login"] == author:
                    found[mark].append(_Comment(int(one["id"]), body))
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise self._github.odd() from error
        return {mark: sorted(comments) for mark, comments in found.items()}

    def _all(self) -> Iterator[dict[str, Any]]:
        path = f"{self._path}?per_page=100"
        while path:
            reply = self._send("GET", path)
            yield from reply.json()
            path = self._github.next_page(reply)

    def _change(self, number: int, text: str) -> None:
        try:
            self._send("PATCH", self._one(number), {"body": text})
        except Refused as refused:
            if refused.status != 404:
                raise
            # Somebody deleted it since we looked.
            raise Transient(refused, patience=_GONE_SECONDS) from refused

    def _delete(self, number: int) -> None:
        try:
            self._send("DELETE", self._one(number))
        except Refused as refused:
            if refused.status != 404:  # the other job was first
                raise

    def _one(self, number: int) -> str:
        return f"{self._github.path}/issues/comments/{number}"

    def _send(self, method: str, path: str, body: dict[str, str] | None = None) -> Any:
        return self._github.send(method, path, body, seconds=self._left())

    def _left(self) -> float:
        left = self._ends - time.monotonic()
        if left <= 0:
            raise self._github.failed("GitHub's API was too slow.")
        return left
