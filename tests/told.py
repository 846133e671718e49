"""What a person is told of a failure, and what a registry was asked to change."""

from __future__ import annotations

from command import Run
from workspace import Workspace

READING = ("get-latest-versions", "credentials-for-read", "credentials-for-download", "search")


def writes(*workspaces: Workspace) -> list[str]:
    """The requests that could have changed something."""
    return [
        f"{request['method']} {request['path']}"
        for workspace in workspaces
        for request in workspace.requests()
        if request["method"] not in ("GET", "HEAD") and not request["path"].endswith(READING)
    ]


def assert_told(run: Run, code: int, *words: str) -> None:
    assert run.code == code, run.log
    (annotation,) = run.annotations()
    for word in words:
        assert word in annotation, annotation
    assert "Traceback" not in run.log
    assert run.summary.startswith("### ❌")
