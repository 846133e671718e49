"""The variables that a model's processes are given: a list of names, and no sign-in among them."""

from __future__ import annotations

import os
from collections.abc import Mapping

_PLAIN = (
    "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "PATH", "TZ",
    "LD_LIBRARY_PATH",  # actions/setup-python sets it for its Pythons, ours among them
    "PIP_DEFAULT_TIMEOUT", "PIP_NO_INDEX", "PIP_RETRIES", "PIP_TIMEOUT", "PIP_TRUSTED_HOST",
    "UV_HTTP_TIMEOUT", "UV_INDEX_STRATEGY", "UV_NATIVE_TLS", "UV_NO_INDEX", "UV_OFFLINE",
    "UV_SYSTEM_CERTS",
)  # fmt: skip
_FILES = (
    "CURL_CA_BUNDLE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_DIR", "SSL_CERT_FILE",
)  # fmt: skip
_PLACES = (
    "PIP_CONSTRAINT", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_INDEX_URL", "PIP_PROXY",
    "UV_CONSTRAINT", "UV_DEFAULT_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_INDEX",
    "UV_INDEX_URL", "UV_PYTHON_INSTALL_MIRROR",
)  # fmt: skip
_PROXIES = ("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY")


def allowed(environment: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """What a model's processes may have of the variables.

    Returns:
        Those variables, and the names of those that were kept back, for they hold a sign-in.
    """
    given = {name: environment[name] for name in (*_PLAIN, *_FILES) if environment.get(name)}
    refused = []
    proxies = [form for name in _PROXIES for form in (name, name.lower())]
    for name in (*_PLACES, *proxies):
        text = environment.get(name, "").strip()
        if text and _may_sign_in(text):
            refused.append(name)
        elif text:
            given[name] = text
    return given, refused


def _may_sign_in(text: str) -> bool:
    """Whether an address could hold a password or a token: `user:word@host`, or `host/?key=…`.

    Also where it has no scheme, for a proxy needs none.
    """
    return "@" in text or "?" in text


def named_paths(variables: Mapping[str, str]) -> list[str]:
    """The files and folders of this machine that the variables name."""
    words = [
        word.removeprefix("file://")
        for name in (*_FILES, *_PLACES)
        for word in variables.get(name, "").replace(",", " ").split()
    ]
    # Path.exists raises where a folder above can't be entered, or the name is too long.
    return [word for word in words if word.startswith("/") and os.path.exists(word)]  # noqa: PTH110
