"""The variables that sign in to object stores: taken out of the environment, a set for each side.

`obstore` would read the process's variables by itself, and mix them with what it is given. So all
of them are taken away from it at the start, and it is given one side's set.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from .register import RegisterInputs
from .registries import RegistryInputs
from .scopes import GivenSide
from .sides import MlflowServer, StoreVariables

if TYPE_CHECKING:  # it reads YAML, which not every verb has to import
    from .many import ManyInputs

_TAKEN = re.compile(r"(?:TRACKING_|REGISTRY_)?(?:AWS_|AZURE_|GOOGLE_|MLFLOW_S3_ENDPOINT_URL$)")
_SECRET = re.compile(r"SECRET|SESSION_TOKEN|CONNECTION_STRING|SAS_|BEARER|_KEY$")
_NO_SECRET = re.compile(r"SSE_KMS_KEY|^(?:TRACKING_|REGISTRY_)?AWS_ACCESS_KEY_ID$")
_SHARED = ("REQUESTS_CA_BUNDLE",)  # no sign-in, and read by others too
# The variables of each cloud that have a meaning here.
S3 = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "MLFLOW_S3_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL",
    "AWS_CA_BUNDLE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_SERVER_SIDE_ENCRYPTION",
    "AWS_SSE_KMS_KEY_ID",
)
AZURE = (
    "AZURE_STORAGE_CONNECTION_STRING",
    "AZURE_STORAGE_ACCESS_KEY",
    "AZURE_STORAGE_ACCOUNT_KEY",
    "AZURE_STORAGE_KEY",
    "AZURE_STORAGE_SAS_TOKEN",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "AZURE_TENANT_ID",
    "AZURE_AUTHORITY_HOST",
    "AZURE_FEDERATED_TOKEN_FILE",
)
GCS = (
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_SERVICE_ACCOUNT",
    "GOOGLE_SERVICE_ACCOUNT_KEY",
    "GOOGLE_BEARER_TOKEN",
)


T = TypeVar("T", bound=RegistryInputs)
S = TypeVar("S", bound=GivenSide)


@dataclass(frozen=True)
class Taken:
    """What was taken out of the environment."""

    variables: Mapping[str, str] = field(repr=False)

    @property
    def secrets(self) -> list[str]:
        """The texts that nobody may read, the parts of a connection string among them."""
        found = []
        for name, text in self.variables.items():
            if _SECRET.search(name) and not _NO_SECRET.search(name):
                found += [text, *_keys_of(text)]
        return [text for text in dict.fromkeys(found) if text.strip()]


def take_stores(environment: MutableMapping[str, str]) -> Taken:
    """Takes all variables of object stores out of the environment, whatever they are about."""
    names = [name for name in environment if _TAKEN.match(name)]
    taken = {name: environment.pop(name) for name in names}
    return Taken({name: environment[name] for name in _SHARED if name in environment} | taken)


def with_stores(inputs: RegisterInputs, taken: Taken) -> RegisterInputs:
    """The inputs, each side with its own set of variables."""
    registry = _with_set(inputs.registry, taken, "registry")
    tracking = inputs.tracking and _with_set(inputs.tracking, taken, "tracking")
    return replace(inputs, registry=registry, tracking=tracking)


def many_with_stores(inputs: ManyInputs, taken: Taken) -> ManyInputs:
    """The same of the inputs of `many`."""
    registry = inputs.registry and _with_set(inputs.registry, taken, "registry")
    tracking = inputs.tracking and _with_set(inputs.tracking, taken, "tracking")
    return replace(inputs, registry=registry, tracking=tracking)


def registry_with_stores(inputs: T, taken: Taken) -> T:
    """The inputs of a verb that knows no other side, with the registry's set of variables."""
    return replace(inputs, registry=_with_set(inputs.registry, taken, "registry"))


def _with_set(side: S, taken: Taken, name: str) -> S:
    if not isinstance(side, MlflowServer):
        return side
    return replace(side, stores=store_settings(taken.variables, f"{name.upper()}_"))


def store_settings(environment: Mapping[str, str], role_prefix: str) -> StoreVariables:
    """One side's variables, without their prefix.

    Of each cloud a side has one whole set: the variables with its prefix where there is any of
    them, else the plain ones. What the one set lacks never comes from the other.

    Args:
        role_prefix: `TRACKING_` or `REGISTRY_`.
    """
    found = {name: environment[name] for name in _SHARED if environment.get(name)}
    prefixed_clouds: list[str] = []
    for cloud in (S3, AZURE, GCS):
        own = {name: environment.get(role_prefix + name, "") for name in cloud}
        if any(own.values()):
            prefixed_clouds += cloud
        else:
            own = {name: environment.get(name, "") for name in cloud}
        found.update({name: text for name, text in own.items() if text})
    return StoreVariables(found, role_prefix, frozenset(prefixed_clouds))


def connection_fields(text: str) -> dict[str, str]:
    """The fields of an Azure connection string, such as `AccountKey`."""
    pairs = [part.strip().partition("=") for part in text.split(";")]
    return {name.strip(): value.strip() for name, equals, value in pairs if equals}


def _keys_of(text: str) -> list[str]:
    fields = connection_fields(text)
    return [fields[name] for name in ("AccountKey", "SharedAccessSignature") if name in fields]
