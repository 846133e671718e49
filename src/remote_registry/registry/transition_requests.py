"""Requests to move a version to a stage, which a Databricks workspace keeps until they are decided.

The calls and their fields are those of `databricks.sdk.service.ml.ModelRegistryAPI`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timezone

from .. import cancelling
from ..connection import Connection
from ..errors import Failure, RegistryFailed, RequestMissing
from ..inputs.values import level_to_move_to
from ..rest import ApiError, InDoubt, Json
from ..retry import Transient
from .api import RegistryApi, Version

_API = "/api/2.0/mlflow/transition-requests"
_DOUBT_SECONDS = (0.0, 1.0, 2.0)  # between looks for what may just be carried out
_LONGEST_COMMENT = 1000  # of a reader's, who may write 65,535 characters, and outputs hold 1 MB


@dataclass(frozen=True)
class TransitionRequest:
    """One that is open.

    Attributes:
        since: When it was made, in UTC; empty where that is not told.
    """

    creator: str
    stage: str
    comment: str
    since: str

    @property
    def texts(self) -> dict[str, str]:
        """All of it by name, its comment cut short."""
        return asdict(self) | {"comment": self.comment[:_LONGEST_COMMENT]}

    def is_by(self, user: str) -> bool:
        """Whether a user made it; of an address that is a name, case tells nothing."""
        return self.creator.casefold() == user.casefold()


class RequestsApi(RegistryApi):
    """The calls by which the move of a version is asked for and decided.

    With it, moving a version is approving that somebody asked for it.

    Args:
        comment: Why, for the workspace's record.
    """

    def __init__(self, connection: Connection, name: str, comment: str) -> None:
        super().__init__(connection, name)
        self.or_ask = ""
        self._user = connection.user
        self._comment = {"comment": comment} if comment else {}

    def open(self, number: str, stage: str = "") -> list[TransitionRequest]:
        """The requests of a version that are open, the oldest first.

        Args:
            stage: Only those that ask for it.

        Raises:
            VersionMissing: The version was deleted.
            RegistryFailed: This registry has no such requests.
        """
        try:
            reply = self.rest.get(f"{_API}/list", {"name": self.name, "version": number})
        except ApiError as error:
            raise self._no_list(error, number) from error
        found = sorted(reply.get("requests") or [], key=_milliseconds)
        return [one for one in map(_request_from, found) if stage in ("", one.stage)]

    def ask(self, number: str, stage: str) -> bool:
        """Asks for a stage: once, whatever becomes of the reply.

        Returns:
            Whether it was this call; `False` where another job of ours asked at the same moment.

        Raises:
            RegistryFailed: The workspace refuses.
        """
        body = {"name": self.name, "version": number, "stage": stage}

        def is_asked() -> bool:
            return any(one.is_by(self._user) for one in self.open(number, stage))

        try:
            return self._settle("create", body, is_asked)
        except ApiError as error:
            raise self._explained(error, f"ask for {stage}", "CAN_READ on the model") from error

    def reject(self, number: str, stage: str, known: int) -> None:
        """Rejects a request for a stage, or all of them, as the workspace has it.

        Args:
            known: How many of them were open.

        Raises:
            RegistryFailed: The workspace refuses.
        """
        body = {"name": self.name, "version": number, "stage": stage}
        try:
            self._settle("reject", body, lambda: len(self.open(number, stage)) < known)
        except ApiError as error:
            right = f"{level_to_move_to(stage)} or CAN_MANAGE on the model"
            raise self._explained(error, f"reject a request for {stage}", right) from error

    def _move(self, body: Json) -> Version:
        number, stage = body["version"], body["stage"]
        try:
            self._settle("approve", body, lambda: self._there(number).stage == stage)
        except ApiError as error:
            if not error.is_missing:
                raise
            self._there(number)
            raise RequestMissing(
                f"The request to move version {number} to {stage} was closed meanwhile.",
                where=self.where,
                todo="Look at who decided it, and ask for it again if it is still meant.",
            ) from error
        return self._there(number)

    def _there(self, number: str) -> Version:
        if found := self.version_or_none(number):
            return found
        raise self.deleted(number)

    def _settle(self, call: str, body: Json, is_done: Callable[[], bool]) -> bool:
        """Sends a call, and sends it again only where it is seen that it was not carried out.

        Returns:
            `False` where it was refused, for another job has done the same.
        """

        in_doubt = False

        def attempt() -> bool:
            nonlocal in_doubt
            if in_doubt and is_done():  # by now
                return True
            try:
                self.rest.once(f"{_API}/{call}", body | self._comment)
            except InDoubt as doubt:
                in_doubt = True
                if not _comes_true(is_done):
                    raise Transient(doubt, doubt.after) from doubt
            except ApiError:
                if not is_done():
                    raise
                return False
            return True

        return self.rest.repeat(attempt)

    def _no_list(self, error: ApiError, number: str) -> Failure:
        if error.is_missing:
            return self.deleted(number)
        if error.is_unknown_call:
            return RegistryFailed(
                "This workspace has no transition requests.",
                where=self.where,
                todo="Use promote, in a job of an environment with required reviewers.",
            )
        return self._explained(error, "see who asks for what", "CAN_READ on the model")


def _comes_true(is_done: Callable[[], bool]) -> bool:
    for seconds in _DOUBT_SECONDS:
        cancelling.sleep(seconds)
        if is_done():
            return True
    return False


def _request_from(fields: Json) -> TransitionRequest:
    return TransitionRequest(
        creator=fields["user_id"],
        stage=fields["to_stage"],
        comment=fields.get("comment") or "",
        since=_moment(_milliseconds(fields)),
    )


def _milliseconds(fields: Json) -> int:
    return int(fields.get("creation_timestamp") or 0)


def _moment(milliseconds: int) -> str:
    try:
        at = datetime.fromtimestamp(milliseconds / 1000, tz=timezone.utc)
    except (ValueError, OverflowError, OSError):
        return ""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if milliseconds else ""
