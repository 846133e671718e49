"""What a server's replies say; an odd one is the server's failure, and no bug of ours."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

import requests

from .errors import Failure

Json = dict[str, Any]
Complain = Callable[[str], Failure]
_LONGEST_PAGE = 100_000
_SURROGATE = re.compile("[\ud800-\udfff]")
# Flask's page, which an MLflow server itself answers where it has no such call.
_OWN_404 = re.compile(r"<!doctype html>\s*(<html lang=en>\s*)?<title>404 Not Found</title>")

# Fields of the MLflow API by what they hold. All others that are read are texts: a new one that is
# none has to be named here.
_OBJECTS = (
    "abort_credential_info", "credential_info", "experiment", "info", "inputs", "model",
    "model_version", "model_version_databricks", "outputs", "registered_model",
    "registered_model_databricks", "run", "upload_credential_info",
)  # fmt: skip
_LISTS = (
    "aliases", "credential_infos", "credentials", "experiments", "files", "items", "metrics",
    "model_inputs", "model_outputs", "model_versions", "models", "params", "registered_models",
    "requests", "runs", "scopes", "tags", "upload_credential_infos",
)  # fmt: skip
_NUMBERS = ("creation_timestamp", "creation_timestamp_ms", "file_size", "part_number", "version")
_NO_TEXTS = (*_OBJECTS, *_LISTS, *_NUMBERS, "data", "headers", "is_dir")


class Reply(Json):
    """An object of a reply, which vouches for what is read of it.

    A field that ought to be there and is not, or that holds something else than it ought to, is the
    server's failure. `null` is the same as no field.

    Args:
        complain: Makes the failure of the server's side.
    """

    def __init__(self, fields: Json, complain: Complain) -> None:
        super().__init__(fields)
        self._complain = complain

    def __getitem__(self, field: str) -> Any:
        value = super().get(field)
        if value is None:
            raise self._complain(f"lacks {field!r}")
        return self._checked(field, value)

    def get(self, field: str, default: Any = None) -> Any:
        """A field that need not be there."""
        value = super().get(field)
        return default if value is None else self._checked(field, value)

    def odd(self, how: str) -> Failure:
        """The failure of a reply that can't be right."""
        return self._complain(how)

    def _checked(self, field: str, value: Any) -> Any:
        if _is_right(field, value):
            return value
        if field in _NO_TEXTS or not isinstance(value, (str, int)):
            shown = textwrap.shorten(repr(value), 60, placeholder=" …")
            raise self._complain(f"holds an odd {field!r}, {shown}")
        # A path is refused by whoever lists it, for by another name it would be another file.
        return value if field == "path" else _SURROGATE.sub("\ufffd", str(value))


def pages(ask: Callable[[str], Json]) -> Iterator[Json]:
    """All pages of a listing.

    Args:
        ask: Asks for the page of a token, which is empty for the first one.

    Raises:
        Failure: A page leads to itself, so that they have no end.
    """
    token = ""
    while True:
        reply = ask(token)
        yield reply
        before, token = token, str(reply.get("next_page_token") or "")
        if not token:
            return
        if token == before and isinstance(reply, Reply):
            raise reply.odd("leads to the same page again")


def _is_right(field: str, value: Any) -> bool:
    if field in _OBJECTS or (field == "headers" and not isinstance(value, list)):
        return isinstance(value, dict)
    if field in _LISTS or field == "headers":
        return isinstance(value, list) and all(isinstance(one, dict) for one in value)
    if field in _NUMBERS:
        return bool(re.fullmatch("[0-9]{1,18}", str(value)))
    if field == "data":  # a run's, or of a file on DBFS
        return isinstance(value, (dict, str))
    if field == "is_dir":
        return isinstance(value, bool)
    return isinstance(value, str) and not _SURROGATE.search(value)


def number_of(fields: Json, name: str) -> float:
    """A number with a fraction, or NaN for what is none; `NaN` and `Infinity` are texts in JSON."""
    try:
        return float(dict(fields).get(name, math.nan))
    except (TypeError, ValueError, OverflowError):
        return math.nan


def headers_of(signed: Json) -> dict[str, str]:
    """The headers that go with a signed URL: a list of names and values, or a mapping."""
    headers = signed.get("headers") or {}
    if isinstance(headers, list):
        return {header["name"]: header["value"] for header in headers}
    return {str(name): str(value) for name, value in headers.items()}


def object_of(response: requests.Response, complain: Complain) -> Json | None:
    """The JSON object that a reply is; `None` where it is something else."""
    if not response.content.strip():
        return Reply({}, complain)
    try:
        value = response.json(object_hook=lambda fields: Reply(fields, complain))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, Reply) else None


def retry_after(response: requests.Response) -> float | None:
    """Seconds that a server asks to wait, if it does."""
    after = response.headers.get("Retry-After", "")
    return float(after) if re.fullmatch(r"[0-9]{1,5}", after) else None


def error_of(response: requests.Response) -> tuple[str, str, bool]:
    """The `error_code` and the message of a refusal, and whether they are the MLflow API's.

    They are not where the reply is a page of something else that stands before the server.
    """
    try:
        body = response.json()
    except (ValueError, RecursionError):
        text = response.content[:_LONGEST_PAGE].decode(errors="replace")
        return "", _page_title(text), not text.strip() or bool(_OWN_404.match(text))
    if not isinstance(body, dict):
        return "", "", True
    code = str(body.get("error_code") or "")
    return code, str(body.get("message") or body.get("error") or body.get("detail") or ""), True


def _page_title(text: str) -> str:
    title = re.search(r"<(title|pre)[^>]*>([^<]*)", text, re.IGNORECASE)
    # Cut at a space alone, for half a secret would not be known as one.
    return textwrap.shorten(title[2] if title else text, 200, placeholder=" …")
