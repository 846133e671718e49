"""The workspace model registry of Databricks: staging on DBFS, asynchronous copy, permissions."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

from ..attempt import Mark, mark_from
from ..cancelling import Hurry, shielded
from ..errors import Cancelled, Failure, RegistryFailed
from ..files.protocols import Body, File
from ..files.streams import send
from ..inputs.values import Permission
from ..rest import ApiError, Json, Rest
from .protocols import Refused

STAGING = "/databricks/mlflow/tmp-external-source"
_MARK = "try.json"


class DbfsStaging:
    """A staging copy under `dbfs:/databricks/mlflow/tmp-external-source/`.

    Args:
        folder: Its own folder there, that no other try uses.
        found: Whether it is there already.
    """

    def __init__(self, rest: Rest, folder: str, *, found: bool = False) -> None:
        self._rest = rest
        self._path = f"{STAGING}/{folder}"
        self._made = found
        self._in_doubt = False

    @property
    def writer(self) -> DbfsStaging:
        """Where the files go."""
        return self

    @property
    def is_begun(self) -> bool:
        """Whether there is anything of it, or may be."""
        return self._made

    @property
    def is_in_doubt(self) -> bool:
        """Whether there may yet be something, though `discard` finds nothing."""
        return self._in_doubt

    def prepare(self, mark: Mark) -> None:
        """Marks the folder, which makes it, and sees that DBFS lets us write."""
        self._made = self._in_doubt = True
        try:
            self.renew(mark)
            self._in_doubt = False
        except (Failure, Cancelled) as ending:
            self._made = self._in_doubt = ending.may_be_done
            if not isinstance(ending, ApiError) or not ending.is_denied:
                raise
            raise Refused(
                f"The workspace lets nobody write to DBFS: {ending.message}",
                where=f"dbfs:{STAGING} in {self._rest.where}",
                todo="Ask an administrator to switch on DBFS root, or to let the token's user "
                "write there.",
            ) from ending

    def renew(self, mark: Mark) -> None:
        """Marks the folder anew; never one that is deleted, for that would make it again."""
        path, text = f"/dbfs{quote(f'{self._path}/{_MARK}')}", mark.text.encode()
        self._rest.repeat(lambda: self._made and self._rest.reply("POST", path, data=text))

    def mark(self) -> Mark | None:
        """Who made the folder; `None` where it is not one of ours."""
        params = {"path": f"{self._path}/{_MARK}"}
        try:
            data = self._rest.get("/api/2.0/dbfs/read", params).get("data") or ""
            return mark_from(base64.b64decode(data).decode(errors="replace"))
        except (ApiError, ValueError):
            return None

    def problem(self, file: File) -> str:
        """Why the file's name can't be carried faithfully: DBFS carries all that we do."""
        return ""

    def write(self, file: File, body: Body) -> None:
        """Writes one file by the raw call that MLflow uses, which overwrites."""
        send(self._rest, "POST", f"/dbfs{quote(f'{self._path}/model/{file.path}')}", body)

    def upload(self, file: File, parts: int) -> None:
        """Nothing but whole files: here no file can be written in parts."""

    def finish(self, files: tuple[File, ...]) -> Json:
        """The registry is told the folder; it checks nothing, so `verify` does afterwards."""
        return {"source": f"dbfs:{self._path}/model"}

    def discard(self) -> bool:
        """Deletes the staging copy; a large one is deleted by repeating the call."""
        if not self._made or (self._in_doubt and not self.mark()):
            return False
        body = {"path": self._path, "recursive": True}
        try:
            self._rest.change("POST", "/api/2.0/dbfs/delete", body)
        except ApiError as error:
            if error.code == "PARTIAL_DELETE":
                return self.discard()
            if not error.is_missing:
                raise
        self._made = self._in_doubt = False
        return True

    def serves(self, source: str) -> bool:
        """Whether a READY version has its files here: it never has."""
        return False

    def after_ready(self) -> None:
        """A READY version has its own copy: the staging copy goes."""
        self.discard()

    def left(self) -> str:
        """What there is to take away by hand."""
        return f"dbfs:{self._path} in {self._rest.where}"


@dataclass(frozen=True)
class Dbfs:
    """What a workspace shows of its place for staging copies; `folders` are their names.

    Attributes:
        problem: Why it can't be seen what is there; empty where it can, or where nothing is.
    """

    is_on: bool
    folders: tuple[str, ...] = ()
    problem: str = ""


def look_at_dbfs(rest: Rest) -> Dbfs:
    """Whether the workspace lets us into the place for staging copies, and what is there."""
    try:
        listed = rest.get("/api/2.0/dbfs/list", {"path": STAGING}).get("files") or []
    except ApiError as error:
        return Dbfs(not error.is_denied, problem="" if error.is_missing else error.what)
    return Dbfs(True, tuple(str(one["path"]).rsplit("/", 1)[-1] for one in listed))


def probe_dbfs(rest: Rest) -> None:
    """Writes one empty file into the place for staging copies, and deletes it.

    Its name is always the same, so that the next probe takes away what a killed one has left.

    Raises:
        Failure: Either is refused.
    """
    path = f"{STAGING}/remote-registry-probe"
    with shielded():
        try:
            rest.repeat(lambda: rest.reply("POST", f"/dbfs{path}", data=b""))
        except Failure as error:
            if not (isinstance(error, ApiError) and error.status < 500):  # it may be there
                _take_away(rest, path, error)
            raise
        except Hurry as hurry:
            hurry.left.append(f"dbfs:{path} in {rest.where}, perhaps")
            raise
        _take_away(rest, path)


def _take_away(rest: Rest, path: str, why: Failure | None = None) -> None:
    """Deletes a file; it is no error if it is gone.

    Args:
        why: What is raised anyway, and is told what is left.
    """
    try:
        rest.change("POST", "/api/2.0/dbfs/delete", {"path": path})
    except Failure as error:
        if isinstance(error, ApiError) and error.is_missing:  # another probe may have been faster
            return
        told = why or error
        told.what += f" The empty file dbfs:{path} is left, perhaps."
        if not why:
            raise


def grant(rest: Rest, name: str, permissions: Iterable[Permission]) -> None:
    """Adds to who may do what with a registered model.

    Raises:
        RegistryFailed: The registry refuses, such as for a principal that does not exist.
    """
    entries = [
        {one.principal_field: one.principal, "permission_level": one.level} for one in permissions
    ]
    try:
        reply = rest.get("/api/2.0/mlflow/databricks/registered-models/get", {"name": name})
        model_id = reply["registered_model_databricks"]["id"]
        path = f"/api/2.0/permissions/registered-models/{quote(str(model_id), safe='')}"
        rest.change("PATCH", path, {"access_control_list": entries})
    except ApiError as error:
        raise RegistryFailed(
            f"The registry refused the permissions: {error.code} {error.message}",
            where=f"{name} in {rest.where}",
            todo="Check that each principal exists; only who manages the model may grant.",
        ) from error
