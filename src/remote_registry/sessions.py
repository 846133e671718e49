"""Sessions of HTTP: how requests are signed, and what keeps them from strangers."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from . import __version__
from .inputs.sides import Databricks, Side, is_loopback


class _Header(requests.auth.AuthBase):
    """Signs requests with a given header; also keeps `requests` from reading `.netrc`."""

    def __init__(self, authorization: str = "") -> None:
        self._authorization = authorization

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._authorization:
            request.headers["Authorization"] = self._authorization
        return request


class _Adapter(HTTPAdapter):
    """Keeps what goes to this machine itself from proxies, which would read it without TLS."""

    def send(
        self, request: requests.PreparedRequest, *args: Any, **arguments: Any
    ) -> requests.Response:
        if is_loopback(urlsplit(request.url or "").netloc):
            arguments["proxies"] = {}
        return super().send(request, *args, **arguments)


def new_session(authorization: str = "") -> requests.Session:
    """A session that signs each request, or none, and follows no redirect by itself."""
    session = requests.Session()
    session.auth = _Header(authorization)
    session.headers["User-Agent"] = f"register-remote-model/{__version__}"
    widen(session, 32)
    return session


def widen(session: requests.Session, connections: int) -> None:
    """From now on so many connections of it are kept and used again."""
    for scheme in ("https://", "http://"):
        session.mount(scheme, _Adapter(pool_maxsize=connections))


def authorization_of(side: Side) -> str:
    """The header that signs in to a side; empty where there is nothing to sign in with."""
    if side.token:
        return f"Bearer {side.token.value}"
    if not isinstance(side, Databricks) and side.password:
        pair = f"{side.username}:{side.password.value}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"
    return ""
