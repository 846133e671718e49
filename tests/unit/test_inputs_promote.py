"""What `promote` is asked to do."""

from __future__ import annotations

import pytest
from unit.register_texts import HOST, SERVER

from remote_registry.errors import BadInput
from remote_registry.inputs.gates import Gate
from remote_registry.inputs.promote import PromoteInputs, promote_inputs
from remote_registry.inputs.select import Select

DATABRICKS = {"registry-host": HOST, "registry-token": "dapi"}
A, B = (f"sha256:{digit * 64}" for digit in "ab")
GOOD = {"model-name": "churn", "select": "version=3", "stage": "Production"}


def read(**changed: str) -> PromoteInputs:
    given = {name.replace("_", "-"): text for name, text in changed.items()}
    side = {} if "registry-uri" in given else DATABRICKS
    return promote_inputs({**GOOD, **side, **given}, None)


def problems(**changed: str) -> list[str]:
    with pytest.raises(BadInput) as error:
        read(**changed)
    return [problem.partition(":")[0] for problem in error.value.problems]


def test_a_stage() -> None:
    inputs = read(archive_existing="true", expect_previous="2", comment="for the release")

    assert inputs.select == Select("version", "3")
    assert (inputs.stage, inputs.aliases) == ("Production", ())
    assert (inputs.archive_existing, inputs.expect_previous) == (True, "2")
    assert inputs.comment == "for the release"
    assert (inputs.undo, inputs.dry_run) == (False, False)
    assert (inputs.digest, inputs.trusted_creators) == ("", ())


def test_digests_that_do_not_contradict_each_other() -> None:
    assert read(select=f"digest={A}", digest=A).digest == A
    assert read(select=f"digest={A}", digest=B, undo="true").digest == B
    assert read(select="latest", digest=B).digest == B


def test_what_undo_leaves_as_it_is_may_say_the_version() -> None:
    for select in ("alias=b", "stage=Production", "latest", "version=3"):
        assert read(registry_uri=SERVER, stage="", alias="a", select=select, undo="true").undo


def test_an_alias() -> None:
    inputs = read(registry_uri=SERVER, stage="", alias="champion")
    assert (inputs.stage, inputs.aliases) == ("", ("champion",))
    expecting = read(registry_uri=SERVER, stage="", alias="champion", expect_previous="2")
    assert expecting.expect_previous == "2"


def test_a_gate() -> None:
    inputs = read(gate="f1 > champion.f1\nloss < 1\n", gate_without_champion="fail")

    assert [one.line for one in inputs.gate.conditions] == ["f1 > champion.f1", "loss < 1"]
    assert inputs.gate.needs_champion
    assert read(gate="loss < 1", stage="None").gate.conditions
    assert read(gate="f1 > champion.f1", registry_uri=SERVER, stage="", alias="a").gate.conditions
    assert read().gate == Gate()


@pytest.mark.parametrize(
    "text", ["a@b.c, robot one", "a@b.c\n robot one \n", ",a@b.c ,\nrobot one,"]
)
def test_creators_by_comma_or_line(text: str) -> None:
    assert read(trusted_creators=text).trusted_creators == ("a@b.c", "robot one")


@pytest.mark.parametrize("text", [",", " , ,\n,"])
def test_a_list_of_nobody_is_not_anybody(text: str) -> None:
    assert problems(trusted_creators=text) == ["trusted-creators"]


@pytest.mark.parametrize(
    ("changed", "names"),
    [
        ({"stage": ""}, ["stage"]),
        ({"registry_uri": SERVER, "alias": "a"}, ["stage"]),
        ({"registry_uri": SERVER, "alias": "a, b", "stage": ""}, ["alias"]),
        ({"alias": "a", "stage": ""}, ["alias"]),
        ({"stage": "production"}, ["stage"]),
        ({"stage": "Archived", "archive_existing": "true"}, ["archive-existing"]),
        ({"registry_uri": SERVER, "comment": "why"}, ["comment"]),
        ({"undo": "true", "archive_existing": "true"}, ["archive-existing"]),
        ({"undo": "true", "expect_previous": "3"}, ["expect-previous"]),
        ({"digest": "0f"}, ["digest"]),
        ({"select": f"digest={A}", "digest": B}, ["digest"]),
        ({"gate": "f1 >\nloss"}, ["gate", "gate"]),
        ({"gate": "f1 > champion.f1", "stage": "Archived"}, ["gate"]),
        ({"gate": "f1 > 1", "gate_without_champion": "fail"}, ["gate-without-champion"]),
        ({"gate_without_champion": "maybe"}, ["gate-without-champion"]),
        ({"undo": "true", "gate": "f1 > 1"}, ["gate"]),
        ({"undo": "true", "stage": "None"}, ["undo"]),
        ({"undo": "true", "stage": "Archived"}, ["undo"]),
        ({"undo": "true", "select": "stage=Production"}, ["select"]),
        (
            {
                "undo": "true",
                "select": "alias=a",
                "registry_uri": SERVER,
                "stage": "",
                "alias": "a",
            },
            ["select"],
        ),
        ({"expect_previous": "3", "stage": "Archived"}, ["expect-previous"]),
        ({"expect_previous": "none", "stage": "None"}, ["expect-previous"]),
        ({"registry_uri": SERVER, "alias": "a" * 201, "stage": ""}, ["alias"]),
        ({"comment": "x" * 65_001}, ["comment"]),
        ({"select": ""}, ["select"]),
        ({"select": "all"}, ["select"]),
        ({"undo": "yes", "dry_run": "1"}, ["undo", "dry-run"]),
    ],
)
def test_what_cannot_be_right(changed: dict[str, str], names: list[str]) -> None:
    assert problems(**changed) == names
