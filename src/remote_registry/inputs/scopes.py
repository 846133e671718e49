"""A side that is said by a secret scope: `databricks://<scope>:<prefix>`, as MLflow spells it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

from .sides import Side, side_from
from .texts import InputError, Texts

KINDS = ("host", "token", "workspace-id")
_OTHER = {"registry": "tracking", "tracking": "registry"}
# A key has 128 characters at most, and `-workspace-id` is the longest that follows a prefix.
_LONGEST_SCOPE, _LONGEST_PREFIX = 128, 128 - len("-workspace-id")


@dataclass(frozen=True)
class ScopeUri:
    """A Databricks workspace whose host, token and id are secrets in the other side's workspace."""

    scope: str
    prefix: str

    def __str__(self) -> str:
        return f"databricks://{self.scope}:{self.prefix}"

    def key(self, kind: str) -> str:
        """The name of the secret that holds the `host`, the `token` or the `workspace-id`."""
        return f"{self.prefix}-{kind}"

    @property
    def keys(self) -> str:
        """All three names, for a message."""
        return f"{self.key('host')}, -token and -workspace-id"


GivenSide: TypeAlias = "Side | ScopeUri"


def is_scope_uri(text: str) -> bool:
    """Whether a URI is meant to name a scope; one of a profile has no second colon."""
    return bool(re.match(r"databricks://[^/]*:", text))


def is_workspace(texts: Texts, side: str) -> bool:
    """Whether a side is said to be a Databricks workspace, in either way."""
    return bool(texts[f"{side}-host"]) or is_scope_uri(texts[f"{side}-uri"])


def both_sides(texts: Texts) -> tuple[GivenSide | None, GivenSide | None]:
    """Reads the registry's side and the source's; notes problems, `None` where there is any.

    A scope is read with the other side's sign-in, so that must be a workspace by host and token.
    """
    scoped = [side for side in _OTHER if is_scope_uri(texts[f"{side}-uri"])]
    registry, tracking = (
        _scope_side(texts, side) if side in scoped else side_from(texts, side) for side in _OTHER
    )
    if len(scoped) > 1:
        texts.problem(
            "tracking-uri",
            "names a scope, and registry-uri too; each is read with the other's sign-in, so give "
            "one of them by host and token.",
        )
    elif scoped and not texts[f"{_OTHER[scoped[0]]}-host"]:
        other = _OTHER[scoped[0]]
        texts.problem(
            f"{scoped[0]}-uri",
            f"names a scope, which is read with the other side's sign-in: give {other}-host and "
            f"{other}-token.",
        )
    return registry, tracking


def _scope_side(texts: Texts, side: str) -> ScopeUri | None:
    for kind in (*KINDS, "username", "password"):
        if texts[f"{side}-{kind}"]:
            texts.problem(
                f"{side}-{kind}", f"comes from the scope that {side}-uri names; leave one out."
            )
    return texts.read(f"{side}-uri", _scope_uri)


def _scope_uri(text: str) -> ScopeUri:
    name, _, key_prefix = text.removeprefix("databricks://").removesuffix("/").partition(":")
    return ScopeUri(scope(name), prefix(key_prefix))


def scope(text: str) -> str:
    """A secret scope's name, as Databricks allows it."""
    if not re.fullmatch(rf"[A-Za-z0-9_.@-]{{1,{_LONGEST_SCOPE}}}", text):
        raise InputError(
            f"{text!r} is no scope's name: letters, digits and '-_.@' only, "
            f"{_LONGEST_SCOPE} at most."
        )
    return text


def prefix(text: str) -> str:
    """What the names of the three secrets begin with."""
    if not re.fullmatch(rf"[A-Za-z0-9_.-]{{1,{_LONGEST_PREFIX}}}", text):
        raise InputError(
            f"{text!r} is no prefix of secrets: letters, digits and '-_.' only, "
            f"{_LONGEST_PREFIX} at most."
        )
    return text
