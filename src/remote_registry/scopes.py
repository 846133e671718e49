"""Secret scopes of a Databricks workspace, and the three secrets that say another workspace."""

from __future__ import annotations

import base64
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

from .errors import Failure, ScopeRefused
from .inputs.scopes import KINDS, ScopeUri
from .inputs.sides import Databricks, databricks_url, secret, workspace_id
from .inputs.texts import InputError
from .rest import ApiError, Json, Rest

DATABRICKS = "DATABRICKS"
_API = "/api/2.0/secrets"
_MOST_LOOKS = 5  # at a host that somebody is changing
_SHORTEST = 4  # characters
Hide = Callable[[list[str]], None]


class SecretScope:
    """Calls on one scope.

    Args:
        rest: Of the workspace that has the scope.
        hide: Masks values; called before anybody else sees them.
    """

    def __init__(self, rest: Rest, name: str, hide: Hide) -> None:
        self._rest = rest
        self.name = name
        self.where = f"the scope {name} in {rest.where}"
        self.hide = hide

    def value(self, key: str) -> str | None:
        """A secret's text without outer spaces; `None` where it, or the scope, is not there."""
        text = self.whole_value(key)
        return text if text is None else text.strip()

    def whole_value(self, key: str) -> str | None:
        """The same with outer spaces, which MLflow would take for a part of it.

        What is not base64 of UTF-8, as the API has it, is read as an empty text.

        Raises:
            ScopeRefused: No permission to read it.
        """
        try:
            reply = self._rest.get(f"{_API}/get", {"scope": self.name, "key": key})
        except ApiError as error:
            if error.is_missing:
                return None
            raise self._explained(error, f"read {key}", "READ on the scope") from error
        # Not `reply.get`, which quotes an odd value.
        text = _decoded(dict.get(reply, "value"))
        self.hide(forms(text))
        return text

    def backend(self) -> str:
        """What keeps the scope; empty where it is not there. Its names don't tell cases apart."""
        try:
            listed = self._rest.get(f"{_API}/scopes/list").get("scopes") or []
        except ApiError as error:
            raise self._explained(error, "list the scopes", "access to the workspace") from error
        found = [one for one in listed if one["name"].lower() == self.name.lower()]
        return str(found[0].get("backend_type") or DATABRICKS) if found else ""

    def make(self) -> None:
        """Makes the scope; it is no error if it is there."""
        try:
            self._rest.change("POST", f"{_API}/scopes/create", {"scope": self.name})
        except ApiError as error:
            if error.code != "RESOURCE_ALREADY_EXISTS":
                raise self._explained(error, "make the scope", "the right to do so") from error

    def put(self, key: str, text: str) -> None:
        """Puts a secret, whatever it held."""
        self._write("put", f"put {key}", {"key": key, "string_value": text})

    def take_out(self, key: str) -> None:
        """Deletes a secret; it is no error if it is gone."""
        self._write("delete", f"take out {key}", {"key": key}, may_be_missing=True)

    def permissions(self) -> dict[str, str]:
        """What each principal may do: READ, WRITE or MANAGE."""
        try:
            items = self._rest.get(f"{_API}/acls/list", {"scope": self.name}).get("items") or []
        except ApiError as error:
            raise self._explained(error, "see who may read", "MANAGE on the scope") from error
        return {item["principal"]: item["permission"] for item in items}

    def grant(self, principal: str) -> None:
        """Lets a principal read the scope."""
        body = {"principal": principal, "permission": "READ"}
        self._write("acls/put", f"let {principal} read", body, right="MANAGE")

    def _write(
        self,
        call: str,
        doing: str,
        body: Json,
        *,
        right: str = "WRITE",
        may_be_missing: bool = False,
    ) -> None:
        try:
            self._rest.change("POST", f"{_API}/{call}", {"scope": self.name, **body})
        except ApiError as error:
            if not (error.is_missing and may_be_missing):
                raise self._explained(error, doing, f"{right} on the scope") from error

    def _explained(self, error: ApiError, doing: str, right: str) -> Failure:
        if error.status >= 500:
            return error
        if error.is_denied:
            return ScopeRefused(
                f"No permission to {doing}: {error.message}",
                where=self.where,
                todo=f"Give the token's user {right}.",
            )
        return ScopeRefused(
            f"The workspace refused to {doing}: {error.code} {error.message}", where=self.where
        )


def _decoded(value: object) -> str:
    try:
        return base64.b64decode(str(value), validate=True).decode()
    except ValueError:
        return ""


def forms(text: str) -> list[str]:
    """A secret as it is, and what we and others make of it: a host with neither `/` nor scheme."""
    bare = text.strip()
    forms = [text, bare, bare.rstrip("/")]
    with suppress(ValueError):
        forms.append(urlsplit(bare).netloc)
    # What is shorter is no host and no token, and masking it would leave no text to read.
    return [form for form in dict.fromkeys(forms) if len(form) >= _SHORTEST]


def side_in(scope: SecretScope, uri: ScopeUri) -> Databricks:
    """Reads the three secrets as one set. The id need not be there.

    Raises:
        ScopeRefused: The scope, or one of the secrets, is not there, may not be read, or can't be
            right. Not `BadInput`, which is told before any call. The message names the scope and
            the keys, and never a value.
    """
    host, token, number = _read_at_rest(scope, uri)
    needed = {"host": host, "token": token}
    if missing := [uri.key(kind) for kind, text in needed.items() if text is None]:
        raise _refused(scope, uri, f"there is no {' and no '.join(missing)}, or no such scope")
    side = _checked(scope, uri, host or "", token or "", number or "")
    scope.hide(forms(side.url))
    return side


def _read_at_rest(scope: SecretScope, uri: ScopeUri) -> list[str | None]:
    for _ in range(_MOST_LOOKS):
        found = [scope.value(uri.key(kind)) for kind in KINDS]
        # `secrets` takes the token out before it puts another host, so that a token which was read
        # between two looks at the same host is of that host.
        if scope.value(uri.key("host")) == found[0]:
            return found
    raise _refused(scope, uri, f"{uri.key('host')} changes while it is read")


def _checked(scope: SecretScope, uri: ScopeUri, host: str, token: str, number: str) -> Databricks:
    problems = []
    try:
        url = databricks_url(host)
    except InputError:
        problems.append(f"{uri.key('host')} is no https:// address of a workspace without a path")
    try:
        given = secret(token)
    except InputError:
        given = None
    if given is None:
        problems.append(f"{uri.key('token')} is no token that an HTTP header carries")
    try:
        workspace_id(number)
    except InputError:
        problems.append(f"{uri.key('workspace-id')} is no workspace's number")
    if problems or given is None:
        raise _refused(scope, uri, "; ".join(problems))
    return Databricks(url, given, number)


def _refused(scope: SecretScope, uri: ScopeUri, what: str) -> ScopeRefused:
    return ScopeRefused(
        f"{uri} names no workspace: {what}.",
        where=scope.where,
        todo=f"Put {uri.keys} there: the verb `secrets` does, and checks them.",
    )
