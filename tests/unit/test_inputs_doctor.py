"""The inputs of `doctor`."""

from __future__ import annotations

import pytest
from unit.register_texts import HOST, SERVER
from unit.secrets_texts import KEPT

from remote_registry.errors import BadInput
from remote_registry.inputs.doctor import DoctorInputs, doctor_inputs
from remote_registry.inputs.scopes import ScopeUri


def read(**changed: str) -> DoctorInputs:
    return doctor_inputs(KEPT | {key.replace("_", "-"): it for key, it in changed.items()}, None)


def problems(**changed: str) -> list[str]:
    try:
        read(**changed)
    except BadInput as error:
        return list(error.problems)
    return []


def test_a_scope_is_named_by_two_inputs_and_a_model_may_be_missing() -> None:
    found = read()

    assert (found.scope, found.model_name, found.probe) == (ScopeUri("central", "prod"), "", False)
    assert read(scope="", prefix="").scope is None


def test_a_side_may_be_said_by_a_scope() -> None:
    found = read(registry_host="", registry_token="", registry_uri="databricks://a:b")

    assert found.registry == ScopeUri("a", "b")


def test_servers_have_no_scopes() -> None:
    texts = {"registry_host": "", "registry_token": "", "registry_uri": SERVER}
    assert problems(**texts) == []
    told = problems(tracking_host="", tracking_token="", tracking_uri=SERVER)
    assert told == ["scope: is in the source's workspace: give tracking-host."]


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"registry_host": "", "registry_token": ""}, "registry-host: say which registry"),
        ({"scope": ""}, "prefix: and the other"),
        ({"prefix": ""}, "scope: and the other"),
        ({"prefix": "a b"}, "prefix: 'a b' is no prefix"),
        ({"model_name": "a.b"}, "model-name: "),
        ({"stage": "Production"}, "stage: goes with model-name"),
        ({"stage": "x", "model_name": "a"}, "stage: 'x' is none"),
        ({"probe": "perhaps"}, "probe: "),
        ({"registry_host": f"{HOST}/path"}, "registry-host: "),
    ],
)
def test_what_is_wrong_is_told(changed: dict[str, str], says: str) -> None:
    (told,) = problems(**changed)

    assert says in told
