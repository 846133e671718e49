"""A GitHub API on this machine: the real paths and statuses of pull requests, and rate limits."""

from __future__ import annotations

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

REPOSITORY = "your-org/churn"
TOKEN = "ghs_only-for-tests-0123456789"
_PULLS = re.compile(r"/repos/([^/]+/[^/]+)/commits/([0-9a-f]+)/pulls")


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
class LocalGitHub:
    """One repository, private: who has no token is told that there is none.

    Attributes:
        refusals: Answered first, one after the other: status, headers, message.
        moved_from: A name that the repository had before.
    """

    url: str
    refusals: list[tuple[int, dict[str, str], str]] = field(default_factory=list)
    moved_from: str = ""
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

    def merge(self, pull_request: PullRequest, how: str) -> str:
        """Merges in one of GitHub's three ways; the commit at the end of the base branch."""
        pull_request.merged_at = "2026-11-24T12:00:00Z"
        made = {
            "merge": [new_commit()],
            "squash": [new_commit()],
            "rebase": [new_commit() for _ in pull_request.commits],
        }[how]
        pull_request.merge_commit = made[-1]
        for commit in made:
            self._brought[commit] = [pull_request]
        return made[-1]

    def push(self) -> str:
        """A commit that no pull request brought."""
        commit = new_commit()
        self._brought[commit] = []
        return commit

    def limit_hour(self, seconds: float) -> None:
        """Nothing remains of the hour's requests, until it ends."""
        headers = {
            "X-RateLimit-Limit": "1000",
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": str(int(time.time() + seconds) + 1),
        }
        self.refusals.append((403, headers, "API rate limit exceeded for installation ID 1."))

    def limit_moment(self, seconds: int) -> None:
        """Too many requests at once."""
        text = "You have exceeded a secondary rate limit. Please wait a few minutes."
        self.refusals.append((429, {"Retry-After": str(seconds)}, text))

    def answer(self, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str], Any]:
        self.requests.append((path, headers))
        path = path.partition("?")[0]
        if self.refusals:
            status, more, message = self.refusals.pop(0)
            return status, more, {"message": message}
        if headers.get("Authorization", f"Bearer {TOKEN}") != f"Bearer {TOKEN}":
            return 401, {}, {"message": "Bad credentials"}
        if self.moved_from and path.startswith(f"/repos/{self.moved_from}/"):
            target = path.replace(self.moved_from, REPOSITORY)
            return 301, {"Location": f"{self.url}{target}"}, {"message": "Moved Permanently"}
        found = _PULLS.fullmatch(path)
        if not found or found[1] != REPOSITORY or "Authorization" not in headers:
            return 404, {}, {"message": "Not Found"}
        if found[2] not in self._brought:
            return 422, {}, {"message": f"No commit found for SHA: {found[2]}"}
        return 200, {}, [one.shown() for one in self._brought[found[2]]]


@contextmanager
def local_github() -> Iterator[LocalGitHub]:
    """One that listens on loopback."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, headers, body = github.answer(self.path, dict(self.headers))
            content = json.dumps(body).encode()
            self.send_response(status)
            for name, text in headers.items():
                self.send_header(name, text)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        github = LocalGitHub(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield github
        finally:
            server.shutdown()
            thread.join()
