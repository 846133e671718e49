"""The way of a request: log, latency, faults, door, handler."""

from __future__ import annotations

import threading
import time
import traceback
from dataclasses import dataclass

from .api import ROUTES
from .auth import Door, check
from .control import endpoint
from .control.endpoint import Control
from .state import State
from .wire.message import ApiError, Reply, Request, json_reply, not_implemented

WORKSPACE, STORAGE = "workspace", "storage"
OPEN_TO_ALL = "/.well-known/databricks-config"
REGISTRY_PATHS = ("registered-models", "model-versions", "transition-requests", "comments")


@dataclass
class Front:
    state: State
    control: Control
    door: Door

    def __post_init__(self) -> None:
        self._rate_lock = threading.Lock()
        self._recent: list[float] = []

    def exchange(self, request: Request) -> Reply:
        """What a listener calls; its every reply comes from here."""
        if request.path.startswith(endpoint.PREFIX) and request.origin == WORKSPACE:
            return self._respond(request)
        entry = self.control.log.begin(request)
        reply = None
        try:
            time.sleep(self.state.knobs.latency)
            fault = self.control.faults.pick(request)
            entry["fault"] = fault and fault.action
            reply = fault.apply(request, self._respond) if fault else self._respond(request)
            if not reply.drop:
                request.body.drain()
            return self._stamped(request, reply)
        finally:
            self.control.log.end(entry, request, reply)

    def _respond(self, request: Request) -> Reply:
        try:
            reply = self._answer(request)
        except ApiError as error:
            reply = error.reply()
        except ConnectionError:
            raise
        except Exception as error:  # noqa: BLE001 a defect of the stand-in is an answer too
            traceback.print_exc()
            reply = ApiError(500, "INTERNAL_ERROR", f"stand-in: {error!r}").reply()
        return self._stamped(request, reply)

    def _stamped(self, request: Request, reply: Reply) -> Reply:
        if request.origin == WORKSPACE:
            reply.headers.setdefault("X-Databricks-Org-Id", self.state.identity.workspace_id)
        return reply

    def _answer(self, request: Request) -> Reply:
        if request.origin == STORAGE:
            return self.state.signer.answer(request)
        if request.path.startswith(endpoint.PREFIX):
            return self.control.answer(request)
        if request.path != OPEN_TO_ALL:
            caller = self.door.caller(request)
            request.user = caller.user
            request.rights = caller.rights
            check(caller, request)
            self._keep_rate(request)
        found = ROUTES.find(request.method, request.path)
        if not found:
            raise not_implemented(f"{request.method} {request.path}")
        handler, request.params = found
        answer = handler(self.state, request)
        return answer if isinstance(answer, Reply) else json_reply(answer)

    def _keep_rate(self, request: Request) -> None:
        rate = self.state.knobs.registry_rate
        if not rate or not any(f"/{part}/" in request.path for part in REGISTRY_PATHS):
            return
        now = time.monotonic()
        with self._rate_lock:
            self._recent = [then for then in self._recent if then > now - 1]
            if len(self._recent) >= rate:
                message = "Too many requests to the model registry."
                raise ApiError(429, "REQUEST_LIMIT_EXCEEDED", message, {"Retry-After": "1"})
            self._recent.append(now)
