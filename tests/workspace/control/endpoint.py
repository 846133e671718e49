"""`/__control__/…`: the knobs, faults and the access log, for whoever has the control key."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..wire.message import ApiError, Reply, Request, invalid, json_reply
from .access_log import AccessLog
from .faults import Faults
from .knobs import Knobs

PREFIX = "/__control__/"
KEY_HEADER = "X-Control-Key"


@dataclass
class Control:
    key: str
    knobs: Knobs
    changed: Callable[[], None] = lambda: None
    faults: Faults = field(default_factory=Faults)
    log: AccessLog = field(default_factory=AccessLog)

    def __post_init__(self) -> None:
        self._at_start = self.knobs.as_dict()
        self._calls: dict[tuple[str, str], Callable[[dict[str, Any]], Any]] = {
            ("GET", "knobs"): lambda _: self.knobs.as_dict(),
            ("PATCH", "knobs"): self._change,
            ("POST", "faults"): self.faults.add,
            ("DELETE", "faults"): lambda _: self.faults.clear(),
            ("GET", "requests"): lambda _: self.log.entries(),
            ("DELETE", "requests"): lambda _: self.log.clear(),
            ("POST", "reset"): lambda _: self._reset(),
        }

    def answer(self, request: Request) -> Reply:
        if not hmac.compare_digest(request.header(KEY_HEADER) or "", self.key):
            raise ApiError(403, "PERMISSION_DENIED", "The control key is missing or wrong.")
        call = self._calls.get((request.method, request.path.removeprefix(PREFIX)))
        if call is None:
            raise ApiError(404, "ENDPOINT_NOT_FOUND", "There is no such control call.")
        try:
            return json_reply(call(request.fields()) or {})
        except (ValueError, TypeError) as error:
            raise invalid(str(error)) from None

    def _change(self, changes: dict[str, Any]) -> dict[str, Any]:
        self.knobs.change(changes)
        self.changed()
        return self.knobs.as_dict()

    def _reset(self) -> None:
        """Knobs as at start, no faults, an empty log; what the workspace holds stays."""
        self.faults.clear()
        self.log.clear()
        self._change(self._at_start)
