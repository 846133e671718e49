"""Where a side is and how to sign in there: a Databricks workspace, or an MLflow server."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import urlsplit

from .texts import InputError, Texts

_DATABRICKS_DOMAINS = re.compile(
    r"(^|\.)(azuredatabricks\.net|databricks\.azure\.(cn|us)|databricks\.(com|us|mil))$"
)
_LABEL = "[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST_NAME = re.compile(rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*")
_DEFAULT_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True)
class Secret:
    """A token or a password; its text is in no `repr`."""

    value: str = field(repr=False)


@dataclass(frozen=True)
class Databricks:
    """A Databricks workspace: `https://<host>`, a token, and its id where it was given."""

    url: str
    token: Secret
    workspace_id: str = ""


@dataclass(frozen=True)
class StoreVariables:
    """The variables that sign in to the object stores in which one side keeps its files.

    Attributes:
        values: By their plain names; of each cloud one whole set.
        prefix: What the names of this side's own begin with.
        prefixed: The plain names of those that were read with that prefix.
    """

    values: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    prefix: str = ""
    prefixed: frozenset[str] = frozenset()

    def named(self, name: str) -> str:
        """The variable as it was read."""
        return self.prefix + name if name in self.prefixed else name


@dataclass(frozen=True)
class MlflowServer:
    """An MLflow server: its URI without a trailing slash, and at most one kind of sign-in.

    Attributes:
        stores: How to sign in where the server keeps its files in an object store.
    """

    url: str
    username: str = ""
    password: Secret | None = None
    token: Secret | None = None
    stores: StoreVariables = StoreVariables()


Side: TypeAlias = "Databricks | MlflowServer"


def side_from(texts: Texts, side: str) -> Side | None:
    """Reads `<side>-host` or `-uri` and what belongs to it; notes problems, `None` if any.

    Args:
        side: `registry` or `tracking`.
    """
    host, uri = texts[f"{side}-host"], texts[f"{side}-uri"]
    if host and uri:
        texts.problem(f"{side}-uri", f"give {side}-host or {side}-uri, not both.")
        return None
    if host:
        return _databricks(texts, side)
    if uri:
        return _mlflow_server(texts, side)
    names = ("token", "workspace-id", "username", "password")
    for name in texts.given(*(f"{side}-{name}" for name in names)):
        texts.problem(name, f"has no meaning without {side}-host or {side}-uri.")
    return None


def _databricks(texts: Texts, side: str) -> Databricks | None:
    url = texts.read(f"{side}-host", databricks_url)
    token = texts.read(f"{side}-token", secret)
    if not texts[f"{side}-token"]:
        texts.problem(
            f"{side}-token",
            f"is empty, and {side}-host needs it. Is the secret set, and may this job read it?",
        )
    number = texts.read(f"{side}-workspace-id", workspace_id) or ""
    for name in texts.given(f"{side}-username", f"{side}-password"):
        texts.problem(name, f"belongs to an MLflow server; with {side}-host give {side}-token.")
    return Databricks(url, token, number) if url and token is not None else None


def databricks_url(text: str) -> str:
    """A workspace's address, which has TLS, no path, and no query."""
    scheme, netloc, rest = _split(text)
    if rest.strip("/?"):
        raise InputError(
            f"ends after the host name: {scheme}://{netloc}. Leave out what comes after it."
        )
    if scheme == "http" and not is_loopback(netloc):
        raise InputError("is spoken to by https:// only; else the token could be read on the way.")
    return f"{scheme}://{netloc}"


def workspace_id(text: str) -> str:
    """A workspace's number; empty where none is given."""
    if not re.fullmatch(r"[0-9]{0,20}", text):
        raise InputError("is the workspace's number, digits only.")
    return text


def _mlflow_server(texts: Texts, side: str) -> MlflowServer | None:
    username = texts.read(f"{side}-username", _username) or ""
    allow_http = texts["allow-http"].lower() == "true"
    url = texts.read(f"{side}-uri", lambda text: _mlflow_url(text, side, allow_http=allow_http))
    token = texts.read(f"{side}-token", secret)
    password = texts.read(f"{side}-password", _password)
    if bool(texts[f"{side}-username"]) != bool(texts[f"{side}-password"]):
        texts.problem(f"{side}-username", f"and {side}-password are given together or not at all.")
    if texts[f"{side}-username"] and texts[f"{side}-token"]:
        texts.problem(f"{side}-token", f"is given and {side}-username too; one sign-in is enough.")
    if texts[f"{side}-workspace-id"]:
        texts.problem(f"{side}-workspace-id", f"belongs to a Databricks workspace: {side}-host.")
    return MlflowServer(url, username, password, token) if url else None


def _mlflow_url(text: str, side: str, *, allow_http: bool) -> str:
    scheme, netloc, path = _split(text)
    if "?" in path:
        raise InputError("is the server's address, without '?' and what follows.")
    if _DATABRICKS_DOMAINS.search(netloc.partition(":")[0]):
        raise InputError(f"is a Databricks workspace: give it as {side}-host with https://.")
    if scheme == "http" and not allow_http and not is_loopback(netloc):
        raise InputError("http:// sends the sign-in readable; use https://, or allow-http: true.")
    return f"{scheme}://{netloc}{path}".rstrip("/")


def _split(text: str) -> tuple[str, str, str]:
    """The scheme, the host with its port, and what follows; the same of two ways to write one."""
    if "@" in text:
        # Before any message that quotes the text, for what stands there may be a password.
        raise InputError("holds a user name or a password; give those in their own inputs.")
    if re.match("databricks-uc(:|$)", text):
        raise InputError("Unity Catalog is to come; today's registries are workspaces and servers.")
    if re.match("databricks(:|$)", text):
        raise InputError("names a profile; a Databricks workspace is said by its https:// host.")
    if not re.fullmatch(r"[!-~]+", text):
        raise InputError(f"{text!r} holds a space or an odd character.")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise InputError(f"{text!r} is no URL.") from None
    if parts.scheme not in _DEFAULT_PORTS or not parts.netloc:
        raise InputError(f"needs its scheme: https://{re.sub('^[A-Za-z-]+:/+|^/+', '', text)}")
    host = _host(parts.hostname or "")
    # `urlsplit` finds a host in a[::1], and in Python 3.10 in [1.2.3.4].
    written = re.sub(":[0-9]*$", "", parts.netloc).lower().removesuffix(".")
    if not host or port == 0 or host != written:
        raise InputError(f"{parts.netloc!r} is no host name.")
    if parts.fragment or not re.fullmatch(r"[A-Za-z0-9._~/%-]*", parts.path):
        raise InputError("is a plain address, without '#' and odd characters.")
    own_port = "" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}"
    query = f"?{parts.query}" if parts.query else ""
    return parts.scheme, f"{host}{own_port}", f"{parts.path}{query}"


def _host(text: str) -> str:
    """A host as it stands in a URL; empty where the text is none."""
    if ":" in text:
        return f"[{text}]" if _is_ipv6(text) else ""
    name = text.removesuffix(".")
    return name if _HOST_NAME.fullmatch(name) else ""


def _is_ipv6(text: str) -> bool:
    try:
        return "%" not in text and bool(ipaddress.IPv6Address(text))
    except ValueError:
        return False


def is_loopback(netloc: str) -> bool:
    """Whether a host, with or without a port, is this machine itself."""
    host = urlsplit(f"//{netloc}").hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def secret(text: str) -> Secret | None:
    """A token that an HTTP header carries; `None` where there is none."""
    if not re.fullmatch(r"[\x21-\x7e]*", text):
        raise InputError("holds a space, a line break or a character that no HTTP header carries.")
    return Secret(text) if text else None


def _password(text: str) -> Secret | None:
    if not text.isprintable():
        raise InputError("holds a line break or another control character.")
    return Secret(text) if text else None


def _username(text: str) -> str:
    if ":" in text or not text.isprintable():
        raise InputError("holds a ':' or a control character, which no sign-in carries.")
    return text
