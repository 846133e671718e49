"""One server's REST API, spoken to with one sign-in that no other host ever gets.

MLflow servers and Databricks workspaces share the MLflow API, so one client serves both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import requests

from . import cancelling
from .errors import Cancelled, Failure, RegistryFailed, SignInRefused, SourceMissing, WrongHost
from .inputs.sides import Databricks, Side, StoreVariables
from .replies import Json, error_of, object_of, retry_after
from .retry import ALL, RETRY_SECONDS, Transient, repeated
from .sessions import authorization_of, new_session

__all__ = ["REGISTRY", "SOURCE", "ApiError", "InDoubt", "Json", "NotSent", "Rest", "Role"]
_TIMEOUT = (10, 60)  # seconds to connect, and without any progress
_SENDING_SECONDS = 20.0
_STRAY_SECONDS = 5.0
_NO_CONNECTION = (
    ("Failed to resolve", "has a name that can't be resolved"),
    ("NameResolutionError", "has a name that can't be resolved"),
    ("[Errno 24]", "can't be connected to: this machine has too many files open (ulimit -n)"),
    ("Failed to establish a new connection", "refused the connection"),
)
_TLS_EOF = "EOF occurred in violation of protocol"  # OpenSSL's word for a connection that is gone
_PASSING = (429, 500, 502, 503, 504)
T = TypeVar("T")


@dataclass(frozen=True)
class Role:
    """What a server is to a command: its name in messages, its inputs, its kind of failure."""

    name: str
    prefix: str
    failure: type[Failure]


SOURCE = Role("source", "tracking", SourceMissing)
REGISTRY = Role("registry", "registry", RegistryFailed)


class ApiError(Failure):
    """A server's refusal in its own words.

    Attributes:
        status: HTTP status.
        code: The `error_code` of the reply, or empty.
        is_stray: Whether it is not the server's own, but of something that stands before it.
    """

    def __init__(self, role: Role, where: str, status: int, code: str, message: str) -> None:
        said = f"{code}: {message}" if code else message
        super().__init__(f"The {role.name} answered {status} {said}".strip(), where=where)
        self.exit_code = role.failure.exit_code
        self.title = role.failure.title
        self.status = status
        self.code = code
        self.message = message
        self.is_stray = False
        self.may_be_done = False

    @property
    def is_missing(self) -> bool:
        """Whether the thing that was asked for does not exist."""
        return self.code == "RESOURCE_DOES_NOT_EXIST"

    @property
    def is_unknown_call(self) -> bool:
        """Whether the server has no such call at all."""
        return self.status in (404, 405, 501) and not self.is_missing and not self.is_stray

    @property
    def is_denied(self) -> bool:
        """Whether signing in worked and the permission is missing."""
        return self.status == 403


class InDoubt(Failure):
    """A call that must not be repeated was sent, and whether it was carried out is unknown.

    Attributes:
        after: Seconds that the server asked to wait (`Retry-After`), if it did.
    """

    exit_code = RegistryFailed.exit_code
    title = RegistryFailed.title
    after: float | None = None


class Rest:
    """Calls of one side.

    Args:
        seconds: How long a call that may be repeated is repeated.
    """

    def __init__(self, side: Side, role: Role, seconds: float = RETRY_SECONDS) -> None:
        self.url = side.url
        self.role = role
        self.where = f"the {role.name} {side.url}"
        self.known_good = False
        self.seconds = seconds
        self._side = side
        self.session = new_session(authorization_of(side))
        if isinstance(side, Databricks) and side.workspace_id:
            self.session.headers["X-Databricks-Org-Id"] = side.workspace_id
            self.session.headers["X-Databricks-Workspace-Id"] = side.workspace_id

    @property
    def stores(self) -> StoreVariables:
        """How to sign in to the object stores of an MLflow server."""
        return StoreVariables() if isinstance(self._side, Databricks) else self._side.stores

    def as_role(self, role: Role) -> Rest:
        """The same server and session, in another role."""
        other = Rest(self._side, role, self.seconds)
        other.session, other.known_good = self.session, self.known_good
        return other

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Json:
        """A GET; repeated while it fails in a way that may pass."""
        return self.repeat(lambda: self._object(self.reply("GET", path, params=params)))

    def change(self, method: str, path: str, body: Json) -> Json:
        """A call that changes something and does no harm when it is repeated."""
        return self.repeat(lambda: self._object(self.reply(method, path, json=body)))

    def once(self, path: str, body: Json) -> Json:
        """A POST that is never repeated once the server may have carried it out.

        Raises:
            InDoubt: Whether it was carried out is unknown.
        """

        def attempt() -> Json:
            try:
                return self._object(self.reply("POST", path, json=body))
            except Transient as error:
                if isinstance(error, NotSent):
                    raise
                failure = error.failure
                doubt = InDoubt(failure.what, where=failure.where, todo=failure.todo)
                doubt.after = error.after
                raise doubt from error

        return self.repeat(attempt)

    def repeat(self, attempt: Callable[[], T]) -> T:
        """Repeats an attempt for as long as this side's calls are repeated.

        Raises:
            Cancelled: A signal came; its `may_be_done` says what is known of the attempts.
        """

        unclear = False  # what became of an attempt, whatever the last one is told

        def looking_up() -> T:
            nonlocal unclear
            cancelling.look()
            try:
                return attempt()
            except Transient as error:
                unclear = unclear or not isinstance(error, NotSent)
                error.failure.may_be_done = unclear
                raise
            except Failure as failure:
                failure.may_be_done = failure.may_be_done or unclear
                raise
            except Cancelled as cancelled:
                unclear = unclear or cancelled.may_be_done
                raise

        try:
            return repeated(looking_up, seconds=self.seconds, sleep=cancelling.sleep)
        except Cancelled as cancelled:
            cancelled.may_be_done = unclear
            raise

    def reply(self, method: str, path: str, **arguments: Any) -> requests.Response:
        """One attempt at a call, whose reply is one of success.

        Raises:
            Transient: What may pass; `NotSent` where the server surely did not carry it out.
            ApiError: The server's refusal.
            SignInRefused: The sign-in is refused, or this is some other kind of host.
        """
        with self.translated(sending="data" in arguments):
            response = self.session.request(
                method,
                self.url + path,
                timeout=_TIMEOUT,
                allow_redirects=False,
                **arguments,
            )
        self._check(response)
        return response

    @contextmanager
    def translated(self, *, sending: bool = False) -> Iterator[None]:
        """Turns what `requests` raises into `Transient`, in words of our own.

        Args:
            sending: Whether a file's bytes go out. A server may refuse them before it has read
                them all, which can't be told from a connection that was lost.
        """
        try:
            yield
        except requests.exceptions.SSLError as error:
            if _TLS_EOF in str(error):
                raise self._dropped(sending=sending) from error
            raise self._tls_failure(error) from error
        except requests.exceptions.ConnectTimeout as error:
            raise self._unreachable("did not answer in time", NotSent, 0.0) from error
        except requests.exceptions.ProxyError as error:
            raise self._unreachable("can't be reached by the proxy", NotSent) from error
        except requests.exceptions.ConnectionError as error:
            if how := next((how for words, how in _NO_CONNECTION if words in str(error)), ""):
                raise self._unreachable(how, NotSent) from error
            raise self._dropped(sending=sending) from error
        except ValueError as error:  # such as a signed URL that is none
            raise self._odd(f"leads to what can't be asked ({type(error).__name__})") from error
        except requests.exceptions.RequestException as error:
            how = f"did not answer a call ({type(error).__name__})"
            timed_out = isinstance(error, requests.exceptions.Timeout)
            raise self._unreachable(how, Transient, 0.0 if timed_out else 3.0) from error
        except OSError as error:  # such as a bundle of certificates that is not there
            raise self.role.failure(str(error), where=self.where) from error

    def _dropped(self, *, sending: bool) -> Transient:
        later = _SENDING_SECONDS if sending else ALL
        return self._unreachable("dropped the connection", Transient, later=later)

    def _unreachable(
        self, how: str, kind: type[Transient], at_first: float = 3.0, later: float = ALL
    ) -> Transient:
        """What is raised of no answer; with so much patience at first, and once one has come."""
        failure = self.role.failure(
            f"The {self.role.name} host {how}.",
            where=self.where,
            todo=f"Check {self.role.prefix}-host (or -uri), the network, and the proxy variables.",
        )
        # A host that never answered is more likely misspelt than busy.
        return kind(failure, patience=later if self.known_good else at_first)

    def _tls_failure(self, error: Exception) -> Failure:
        reason = re.search(r"certificate verify failed: ([^(\[]+)", str(error))
        return self.role.failure(
            f"TLS with the {self.role.name} host failed"
            + (f": {reason[1].strip()}." if reason else "."),
            where=self.where,
            todo="Check the host; a private certificate authority goes into REQUESTS_CA_BUNDLE.",
        )

    def _object(self, response: requests.Response) -> Json:
        found = object_of(response, self._odd)
        if found is None:
            is_page = response.content.lstrip()[:1] == b"<"
            raise self._wrong_host(f"answers with {'an HTML page' if is_page else 'something'}")
        return found

    def _odd(self, how: str) -> Failure:
        return self.role.failure(
            f"The {self.role.name}'s reply {how}; we know no such MLflow API.", where=self.where
        )

    def _check(self, response: requests.Response) -> None:
        if 200 <= response.status_code < 300:
            return
        if 300 <= response.status_code < 400:
            raise self._wrong_host("answers with a redirect")
        code, message, of_the_api = error_of(response)
        if response.status_code == 401 or (response.status_code == 403 and self._is_sign_in(code)):
            raise self._refused(message)
        failure = ApiError(self.role, self.where, response.status_code, code, message)
        if response.status_code == 404 and self.known_good and not of_the_api:
            failure.is_stray = failure.may_be_done = True
            raise Transient(failure, patience=_STRAY_SECONDS)
        if response.status_code not in _PASSING or code == "RESOURCE_LIMIT_EXCEEDED":
            raise failure
        # A limit is answered before anything is done; a gateway's 503 may come after it.
        failure.may_be_done = response.status_code != 429
        raise (Transient if failure.may_be_done else NotSent)(failure, retry_after(response))

    def _is_sign_in(self, code: str) -> bool:
        """Whether a 403 is about the token: Databricks says so with a number, or with a page."""
        return code == "403" or (not code and not self.known_good)

    def _refused(self, message: str) -> SignInRefused:
        prefix = self.role.prefix
        refused = SignInRefused(
            f"The {self.role.name} refused the sign-in: {message}",
            where=self.where,
            todo=f"Check that {prefix}-token (or {prefix}-password) is of this very workspace "
            "or server, and has not expired.",
        )
        refused.may_be_done = False
        return refused

    def _wrong_host(self, how: str) -> Failure | Transient:
        failure = WrongHost(
            f"The {self.role.name} host {how} instead of JSON: a sign-in page, or the wrong host.",
            where=self.where,
            todo=f"Check {self.role.prefix}-host (or -uri): it is the address that a browser shows "
            "for the workspace or server, without a path.",
        )
        return Transient(failure) if self.known_good else failure


class NotSent(Transient):
    """A passing failure of a call that the server surely did not carry out."""
