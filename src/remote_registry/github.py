"""GitHub's API: which merged pull request a commit came from."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import requests

from . import cancelling
from .errors import GitHubFailed
from .inputs.sides import Secret, is_loopback
from .retry import Transient, repeated
from .sessions import new_session

_TIMEOUT = (10, 30)  # seconds to connect, and without any progress
_MOST_MOVES = 3  # of a repository that was renamed


@dataclass(frozen=True)
class PullRequest:
    """A merged pull request: its number, and the last commit that was pushed to it."""

    number: str
    head: str


class GitHub:
    """What is asked of one repository.

    Args:
        url: The API's, as `GITHUB_API_URL` has it.
        repository: `owner/name`; empty where it is not known.
        seconds: How long a call is repeated that fails in a way that may pass.
    """

    def __init__(self, url: str, repository: str, token: Secret | None, seconds: float) -> None:
        self._url = url.rstrip("/")
        self.repository = repository
        self._session = new_session(f"Bearer {token.value}" if token else "")
        self._session.headers["Accept"] = "application/vnd.github+json"
        self._session.headers["X-GitHub-Api-Version"] = "2022-11-28"
        self._seconds = seconds

    def merged_with(self, commit: str, warn: Callable[[str], None]) -> list[PullRequest]:
        """The merged pull requests that brought a commit, however they were merged.

        Args:
            warn: Is told where GitHub does not show the repository, which is not to say that there
                is no such pull request.

        Raises:
            GitHubFailed: It can't be asked.
        """
        place = urlsplit(self._url)
        if place.scheme != "https" and not is_loopback(place.netloc):
            raise self._failed("GITHUB_API_URL is not https:// and would show the token.")
        path = f"/repos/{quote(self.repository)}/commits/{commit}/pulls?per_page=100"
        reply = repeated(
            lambda: self._reply(self._url + path), seconds=self._seconds, sleep=cancelling.sleep
        )
        if reply.status_code == 404:  # as it says to who may not see a repository
            warn(
                f"GitHub's API shows no repository {self.repository}, so nobody knows which pull "
                f"request brought {commit[:12]}: give github-token a token with "
                "pull-requests: read."
            )
        if reply.status_code in (404, 422):  # 422 as it says of a commit that it does not have
            return []
        try:
            return [PullRequest(str(one["number"]), one["head"]["sha"]) for one in _merged(reply)]
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise self._failed("GitHub's reply is not what its API documents.") from error

    def _reply(self, url: str) -> requests.Response:
        for _ in range(_MOST_MOVES):
            try:
                reply = self._session.get(url, timeout=_TIMEOUT, allow_redirects=False)
            except (requests.RequestException, OSError, ValueError) as error:
                told = f"GitHub's API can't be reached ({type(error).__name__})."
                raise Transient(self._failed(told)) from error
            target = reply.headers.get("Location", "")
            if not reply.is_redirect or urlsplit(target)[:2] != urlsplit(url)[:2]:
                break
            url = target
        self._check(reply)
        return reply

    def _check(self, reply: requests.Response) -> None:
        status = reply.status_code
        if status in (200, 404, 422):
            return
        limit = _seconds_of_limit(reply)
        wait = f" It asks to wait {limit:.0f} s." if limit else ""
        failure = self._failed(f"GitHub's API answered {status}: {_message(reply)}{wait}")
        if limit is None and status < 500:
            raise failure
        raise Transient(failure, after=limit)

    def _failed(self, what: str) -> GitHubFailed:
        return GitHubFailed(
            what,
            where=f"{self._url}/repos/{self.repository}",
            todo="Give github-token a token with pull-requests: read, or say the version in "
            "another way.",
        )


def github_from(environment: Mapping[str, str], token: Secret | None, seconds: float) -> GitHub:
    """GitHub as the runner names it."""
    url = environment.get("GITHUB_API_URL") or "https://api.github.com"
    return GitHub(url, environment.get("GITHUB_REPOSITORY", ""), token, seconds)


def _merged(reply: requests.Response) -> list[dict[str, Any]]:
    return [one for one in reply.json() if one["merged_at"]]


def _message(reply: requests.Response) -> str:
    try:
        return str(reply.json()["message"])[:300]
    except (ValueError, TypeError, KeyError, RecursionError):
        return "no message"


def _seconds_of_limit(reply: requests.Response) -> float | None:
    """How long GitHub asks to wait; `None` where it is not about its limits.

    As its docs tell: `Retry-After`, or the hour's end where nothing remains of it, or a minute.
    """
    if reply.status_code not in (403, 429):
        return None
    after, reset = (reply.headers.get(name, "") for name in ("Retry-After", "X-RateLimit-Reset"))
    if after.isdecimal():
        return float(after)
    if reply.headers.get("X-RateLimit-Remaining") == "0" and reset.isdecimal():
        return max(0.0, float(reset) - time.time())
    return 60.0 if reply.status_code == 429 or "rate limit" in _message(reply) else None
