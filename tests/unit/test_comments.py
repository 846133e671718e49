"""Keeping one comment: nothing takes longer than it may, and a signal ends it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from local_github import BOT, REPOSITORY, TOKEN, Answer, LocalGitHub, local_github

from remote_registry.comments import PullRequestComments, marker
from remote_registry.errors import GitHubFailed
from remote_registry.github import GitHub, Refused
from remote_registry.inputs.sides import Secret

SOURCES = Path(__file__).parents[2] / "src"
MARK = marker("churn")
SIGNALLED = """
import os, signal, sys, threading
sys.path.insert(0, sys.argv[1])
from remote_registry import cancelling
from remote_registry.comments import PullRequestComments
from remote_registry.errors import Cancelled
from remote_registry.github import GitHub
cancelling.listen()
threading.Timer(0.5, os.kill, [os.getpid(), signal.SIGTERM]).start()
try:
    PullRequestComments(GitHub(sys.argv[2], "your-org/churn", None, 30), "7", 30).keep({"m": "m"})
except Cancelled as cancelled:
    sys.exit(cancelled.exit_code)
"""


@pytest.fixture
def github() -> Iterator[LocalGitHub]:
    with local_github() as running:
        yield running


def comments(github: LocalGitHub, seconds: float) -> PullRequestComments:
    return PullRequestComments(GitHub(github.url, REPOSITORY, Secret(TOKEN), 30), "7", seconds)


def test_the_name_of_a_model_does_not_end_its_mark() -> None:
    assert marker("--> @somebody").count(">") == 1
    assert marker("churn") != marker("Churn")


def test_who_answers_nothing_is_not_waited_for(github: LocalGitHub) -> None:
    github.silent = True
    begun = time.monotonic()

    with pytest.raises(GitHubFailed, match=r"too slow|can't be reached"):
        comments(github, 1.0).keep({MARK: MARK})

    assert time.monotonic() - begun < 5


def test_who_fails_all_the_time_is_given_up(github: LocalGitHub) -> None:
    github.refusals += [(502, {}, "Bad Gateway")] * 100
    begun = time.monotonic()

    with pytest.raises(GitHubFailed, match="502: Bad Gateway"):
        comments(github, 2.0).keep({MARK: MARK})

    assert time.monotonic() - begun < 5
    assert len(github.calls) > 1


def test_a_time_that_is_over_is_told(github: LocalGitHub) -> None:
    with pytest.raises(GitHubFailed, match="too slow"):
        comments(github, 0.0).keep({MARK: MARK})

    assert github.calls == []


@pytest.mark.parametrize("silent", [True, False])
def test_a_signal_ends_it(github: LocalGitHub, silent: bool) -> None:
    github.silent = silent
    github.limit_moment(20)

    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-I", "-B", "-c", SIGNALLED, SOURCES, github.url], check=False, timeout=60
    )

    assert done.returncode == 143
    assert time.monotonic() - begun < 10


def test_pages_of_another_host_are_not_asked_for(github: LocalGitHub) -> None:
    github.refusals += [
        (200, {}, {"data": {"viewer": {"login": BOT}}}),
        (200, {"Link": '<https://evil.example/page>; rel="next"'}, {}),
    ]

    comments(github, 10).keep({MARK: MARK})

    assert len(github.comments) == 1
    assert [call.partition(" ")[0] for call in github.calls] == ["POST", "GET", "POST", "GET"]


def test_all_but_the_first_of_ours_are_deleted(github: LocalGitHub) -> None:
    first = github.write(f"{MARK}\nold")
    github.write(f"{MARK}\nolder")
    github.write(f"{MARK}\nof somebody", author="somebody")

    comments(github, 10).keep({MARK: f"{MARK}\nnew"})

    assert github.own() == [f"{MARK}\nnew"]
    assert first.body == f"{MARK}\nnew"
    assert len(github.comments) == 2


def test_one_that_somebody_deletes_meanwhile_is_written_anew(github: LocalGitHub) -> None:
    github.write(f"{MARK}\nold")
    github.vanishing = 1

    comments(github, 10).keep({MARK: f"{MARK}\nnew"})

    assert github.own() == [f"{MARK}\nnew"]


def test_one_that_is_listed_and_not_there_is_given_up(
    github: LocalGitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    github.write(f"{MARK}\nold")
    seen: list[str] = []

    def never(method: str, _: int, __: Any) -> Answer:
        seen.append(method)
        return 404, {}, {"message": "Not Found"}

    monkeypatch.setattr(github, "_changed_comment", never)
    begun = time.monotonic()

    with pytest.raises(Refused, match="404: Not Found"):
        comments(github, 20).keep({MARK: f"{MARK}\nnew"})

    assert time.monotonic() - begun < 10
    assert set(seen) == {"PATCH"}


def test_several_are_listed_once_before_and_once_after_what_is_new(github: LocalGitHub) -> None:
    texts = {mark: f"{mark}\nnew" for mark in map(marker, "abcdef")}
    first, second, third, *_ = texts
    github.write(f"{first}\nold")
    github.write(f"{second}\nnew")
    github.followers.append(f"{third}\nof another job")
    told: list[str] = []

    comments(github, 10).keep(texts, told.append)

    assert sorted(github.own()) == sorted(texts.values())
    assert told == list(texts)
    kinds = [call.partition(" ")[0] for call in github.calls]
    assert kinds == ["POST", "GET", *["POST"] * 4, "GET", "PATCH", "DELETE"]


def test_what_stands_when_one_of_several_fails_is_not_written_again(github: LocalGitHub) -> None:
    texts = {mark: f"{mark}\nnew" for mark in map(marker, "abc")}
    github.lost = 1

    comments(github, 10).keep(texts)

    assert sorted(github.own()) == sorted(texts.values())
    assert [call.partition(" ")[0] for call in github.calls].count("PATCH") == 0


@pytest.mark.parametrize("limit", ["limit_graphql", "limit_hour"])
def test_a_limit_that_has_just_ended_is_not_waited_for(github: LocalGitHub, limit: str) -> None:
    getattr(github, limit)(-10)

    comments(github, 10).keep({MARK: MARK})

    assert github.own() == [MARK]
