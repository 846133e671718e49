"""Which variables sign in to an object store: one whole set for each side, and no other."""

from __future__ import annotations

import dataclasses

from unit.register_texts import ON_DATABRICKS, ON_SERVER, read

from remote_registry.inputs.sides import MlflowServer
from remote_registry.inputs.stores import store_settings, take_stores, with_stores

PLAIN = {
    "AWS_ACCESS_KEY_ID": "plain key",
    "AWS_SECRET_ACCESS_KEY": "plain secret",
    "AWS_SESSION_TOKEN": "plain token",
    "AWS_REGION": "eu-west-1",
    "AZURE_STORAGE_ACCESS_KEY": "plain azure",
}
OWN = {"TRACKING_AWS_ACCESS_KEY_ID": "own key", "TRACKING_AWS_SECRET_ACCESS_KEY": "own secret"}


def test_a_side_with_a_variable_of_its_own_takes_nothing_of_the_plain_set() -> None:
    found = store_settings(PLAIN | OWN, "TRACKING_")
    assert found.values == {
        "AWS_ACCESS_KEY_ID": "own key",
        "AWS_SECRET_ACCESS_KEY": "own secret",
        "AZURE_STORAGE_ACCESS_KEY": "plain azure",
    }
    assert found.named("AWS_REGION") == "TRACKING_AWS_REGION"
    assert found.named("AZURE_STORAGE_ACCESS_KEY") == "AZURE_STORAGE_ACCESS_KEY"


def test_one_region_of_its_own_is_a_set_too() -> None:
    found = store_settings({**PLAIN, "REGISTRY_AWS_REGION": "us-east-2"}, "REGISTRY_")
    assert found.values == {"AWS_REGION": "us-east-2", "AZURE_STORAGE_ACCESS_KEY": "plain azure"}


def test_a_side_without_any_takes_the_plain_set() -> None:
    assert store_settings(PLAIN | OWN, "REGISTRY_").values == PLAIN


def test_an_empty_variable_is_none() -> None:
    empty = {"REGISTRY_AWS_ACCESS_KEY_ID": "", "AWS_SESSION_TOKEN": ""}
    found = store_settings({**PLAIN, **empty}, "REGISTRY_")
    assert found.values == {name: text for name, text in PLAIN.items() if name not in empty}


def test_nothing_of_a_cloud_is_left_in_the_environment() -> None:
    others = {"PATH": "/bin", "INPUT_TRACKING_TOKEN": "t", "REQUESTS_CA_BUNDLE": "/ca.pem"}
    unknown = {"AWS_SKIP_SIGNATURE": "true", "AWS_ENDPOINT": "x", "GOOGLE_BUCKET": "b"}
    environment = {**PLAIN, **OWN, **unknown, **others, "MLFLOW_S3_ENDPOINT_URL": "http://s3"}
    taken = take_stores(environment)
    assert environment == others
    assert taken.variables["MLFLOW_S3_ENDPOINT_URL"] == "http://s3"
    assert store_settings(taken.variables, "TRACKING_").values["REQUESTS_CA_BUNDLE"] == "/ca.pem"


def test_secrets_are_known_as_such() -> None:
    connection = "AccountName=a;AccountKey=abc==;SharedAccessSignature=sv=1&sig=2"
    environment = {
        **PLAIN,
        **OWN,
        "REGISTRY_AZURE_STORAGE_CONNECTION_STRING": connection,
        "GOOGLE_SERVICE_ACCOUNT_KEY": "{}",
    }
    secrets = take_stores(environment).secrets
    assert set(secrets) == {
        "plain secret", "plain token", "plain azure", "own secret", "{}",
        connection, "abc==", "sv=1&sig=2",
    }  # fmt: skip


def test_each_server_gets_its_own_and_a_workspace_none() -> None:
    taken = take_stores(PLAIN | OWN)
    both = read(ON_SERVER, tracking_uri="https://other.example.com")
    inputs = with_stores(both, taken)
    assert isinstance(inputs.tracking, MlflowServer)
    assert isinstance(inputs.registry, MlflowServer)
    assert inputs.tracking.stores.values["AWS_ACCESS_KEY_ID"] == "own key"
    assert inputs.registry.stores.values["AWS_ACCESS_KEY_ID"] == "plain key"
    assert "plain secret" not in repr(inputs) + repr(taken)
    assert with_stores(read(ON_DATABRICKS), taken) == read(ON_DATABRICKS)


def test_inputs_are_otherwise_the_same() -> None:
    inputs = read(ON_SERVER)
    with_them = with_stores(inputs, take_stores(dict(PLAIN)))
    plain = dataclasses.replace(with_them, registry=inputs.registry)
    assert plain == inputs
