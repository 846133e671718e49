"""Which registry is meant, of the verbs that know no source."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from unit.register_texts import HOST, SERVER

from remote_registry.errors import BadInput
from remote_registry.inputs.download import download_inputs
from remote_registry.inputs.promote import promote_inputs
from remote_registry.inputs.registries import RegistryInputs
from remote_registry.inputs.resolve import resolve_inputs
from remote_registry.inputs.retire import retire_inputs
from remote_registry.inputs.scopes import ScopeUri
from remote_registry.inputs.sides import Databricks, Secret
from remote_registry.inputs.tested import inputs_of_test

Parse = Callable[[Mapping[str, str | None], Path | None], RegistryInputs]
GOOD = {"model-name": "churn", "select": "version=3"}
BY_SCOPE = {
    "registry-uri": "databricks://central:prod",
    "tracking-host": HOST,
    "tracking-token": "dapi",
    "tracking-workspace-id": "5",
}


def promoted_inputs(texts: Mapping[str, str | None], checkout: Path | None) -> RegistryInputs:
    stage = {} if texts.get("alias") else {"stage": "Staging"}
    return promote_inputs({**stage, **texts}, checkout)


def consented_inputs(texts: Mapping[str, str | None], checkout: Path | None) -> RegistryInputs:
    return inputs_of_test({"run-model-code": "true", **texts}, checkout)


@pytest.fixture(
    params=[resolve_inputs, download_inputs, consented_inputs, promoted_inputs, retire_inputs],
    ids=["resolve", "download", "test", "promote", "retire"],
)
def parse(request: pytest.FixtureRequest) -> Parse:
    return request.param


def problems(parse: Parse, given: dict[str, str]) -> list[str]:
    with pytest.raises(BadInput) as error:
        parse({**GOOD, **given}, None)
    return list(error.value.problems)


def test_a_scope_says_the_registry_and_the_workspace_that_has_it_is_signed_in_to(
    parse: Parse,
) -> None:
    inputs = parse({**GOOD, **BY_SCOPE}, None)

    assert inputs.registry == ScopeUri("central", "prod")
    assert inputs.tracking == Databricks(HOST, Secret("dapi"), "5")


@pytest.mark.parametrize(
    "given", [{"registry-host": HOST, "registry-token": "dapi"}, {"registry-uri": SERVER}]
)
def test_without_a_scope_there_is_nobody_else_to_sign_in_to(
    parse: Parse, given: dict[str, str]
) -> None:
    assert parse({**GOOD, **given}, None).tracking is None
    for name in ("tracking-host", "tracking-token", "tracking-workspace-id"):
        assert problems(parse, {**given, name: BY_SCOPE[name]}) == [
            f"{name}: has no meaning without registry-uri: databricks://<scope>:<prefix>."
        ]


@pytest.mark.parametrize(
    ("changed", "names"),
    [
        ({"registry-host": HOST}, ["registry-host"]),
        ({"registry-token": "dapi"}, ["registry-token"]),
        ({"registry-workspace-id": "5"}, ["registry-workspace-id"]),
        ({"registry-username": "me"}, ["registry-username"]),
        ({"registry-password": "secret"}, ["registry-password"]),
        (
            {"tracking-host": "", "tracking-token": "", "tracking-workspace-id": ""},
            ["registry-uri"],
        ),
        ({"tracking-token": ""}, ["tracking-token"]),
        ({"tracking-host": "http://adb.example.com"}, ["tracking-host"]),
        ({"tracking-workspace-id": "five"}, ["tracking-workspace-id"]),
        ({"registry-uri": "databricks://central:"}, ["registry-uri"]),
        ({"model-name": "a.b"}, ["model-name"]),
        ({"select": "alias=champion"}, ["select"]),
        ({"registry-token": "dapi", "model-name": ""}, ["registry-token", "model-name"]),
    ],
)
def test_what_cannot_be_right(parse: Parse, changed: dict[str, str], names: list[str]) -> None:
    told = problems(parse, BY_SCOPE | changed)

    assert [one.partition(":")[0] for one in told] == names
    assert "dapi" not in str(told)


def test_the_registry_of_a_scope_has_what_a_workspace_has() -> None:
    assert promote_inputs({**GOOD, **BY_SCOPE, "stage": "Staging", "comment": "why"}, None).comment
    assert retire_inputs({**GOOD, **BY_SCOPE, "mlflow-staging": "ab12"}, None).mlflow_staging

    told = problems(promoted_inputs, BY_SCOPE | {"alias": "champion"})
    assert [one.partition(":")[0] for one in told] == ["alias"]
