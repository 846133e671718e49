"""Where things lie: the Files API's paths and artifact URIs as DBFS paths."""

from __future__ import annotations

import re

from ..state import State
from ..storage import normal
from ..wire.message import ApiError, invalid, not_implemented

TRACKING_ROOT = "/databricks/mlflow-tracking"
INTERNAL = "/WorkspaceInternal/"
_INTERNAL_FOLDERS = {"Runs": "", "LoggedModels": "logged_models/"}
_INTERNAL_PATH = re.compile(
    r"/WorkspaceInternal/Mlflow/Artifacts/([^/]+)/(Runs|LoggedModels)/([^/]+)/artifacts(/.*)?"
)


def path_of_uri(uri: str) -> str:
    """The DBFS path of `dbfs:/…`."""
    if not uri.startswith("dbfs:/"):
        raise not_implemented(f"artifacts at {uri}")
    return normal(uri.removeprefix("dbfs:"))


def path_of_file(state: State, path: str) -> str:
    """The DBFS path of what the Files API calls `path`."""
    path = normal(path)
    if path.startswith("/Volumes/"):
        return path
    if not path.startswith(INTERNAL):
        raise not_implemented(f"the Files API at {path}")
    if not state.knobs.workspace_internal:
        raise ApiError(403, "PERMISSION_DENIED", f"No access to {INTERNAL}.")
    match = _INTERNAL_PATH.fullmatch(path)
    if not match:
        raise not_implemented(f"the Files API at {path}")
    experiment, kind, owner, rest = match.groups()
    return f"{TRACKING_ROOT}/{experiment}/{_INTERNAL_FOLDERS[kind]}{owner}/artifacts{rest or ''}"


def join(root: str, relative: str) -> str:
    """A path below an artifact root; `relative` must not leave it."""
    if relative.startswith("/"):
        raise invalid(f"Invalid path: {relative}")
    return normal(f"{root}/{relative}")
