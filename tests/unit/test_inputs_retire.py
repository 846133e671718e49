"""What `retire` is asked to do."""

from __future__ import annotations

import pytest
from unit.register_texts import HOST, SERVER

from remote_registry.errors import BadInput
from remote_registry.inputs.retire import RetireInputs, retire_inputs
from remote_registry.inputs.select import ALL, Select

DATABRICKS = {"registry-host": HOST, "registry-token": "dapi"}


def read(**changed: str) -> RetireInputs:
    given = {name.replace("_", "-"): text for name, text in changed.items()}
    side = {} if "registry-uri" in given else DATABRICKS
    return retire_inputs({"model-name": "churn", **side, **given}, None)


def problems(**changed: str) -> list[str]:
    with pytest.raises(BadInput) as error:
        read(**changed)
    return [problem.partition(":")[0] for problem in error.value.problems]


def test_a_policy() -> None:
    inputs = read(keep_last="3", older_than="0.5")

    assert (inputs.to, inputs.keep_last, inputs.older_than) == ("archive", 3, 0.5)
    assert inputs.select is None
    assert inputs.has_policy
    assert not inputs.names_versions


def test_named_versions() -> None:
    inputs = read(select="stage=Staging", to="delete", force="true")

    assert inputs.select == Select("stage", "Staging")
    assert inputs.names_versions
    assert inputs.force
    assert (inputs.keep_last, inputs.older_than) == (None, None)


def test_none_are_kept_is_not_the_same_as_any_are() -> None:
    assert read(keep_last="0").keep_last == 0
    assert read(keep_last="0").has_policy


@pytest.mark.parametrize(
    ("texts", "whole"),
    [
        ({"to": "delete", "confirm": "churn"}, True),
        ({"to": "archive"}, False),
        ({"to": "delete", "keep_last": "1"}, False),
        ({"to": "delete", "older_than": "1"}, False),
    ],
)
def test_the_registered_model_goes_with_all_its_versions(
    texts: dict[str, str], whole: bool
) -> None:
    inputs = read(select=ALL, **texts)
    assert inputs.deletes_model is whole
    assert not inputs.names_versions


@pytest.mark.parametrize(
    ("changed", "names"),
    [
        ({}, ["select"]),
        ({"to": "delete"}, ["select"]),
        ({"select": "all", "to": "delete"}, ["confirm"]),
        ({"select": "all", "to": "delete", "confirm": "chum"}, ["confirm"]),
        ({"select": "latest", "confirm": "chum"}, ["confirm"]),
        ({"select": "latest", "to": "bin"}, ["to"]),
        ({"select": "3", "keep_last": "-1", "older_than": "x"}, ["select", "keep-last"]),
        ({"select": "alias=a"}, ["select"]),
        ({"registry_uri": SERVER, "mlflow_staging": "abc"}, ["mlflow-staging"]),
        ({"mlflow_staging": "../x"}, ["mlflow-staging"]),
        ({"mlflow_staging": "remote-registry-1"}, ["mlflow-staging"]),
        ({"keep_last": "1", "force": "1", "dry_run": "x"}, ["force", "dry-run"]),
    ],
)
def test_what_cannot_be_right(changed: dict[str, str], names: list[str]) -> None:
    assert problems(**changed)[: len(names)] == names
