"""A proxy in front of a real MLflow server, which breaks what the stand-in workspace breaks."""

from __future__ import annotations

import http.client
import threading
from typing import Any
from urllib.parse import quote, urlsplit

from workspace.control.access_log import AccessLog
from workspace.control.faults import Faults
from workspace.control.throttle import Lanes
from workspace.wire.listener import Listener
from workspace.wire.message import Reply, Request

_HOP_BY_HOP = ("connection", "keep-alive", "transfer-encoding", "content-length", "host")


def _unlimited() -> float:
    return 0.0


class FaultyProxy:
    """Passes requests on; has the control calls of a workspace that the sweep needs.

    Attributes:
        url: Its own.
        behind: The URL of the server.
    """

    def __init__(self, url: str) -> None:
        self.behind = url
        self._address = urlsplit(url).netloc
        self._faults = Faults()
        self._log = AccessLog()
        lanes = Lanes(_unlimited, _unlimited, _unlimited)
        self._listener = Listener("server", 0, self._exchange, lanes)
        self.url = self._listener.url
        threading.Thread(target=self._listener.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self._listener.shutdown()
        self._listener.server_close()

    def fault(self, action: str, **rule: Any) -> None:
        self._faults.add({"action": action, **rule})

    def clear_faults(self) -> None:
        self._faults.clear()

    def requests(self) -> list[dict[str, Any]]:
        return self._log.entries()

    def clear_requests(self) -> None:
        self._log.clear()

    def _exchange(self, request: Request) -> Reply:
        entry = self._log.begin(request)
        reply = None
        try:
            fault = self._faults.pick(request)
            entry["fault"] = fault and fault.action
            reply = fault.apply(request, self._forward) if fault else self._forward(request)
            if not reply.drop:
                request.body.drain()
            return reply
        finally:
            self._log.end(entry, request, reply)

    def _forward(self, request: Request) -> Reply:
        query = f"?{request.query_string}" if request.query_string else ""
        target = quote(request.path, errors="surrogateescape") + query
        body = request.body.read()
        headers = _passed_on(request.headers.items())
        connection = http.client.HTTPConnection(self._address, timeout=60)
        try:
            connection.request(request.method, target, body or None, headers)
            response = connection.getresponse()
            return Reply(response.status, _passed_on(response.getheaders()), response.read())
        finally:
            connection.close()


def _passed_on(headers: Any) -> dict[str, str]:
    return {name: value for name, value in headers if name.lower() not in _HOP_BY_HOP}
