"""What the CI knows of the commit and the run that register: GitHub's variables and event."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_LOST = re.compile("[\ud800-\udfff]")  # the bytes of a variable that are not UTF-8


@dataclass(frozen=True)
class Provenance:
    """Where a version comes from; empty texts where it is not known.

    Attributes:
        commit: `GITHUB_SHA`: on a pull request the merge commit, else the commit.
        head_commit: On a pull request the commit that was pushed, else the same as `commit`.
        pull_request: Its number.
        from_fork: Whether the secrets are withheld: from a fork's pull request, and from all that
            Dependabot does.
        is_proposed: Whether the checkout may hold what a pull request proposes, and nobody has
            merged yet.
    """

    repository: str = ""
    commit: str = ""
    head_commit: str = ""
    ref: str = ""
    pull_request: str = ""
    workflow_run: str = ""
    from_fork: bool = False
    is_proposed: bool = False

    def tags(self) -> dict[str, str]:
        """The tags of a version, without their prefix; only those that are known."""
        names = ("repository", "commit", "head_commit", "ref", "pull_request", "workflow_run")
        return {name: getattr(self, name) for name in names if getattr(self, name)}


def provenance_from(environment: Mapping[str, str]) -> Provenance:
    """Reads the variables and the event's payload, as GitHub documents them.

    The payload is data: only a number, a commit and a flag are taken from it.
    """
    if environment.get("GITHUB_ACTIONS") != "true":
        return Provenance()
    event = _event(environment.get("GITHUB_EVENT_PATH", ""))
    # What is not UTF-8 no server takes.
    environment = {name: _LOST.sub("\ufffd", text) for name, text in environment.items()}
    pull_request = _mapping(event.get("pull_request"))
    head = _mapping(pull_request.get("head"))
    commit = environment.get("GITHUB_SHA", "")
    repository = environment.get("GITHUB_REPOSITORY", "")
    return Provenance(
        repository=repository,
        commit=commit,
        head_commit=_commit(head.get("sha")) or commit,
        ref=environment.get("GITHUB_REF", ""),
        pull_request=_number(pull_request.get("number")),
        workflow_run=_workflow_run(environment, repository),
        from_fork=_is_dependabot(environment)
        or (bool(pull_request) and _mapping(head.get("repo")).get("full_name") != repository),
        is_proposed=_is_proposed(environment, event),
    )


def _is_proposed(environment: Mapping[str, str], event: Mapping[str, Any]) -> bool:
    """A comment on a pull request, or the end of its workflow, may lead to a checkout of it too."""
    name, ref = environment.get("GITHUB_EVENT_NAME", ""), environment.get("GITHUB_REF", "")
    by = _mapping(event.get("workflow_run")).get("event")
    return (
        _is_of_pull_request(name)
        or _is_of_pull_request(by)
        or bool(_mapping(event.get("pull_request")))
        or "pull_request" in _mapping(event.get("issue"))
        or ref.startswith(("refs/pull/", "refs/heads/gh-readonly-queue/"))
    )


def _is_of_pull_request(event: object) -> bool:
    return isinstance(event, str) and (event == "merge_group" or event.startswith("pull_request"))


def _workflow_run(environment: Mapping[str, str], repository: str) -> str:
    server, run = environment.get("GITHUB_SERVER_URL", ""), environment.get("GITHUB_RUN_ID", "")
    attempt = environment.get("GITHUB_RUN_ATTEMPT", "1")
    return f"{server}/{repository}/actions/runs/{run}/attempts/{attempt}" if run else ""


def _is_dependabot(environment: Mapping[str, str]) -> bool:
    return environment.get("GITHUB_ACTOR") == "dependabot[bot]"


def _event(path: str) -> Mapping[str, Any]:
    try:
        return _mapping(json.loads(Path(path).read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError):
        return {}


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _commit(value: object) -> str:
    is_one = isinstance(value, str) and re.fullmatch(r"[0-9a-f]{40,64}", value)
    return str(value) if is_one else ""


def _number(value: object) -> str:
    return str(value) if type(value) is int and 0 < value < 10**18 else ""
