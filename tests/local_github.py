"""A GitHub API on this machine: pull requests and their comments, and rate limits.

Paths, statuses, pages and limits are those that GitHub's documentation tells.
"""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

REPOSITORY = "your-org/churn"
TOKEN = "ghs_only-for-tests-0123456789"
BOT = "github-actions[bot]"
Answer = tuple[int, dict[str, str], Any]
_PULLS = re.compile(r"/commits/([0-9a-f]+)/pulls")
_COMMENTS = re.compile(r"/issues/([0-9]+)/comments")
_COMMENT = re.compile(r"/issues/comments/([0-9]+)")
_ID = "/repositories/815"  # how links of pages name the repository
_NOT_FOUND: Answer = (404, {}, {"message": "Not Found", "status": "404"})
_LOST: Answer = (0, {}, None)


def new_commit() -> str:
    return secrets.token_hex(20)


@dataclass
class PullRequest:
    """One with its pushed commits, the last of which is its head."""

    number: int
    commits: list[str]
    merged_at: str | None = None
    merge_commit: str = ""

    def shown(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "state": "closed" if self.merged_at else "open",
            "merged_at": self.merged_at,
            "merge_commit_sha": self.merge_commit or None,
            "head": {"ref": "better", "sha": self.commits[-1], "repo": {"full_name": REPOSITORY}},
            "base": {"ref": "main", "sha": "0" * 40, "repo": {"full_name": REPOSITORY}},
        }


@dataclass
class Comment:
    """One on a pull request."""

    number: int
    pull_request: int
    author: str
    body: str

    def shown(self) -> dict[str, Any]:
        return {
            "id": self.number,
            "user": {"login": self.author, "type": "Bot"} if self.author else None,
            "body": self.body,
        }


@dataclass
class LocalGitHub:
    """One repository, private: who has no token is told that there is none.

    Attributes:
        refusals: Answered first, one after the other: status, headers, and message or body.
        moved_from: A name that the repository had before.
        comments: All that there are, oldest first.
        permission: What the token may do with pull requests: `write`, `read` or `none`.
        rivals: What another job writes before our next new comment, though after we looked.
        followers: What another job writes after it, before we look again.
        vanishing: How many comments somebody deletes just before we change them.
        lost: How many replies to new comments get lost.
        silent: Whether it takes requests and answers none.
    """

    url: str
    refusals: list[Answer] = field(default_factory=list)
    moved_from: str = ""
    comments: list[Comment] = field(default_factory=list)
    permission: str = "write"
    rivals: list[str] = field(default_factory=list)
    followers: list[str] = field(default_factory=list)
    vanishing: int = 0
    lost: int = 0
    silent: bool = False
    calls: list[str] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    _brought: dict[str, list[PullRequest]] = field(default_factory=dict)
    _last: int = 11

    def environment(self, token: str = TOKEN) -> dict[str, str]:
        return {
            "GITHUB_API_URL": self.url,
            "GITHUB_REPOSITORY": REPOSITORY,
            "INPUT_GITHUB_TOKEN": token,
        }

    def open(self, pushes: int = 1) -> PullRequest:
        """A new pull request; its commits are listed with it while it is open."""
        self._last += 1
        made = PullRequest(self._last, [new_commit() for _ in range(pushes)])
        for commit in made.commits:
            self._brought[commit] = [made]
        return made

    def merge(self, pull_request: PullRequest, how: str, commit: str = "") -> str:
        """Merges in one of GitHub's three ways; the commit at the end of the base branch.

        Args:
            commit: Which that is to be; by default some new one.
        """
        pull_request.merged_at = "2026-11-24T12:00:00Z"
        made = {
            "merge": [new_commit()],
            "squash": [new_commit()],
            "rebase": [new_commit() for _ in pull_request.commits],
        }[how]
        made[-1] = commit or made[-1]
        pull_request.merge_commit = made[-1]
        for one in made:
            self._brought[one] = [pull_request]
        return made[-1]

    def push(self) -> str:
        """A commit that no pull request brought."""
        commit = new_commit()
        self._brought[commit] = []
        return commit

    def limit_hour(self, seconds: float) -> None:
        """Nothing remains of the hour's requests, until it ends."""
        text = "API rate limit exceeded for installation ID 1."
        self.refusals.append((403, self._hours_headers(seconds), text))

    def limit_graphql(self, seconds: float) -> None:
        """The same of GraphQL, which tells it with status 200."""
        error = {"type": "RATE_LIMITED", "message": "API rate limit exceeded for site ID 1."}
        self.refusals.append((200, self._hours_headers(seconds), {"errors": [error]}))

    def _hours_headers(self, seconds: float) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": "1000",
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": str(int(time.time() + seconds) + 1),
        }

    def limit_moment(self, seconds: int) -> None:
        """Too many requests at once."""
        text = "You have exceeded a secondary rate limit. Please wait a few minutes."
        self.refusals.append((429, {"Retry-After": str(seconds)}, text))

    def write(self, body: str, author: str = BOT, pull_request: int = 7) -> Comment:
        """A comment that somebody writes."""
        number = 1 + max((one.number for one in self.comments), default=2_000_000_000)
        self.comments.append(Comment(number, pull_request, author, body))
        return self.comments[-1]

    def own(self) -> list[str]:
        """The comments that the token's identity wrote on pull request 7."""
        return [one.body for one in self.comments if (one.author, one.pull_request) == (BOT, 7)]

    def answer(self, method: str, path: str, headers: dict[str, str], body: Any) -> Answer:
        self.requests.append((path, headers))
        self.calls.append(f"{method} {path}")
        if self.silent:
            self.ended.wait(60)
        if self.refusals:
            status, more, told = self.refusals.pop(0)
            return status, more, told if isinstance(told, dict) else {"message": told}
        if headers.get("Authorization", f"Bearer {TOKEN}") != f"Bearer {TOKEN}":
            return 401, {}, {"message": "Bad credentials"}
        return self._allowed(method, path, body) if "Authorization" in headers else _NOT_FOUND

    def _allowed(self, method: str, path: str, body: Any) -> Answer:
        place = urlsplit(path)
        if self.moved_from and place.path.startswith(f"/repos/{self.moved_from}/"):
            target = path.replace(f"/repos/{self.moved_from}", _ID)
            status = 301 if method == "GET" else 307
            return status, {"Location": f"{self.url}{target}"}, {"message": "Moved Permanently"}
        if place.path == "/graphql":
            return self._graphql(method, body)
        for start in (f"/repos/{REPOSITORY}", _ID):
            if place.path.startswith(f"{start}/"):
                rest = place.path.removeprefix(start)
                return self._in_repository(method, rest, parse_qs(place.query), body)
        return _NOT_FOUND

    def _graphql(self, method: str, body: Any) -> Answer:
        if (method, body) != ("POST", {"query": "{viewer{login}}"}):
            return 501, {}, {"message": "The local GitHub knows one query only."}
        return 200, {}, {"data": {"viewer": {"login": BOT}}}

    def _in_repository(
        self, method: str, path: str, query: dict[str, list[str]], body: Any
    ) -> Answer:
        if (found := _PULLS.fullmatch(path)) and method == "GET":
            return self._pulls(found[1])
        if found := _COMMENTS.fullmatch(path):
            if method == "GET":
                return self._page(int(found[1]), query)
            if method == "POST":
                return self._new_comment(int(found[1]), body)
        if found := _COMMENT.fullmatch(path):
            return self._changed_comment(method, int(found[1]), body)
        return _NOT_FOUND

    def _pulls(self, commit: str) -> Answer:
        if commit not in self._brought:
            return 422, {}, {"message": f"No commit found for SHA: {commit}"}
        return 200, {}, [one.shown() for one in self._brought[commit]]

    def _page(self, pull_request: int, query: dict[str, list[str]]) -> Answer:
        if self.permission == "none":
            return _NOT_FOUND
        size, page = (int(query.get(name, [text])[0]) for name, text in _PAGING.items())
        size = min(size, 100)
        found = [one for one in self.comments if one.pull_request == pull_request]
        last = -(-len(found) // size)
        links = {"next": page + 1, "last": last} if page < last else {}
        path = f"{self.url}{_ID}/issues/{pull_request}/comments?per_page={size}"
        link = ", ".join(f'<{path}&page={number}>; rel="{to}"' for to, number in links.items())
        shown = [one.shown() for one in found[(page - 1) * size : page * size]]
        return 200, {"Link": link} if link else {}, shown

    def _new_comment(self, pull_request: int, body: Any) -> Answer:
        if refused := self._refused(body):
            return refused
        for rival in self.rivals:
            self.write(rival, pull_request=pull_request)
        made = self.write(body["body"], pull_request=pull_request)
        for follower in self.followers:
            self.write(follower, pull_request=pull_request)
        self.rivals, self.followers = [], []
        if self.lost:
            self.lost -= 1
            return _LOST
        return 201, {}, made.shown()

    def _changed_comment(self, method: str, number: int, body: Any) -> Answer:
        found = [one for one in self.comments if one.number == number]
        if not found or method not in ("PATCH", "DELETE"):
            return _NOT_FOUND
        if refused := self._refused(body if method == "PATCH" else {"body": "x"}):
            return refused
        if method == "DELETE":
            self.comments.remove(found[0])
            return 204, {}, None
        if self.vanishing:
            self.vanishing -= 1
            self.comments.remove(found[0])
            return _NOT_FOUND
        found[0].body = body["body"]
        return 200, {}, found[0].shown()

    def _refused(self, body: Any) -> Answer | None:
        if self.permission == "none":
            return _NOT_FOUND
        if self.permission == "read":
            return 403, {}, {"message": "Resource not accessible by integration", "status": "403"}
        if not body.get("body") or len(body["body"]) > 65536:
            return 422, {}, {"message": "Validation Failed"}
        return None


_PAGING = {"per_page": "30", "page": "1"}


@contextmanager
def local_github() -> Iterator[LocalGitHub]:
    """One that listens on loopback."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            asked = json.loads(self.rfile.read(size)) if size else None
            answer = github.answer(self.command, self.path, dict(self.headers), asked)
            status, headers, body = answer
            if answer is _LOST:
                self.close_connection = True
                return
            content = json.dumps(body).encode() if body is not None else b""
            self.send_response(status)
            for name, text in headers.items():
                self.send_header(name, text)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            with contextlib.suppress(OSError):  # who asked may have given up
                self.wfile.write(content)

        def log_message(self, *args: Any) -> None:
            pass

    for method in ("GET", "POST", "PATCH", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.answer)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        github = LocalGitHub(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield github
        finally:
            github.ended.set()
            server.shutdown()
            thread.join()
