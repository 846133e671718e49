"""Where an artifact URI points: which store, how to sign in there, and which folder of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from .. import __version__
from ..errors import NeedsStores
from ..inputs.stores import connection_fields
from ..inputs.values import path_problem
from ..rest import Rest
from .store_errors import Place, translated

_URI = re.compile(r"(s3|gs|wasbs?|abfss?)://([^/]+)/?(.*)", re.DOTALL)
_ACCOUNT = re.compile(
    r"([a-z0-9-]+)@([a-z0-9]+)\.(?:blob|dfs)"
    r"\.(core\.(?:windows\.net|chinacloudapi\.cn|usgovcloudapi\.net))"
)
_ENDPOINTS = ("MLFLOW_S3_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
_AZURE_KEYS = ("AZURE_STORAGE_ACCESS_KEY", "AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_KEY")
# Variables that obstore calls by their own names, in small letters.
_S3_AS_THEY_ARE = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_SERVER_SIDE_ENCRYPTION",
    "AWS_SSE_KMS_KEY_ID",
)
_AZURE_AS_THEY_ARE = (
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "AZURE_TENANT_ID",
    "AZURE_AUTHORITY_HOST",
    "AZURE_FEDERATED_TOKEN_FILE",
)
_GCS_AS_THEY_ARE = (
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_SERVICE_ACCOUNT",
    "GOOGLE_SERVICE_ACCOUNT_KEY",
    "GOOGLE_BEARER_TOKEN",
)


@dataclass(frozen=True)
class Located:
    """A store of `obstore`, signed in to, and a folder of it."""

    store: Any
    place: Place
    folder: str
    is_azure: bool


def is_store(uri: str) -> bool:
    """Whether a URI is one of an object store."""
    return bool(_URI.fullmatch(uri))


def located(rest: Rest, uri: str, below: str = "") -> Located:
    """The store and the folder that a URI names, or one below it.

    Raises:
        NeedsStores: `obstore` is not installed.
        Failure: The URI names no place that a store could have, or the sign-in can't be right.
    """
    found = _URI.fullmatch(uri)
    if not found:
        raise rest.role.failure(f"{uri!r} is no URI of an object store.", where=rest.where)
    scheme, host, own = found[1], found[2], found[3].rstrip("/")
    folder = "/".join(filter(None, (own, below)))
    try:
        import obstore  # noqa: F401
    except ImportError as error:
        raise NeedsStores(f"{scheme}://{host}") from error
    kind = {"s3": _s3, "gs": _gcs}.get(scheme, _azure)
    place = _place(rest, f"{scheme}://{host}", kind)
    if re.search("[?#]", own):
        raise place.failure(f"The folder {own!r} holds '?' or '#', which have a meaning in a URI.")
    if folder and (problem := path_problem(folder)):
        raise place.failure(f"The folder {folder!r} {problem}.")
    with translated(place, "open the store"):
        return Located(kind(place, host), place, folder, kind is _azure)


def _place(rest: Rest, uri: str, kind: Callable[[Place, str], Any]) -> Place:
    if kind is _s3:
        sign_in, endpoint = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY", _ENDPOINTS[0]
    elif kind is _gcs:
        sign_in, endpoint = "GOOGLE_APPLICATION_CREDENTIALS", "the bucket's name"
    else:
        sign_in = "AZURE_STORAGE_CONNECTION_STRING or AZURE_STORAGE_ACCESS_KEY"
        endpoint = "AZURE_STORAGE_CONNECTION_STRING"
    prefix = rest.stores.prefix
    return Place(rest, uri, f"{sign_in}, or for this side alone the same after {prefix}", endpoint)


def _s3(place: Place, host: str) -> Any:
    from obstore.store import S3Store

    values = place.rest.stores.values
    config = _as_they_are(values, _S3_AS_THEY_ARE)
    config["region"] = values.get("AWS_REGION") or values.get("AWS_DEFAULT_REGION") or "us-east-1"
    if endpoint := next((values[name] for name in _ENDPOINTS if name in values), ""):
        config["endpoint"] = endpoint
    bundle = values.get("AWS_CA_BUNDLE", "")
    return S3Store(host, config=config, **_options(place, bundle))  # type: ignore[arg-type]


def _gcs(place: Place, host: str) -> Any:
    from obstore.store import GCSStore

    config = _as_they_are(place.rest.stores.values, _GCS_AS_THEY_ARE)
    if not config:  # or obstore would take what gcloud has left in the home folder
        raise place.no_sign_in("no variable of Google Cloud is set.")
    return GCSStore(host, config=config, **_options(place))  # type: ignore[arg-type]


def _azure(place: Place, host: str) -> Any:
    from obstore.store import AzureStore

    found = _ACCOUNT.fullmatch(host)
    if not found:
        raise place.failure(
            f"{place.uri} is no container of an Azure storage account.",
            "It is <container>@<account>.blob.core.windows.net.",
        )
    container, account, suffix = found.groups()
    values = place.rest.stores.values
    config = _as_they_are(values, _AZURE_AS_THEY_ARE)
    config |= {"account_name": account, "endpoint": f"https://{account}.blob.{suffix}"}
    if key := next((values[name] for name in _AZURE_KEYS if name in values), ""):
        config["account_key"] = key
    if token := values.get("AZURE_STORAGE_SAS_TOKEN", ""):
        config["sas_key"] = token.removeprefix("?")
    if text := values.get("AZURE_STORAGE_CONNECTION_STRING", ""):
        config |= _connection(place, text, account)
    return AzureStore(container, config=config, **_options(place))  # type: ignore[arg-type]


def _connection(place: Place, text: str, account: str) -> dict[str, str]:
    fields = connection_fields(text)
    if fields.get("AccountName", account) != account:
        raise place.failure(
            f"The connection string is of the account {fields['AccountName']}, and the files are "
            f"in {account}.",
            f"Set {place.rest.stores.named('AZURE_STORAGE_CONNECTION_STRING')} to that of "
            f"{account}.",
        )
    names = {
        "AccountKey": "account_key",
        "SharedAccessSignature": "sas_key",
        "BlobEndpoint": "endpoint",
    }
    return {names[name]: value for name, value in fields.items() if name in names}


def _as_they_are(values: Mapping[str, str], names: tuple[str, ...]) -> dict[str, str]:
    return {name.lower(): values[name] for name in names if name in values}


def _options(place: Place, bundle: str = "") -> dict[str, Any]:
    client: dict[str, Any] = {
        "allow_http": True,  # where an endpoint says http://, which nobody writes by chance
        "connect_timeout": "10s",
        "read_timeout": "60s",
        "timeout": "7d",  # of a whole file, however large
        "user_agent": f"register-remote-model/{__version__}",
    }
    if path := bundle or place.rest.stores.values.get("REQUESTS_CA_BUNDLE", ""):
        try:
            client["root_certificate"] = Path(path).read_bytes()
        except OSError as error:
            raise place.failure(f"{path}: {error.strerror}.") from error
    retries = {"max_retries": 3, "retry_timeout": timedelta(seconds=100)}
    return {"client_options": client, "retry_config": retries}
