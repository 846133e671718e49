"""Every request that came in, and how it ended."""

from __future__ import annotations

import threading
import time
from typing import Any

from ..wire.message import Reply, Request


class AccessLog:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: list[dict[str, Any]] = []

    def begin(self, request: Request) -> dict[str, Any]:
        """The entry is seen at once, so that a request that never ends is seen too."""
        entry: dict[str, Any] = {
            "origin": request.origin,
            "method": request.method,
            "path": request.path,
            "query": request.query_string,
            "started": time.time(),
            "user": None,
            "authorization": request.header("Authorization") is not None,
            "org_id": request.header("x-databricks-org-id"),
            "workspace_id": request.header("x-databricks-workspace-id"),
            "user_agent": request.header("User-Agent"),
            "range": request.header("Range"),
            "status": None,
            "bytes_in": 0,
            "bytes_out": 0,
            "fault": None,
        }
        with self._lock:
            entry["number"] = len(self._entries) + 1
            self._entries.append(entry)
        return entry

    @staticmethod
    def end(entry: dict[str, Any], request: Request, reply: Reply | None) -> None:
        entry["user"] = request.user
        entry["bytes_in"] = request.body.received
        entry["seconds"] = time.time() - entry["started"]
        if reply is not None and not reply.drop:
            entry["status"] = reply.status
            entry["bytes_out"] = 0 if request.method == "HEAD" else reply.length

    def entries(self) -> list[dict[str, Any]]:
        with self._lock:
            return [dict(entry) for entry in self._entries]

    def clear(self) -> None:
        with self._lock:
            self._entries = []
