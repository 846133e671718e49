"""Which of a registry's versions are meant; nothing is called."""

from __future__ import annotations

import time

import pytest

from remote_registry.connection import Connection
from remote_registry.errors import VersionMissing
from remote_registry.github import PullRequest
from remote_registry.inputs.select import Select, select_or_all
from remote_registry.inputs.sides import MlflowServer
from remote_registry.plan import Found
from remote_registry.registry.api import RegistryApi, Version
from remote_registry.rest import REGISTRY, Rest
from remote_registry.select import matching, nearest, of_pull_requests, the_one

A, B, C = "a" * 40, "b" * 40, "c" * 40
API = RegistryApi(Connection(Rest(MlflowServer("http://127.0.0.1:9"), REGISTRY), False), "churn")


def version(number: int, status: str = "READY", stage: str = "None", **recorded: str) -> Version:
    tags = {f"remote_registry.{name}": text for name, text in recorded.items()}
    return Version("churn", str(number), status, stage, tags=tags | {"team": "risk"})


FOUND = Found(
    versions=(
        version(10, "PENDING_REGISTRATION", commit=C),
        version(9, stage="Staging", head_commit=B, commit=A, pull_request="12", repository="o/r"),
        version(5, stage="Production", commit=B, digest="sha256:5", repository="o/r"),
        version(4, stage="Production", source_run_id="run", pull_request="12", repository="o/x"),
        version(2, "FAILED_REGISTRATION", commit=C),
    ),
    aliases={"champion": "4"},
)


@pytest.mark.parametrize(
    ("select", "numbers"),
    [
        ("version=9", "9"),
        ("version=3", ""),
        ("stage=Production", "5 4"),
        ("stage=Archived", ""),
        ("alias=champion", "4"),
        ("alias=other", ""),
        ("latest", "9"),
        (f"commit={A}", "9"),
        (f"commit={B}", "9 5"),
        (f"commit={C}", "10 2"),
        ("run-id=run", "4"),
        ("pull-request=12", "9 4"),
        ("tag=team=risk", "10 9 5 4 2"),
        ("tag=team=", ""),
        ("tag=remote_registry.digest=sha256:5", "5"),
        ("all", "10 9 5 4 2"),
    ],
)
def test_those_that_fit_newest_first(select: str, numbers: str) -> None:
    fitting = matching(FOUND, select_or_all(select))
    assert [version.number for version in fitting] == numbers.split()


def test_the_number_of_a_pull_request_is_of_one_repository() -> None:
    found = [one.number for one in matching(FOUND, Select("pull-request", "12"), "o/r")]
    assert found == ["9"]


def test_a_run_is_known_by_the_registrys_own_field_too() -> None:
    found = Found(versions=(Version("churn", "1", "READY", "None", run_id="theirs"),))
    assert matching(found, Select("run-id", "theirs"))


def test_of_a_pull_request_only_its_last_commit_counts() -> None:
    merged = [PullRequest("12", B), PullRequest("13", A)]
    assert [one.number for one in of_pull_requests(FOUND, merged, "o/r")] == ["9"]
    assert of_pull_requests(FOUND, [PullRequest("12", A)], "o/r") == []
    assert of_pull_requests(FOUND, merged, "o/another") == []


def one(select: str) -> str:
    meant = select_or_all(select)
    return the_one(API, FOUND, meant, matching(FOUND, meant)).number


@pytest.mark.parametrize(
    ("select", "number"), [("stage=Production", "5"), ("latest", "9"), ("run-id=run", "4")]
)
def test_one_is_meant(select: str, number: str) -> None:
    assert one(select) == number


@pytest.mark.parametrize("select", [f"commit={B}", "pull-request=12", "tag=team=risk"])
def test_several_that_record_the_same_are_listed(select: str) -> None:
    with pytest.raises(VersionMissing, match=r"version 9 \(READY, Staging\)") as error:
        one(select)
    assert "select: version=<number>" in error.value.todo
    assert "version 2" not in error.value.what  # which is not READY, where others are


def test_none_is_told_with_what_is_near() -> None:
    with pytest.raises(VersionMissing, match=r"fits version=3\. Nearest: version 4") as error:
        one("version=3")
    assert error.value.exit_code == 4


@pytest.mark.parametrize(
    ("select", "told"),
    [
        (Select("stage", "Archived"), "It has version 10 (PENDING_REGISTRATION), version 9 ("),
        (Select("alias", "x"), "Its aliases: champion (version 4)."),
        (Select("commit", "0" * 40), f"Recorded: {C} (version 10), {B} (version 9), "),
        (Select("tag", "x", "team"), "Recorded: risk (version 10)."),
        (Select("tag", "x", "teams"), "No version has a tag 'teams'. Near it: 'team'."),
        (Select("run-id", "rum"), "Recorded: run (version 4)."),
    ],
)
def test_what_is_near(select: Select, told: str) -> None:
    assert nearest(FOUND, select).startswith(told)


def test_a_model_without_versions_says_so() -> None:
    assert nearest(Found(versions=()), Select("latest")) == "It has no version."


def test_long_values_are_neither_compared_nor_told_whole() -> None:
    essays = [version(number, note=f"{number} {'words ' * 800}") for number in range(5000, 0, -1)]

    begun = time.monotonic()
    told = nearest(Found(versions=tuple(essays)), Select("tag", "x" * 5000, "remote_registry.note"))

    assert len(told) < 600
    assert "… (version " in told
    assert time.monotonic() - begun < 5
