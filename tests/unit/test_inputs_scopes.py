"""A side that is said by a secret scope."""

from __future__ import annotations

import pytest
from unit.register_texts import HOST, SERVER, problem, problems, read

from remote_registry.inputs.scopes import ScopeUri
from remote_registry.inputs.sides import Databricks, Secret

HERE = Databricks(HOST, Secret("dapi-1"))


def scoped(side: str, uri: str = "databricks://central:prod") -> dict[str, str]:
    """Inputs that say one side by a scope and the other by host and token."""
    other = "tracking" if side == "registry" else "registry"
    return {
        "run-id": "0123456789abcdef0123456789abcdef",
        "model-name": "iris",
        f"{side}-uri": uri,
        f"{other}-host": HOST,
        f"{other}-token": "dapi-1",
    }


@pytest.fixture(params=["registry", "tracking"])
def side(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.mark.parametrize(
    ("uri", "scope", "prefix"),
    [
        ("databricks://central:prod", "central", "prod"),
        ("databricks://central:prod/", "central", "prod"),
        ("  databricks://central:prod\n", "central", "prod"),
        ("databricks://a@b.c_d-e:f.g_h-1", "a@b.c_d-e", "f.g_h-1"),
        (f"databricks://{'s' * 128}:{'p' * 115}", "s" * 128, "p" * 115),
    ],
)
def test_a_scope_and_a_prefix_say_a_side(side: str, uri: str, scope: str, prefix: str) -> None:
    inputs = read(scoped(side, uri))
    said = ScopeUri(scope, prefix)

    both = (said, HERE) if side == "registry" else (HERE, said)
    assert (inputs.registry, inputs.tracking) == both


def test_the_three_keys_are_those_of_mlflow() -> None:
    uri = ScopeUri("central", "prod")

    assert [uri.key(kind) for kind in ("host", "token", "workspace-id")] == [
        "prod-host",
        "prod-token",
        "prod-workspace-id",
    ]
    assert str(uri) == "databricks://central:prod"


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("databricks://central:", "no prefix"),
        ("databricks://:prod", "no scope's name"),
        ("databricks://central:pr@od", "no prefix"),
        ("databricks://central:a:b", "no prefix"),
        ("databricks://central:prod/path", "no prefix"),
        ("databricks://cen tral:prod", "no scope's name"),
        ("databricks://zentrál:prod", "no scope's name"),
        (f"databricks://{'s' * 129}:prod", "128 at most"),
        (f"databricks://central:{'p' * 116}", "115 at most"),
        ("databricks://profile", "names a profile"),
        ("databricks-uc://central:prod", "Unity Catalog is to come"),
    ],
)
def test_what_is_none_is_told(side: str, uri: str, says: str) -> None:
    told = problem(scoped(side, uri))

    assert told.startswith(f"{side}-uri: ")
    assert says in told


@pytest.mark.parametrize("name", ["host", "token", "workspace-id", "username", "password"])
def test_what_comes_from_the_scope_is_not_given_too(side: str, name: str) -> None:
    texts = scoped(side) | {f"{side}-{name}": HOST if name == "host" else "1"}

    assert problem(texts) == (
        f"{side}-{name}: comes from the scope that {side}-uri names; leave one out."
    )


def test_two_scopes_have_nobody_to_read_them() -> None:
    texts = {
        "run-id": "0123456789abcdef0123456789abcdef",
        "model-name": "iris",
        "registry-uri": "databricks://a:b",
        "tracking-uri": "databricks://c:d",
    }

    assert "registry-uri too" in problem(texts)


@pytest.mark.parametrize("uri", ["", SERVER])
def test_a_scope_is_read_by_the_other_side_which_is_a_workspace(side: str, uri: str) -> None:
    other = "tracking" if side == "registry" else "registry"
    changed = {f"{other}-host": "", f"{other}-token": "", f"{other}-uri": uri}

    told = problems(scoped(side) | changed)

    assert f"{side}-uri: names a scope, which is read with the other side's sign-in: " in told[0]
    assert f"give {other}-host and {other}-token." in told[0]


def test_the_registry_of_a_scope_has_what_a_workspace_has() -> None:
    inputs = read(scoped("registry"), permissions="ml-team=CAN_READ", stage="Staging")
    assert len(inputs.permissions) == 1

    told = problems(scoped("registry"), alias="champion", model_name="a.b")
    assert [one.partition(":")[0] for one in told] == ["model-name", "alias"]


def test_all_that_is_wrong_is_told_at_once() -> None:
    given = scoped("registry", "databricks://central:") | {"registry-token": "1", "stage": "x"}
    told = problems(given, tracking_token="")

    assert [one.partition(":")[0] for one in told] == [
        "registry-token",
        "registry-uri",
        "tracking-token",
        "stage",
    ]
