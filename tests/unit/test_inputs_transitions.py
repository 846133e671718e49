"""What `request`, `approve` and `reject` are asked to do."""

from __future__ import annotations

import pytest
from unit.register_texts import HOST, SERVER

from remote_registry.errors import BadInput
from remote_registry.inputs.select import Select
from remote_registry.inputs.transitions import approve_inputs, transition_inputs

GOOD = {"model-name": "churn", "select": "version=3", "stage": "Production"}
DATABRICKS = {"registry-host": HOST, "registry-token": "dapi"}
BOTH = pytest.mark.parametrize("read", [transition_inputs, approve_inputs])


def given(**changed: str) -> dict[str, str]:
    texts = {name.replace("_", "-"): text for name, text in changed.items()}
    return {**GOOD, **({} if "registry-uri" in texts else DATABRICKS), **texts}


def problems(read: object, **changed: str) -> list[str]:
    with pytest.raises(BadInput) as error:
        read(given(**changed), None)
    return list(error.value.problems)


@BOTH
def test_what_is_asked(read: object) -> None:
    inputs = read(given(comment=" for the release ", dry_run="True"), None)

    assert inputs.select == Select("version", "3")
    assert (inputs.stage, inputs.comment, inputs.dry_run) == ("Production", "for the release", True)


def test_approving_is_promoting_to_a_stage() -> None:
    more = {"archive_existing": "true", "expect_previous": "2", "trusted_creators": "a@b.c"}
    inputs = approve_inputs(given(**more), None)

    assert (inputs.aliases, inputs.undo) == ((), False)
    assert (inputs.archive_existing, inputs.expect_previous) == (True, "2")
    assert inputs.trusted_creators == ("a@b.c",)


@BOTH
@pytest.mark.parametrize(
    ("changed", "names"),
    [
        ({"stage": ""}, ["stage"]),
        ({"stage": "production"}, ["stage"]),
        ({"select": ""}, ["select"]),
        ({"select": "all"}, ["select"]),
        ({"select": "alias=champion"}, ["select"]),
        ({"dry_run": "1"}, ["dry-run"]),
        ({"comment": "x" * 65_001}, ["comment"]),
        ({"model_name": "a/b", "stage": "", "select": ""}, ["model-name", "select", "stage"]),
    ],
)
def test_what_cannot_be_right(read: object, changed: dict[str, str], names: list[str]) -> None:
    assert [problem.partition(":")[0] for problem in problems(read, **changed)] == names


@BOTH
def test_an_mlflow_server_has_no_requests_and_what_to_do_instead(read: object) -> None:
    (problem,) = problems(read, registry_uri=SERVER)

    assert problem.startswith("registry-uri: an MLflow server has no transition requests")
    assert "promote with stage or alias" in problem
    assert "required reviewers" in problem


def test_two_digests_that_no_version_has() -> None:
    select, digest = f"digest=sha256:{'a' * 64}", f"sha256:{'b' * 64}"
    (problem,) = problems(approve_inputs, select=select, digest=digest)

    assert problem.startswith("digest: ")


@pytest.mark.parametrize("stage", ["None", "Archived"])
def test_nothing_is_archived_from_where_versions_rest(stage: str) -> None:
    (problem,) = problems(approve_inputs, stage=stage, archive_existing="true")

    assert problem.startswith("archive-existing: ")
