"""What the CI knows of the commit and the run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from remote_registry.provenance import Provenance, provenance_from

MERGE, HEAD = "a" * 40, "b" * 40
ON_GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_SERVER_URL": "https://github.example.com",
    "GITHUB_REPOSITORY": "our/repo",
    "GITHUB_SHA": MERGE,
    "GITHUB_REF": "refs/heads/main",
    "GITHUB_RUN_ID": "77",
    "GITHUB_RUN_ATTEMPT": "2",
    "GITHUB_ACTOR": "jane",
}
RUN = "https://github.example.com/our/repo/actions/runs/77/attempts/2"
PUSHED = Provenance("our/repo", MERGE, MERGE, "refs/heads/main", "", RUN)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "event.json"


def from_event(path: Path, event: Any, **variables: str) -> Provenance:
    path.write_text(event if isinstance(event, str) else json.dumps(event), encoding="utf-8")
    return provenance_from(ON_GITHUB | {"GITHUB_EVENT_PATH": str(path)} | variables)


def of_a_pull_request(repository: str | None, **head: Any) -> dict[str, Any]:
    repo = {"full_name": repository} if repository else None
    return {"pull_request": {"number": 7, "head": {"sha": HEAD, "repo": repo} | head}}


def test_elsewhere_than_on_github_nothing_is_known(path: Path) -> None:
    path.write_text(json.dumps(of_a_pull_request("evil/fork")))

    variables = ON_GITHUB | {"GITHUB_EVENT_PATH": str(path), "GITHUB_ACTIONS": "false"}

    assert provenance_from(variables) == provenance_from({}) == Provenance()
    assert Provenance().tags() == {}


@pytest.mark.parametrize(
    ("event", "variables"),
    [
        ({"head_commit": {"id": MERGE}, "ref": "refs/heads/main"}, {}),
        ({"schedule": "0 3 * * *"}, {"GITHUB_EVENT_NAME": "schedule"}),
        ({"inputs": {"a": "b"}}, {"GITHUB_EVENT_NAME": "workflow_dispatch"}),
        ({"issue": {"pull_request": {"url": "x"}, "number": 7}}, {}),
    ],
)
def test_without_a_pull_request_both_commits_are_the_one(
    path: Path, event: Any, variables: dict[str, str]
) -> None:
    found = from_event(path, event, **variables)
    assert replace(found, is_proposed=False) == PUSHED


def test_a_tag_is_a_ref(path: Path) -> None:
    found = from_event(path, {"ref": "refs/tags/v1"}, GITHUB_REF="refs/tags/v1")

    assert found.tags() == {
        "repository": "our/repo",
        "commit": MERGE,
        "head_commit": MERGE,
        "ref": "refs/tags/v1",
        "workflow_run": RUN,
    }


def test_a_pull_request_has_a_merge_commit_and_a_head_commit(path: Path) -> None:
    found = from_event(path, of_a_pull_request("our/repo"), GITHUB_REF="refs/pull/7/merge")

    assert (found.commit, found.head_commit, found.pull_request) == (MERGE, HEAD, "7")
    assert found.tags()["pull_request"] == "7"
    assert not found.from_fork


@pytest.mark.parametrize(
    ("repository", "actor", "withheld"),
    [
        ("our/repo", "jane", False),
        ("their/fork", "jane", True),
        ("our/repo-fork", "jane", True),
        (None, "jane", True),
        ("our/repo", "dependabot[bot]", True),
        ("our/repo", "dependabot", False),
    ],
)
def test_secrets_are_withheld_from_forks_and_from_dependabot(
    path: Path, repository: str | None, actor: str, withheld: bool
) -> None:
    found = from_event(path, of_a_pull_request(repository), GITHUB_ACTOR=actor)

    assert found.from_fork is withheld


def test_secrets_are_withheld_from_what_dependabot_pushes(path: Path) -> None:
    found = from_event(path, {"head_commit": None}, GITHUB_ACTOR="dependabot[bot]")

    assert found == replace(PUSHED, from_fork=True)


def test_the_head_commit_may_be_a_sha_256(path: Path) -> None:
    assert from_event(path, of_a_pull_request("our/repo", sha="c" * 64)).head_commit == "c" * 64


@pytest.mark.parametrize(
    "text",
    [
        "",
        "garbage",
        "[]",
        "null",
        "7",
        '"text"',
        "[" * 200_000,
        '{"pull_request": ' * 200_000,
        '{"pull_request": ' + "9" * 5_000 + "}",
        "\ufeff{}",
        '{"pull_request": []}',
        '{"pull_request": "text"}',
        '{"pull_request": {}}',
    ],
)
def test_a_payload_that_says_nothing_is_that_of_a_push(path: Path, text: str) -> None:
    assert from_event(path, text) == PUSHED


@pytest.mark.parametrize("where", ["", "missing.json", ".", "a\0b", "x" * 5_000])
def test_a_payload_that_can_not_be_read_is_that_of_a_push(where: str) -> None:
    assert provenance_from(ON_GITHUB | {"GITHUB_EVENT_PATH": where}) == PUSHED
    assert provenance_from(ON_GITHUB) == PUSHED


def test_a_payload_that_is_not_utf_8_is_that_of_a_push(path: Path) -> None:
    path.write_bytes(b'{"pull_request": "\xff"}')

    assert provenance_from(ON_GITHUB | {"GITHUB_EVENT_PATH": str(path)}) == PUSHED


@pytest.mark.parametrize(
    "number", [{"a": 1}, [7], "7\n::set-output::", "7", True, -7, 0, 7.5, None, 10**30]
)
def test_a_number_of_a_pull_request_is_a_number(path: Path, number: Any) -> None:
    event = of_a_pull_request("our/repo")
    event["pull_request"]["number"] = number

    assert from_event(path, event).pull_request == ""


@pytest.mark.parametrize(
    "sha", [{"a": 1}, ["b"], f"{HEAD}\n::set-output name=x::y", HEAD[:-1], HEAD.upper(), 7, None]
)
def test_a_commit_is_one(path: Path, sha: Any) -> None:
    assert from_event(path, of_a_pull_request("our/repo", sha=sha)).head_commit == MERGE


leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.just([])
events = leaves
for names in (("full_name",), ("sha", "repo"), ("number", "head"), ("pull_request",)):
    events = leaves | st.dictionaries(st.sampled_from(names), events)


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(events)
def test_no_payload_says_more_than_a_number_a_commit_and_a_flag(path: Path, event: Any) -> None:
    found = from_event(path, event if not isinstance(event, str) else json.dumps(event))

    assert found.pull_request == "" or found.pull_request.isdigit()
    assert len(found.head_commit) in (40, 64)
    assert found.head_commit.isalnum()
    assert found.repository == "our/repo"


PROPOSING = {
    "a pull request": ({"pull_request": {"number": 3}}, {"GITHUB_EVENT_NAME": "pull_request"}),
    "one with the secrets": ({}, {"GITHUB_EVENT_NAME": "pull_request_target"}),
    "a review": ({}, {"GITHUB_EVENT_NAME": "pull_request_review"}),
    "a merge queue": ({}, {"GITHUB_EVENT_NAME": "merge_group"}),
    "a queue's branch": ({}, {"GITHUB_REF": "refs/heads/gh-readonly-queue/main/pr-1-2"}),
    "a pull request's ref": ({}, {"GITHUB_REF": "refs/pull/1/merge"}),
    "a comment on one": ({"issue": {"pull_request": {}}}, {"GITHUB_EVENT_NAME": "issue_comment"}),
    "the end of its workflow": (
        {"workflow_run": {"event": "pull_request"}},
        {"GITHUB_EVENT_NAME": "workflow_run"},
    ),
}
MERGED = {
    "a push": ({}, {"GITHUB_EVENT_NAME": "push"}),
    "a schedule": ({"schedule": "* * * * *"}, {"GITHUB_EVENT_NAME": "schedule"}),
    "a comment on an issue": ({"issue": {"number": 1}}, {"GITHUB_EVENT_NAME": "issue_comment"}),
    "the end of a push": (
        {"workflow_run": {"event": "push"}},
        {"GITHUB_EVENT_NAME": "workflow_run"},
    ),
    "odd ones": ({"workflow_run": {"event": ["x"]}, "issue": 3}, {"GITHUB_EVENT_NAME": "push"}),
}


@pytest.mark.parametrize(("event", "variables"), PROPOSING.values(), ids=PROPOSING)
def test_what_a_pull_request_may_have_written(
    path: Path, event: dict[str, Any], variables: dict[str, str]
) -> None:
    assert from_event(path, event, **variables).is_proposed


@pytest.mark.parametrize(("event", "variables"), MERGED.values(), ids=MERGED)
def test_what_somebody_has_merged(
    path: Path, event: dict[str, Any], variables: dict[str, str]
) -> None:
    assert not from_event(path, event, **variables).is_proposed


def test_variables_that_are_not_utf_8_can_be_sent(path: Path) -> None:
    odd = {"GITHUB_REF": "refs/heads/\udcff", "GITHUB_REPOSITORY": "your-org/\udcff"}
    tags = provenance_from({"GITHUB_ACTIONS": "true", **odd, "GITHUB_EVENT_PATH": str(path)}).tags()
    assert tags["ref"] == "refs/heads/\ufffd"
    assert "".join(tags.values()).encode()
