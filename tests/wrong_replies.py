"""Replies that are no reply of an MLflow API."""

from __future__ import annotations

import pytest
from tiny_server import Reply

PAGE = b"<!DOCTYPE html><html><title>Sign in to Databricks</title>"
NO_JSON = [
    pytest.param(Reply(body=PAGE), id="page"),
    pytest.param(Reply(body=b"[1, 2]"), id="list"),
    pytest.param(Reply(body=b'"text"'), id="string"),
    pytest.param(Reply(body=b"null"), id="null"),
    pytest.param(Reply(body=b'{"answer": 4'), id="truncated"),
    pytest.param(Reply(body=b"\xff\xfe{}"), id="no UTF-8"),
    pytest.param(Reply(301, headers={"Location": "/"}), id="301"),
    pytest.param(Reply(302, headers={"Location": "/login.html"}), id="302"),
    pytest.param(Reply(307, headers={"Location": "/"}), id="307"),
]
LOST = [
    pytest.param(Reply(drop="reset"), id="reset"),
    pytest.param(Reply(drop="close"), id="closed"),
    pytest.param(Reply(body=b'{"answer": 42}', sent=5), id="broken off"),
    pytest.param(Reply(500), id="500"),
    pytest.param(Reply(502, PAGE), id="502"),
    pytest.param(Reply(503), id="503"),
    pytest.param(Reply(504), id="504"),
]
