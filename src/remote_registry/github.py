"""GitHub's API: one repository, asked with one token."""

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

_TIMEOUT = (10.0, 30.0)  # seconds to connect, and without any progress
_MOST_MOVES = 3  # of a repository that was renamed


class Refused(GitHubFailed):
    """GitHub refuses a call, and would again.

    Attributes:
        status: Of HTTP.
    """

    status = 0


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

    @property
    def path(self) -> str:
        """Of the repository, in the API."""
        return f"/repos/{quote(self.repository)}"

    def merged_with(self, commit: str, warn: Callable[[str], None]) -> list[PullRequest]:
        """The merged pull requests that brought a commit, however they were merged.

        Args:
            warn: Is told where GitHub does not show the repository, which is not to say that there
                is no such pull request.

        Raises:
            GitHubFailed: It can't be asked.
        """
        path = f"{self.path}/commits/{commit}/pulls?per_page=100"
        try:
            reply = repeated(
                lambda: self.send("GET", path), seconds=self._seconds, sleep=cancelling.sleep
            )
        except Refused as refused:
            if refused.status == 404:  # as it says to who may not see a repository
                warn(
                    f"GitHub's API shows no repository {self.repository}, so nobody knows which "
                    f"pull request brought {commit[:12]}: give github-token a token with "
                    "pull-requests: read."
                )
            if refused.status in (404, 422):  # 422 as it says of a commit that it does not have
                return []
            raise
        try:
            return [PullRequest(str(one["number"]), one["head"]["sha"]) for one in _merged(reply)]
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise self.odd() from error

    def viewer(self, *, seconds: float = _TIMEOUT[1]) -> str:
        """Whom the token is of, as comments name their authors: `github-actions[bot]`.

        By GraphQL, for REST tells it to no token of a job.

        Args:
            seconds: To wait for the reply, at most.

        Raises:
            Transient: It can't be asked now, such as where the hour's limit is reached.
            GitHubFailed: It can't be asked.
        """
        # Of GitHub itself at `/graphql`, of an Enterprise Server beside `/api/v3`.
        query = {"query": "{viewer{login}}"}
        reply = self.send("POST", "/graphql", query, seconds=seconds, without="/v3")
        try:
            answer = reply.json()
            kinds = {error.get("type") for error in answer.get("errors") or []}
            if "RATE_LIMITED" in kinds:  # told with status 200
                failure = self.failed("GitHub's API answered RATE_LIMITED.")
                told = _seconds_of_headers(reply)
                raise Transient(failure, after=60.0 if told is None else told)
            return str(answer["data"]["viewer"]["login"])
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise self.odd() from error

    def send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        seconds: float = _TIMEOUT[1],
        without: str = "",
    ) -> requests.Response:
        """Sends one request, once.

        Args:
            path: Below the API, or a page that a reply of it has named.
            seconds: To wait for the reply, at most.
            without: What the API's own path ends with, where this one is not below it.

        Raises:
            Transient: It failed in a way that may pass.
            Refused: By its status.
            GitHubFailed: It can't be sent.
        """
        place = urlsplit(self._url)
        if place.scheme != "https" and not is_loopback(place.netloc):
            raise self.failed("GITHUB_API_URL is not https:// and would show the token.")
        url = self._url.removesuffix(without) + path
        timeout = (min(_TIMEOUT[0], seconds), min(_TIMEOUT[1], seconds))
        for _ in range(_MOST_MOVES):
            try:
                reply = self._session.request(
                    method, url, json=body, timeout=timeout, allow_redirects=False
                )
            except (requests.RequestException, OSError, ValueError) as error:
                told = f"GitHub's API can't be reached ({type(error).__name__})."
                raise Transient(self.failed(told)) from error
            target = reply.headers.get("Location", "")
            if not reply.is_redirect or urlsplit(target)[:2] != urlsplit(url)[:2]:
                break
            url = target
        self._check(reply)
        return reply

    def next_page(self, reply: requests.Response) -> str:
        """The path of the page after a reply; empty where it is the last, or some other host's."""
        url = str(reply.links.get("next", {}).get("url", ""))
        return url.removeprefix(self._url) if url.startswith(f"{self._url}/") else ""

    def _check(self, reply: requests.Response) -> None:
        status = reply.status_code
        if 200 <= status < 300:
            return
        limit = _seconds_of_limit(reply)
        wait = f" It asks to wait {limit:.0f} s." if limit else ""
        told = f"GitHub's API answered {status}: {_message(reply)}{wait}"
        if limit is None and status < 500:
            refused = Refused(told, where=self._where, todo=_TODO)
            refused.status = status
            raise refused
        raise Transient(self.failed(told), after=limit)

    def odd(self) -> GitHubFailed:
        """The failure of a reply that is none."""
        return self.failed("GitHub's reply is not what its API documents.")

    def failed(self, what: str) -> GitHubFailed:
        """A failure of this repository's."""
        return GitHubFailed(what, where=self._where, todo=_TODO)

    @property
    def _where(self) -> str:
        return f"{self._url}/repos/{self.repository}"


_TODO = "Give github-token a token with pull-requests: read, or say the version in another way."


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
    told = _seconds_of_headers(reply)
    if told is not None:
        return told
    return 60.0 if reply.status_code == 429 or "rate limit" in _message(reply) else None


def _seconds_of_headers(reply: requests.Response) -> float | None:
    after, reset = (reply.headers.get(name, "") for name in ("Retry-After", "X-RateLimit-Reset"))
    if after.isdecimal():
        return float(after)
    if reply.headers.get("X-RateLimit-Remaining") == "0" and reset.isdecimal():
        return max(0.0, float(reset) - time.time())
    return None
