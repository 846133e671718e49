"""Which handler answers a method and a path."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from .message import Reply, Request

if TYPE_CHECKING:
    from ..state import State

Handler = Callable[["State", Request], "Reply | dict[str, Any]"]
Registered = TypeVar("Registered", bound=Handler)
_PLACEHOLDER = re.compile(r"\{(\w+)(:path)?\}")


class Router:
    """Templates are exact paths, `{name}` for one segment or `{name:path}` for any rest."""

    def __init__(self) -> None:
        self._exact: dict[tuple[str, str], Handler] = {}
        self._patterns: list[tuple[str, re.Pattern[str], Handler]] = []

    def on(self, method: str, *templates: str) -> Callable[[Registered], Registered]:
        def register(handler: Registered) -> Registered:
            for template in templates:
                self._add(method, template, handler)
            return handler

        return register

    def find(self, method: str, path: str) -> tuple[Handler, dict[str, str]] | None:
        if handler := self._exact.get((method, path)):
            return handler, {}
        for known_method, pattern, known_handler in self._patterns:
            if known_method == method and (match := pattern.fullmatch(path)):
                return known_handler, match.groupdict()
        return None

    def _add(self, method: str, template: str, handler: Handler) -> None:
        if "{" not in template:
            self._exact[method, template] = handler
            return
        pattern = _PLACEHOLDER.sub(
            lambda found: f"(?P<{found[1]}>{'.*' if found[2] else '[^/]+'})", template
        )
        self._patterns.append((method, re.compile(pattern, re.DOTALL), handler))
