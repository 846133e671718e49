"""The inputs of `secrets`."""

from __future__ import annotations

import pytest
from unit.register_texts import HOST
from unit.secrets_texts import KEPT, OTHER_HOST

from remote_registry.errors import BadInput
from remote_registry.inputs.scopes import ScopeUri
from remote_registry.inputs.secrets import SecretsInputs, secrets_inputs
from remote_registry.inputs.sides import Databricks, Secret


def read(**changed: str) -> SecretsInputs:
    return secrets_inputs(KEPT | {key.replace("_", "-"): it for key, it in changed.items()}, None)


def problems(**changed: str) -> list[str]:
    try:
        read(**changed)
    except BadInput as error:
        return list(error.problems)
    return []


def test_what_is_read() -> None:
    assert read(readers="team, ana@example.com\nteam\n") == SecretsInputs(
        uri=ScopeUri("central", "prod"),
        registry=Databricks(HOST, Secret("dapi-of-the-registry")),
        tracking=Databricks(OTHER_HOST, Secret("dapi-of-the-source")),
        readers=("team", "ana@example.com"),
        retry_timeout=120.0,
        dry_run=False,
    )


def test_to_take_out_needs_no_registry() -> None:
    assert read(remove="true", registry_host="", registry_token="").registry is None
    assert read(remove="true").registry is None


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"scope": ""}, "scope: is required."),
        ({"scope": "a b"}, "scope: 'a b' is no scope's name"),
        ({"scope": "s" * 129}, "scope: "),
        ({"prefix": ""}, "prefix: is required."),
        ({"prefix": "a/b"}, "prefix: 'a/b' is no prefix"),
        ({"prefix": "p" * 116}, "prefix: "),
        ({"registry_host": "", "registry_token": ""}, "registry-host: is required"),
        ({"tracking_host": "", "tracking_token": ""}, "tracking-host: is required"),
        ({"registry_host": "http://a.azuredatabricks.net"}, "https:// only"),
        ({"tracking_token": ""}, "tracking-token: is empty"),
        ({"remove": "yes"}, "remove: "),
        ({"remove": "true", "readers": "team"}, "readers: have no meaning"),
        ({"readers": "a\x07b"}, "readers: "),
        ({"retry_timeout": "0"}, "retry-timeout: "),
        ({"dry_run": "maybe"}, "dry-run: "),
    ],
)
def test_what_is_wrong_is_told(changed: dict[str, str], says: str) -> None:
    (told,) = problems(**changed)

    assert says in told


def test_all_that_is_wrong_is_told_at_once() -> None:
    wrong = {"scope": "", "prefix": "?", "registry_token": "two words", "tracking_host": "x"}

    assert [one.partition(":")[0] for one in problems(**wrong)] == [
        "scope",
        "prefix",
        "registry-token",
        "tracking-host",
    ]


def test_no_secret_is_in_what_the_inputs_print_of_themselves() -> None:
    assert "dapi" not in repr(read())
