"""What comes in and what goes out."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from .body import Body


class ApiError(Exception):
    """An answer other than success, in the form that both clients understand."""

    def __init__(
        self,
        status: int,
        error_code: str | int,
        message: str,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error_code = error_code
        self.message = message
        self.headers = headers or {}

    def reply(self) -> Reply:
        body = {"error_code": self.error_code, "message": self.message}
        return json_reply(body, status=self.status, headers=self.headers)


def not_implemented(what: str) -> ApiError:
    return ApiError(501, "NOT_IMPLEMENTED", f"The stand-in workspace does not answer {what}")


def missing(message: str) -> ApiError:
    return ApiError(404, "RESOURCE_DOES_NOT_EXIST", message)


def invalid(message: str) -> ApiError:
    return ApiError(400, "INVALID_PARAMETER_VALUE", message)


@dataclass(frozen=True)
class FileSlice:
    """A part of a file, sent without passing through Python."""

    path: Path
    offset: int
    length: int


@dataclass
class Reply:
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | FileSlice = b""
    drop: bool = False
    reset_after: int | None = None

    @property
    def length(self) -> int:
        return len(self.body) if isinstance(self.body, bytes) else self.body.length


def json_reply(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    body = json.dumps(data).encode()
    return Reply(status, {"Content-Type": "application/json", **(headers or {})}, body)


def refusal(status: int, code: str, message: str) -> Reply:
    """How a cloud's storage refuses."""
    body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return Reply(status, {"Content-Type": "application/xml"}, body.encode())


@dataclass
class Request:
    origin: str
    method: str
    path: str
    query_string: str
    headers: Message
    body: Body
    user: str = ""
    rights: frozenset[str] = frozenset()
    params: dict[str, str] = field(default_factory=dict)

    def query(self, name: str, default: str = "") -> str:
        return self._parsed_query().get(name, [default])[-1]

    def header(self, name: str) -> str | None:
        return self.headers.get(name)

    def fields(self) -> dict[str, Any]:
        """The parameters, wherever this client put them: query, JSON body or both."""
        merged: dict[str, Any] = {
            name: values[0] if len(values) == 1 else values
            for name, values in self._parsed_query().items()
        }
        merged.update(self._json())
        return merged

    def require(self, *names: str) -> list[Any]:
        fields = self.fields()
        for name in names:
            if fields.get(name) in (None, ""):
                raise invalid(f"Missing value for required parameter '{name}'.")
        return [fields[name] for name in names]

    def repeated(self, name: str) -> list[str]:
        value = self.fields().get(name, [])
        return value if isinstance(value, list) else [value]

    def _parsed_query(self) -> dict[str, list[str]]:
        return parse_qs(self.query_string, keep_blank_values=True)

    def _json(self) -> dict[str, Any]:
        raw = self.body.read()
        if not raw:
            return {}
        try:
            parsed = json.loads(raw)
        except ValueError:
            raise ApiError(400, "MALFORMED_REQUEST", "The body is not JSON.") from None
        if not isinstance(parsed, dict):
            raise ApiError(400, "MALFORMED_REQUEST", "The body is not a JSON object.")
        return parsed


def flag(value: Any) -> bool:
    """A boolean, which one client sends as JSON and the other as text."""
    return value in (True, "true", "True", "1")
