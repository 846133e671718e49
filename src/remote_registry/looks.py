"""What `doctor` can see of a side that it is signed in to: reads only, but for the probe."""

from __future__ import annotations

from collections.abc import Callable

from .connection import Connection
from .errors import Failure
from .health import BAD, GOOD, UNKNOWN, Check
from .registry.api import RegistryApi
from .registry.databricks import STAGING, probe_dbfs
from .rest import ApiError, Json

Tell = Callable[[Check], None]
_API = "/api/2.0/mlflow"
_MAY_EDIT = (
    "CAN_EDIT",
    "CAN_MANAGE_STAGING_VERSIONS",
    "CAN_MANAGE_PRODUCTION_VERSIONS",
    "CAN_MANAGE",
)
_MAY_PROMOTE = {"Staging": _MAY_EDIT[1:], "None": _MAY_EDIT[1:]}


class NoAnswer(Exception):
    """A side that no longer answers, or not as it did; what it was asked has been told."""


def _give_up_after(error: Failure) -> None:
    """A host that hangs is not waited for once more at each of the other looks."""
    if not isinstance(error, ApiError):
        raise NoAnswer from error


def look_at_source(side: Connection, tell: Tell) -> None:
    """Whether runs can be read, and which ways out of it there are."""
    _see(side, tell, "experiments can be read", "Give the token's user CAN_READ on them.", lambda: (
        side.rest.change("POST", f"{_API}/experiments/search", {"max_results": 1})
    ))  # fmt: skip
    found = "known of a run only: register with dry-run: true lists one"
    tell(Check("source", "way out: the files' own store", UNKNOWN, found, needed=False))
    if side.is_databricks:
        _look_at_files_api(side, tell)


def _look_at_files_api(side: Connection, tell: Tell) -> None:
    what = "way out: the Files API, where signed URLs don't work"
    # A run that nobody has: who is let in is told that there is none.
    folder = f"/WorkspaceInternal/Mlflow/Artifacts/0/Runs/{'0' * 32}/artifacts"
    path = f"/api/2.0/fs/directories{folder}"
    try:
        side.rest.get(path)
    except ApiError as error:
        if error.is_denied:
            tell(Check("source", what, BAD, error.message, needed=False))
        elif error.status == 404:
            tell(Check("source", what, GOOD, "it is open"))
        else:
            tell(Check("source", what, UNKNOWN, error.what, needed=False))
    except Failure as error:
        tell(Check("source", what, UNKNOWN, error.what, needed=False))
        _give_up_after(error)
    else:
        tell(Check("source", what, GOOD, "it is open"))


def look_at_registry(side: Connection, tell: Tell, *, probe: bool) -> None:
    """Whether there is a registry, and which ways into it there are.

    Args:
        probe: Whether an empty file may be written to DBFS, and deleted.
    """
    todo = "Name a workspace or server that has one, and that the sign-in may read."
    _see(side, tell, "the model registry can be read", todo, lambda: (
        side.rest.get(f"{_API}/registered-models/search", {"max_results": 1})
    ))  # fmt: skip
    if not side.is_databricks:
        found = "known by writing only"
        tell(Check("registry", "way in: the server's store", UNKNOWN, found, needed=False))
        return
    _look_at_dbfs(side, tell, probe=probe)
    found = f"known only by making an experiment in /Users/{side.user}"
    tell(Check("registry", "way in: a staging run", UNKNOWN, found, needed=False))


def _look_at_dbfs(side: Connection, tell: Tell, *, probe: bool) -> None:
    is_on, way = "DBFS is on", "way in: the staging folder on DBFS"
    mark, found, error = _dbfs_listed(side)
    if mark == BAD:
        todo = "None, if a staging run is allowed; else let the token's user into DBFS."
        tell(Check("registry", is_on, BAD, found, todo, needed=False))
        tell(Check("registry", way, BAD, "DBFS is off, or closed to us", needed=False))
        return
    tell(Check("registry", is_on, mark, found, needed=False))
    if error:
        _give_up_after(error)
    if not probe:
        found = "known by writing only"
        tell(Check("registry", way, UNKNOWN, found, "probe: true tries it.", needed=False))
        return
    try:
        probe_dbfs(side.rest)
    except Failure as error:
        todo = "None, if a staging run is allowed; else let the token's user write there."
        tell(Check("registry", way, BAD, error.what, todo, needed=False))
        _give_up_after(error)
    else:
        tell(Check("registry", way, GOOD, "an empty file was written and deleted", needed=False))


def _dbfs_listed(side: Connection) -> tuple[str, str, Failure | None]:
    try:
        side.rest.get("/api/2.0/dbfs/list", {"path": STAGING})
    except ApiError as error:
        if error.is_denied:
            return BAD, "it is off, or closed to us", error
        if not error.is_missing:  # as the folder is before the first model came
            return UNKNOWN, error.what, error
    except Failure as error:
        return UNKNOWN, error.what, error
    return GOOD, "it can be listed", None


def look_at_model(side: Connection, name: str, stage: str, tell: Tell) -> None:
    """Whether versions of a model may be made, and promoted to a stage."""
    make, move = f"versions of {name} may be made", f"a version may be moved to {stage}"
    try:
        model, level = RegistryApi(side, name).model(), ""
        if model and side.is_databricks:
            level = _permission_level(side, name)
    except Failure as error:
        tell(Check("registry", make, BAD, error.what, error.todo or "Let the user read the model."))
        _give_up_after(error)
        return
    if not level:
        kind = "the workspace" if side.is_databricks else "a server"
        found = f"{kind} does not tell rights" if model else "there is no such model yet"
        tell(Check("registry", make, UNKNOWN, found))
        if stage:
            tell(Check("registry", move, UNKNOWN, found))
        return
    _tell_right(tell, make, level, _MAY_EDIT)
    if stage:
        _tell_right(tell, move, level, _MAY_PROMOTE.get(stage, _MAY_EDIT[2:]))


def _permission_level(side: Connection, name: str) -> str:
    path = f"{_API}/databricks/registered-models/get"
    reply = side.rest.get(path, {"name": name})["registered_model_databricks"]
    return str(reply.get("permission_level") or "")


def _tell_right(tell: Tell, what: str, level: str, enough: tuple[str, ...]) -> None:
    if level in enough:
        tell(Check("registry", what, GOOD, level))
    else:
        todo = f"Give the token's user {enough[0]} on the model."
        tell(Check("registry", what, BAD, level, todo))


def _see(side: Connection, tell: Tell, what: str, todo: str, ask: Callable[[], Json]) -> None:
    name = side.rest.role.name
    try:
        ask()
    except Failure as error:
        tell(Check(name, what, BAD, error.what, error.todo or todo))
        _give_up_after(error)
    else:
        tell(Check(name, what, GOOD, "yes"))
