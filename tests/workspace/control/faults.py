"""What goes wrong, when, and how often."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from fnmatch import fnmatchcase
from typing import Any

from ..wire.message import Reply, Request, json_reply

Respond = Callable[[Request], Reply]
SIGN_IN_PAGE = b"<!doctype html><html><title>Sign in</title><body>Please sign in</body></html>"
RESET_REQUEST_AFTER = 64 << 10


@dataclass
class Fault:
    """One rule; `skip` lets that many fitting requests pass, `times` 0 means for ever."""

    action: str
    method: str = "*"
    path: str = "*"
    skip: int = 0
    times: int = 1
    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    seconds: float = 0.0
    after_handler: bool = False
    seen: int = 0

    @classmethod
    def parse(cls, rule: dict[str, Any]) -> Fault:
        known = {name.name for name in fields(cls)} - {"seen"}
        if unknown := rule.keys() - known:
            raise ValueError(f"a fault has no {', '.join(sorted(unknown))}")
        if rule.get("action") not in ACTIONS:
            raise ValueError(f"'action' is one of {', '.join(ACTIONS)}")
        return cls(**rule)

    def takes(self, request: Request) -> bool:
        if self.method not in ("*", request.method) or not fnmatchcase(request.path, self.path):
            return False
        self.seen += 1
        return self.skip < self.seen and (not self.times or self.seen <= self.skip + self.times)

    def apply(self, request: Request, respond: Respond) -> Reply:
        return ACTIONS[self.action](self, request, respond)


class Faults:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[Fault] = []

    def add(self, rule: dict[str, Any]) -> None:
        fault = Fault.parse(rule)
        with self._lock:
            self._rules.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._rules = []

    def pick(self, request: Request) -> Fault | None:
        """The first rule that takes the request; every rule counts it."""
        with self._lock:
            taken = [rule for rule in self._rules if rule.takes(request)]
        return taken[0] if taken else None


def _reply(fault: Fault, request: Request, respond: Respond) -> Reply:
    if fault.after_handler:
        respond(request)
    if isinstance(fault.body, str):
        return Reply(fault.status, dict(fault.headers), fault.body.encode())
    body = fault.body
    if body is None:
        body = {"error_code": f"INJECTED_{fault.status}", "message": "an injected fault"}
    return json_reply(body, fault.status, fault.headers)


def _lost_reply(fault: Fault, request: Request, respond: Respond) -> Reply:
    respond(request)
    return Reply(drop=True)


def _reset_request(fault: Fault, request: Request, respond: Respond) -> Reply:
    for _ in request.body.pieces():
        if request.body.received >= RESET_REQUEST_AFTER:
            break
    return Reply(drop=True, reset_after=0)


def _reset_response(fault: Fault, request: Request, respond: Respond) -> Reply:
    reply = respond(request)
    reply.reset_after = reply.length // 2
    return reply


def _silence(fault: Fault, request: Request, respond: Respond) -> Reply:
    if not fault.after_handler:
        time.sleep(fault.seconds)
        return respond(request)
    reply = respond(request)
    time.sleep(fault.seconds)
    return reply


def _html(fault: Fault, request: Request, respond: Respond) -> Reply:
    if fault.after_handler:
        respond(request)
    return Reply(200, {"Content-Type": "text/html; charset=utf-8"}, SIGN_IN_PAGE)


def _truncated(fault: Fault, request: Request, respond: Respond) -> Reply:
    reply = respond(request)
    half = reply.length // 2
    reply.headers.pop("Content-Length", None)
    if isinstance(reply.body, bytes):
        return replace(reply, body=reply.body[:half])
    return replace(reply, body=replace(reply.body, length=half))


ACTIONS: dict[str, Callable[[Fault, Request, Respond], Reply]] = {
    "reply": _reply,
    "lost-reply": _lost_reply,
    "reset-request": _reset_request,
    "reset-response": _reset_response,
    "silence": _silence,
    "html": _html,
    "truncated": _truncated,
}
