"""An MLflow server's registry: it copies nothing, so the files get a home that stays."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from ..attempt import MARK_TAG, Mark, mark_from
from ..connection import Connection
from ..errors import Cancelled, Failure, RegistryFailed
from ..files.protocols import File
from ..files.proxy import ProxyFolder, delete_proxied, proxied_folder
from ..files.stores import StoreFolder, served_folder
from ..inputs.values import TAG_PREFIX
from ..rest import ApiError, InDoubt, Json, Rest
from ..retry import Transient

EXPERIMENT = "remote_registry"
_API = "/api/2.0/mlflow"


class _ServedHome:
    """A place behind the server's proxy or in its store; the subclasses say whose it is.

    Args:
        name: The registered model's.
    """

    _FIELD: ClassVar[str]  # of the reply to its creation

    def __init__(self, rest: Rest, name: str) -> None:
        self._rest = rest
        self._name = name
        self._id = ""
        self._uri = ""
        self._writer: ProxyFolder | StoreFolder | None = None
        # Of this try, while it is not known what became of its "create", and once it never was.
        self._doubted: Mark | None = None

    @property
    def writer(self) -> ProxyFolder | StoreFolder:
        """Where the files go, once it is prepared."""
        self._writer = self._writer or served_folder(self._rest, self._uri)
        return self._writer

    @property
    def is_begun(self) -> bool:
        """Whether there is anything of it, or may be."""
        return bool(self._id or self._doubted)

    @property
    def is_in_doubt(self) -> bool:
        """Whether there may yet be something, though `discard` finds nothing."""
        return bool(self._doubted) and not self._id

    def prepare(self, mark: Mark) -> None:
        """Makes the entry; after a lost reply it is looked for before another one is made."""
        tags = {f"{TAG_PREFIX}key": mark.key, f"{TAG_PREFIX}token": mark.token, MARK_TAG: mark.text}
        labels = [{"key": key, "value": text} for key, text in tags.items()]
        experiment = _experiment(self._rest)

        def attempt() -> Json:
            before, self._doubted = self._doubted, mark
            if before and (found := self._of_try(mark)):
                return found[0]
            try:
                reply = self._create(experiment, labels)
            except InDoubt as doubt:
                if found := self._of_try(mark):
                    return found[0]
                raise Transient(doubt, doubt.after) from doubt
            except (Failure, Cancelled) as ending:
                self._doubted = mark if ending.may_be_done else before
                raise
            made: Json = reply[self._FIELD]  # which an odd reply lacks, and it may be made
            self._doubted = before
            return made

        self.take(self._rest.repeat(attempt))

    def _of_try(self, mark: Mark) -> list[Json]:
        return [entry for found, entry in self.all_marked(mark.key) if found.token == mark.token]

    def _twins(self) -> Iterator[_ServedHome]:
        """What this try has made besides, by a "create" whose reply was lost."""
        for entry in self._of_try(self._doubted) if self._doubted else []:
            twin = type(self)(self._rest, self._name)
            twin.take(entry)
            if twin._id != self._id:
                yield twin

    def take(self, entry: Json) -> None:
        """This entry it is."""
        raise NotImplementedError

    def all_marked(self, key: str) -> list[tuple[Mark, Json]]:
        """The entries of this registration, with who made them."""
        raise NotImplementedError

    def _create(self, experiment: str, tags: list[Json]) -> Json:
        raise NotImplementedError

    def _delete_files(self) -> None:
        if isinstance(self.writer, StoreFolder):
            self.writer.delete()
        else:
            # The folder above `artifacts` is the entry's own, too.
            folder = proxied_folder(self._rest, self._uri).removesuffix("/artifacts")
            delete_proxied(self._rest, folder.removesuffix("/artifacts/model"))

    def _delete_entry(self) -> None:
        raise NotImplementedError

    def discard(self) -> bool:
        """Deletes the files first, for deleting the entry leaves them."""
        twins = [twin.discard() for twin in self._twins()]
        if not self._id:
            self._doubted = None if twins else self._doubted
            return any(twins)
        self._delete_files()
        try:
            self._delete_entry()
        except ApiError as error:
            if not error.is_missing:
                raise
        self._id, self._doubted = "", None
        return True

    def _check(self, files: tuple[File, ...]) -> None:
        found = tuple(self.writer.files())
        if found != files:
            raise RegistryFailed(
                "The server's store does not hold what was written to it.",
                where=f"{self._uri} in {self._rest.where}",
                todo="Check that server's artifact store, then run again.",
            )

    @property
    def source(self) -> str:
        """What a version made of it has as its source."""
        raise NotImplementedError

    def serves(self, source: str) -> bool:
        """Whether a version of this source has its files here."""
        return bool(self._id) and source == self.source

    def after_ready(self) -> None:
        """Here the files stay; what a lost reply has left beside them does not."""
        for twin in self._twins():
            twin.discard()

    def left(self) -> str:
        """What there is to take away by hand."""
        place = self._uri or f"files in the experiment {EXPERIMENT}"
        return f"{place} in {self._rest.where}"


class LoggedModelHome(_ServedHome):
    """A logged model of the server (MLflow 3)."""

    _FIELD = "model"

    def _create(self, experiment: str, tags: list[Json]) -> Json:
        # The server takes fewer characters in the name of a logged model than of a registered one.
        name = re.sub(r"[/:.%\"']", "_", self._name)
        body = {"experiment_id": experiment, "name": name, "tags": tags}
        return self._rest.once(f"{_API}/logged-models", body)

    def take(self, entry: Json) -> None:
        """This logged model it is."""
        self._id, self._uri = entry["info"]["model_id"], entry["info"]["artifact_uri"]

    def all_marked(self, key: str) -> list[tuple[Mark, Json]]:
        """The logged models of this registration, with who made them."""
        body = {
            "experiment_ids": [_experiment(self._rest)],
            "filter": f"tags.`{TAG_PREFIX}key` = '{key}'",
        }
        reply = self._rest.change("POST", f"{_API}/logged-models/search", body)
        return _marked((one, one["info"].get("tags")) for one in reply.get("models") or [])

    def renew(self, mark: Mark) -> None:
        """Marks the logged model anew."""
        body = {"model_id": self._id, "tags": [{"key": MARK_TAG, "value": mark.text}]}
        self._rest.change("PATCH", f"{_API}/logged-models/{self._id}/tags", body)

    @property
    def source(self) -> str:
        """What a version made of it has as its source."""
        return f"models:/{self._id}"

    def finish(self, files: tuple[File, ...]) -> Json:
        """Seals the logged model; the server would make a version of half of one as well."""
        self._check(files)
        body = {"model_id": self._id, "status": "LOGGED_MODEL_READY"}
        self._rest.change("PATCH", f"{_API}/logged-models/{self._id}", body)
        return {"source": self.source, "model_id": self._id}

    def _delete_entry(self) -> None:
        self._rest.change("DELETE", f"{_API}/logged-models/{self._id}", {"model_id": self._id})


class RunHome(_ServedHome):
    """A run of the server (MLflow 2, which has no logged models)."""

    _FIELD = "run"

    def _create(self, experiment: str, tags: list[Json]) -> Json:
        body = {
            "experiment_id": experiment,
            "run_name": self._name,
            "start_time": int(time.time() * 1000),
            "tags": tags,
        }
        return self._rest.once(f"{_API}/runs/create", body)

    def take(self, entry: Json) -> None:
        """This run it is."""
        info = entry["info"]
        self._id, self._uri = info["run_id"], f"{info['artifact_uri'].rstrip('/')}/model"

    def all_marked(self, key: str) -> list[tuple[Mark, Json]]:
        """The runs of this registration, with who made them."""
        body = {
            "experiment_ids": [_experiment(self._rest)],
            "filter": f"tags.`{TAG_PREFIX}key` = '{key}'",
        }
        reply = self._rest.change("POST", f"{_API}/runs/search", body)
        return _marked((one, one["data"].get("tags")) for one in reply.get("runs") or [])

    def renew(self, mark: Mark) -> None:
        """Marks the run anew."""
        body = {"run_id": self._id, "key": MARK_TAG, "value": mark.text}
        self._rest.change("POST", f"{_API}/runs/set-tag", body)

    @property
    def source(self) -> str:
        """What a version made of it has as its source."""
        return self._uri

    def finish(self, files: tuple[File, ...]) -> Json:
        """Ends the run."""
        self._check(files)
        end = {"run_id": self._id, "status": "FINISHED", "end_time": int(time.time() * 1000)}
        self._rest.change("POST", f"{_API}/runs/update", end)
        return {"source": self.source, "run_id": self._id}

    def _delete_entry(self) -> None:
        """The server keeps a deleted run until its `mlflow gc`."""
        self._rest.change("POST", f"{_API}/runs/delete", {"run_id": self._id})


def served_home(connection: Connection, name: str) -> LoggedModelHome | RunHome:
    """A home for a version's files on an MLflow server, of the kind that it knows."""
    kind = LoggedModelHome if connection.has_logged_models else RunHome
    return kind(connection.rest, name)


def _marked(entries: Iterable[tuple[Json, Any]]) -> list[tuple[Mark, Json]]:
    found = []
    for entry, tags in entries:
        texts = {tag["key"]: tag.get("value", "") for tag in tags or []}
        if mark := mark_from(texts.get(MARK_TAG, "")):
            found.append((mark, entry))
    return found


def reach_store(rest: Rest) -> str:
    """Looks at where the server would keep the files, before anything is made.

    Returns:
        The object store, for people; empty where the server serves its files itself.

    Raises:
        NeedsStores: They go to an object store, and `obstore` is not installed.
        Failure: The store refuses us, or they would go to a folder that only the server sees.
    """
    uri = _files_location(rest)
    folder = served_folder(rest, uri) if uri else None
    return folder.reach() if isinstance(folder, StoreFolder) else ""


def _files_location(rest: Rest) -> str:
    """Where the experiment of the homes has its files; else where experiment 0 has them."""
    calls = [
        ("experiments/get-by-name", {"experiment_name": EXPERIMENT}),
        ("experiments/get", {"experiment_id": "0"}),
    ]
    for call, params in calls:
        try:
            return str(rest.get(f"{_API}/{call}", params)["experiment"]["artifact_location"])
        except ApiError:
            continue  # it is not there, or not for us to see
    return ""


def _experiment(rest: Rest) -> str:
    """The id of the experiment in which the homes are, made if it is not there."""
    params = {"experiment_name": EXPERIMENT}
    try:
        experiment = rest.get(f"{_API}/experiments/get-by-name", params)["experiment"]
    except ApiError as error:
        if not error.is_missing:
            raise
        try:
            rest.change("POST", f"{_API}/experiments/create", {"name": EXPERIMENT})
        except ApiError as refusal:
            if refusal.code != "RESOURCE_ALREADY_EXISTS":  # as it does where two jobs make it
                raise
        experiment = rest.get(f"{_API}/experiments/get-by-name", params)["experiment"]
    if experiment.get("lifecycle_stage") == "deleted":
        raise RegistryFailed(
            f"The experiment {EXPERIMENT!r}, where the files would go, is deleted.",
            where=rest.where,
            todo="Restore it, or have it deleted for good (mlflow gc).",
        )
    return str(experiment["experiment_id"])
