"""The control calls of a running workspace."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError

from .control.endpoint import KEY_HEADER, PREFIX

_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class ControlClient:
    host: str
    key: str

    def set(self, **knobs: Any) -> None:
        """Turn knobs; the README lists them."""
        self._call("PATCH", "knobs", knobs)

    def knobs(self) -> dict[str, Any]:
        return self._call("GET", "knobs")

    def fault(self, action: str, **rule: Any) -> None:
        """Add a fault rule; the README lists actions and their parameters."""
        self._call("POST", "faults", {"action": action, **rule})

    def clear_faults(self) -> None:
        self._call("DELETE", "faults")

    def requests(self) -> list[dict[str, Any]]:
        return self._call("GET", "requests") or []

    def clear_requests(self) -> None:
        self._call("DELETE", "requests")

    def reset(self) -> None:
        self._call("POST", "reset")

    def _call(self, method: str, what: str, body: dict[str, Any] | None = None) -> Any:
        request = urllib.request.Request(
            f"{self.host}{PREFIX}{what}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={KEY_HEADER: self.key},
        )
        try:
            with _direct.open(request, timeout=60) as response:
                return json.load(response)
        except HTTPError as error:
            raise ValueError(json.load(error)["message"]) from None
