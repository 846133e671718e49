"""The registry calls that Databricks' workspace registry and an MLflow server share."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping

from ..connection import Connection
from ..errors import RegistryFailed, VersionMissing
from ..inputs.values import level_to_move_to
from ..replies import pages
from ..rest import ApiError, Json
from .entries import PENDING, READY, Model, Version, pairs, version_from

__all__ = [
    "PENDING", "READY", "Model", "ModelGone", "QuotaReached", "Refused", "RegistryApi", "Version",
    "version_from",
]  # fmt: skip

_API = "/api/2.0/mlflow"
_SEARCHED_SECONDS = 600.0  # after which search surely shows a version; more, for clocks differ


class Refused(RegistryFailed):
    """A clear reply: what was asked for is not done."""

    may_be_done = False


class QuotaReached(Refused):
    """The workspace has as many versions pending as it allows; this passes."""


class ModelGone(Refused):
    """There is no such registered model, though there was one a moment ago."""


def _tag_list(tags: Mapping[str, str]) -> list[Json]:
    return [{"key": key, "value": value} for key, value in tags.items()]


class RegistryApi:
    """Calls on one registered model; each says in its name what it does."""

    def __init__(self, connection: Connection, name: str) -> None:
        self.rest = connection.rest
        self.name = name
        self.where = f"{name} in {connection.label}"
        self.or_ask = ", or ask for it by the verb request" if connection.is_databricks else ""

    def model(self) -> Model | None:
        """The registered model, or `None` where there is none yet."""
        try:
            reply = self.rest.get(f"{_API}/registered-models/get", {"name": self.name})
        except ApiError as error:
            if error.is_missing:
                return None
            if error.is_unknown_call or "registry functionality is unavailable" in error.message:
                raise RegistryFailed(
                    "The server has no model registry.",
                    where=self.where,
                    todo="Start it with a database store, or name a server that has a registry.",
                ) from error
            raise
        found = reply["registered_model"]
        aliases = {a["alias"]: str(a.get("version", "")) for a in found.get("aliases") or []}
        return Model(self.name, aliases, pairs(found.get("tags")))

    def create_model(self, tags: Mapping[str, str]) -> bool:
        """Makes the registered model; `False` where it is there already, whoever made it."""
        body = {"name": self.name, "tags": _tag_list(tags)}
        try:
            self.rest.change("POST", f"{_API}/registered-models/create", body)
        except ApiError as error:
            if error.code in ("RESOURCE_ALREADY_EXISTS", "ALREADY_EXISTS"):
                return False
            raise self._explained(error, "make the model", "the right to create models") from error
        return True

    def delete_model(self) -> None:
        """Deletes the registered model; it is no error if it is gone."""
        try:
            self.rest.change("DELETE", f"{_API}/registered-models/delete", {"name": self.name})
        except ApiError as error:
            if not error.is_missing:
                raise

    def versions(self) -> list[Version]:
        """All versions that search shows, newest number first; it may lag behind by seconds."""
        return sorted(self._searched(), key=lambda version: -version.order)

    def hidden(self, known: Iterable[Version], below: int = 0, misses: int = 1) -> list[Version]:
        """Versions that search did not show yet: one that is asked for by its number is there.

        Asked for are the gaps between those that it showed, if they are young, for search shows
        old ones; and the numbers that follow.

        Args:
            known: The versions that search showed.
            below: Only lower numbers than this one.
            misses: So many numbers in a row that there are not are taken for the end.
        """
        shown = {version.order: version for version in known}
        young = time.time() - _SEARCHED_SECONDS
        old = max((one.order for one in shown.values() if one.created < young), default=0)
        highest = below - 1 if below else max(shown, default=0)
        gaps = [number for number in range(old + 1, highest + 1) if number not in shown]
        found = [one for number in gaps if (one := self.version_or_none(str(number)))]
        return found if below else [*found, *self._following(highest, misses)]

    def _following(self, number: int, misses: int) -> Iterator[Version]:
        missed = 0
        while missed < misses:
            number += 1
            if found := self.version_or_none(str(number)):
                yield found
            missed = 0 if found else missed + 1

    def _searched(self) -> list[Version]:
        quote = '"' if "'" in self.name else "'"
        params = {"filter": f"name={quote}{self.name}{quote}", "max_results": 1000}
        replies = pages(lambda token: self._page(params | ({"page_token": token} if token else {})))
        return [version_from(one) for reply in replies for one in reply.get("model_versions") or []]

    def _page(self, params: Json) -> Json:
        try:
            return self.rest.get(f"{_API}/model-versions/search", params)
        except ApiError as error:
            if error.is_missing:  # as some registry may say of a model that is not there
                return {}
            raise

    def version(self, number: str) -> Version:
        """One version."""
        params = {"name": self.name, "version": number}
        return version_from(self.rest.get(f"{_API}/model-versions/get", params)["model_version"])

    def version_or_none(self, number: str) -> Version | None:
        """One version, or `None` where there is none of that number."""
        try:
            return self.version(number)
        except ApiError as error:
            if error.is_missing:
                return None
            raise

    def create_version(self, body: Json, tags: Mapping[str, str]) -> Version:
        """Makes a version, its tags with it; never sent twice.

        Raises:
            InDoubt: Whether the version was made is unknown.
        """
        full = {"name": self.name, "tags": _tag_list(tags)} | {k: v for k, v in body.items() if v}
        try:
            reply = self.rest.once(f"{_API}/model-versions/create", full)
        except ApiError as error:
            if error.is_missing:
                raise ModelGone(f"The model is gone: {error.message}", where=self.where) from error
            if error.code in ("RESOURCE_LIMIT_EXCEEDED", "REQUEST_LIMIT_EXCEEDED"):
                raise QuotaReached(
                    f"The registry takes no more versions at the moment: {error.message}",
                    where=self.where,
                    todo="Run again later, or give it more time by timeout.",
                ) from error
            raise self._explained(error, "make a version", "CAN_EDIT on the model") from error
        return version_from(reply["model_version"])

    def delete_version(self, number: str) -> bool:
        """Deletes a version; it is no error if it is gone, only `False`."""
        body = {"name": self.name, "version": number}
        try:
            self.rest.change("DELETE", f"{_API}/model-versions/delete", body)
        except ApiError as error:
            if not error.is_missing:
                raise
            return False
        return True

    def set_tag(self, number: str, key: str, value: str) -> None:
        """Sets a tag of a version."""
        self._set_tag("model-versions", {"version": number, "key": key, "value": value})

    def set_model_tag(self, key: str, value: str) -> None:
        """Sets a tag of the registered model."""
        self._set_tag("registered-models", {"key": key, "value": value})

    def _set_tag(self, kind: str, fields: Json) -> None:
        path, body = f"{_API}/{kind}/set-tag", {"name": self.name, **fields}
        try:
            self.rest.change("POST", path, body)
        except ApiError as error:
            # MLflow says so where two set one tag of a version at once, which nobody had set yet.
            if error.code != "BAD_REQUEST":
                raise
            self.rest.change("POST", path, body)

    def delete_tag(self, number: str, key: str) -> None:
        """Deletes a tag of a version; it is no error if it is gone."""
        body = {"name": self.name, "version": number, "key": key}
        try:
            self.rest.change("DELETE", f"{_API}/model-versions/delete-tag", body)
        except ApiError as error:
            if not error.is_missing:
                raise

    def describe(self, number: str, description: str) -> None:
        """Sets a version's description."""
        body = {"name": self.name, "version": number, "description": description}
        self.rest.change("PATCH", f"{_API}/model-versions/update", body)

    def in_stage(self, stage: str) -> list[Version]:
        """The latest version in a stage, or none.

        Raises:
            RegistryFailed: This registry has no stages.
        """
        body = {"name": self.name, "stages": [stage]}
        try:
            reply = self.rest.change("POST", f"{_API}/registered-models/get-latest-versions", body)
        except ApiError as error:
            if error.is_missing:
                return []
            if error.is_unknown_call:
                raise RegistryFailed(
                    "This registry has no stages.",
                    where=self.where,
                    todo="Use alias instead of stage.",
                ) from error
            raise
        return list(map(version_from, reply.get("model_versions") or []))

    def transition(self, number: str, stage: str, *, archive_existing: bool) -> Version:
        """Moves a version to a stage."""
        body = {"name": self.name, "version": number, "stage": stage}
        try:
            return self._move(body | {"archive_existing_versions": archive_existing})
        except ApiError as error:
            if error.is_missing:
                raise self.deleted(number) from error
            right = f"{level_to_move_to(stage)} or CAN_MANAGE on the model{self.or_ask}"
            raise self._explained(error, f"move a version to {stage}", right) from error

    def _move(self, body: Json) -> Version:
        reply = self.rest.change("POST", f"{_API}/model-versions/transition-stage", body)
        return version_from(reply["model_version"])

    def set_alias(self, number: str, alias: str) -> None:
        """Sets an alias."""
        body = {"name": self.name, "alias": alias, "version": number}
        try:
            self.rest.change("POST", f"{_API}/registered-models/alias", body)
        except ApiError as error:
            if error.is_missing:
                raise self.deleted(number) from error
            if error.is_unknown_call:
                raise RegistryFailed(
                    "This registry has no aliases.",
                    where=self.where,
                    todo="Use stage instead of alias.",
                ) from error
            raise self._explained(error, f"set the alias {alias}", "EDIT on the model") from error

    def download_uri(self, number: str) -> str:
        """Where the registry keeps a version's files; without the host that it may name."""
        params = {"name": self.name, "version": number}
        reply = self.rest.get(f"{_API}/model-versions/get-download-uri", params)
        uri = str(reply.get("artifact_uri", ""))
        scheme, _, rest = uri.partition("://")
        return f"{scheme}:/{rest.partition('/')[2]}" if scheme == "mlflow-artifacts" else uri

    def deleted(self, number: str) -> VersionMissing:
        """The failure of a version that was there a moment ago."""
        return VersionMissing(f"Version {number} was deleted meanwhile.", where=self.where)

    def _explained(self, error: ApiError, doing: str, right: str) -> RegistryFailed:
        kind = RegistryFailed if error.may_be_done else Refused
        if error.is_denied:
            return kind(
                f"No permission to {doing}: {error.message}",
                where=self.where,
                todo=f"Give the token's user {right}.",
            )
        said = f"{error.code} {error.message}".strip() or f"it answered {error.status}"
        return kind(f"The registry refused to {doing}: {said}", where=self.where)
