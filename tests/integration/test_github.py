"""A version by a commit that it does not record: GitHub tells which pull request brought it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from command import Run, call, side_inputs
from local_github import TOKEN, LocalGitHub, PullRequest, local_github, new_commit
from made_versions import make_model, make_version
from servers import MlflowServer
from told import assert_told


@pytest.fixture
def github() -> Iterator[LocalGitHub]:
    with local_github() as running:
        yield running


@pytest.fixture
def name(mlflow_server: MlflowServer) -> str:
    return make_model(mlflow_server)


def registered(server: MlflowServer, name: str, of: PullRequest, push: int = -1) -> str:
    """A version as registering on a pull request records it, after one of its pushes."""
    return make_version(
        server,
        name,
        repository="your-org/churn",
        commit=new_commit(),  # of the merge that GitHub makes for testing
        head_commit=of.commits[push],
        pull_request=str(of.number),
    )


def by_commit(server: MlflowServer, name: str, commit: str, **environment: str) -> Run:
    inputs = {"model-name": name, "select": f"commit={commit}", "retry-timeout": "5"}
    return call("resolve", inputs, side_inputs("registry", server), **environment)


@pytest.mark.parametrize("how", ["merge", "squash", "rebase"])
def test_however_it_was_merged(
    mlflow_server: MlflowServer, github: LocalGitHub, name: str, how: str
) -> None:
    other, merged = github.open(), github.open(pushes=3)
    registered(mlflow_server, name, other)
    registered(mlflow_server, name, merged, push=1)
    last = registered(mlflow_server, name, merged)

    found = by_commit(mlflow_server, name, github.merge(merged, how), **github.environment())

    assert found.code == 0, found.log
    assert found.outputs["version"] == last
    assert f"came with pull request {merged.number}" in found.log
    ((path, headers),) = github.requests
    assert path.startswith("/repos/your-org/churn/commits/")
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert TOKEN not in found.log.replace(f"::add-mask::{TOKEN}", "")


@pytest.mark.parametrize("which", ["head_commit", "commit"])
def test_a_commit_that_is_recorded_needs_no_github(
    mlflow_server: MlflowServer, github: LocalGitHub, name: str, which: str
) -> None:
    commit = new_commit()
    number = make_version(mlflow_server, name, **{which: commit})

    found = by_commit(mlflow_server, name, commit, **github.environment())

    assert found.outputs["version"] == number
    assert github.requests == []


def test_a_pull_request_of_whose_last_push_nothing_was_registered_has_no_version(
    mlflow_server: MlflowServer, github: LocalGitHub, name: str
) -> None:
    merged = github.open(pushes=2)
    registered(mlflow_server, name, merged, push=0)

    found = by_commit(mlflow_server, name, github.merge(merged, "squash"), **github.environment())

    assert_told(found, 4, "No version of", f"{merged.commits[0]} (version 1)")


def test_a_pull_request_that_is_open_is_not_taken(
    mlflow_server: MlflowServer, github: LocalGitHub, name: str
) -> None:
    pending = github.open(pushes=2)
    registered(mlflow_server, name, pending)

    found = by_commit(mlflow_server, name, pending.commits[0], **github.environment())

    assert_told(found, 4, "No such version")


@pytest.mark.parametrize("known", [True, False])
def test_a_commit_that_no_pull_request_brought(
    mlflow_server: MlflowServer, github: LocalGitHub, name: str, known: bool
) -> None:
    make_version(mlflow_server, name)
    commit = github.push() if known else new_commit()

    assert_told(by_commit(mlflow_server, name, commit, **github.environment()), 4, "No version of")


def test_a_repository_that_a_token_may_not_see_is_told(
    mlflow_server: MlflowServer, github: LocalGitHub, name: str
) -> None:
    make_version(mlflow_server, name)
    commit = github.push()

    found = by_commit(mlflow_server, name, commit, **github.environment(token=""))

    assert_told(found, 4, "No version of")
    (warning,) = found.annotations("warning")
    assert "shows no repository your-org/churn" in warning
    assert "pull-requests: read" in warning


def test_limits_are_waited_out(mlflow_server: MlflowServer, github: LocalGitHub, name: str) -> None:
    merged = github.open()
    number = registered(mlflow_server, name, merged)
    commit = github.merge(merged, "squash")
    github.limit_hour(0.5)
    github.limit_moment(1)

    found = by_commit(mlflow_server, name, commit, **github.environment())

    assert found.outputs["version"] == number, found.log
    assert len(github.requests) == 3


def test_a_limit_that_lasts_longer_is_told(
    mlflow_server: MlflowServer, github: LocalGitHub, name: str
) -> None:
    make_version(mlflow_server, name)
    github.limit_hour(3450)

    found = by_commit(mlflow_server, name, new_commit(), **github.environment())

    assert_told(
        found,
        7,
        "GitHub failed",
        "API rate limit exceeded",
        "asks to wait 34",
        "pull-requests: read",
    )


def test_a_token_that_is_refused_is_told_and_not_tried_again(
    mlflow_server: MlflowServer, github: LocalGitHub, name: str
) -> None:
    make_version(mlflow_server, name)

    found = by_commit(mlflow_server, name, new_commit(), **github.environment(token="ghs_other"))

    assert_told(found, 7, "401: Bad credentials")
    assert len(github.requests) == 1


def test_a_token_without_the_permission_is_told_and_not_tried_again(
    mlflow_server: MlflowServer, github: LocalGitHub, name: str
) -> None:
    make_version(mlflow_server, name)
    text = "Resource not accessible by integration"
    github.refusals.append((403, {"X-RateLimit-Remaining": "4999"}, text))

    found = by_commit(mlflow_server, name, new_commit(), **github.environment())

    assert_told(found, 7, f"403: {text}", "pull-requests: read")
    assert len(github.requests) == 1


def test_a_secondary_limit_by_403_is_waited_out(
    mlflow_server: MlflowServer, github: LocalGitHub, name: str
) -> None:
    merged = github.open()
    number = registered(mlflow_server, name, merged)
    commit = github.merge(merged, "squash")
    text = "You have exceeded a secondary rate limit."
    github.refusals.append((403, {"Retry-After": "1"}, text))

    found = by_commit(mlflow_server, name, commit, **github.environment())

    assert found.outputs["version"] == number, found.log
    assert len(github.requests) == 2


def test_a_repository_that_was_renamed_is_followed(
    mlflow_server: MlflowServer, github: LocalGitHub, name: str
) -> None:
    github.moved_from = "your-org/old"
    merged = github.open()
    recorded = {"head_commit": merged.commits[0], "pull_request": str(merged.number)}
    number = make_version(mlflow_server, name, **recorded)
    commit = github.merge(merged, "squash")

    moved = {**github.environment(), "GITHUB_REPOSITORY": "your-org/old"}
    assert by_commit(mlflow_server, name, commit, **moved).outputs["version"] == number


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://github.example.com"])
def test_an_api_that_is_not_there_or_would_show_the_token(
    mlflow_server: MlflowServer, github: LocalGitHub, name: str, url: str
) -> None:
    make_version(mlflow_server, name)
    elsewhere = {**github.environment(), "GITHUB_API_URL": url}

    assert_told(by_commit(mlflow_server, name, new_commit(), **elsewhere), 7, "GitHub failed")
