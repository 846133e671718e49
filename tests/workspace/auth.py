"""Who asks, and what they may do."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from fnmatch import fnmatchcase

from .control.knobs import Knobs
from .wire.message import ApiError, Request

WRITE, CREATE_MODELS, TRANSITION = "write", "create-models", "transition"
ALL_RIGHTS = frozenset({WRITE, CREATE_MODELS, TRANSITION})
READING_POSTS = (
    "*/mlflow/registered-models/get-latest-versions",
    "*/mlflow/runs/search",
    "*/mlflow/logged-models/search",
    "*/mlflow/artifacts/credentials-for-read",
    "*/artifacts/credentials-for-download",
    "*/fs/create-download-url",
)
READERS_MAY_ASK = "*/transition-requests/create"  # docs.databricks.com/en/mlflow/models-acl.html
TRANSITIONS = (
    "*/model-versions/transition-stage",
    "*/transition-requests/approve",
    "*/transition-requests/reject",
)


@dataclass(frozen=True)
class Caller:
    user: str
    rights: frozenset[str]


class Door:
    """Lets in whoever has the workspace's own token, or one of those that the knob adds."""

    def __init__(self, token: str, user: str, knobs: Knobs) -> None:
        self._token = token
        self._user = user
        self._knobs = knobs

    def caller(self, request: Request) -> Caller:
        scheme, _, token = (request.header("Authorization") or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise ApiError(
                401, "401", "Credential was not sent or was of an unsupported type for this API."
            )
        if added := self._knobs.tokens.get(token):
            return Caller(added["user"], frozenset(added.get("rights", ALL_RIGHTS)))
        if not hmac.compare_digest(token.encode(), self._token.encode()):
            reason = "Invalid access token."
            raise ApiError(403, 403, reason, {"X-Databricks-Reason-Phrase": reason})
        return Caller(self._user, ALL_RIGHTS)


def check(caller: Caller, request: Request) -> None:
    """A 403 where the caller lacks the right to this call."""
    if needed := _needed(request) - caller.rights:
        raise ApiError(
            403, "PERMISSION_DENIED", f"User {caller.user} lacks: {', '.join(sorted(needed))}."
        )


def _needed(request: Request) -> set[str]:
    if request.method in ("GET", "HEAD") or _fits(request.path, (*READING_POSTS, READERS_MAY_ASK)):
        return set()
    if _fits(request.path, TRANSITIONS):
        return {WRITE, TRANSITION}
    if request.path.endswith("/registered-models/create"):
        return {WRITE, CREATE_MODELS}
    return {WRITE}


def _fits(path: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(path, pattern) for pattern in patterns)
