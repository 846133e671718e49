"""One comment of ours on a pull request: found by its marker, made or brought up to date."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
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


class PullRequestComments:
    """The comments of one pull request.

    Args:
        seconds: After which nothing more is tried.
    """

    def __init__(self, github: GitHub, pull_request: str, seconds: float) -> None:
        self._github = github
        self._path = f"{github.path}/issues/{quote(pull_request, safe='')}/comments"
        self._ends = time.monotonic() + seconds

    def keep(self, mark: str, text: str) -> None:
        """Sees that there is one comment of this token's that begins with a mark.

        Another's comment with the same mark is left alone. Of several, such as two jobs make at
        the same moment, the first stays.

        Args:
            text: The whole comment; begins with the mark.

        Raises:
            Refused: By its status, such as 403 where the token may not write.
            GitHubFailed: It could not be done in time.
        """
        # Begun anew after a failure, for a comment may be there whose reply was lost.
        repeated(lambda: self._keep(mark, text), seconds=self._left(), sleep=cancelling.sleep)

    def _keep(self, mark: str, text: str) -> None:
        author = self._viewer()
        found = self._own(mark, author)
        if not found:
            self._send("POST", self._path, {"body": text})
            found = self._own(mark, author)
            if len(found) < 2:
                return
        first, *others = found
        self._change(first, text)
        for other in others:
            self._delete(other)

    def _viewer(self) -> str:
        return self._github.viewer(seconds=self._left())

    def _own(self, mark: str, author: str) -> list[int]:
        """The ids of this token's own comments with the mark, lowest first."""
        try:
            found = [
                int(one["id"])
                for one in self._all()
                if one["user"] and one["user"]["login"] == author  # none where it is deleted
                if str(one["body"] or "").startswith(mark)
            ]
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise self._github.odd() from error
        return sorted(found)

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
