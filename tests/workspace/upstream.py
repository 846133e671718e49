"""The MLflow server behind the workspace."""

from __future__ import annotations

import http.client
import json
import queue
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from .wire.message import ApiError, Request

API = "/api/2.0/mlflow/"
READING = ("GET", "HEAD")


class Upstream:
    """Kept-alive connections to one MLflow server, one per call at a time."""

    def __init__(self, url: str) -> None:
        self._address = urlsplit(url).netloc
        self._idle: queue.LifoQueue[http.client.HTTPConnection] = queue.LifoQueue()

    def call(self, method: str, what: str, **fields: Any) -> dict[str, Any]:
        """One call below `/api/2.0/mlflow/`; another answer than success is raised."""
        what = quote(what)
        if method in READING:
            query = urlencode({k: v for k, v in fields.items() if v is not None}, doseq=True)
            status, raw = self._exchange(method, f"{API}{what}?{query}", None)
        else:
            status, raw = self._exchange(method, API + what, json.dumps(fields).encode())
        body = json.loads(raw or b"{}")
        if status != 200:
            raise ApiError(status, body.get("error_code", status), body.get("message", ""))
        return body

    def forward(self, request: Request) -> dict[str, Any]:
        """The same call, with the parameters where MLflow's server looks for them."""
        what = request.path.removeprefix(API)
        return self.call(request.method, what, **request.fields())

    def _exchange(self, method: str, target: str, body: bytes | None) -> tuple[int, bytes]:
        connection = self._take()
        headers = {"Content-Type": "application/json"} if body is not None else {}
        try:
            connection.request(method, target, body, headers)
            response = connection.getresponse()
            answer = response.status, response.read()
        except BaseException:
            connection.close()
            raise
        self._idle.put(connection)
        return answer

    def _take(self) -> http.client.HTTPConnection:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            return http.client.HTTPConnection(self._address, timeout=120)
