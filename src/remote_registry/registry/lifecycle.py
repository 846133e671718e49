"""Calls of the registry API on what is there already, beyond those that registering needs."""

from __future__ import annotations

from ..connection import Connection
from ..rest import ApiError, Json, Rest
from .api import RegistryApi, Version, version_from

_API = "/api/2.0/mlflow"
_MOST_NAMES = 1000


class CommentingApi(RegistryApi):
    """The calls on one model of a Databricks workspace, which keeps a comment on each transition.

    Args:
        comment: Why versions are moved.
    """

    def __init__(self, connection: Connection, name: str, comment: str) -> None:
        super().__init__(connection, name)
        self._comment = comment

    def _move(self, body: Json) -> Version:
        path = f"{_API}/databricks/model-versions/transition-stage"
        reply = self.rest.change("POST", path, body | {"comment": self._comment})
        return version_from(reply["model_version_databricks"])


def model_names(rest: Rest) -> list[str]:
    """Names of registered models, many but maybe not all; none where we may not look."""
    params = {"max_results": _MOST_NAMES}
    try:
        found = rest.get(f"{_API}/registered-models/search", params).get("registered_models") or []
    except ApiError:
        return []
    return [str(model["name"]) for model in found]
