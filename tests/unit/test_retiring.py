"""Which versions go and which stay; nothing is called."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from unit.test_inputs_retire import read

from remote_registry.inputs.retire import RetireInputs
from remote_registry.plan import Found
from remote_registry.registry.api import Version
from remote_registry.retiring import DELETING_TAG, choose, half_gone
from remote_registry.select import matching

NOW = 1_000 * 86_400.0


def version(number: int, status: str = "READY", stage: str = "None", days: float = 50) -> Version:
    return Version("churn", str(number), status, stage, created=NOW - days * 86_400)


FOUND = Found(
    versions=(
        version(9, "PENDING_REGISTRATION", days=1),
        version(8, days=2),
        version(7, "FAILED_REGISTRATION"),
        version(6),
        version(5, stage="Production"),
        version(4, stage="Staging"),
        version(3),
        version(2, stage="Archived"),
        version(1, days=100),
    ),
    aliases={"champion": "3"},
)


def chosen(**texts: str) -> tuple[str, str]:
    """The numbers of those that go, and of those that stay though they are meant."""
    inputs = read(**texts)
    fitting = matching(FOUND, inputs.select) if inputs.select else list(FOUND.versions or ())
    choice = choose(FOUND, fitting, inputs, NOW)
    going = " ".join(one.number for one in choice.going)
    return going, " ".join(one.number for one, _ in choice.staying)


@pytest.mark.parametrize(
    ("texts", "going", "staying"),
    [
        ({"select": "version=6"}, "6", ""),
        ({"select": "version=5"}, "", "5"),
        ({"select": "version=5", "force": "true"}, "5", ""),
        ({"select": "version=3"}, "", "3"),
        ({"select": "version=3", "force": "true"}, "3", ""),
        ({"select": "version=2"}, "", ""),
        ({"select": "version=2", "to": "delete"}, "2", ""),
        ({"select": "version=7"}, "", "7"),
        ({"select": "version=7", "to": "delete"}, "7", ""),
        ({"select": "version=9", "to": "delete", "force": "true"}, "", "9"),
        ({"select": "all"}, "1 4 6 8", "3 5 7 9"),
        ({"select": "all", "to": "delete", "confirm": "churn"}, "1 2 4 6 7 8", "3 5 9"),
        ({"keep_last": "2"}, "1", "3 7 9"),
        ({"keep_last": "2", "to": "delete"}, "1 7", "3 9"),
        ({"keep_last": "0", "to": "delete"}, "1 6 7 8", "3 9"),
        ({"keep_last": "50"}, "", "7 9"),
        ({"older_than": "60", "to": "delete"}, "1", ""),
        ({"older_than": "10"}, "1 4 6", "3 5 7"),
        ({"older_than": "10", "keep_last": "1"}, "1 6", "3 7"),
        ({"select": "stage=None", "older_than": "60"}, "1", ""),
    ],
)
def test_who_goes_and_who_stays(texts: dict[str, str], going: str, staying: str) -> None:
    assert chosen(**texts) == (going, staying)


def test_a_version_of_unknown_age_is_not_old() -> None:
    found = Found(versions=(Version("churn", "1", "READY", "None"),))
    assert choose(found, found.versions or (), read(older_than="0"), NOW).going == ()


def all_inputs() -> list[RetireInputs]:
    ways = itertools.product(
        ({}, {"select": "all", "confirm": "churn"}, {"select": "stage=Production"}),
        ("archive", "delete"),
        ({}, {"keep_last": "0"}, {"keep_last": "2"}),
        ({}, {"older_than": "0"}, {"older_than": "60"}),
    )
    texts = [{"to": to, **select, **keep, **age} for select, to, keep, age in ways]
    return [read(**one) for one in texts if len(one) > 1]


@pytest.mark.parametrize("inputs", all_inputs(), ids=str)
def test_what_is_in_use_never_goes_unless_forced(inputs: RetireInputs) -> None:
    choice = choose(FOUND, FOUND.versions or (), inputs, NOW)
    assert not {"3", "5", "9"} & {one.number for one in choice.going}


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [
        ({"select": "stage=Staging", "to": "delete"}, ["4"]),
        ({"select": "stage=Staging", "to": "archive"}, []),
        ({"select": "stage=Production", "to": "delete"}, []),
        ({"select": "version=4", "to": "delete"}, []),
        ({"keep_last": "0", "to": "delete"}, []),
    ],
)
def test_what_was_archived_to_be_deleted_is_still_meant(
    texts: dict[str, str], numbers: list[str]
) -> None:
    tags = {DELETING_TAG: "stage=Staging"}
    found = Found(
        versions=(
            version(5, stage="Archived"),
            replace(version(4, stage="Archived"), tags=tags),
            replace(version(3, stage="Production"), tags=tags),
        )
    )
    assert [one.number for one in half_gone(found, read(**texts))] == numbers
