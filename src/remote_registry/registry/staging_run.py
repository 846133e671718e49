"""A staging copy that needs no DBFS: the artifacts of a run in the registry's workspace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import wait
from pathlib import PurePosixPath

from ..attempt import MARK_TAG, Mark, mark_from
from ..errors import Cancelled, Failure
from ..files.databricks import RunFiles
from ..files.pace import Crew
from ..files.protocols import File
from ..files.signed_uploads import RunUploads
from ..files.streams import quoted
from ..rest import ApiError, Json, Rest
from .protocols import Refused

_API = "/api/2.0/mlflow"
_FOLDER = "model"
_DELETES_AT_ONCE = 8


class StagingRun:
    """A staging copy as the artifacts of a run, by signed URLs.

    Args:
        experiment: The name of the experiment that is made for it, which no other try uses.
    """

    def __init__(self, rest: Rest, experiment: str, files: Sequence[File]) -> None:
        self._rest = rest
        self._name = experiment
        self._files = files
        self._begun = False
        self._experiment = ""
        self._run = ""
        self._uri = ""

    @classmethod
    def found(cls, rest: Rest, experiment: Json) -> StagingRun:
        """What another try has left; its files are listed, for it may have had others."""
        home = cls(rest, experiment["name"], ())
        home._begun, home._experiment = True, str(experiment["experiment_id"])
        body = {"experiment_ids": [home._experiment], "max_results": 1}
        runs = rest.change("POST", f"{_API}/runs/search", body).get("runs") or []
        if runs:
            home._run = runs[0]["info"]["run_id"]
            home._files = RunFiles(rest, home._experiment, home._run, _FOLDER).files()
        return home

    @property
    def writer(self) -> RunUploads:
        """Where the files go, once it is prepared."""
        return self._writer

    @property
    def is_begun(self) -> bool:
        """Whether there is anything of it, or may be."""
        return self._begun

    @property
    def is_in_doubt(self) -> bool:
        """Whether there may yet be something, though `discard` finds nothing."""
        return self._begun and not self._experiment

    def prepare(self, mark: Mark) -> None:
        """Makes the experiment and the run, and sees that their storage takes our uploads.

        Raises:
            Refused: The workspace does not let us.
        """
        self._begun = True
        try:
            self._experiment = self._make_experiment(mark)
            body = {"experiment_id": self._experiment, "run_name": "staging copy"}
            run = self._rest.change("POST", f"{_API}/runs/create", body)["run"]["info"]
            self._run, self._uri = run["run_id"], f"{run['artifact_uri'].rstrip('/')}/{_FOLDER}"
            self._writer = RunUploads(self._rest, self._run, _FOLDER, self._files)
            problem = self._writer.check(self._files[0].path)
        except ApiError as error:
            raise Refused(f"a staging run is refused: {error.message}", where=self._name) from error
        if problem:
            raise Refused(f"a staging run can't be written to: {problem}", where=self._name)

    def _make_experiment(self, mark: Mark) -> str:
        tags = [{"key": MARK_TAG, "value": mark.text}]
        body = {"name": self._name, "tags": tags}
        try:
            reply = self._rest.change("POST", f"{_API}/experiments/create", body)
            return str(reply["experiment_id"])
        except (Failure, Cancelled) as ending:
            # The code is what it says once a reply was lost.
            if not isinstance(ending, ApiError) or ending.code != "RESOURCE_ALREADY_EXISTS":
                self._begun = ending.may_be_done
                raise
        return self._find_experiment()

    def _find_experiment(self) -> str:
        found = self._rest.get(f"{_API}/experiments/get-by-name", {"experiment_name": self._name})
        return str(found["experiment"]["experiment_id"])

    def renew(self, mark: Mark) -> None:
        """Marks the experiment anew."""
        body = {"experiment_id": self._experiment, "key": MARK_TAG, "value": mark.text}
        self._rest.change("POST", f"{_API}/experiments/set-experiment-tag", body)

    def finish(self, files: tuple[File, ...]) -> Json:
        """The registry is told the folder; `verify` looks at what it made of it."""
        return {"source": self._uri}

    def discard(self) -> bool:
        """Deletes the files where the workspace allows it, then the run, then its experiment."""
        if not self._is_there():
            return False
        if self._run:
            self._delete_files()
            self._delete("runs", {"run_id": self._run})
        self._delete("experiments", {"experiment_id": self._experiment})
        self._begun, self._experiment, self._run = False, "", ""
        return True

    def _is_there(self) -> bool:
        """Whether there is an experiment, though no reply may have told of it."""
        if self.is_in_doubt:
            try:
                self._experiment = self._find_experiment()
            except ApiError as error:
                if not error.is_missing:
                    raise
        return bool(self._experiment)

    def _delete(self, kind: str, which: Json) -> None:
        try:
            self._rest.change("POST", f"{_API}/{kind}/delete", which)
        except ApiError as error:
            if not error.is_missing:
                raise

    def _delete_files(self) -> None:
        """A deleted run's files go after the workspace's retention; here they go at once."""
        crew = Crew(lambda: _DELETES_AT_ONCE)
        names = [file.path for file in self._files]
        try:
            for name in names[:1]:
                self._delete_path("files", name)
            wait([crew.submit(self._delete_path, "files", name) for name in names[1:]])
            for folder in _folders(names):
                self._delete_path("directories", folder)
        except ApiError:  # as where nobody may delete there
            return

    def _delete_path(self, kind: str, path: str) -> None:
        top = f"/WorkspaceInternal/Mlflow/Artifacts/{self._experiment}/Runs/{self._run}/artifacts"
        try:
            place = quoted("/".join(filter(None, (top, _FOLDER, path))))
            self._rest.change("DELETE", f"/api/2.0/fs/{kind}{place}", {})
        except ApiError as error:
            if error.status != 404:
                raise

    def serves(self, source: str) -> bool:
        """Whether a READY version has its files here: it never has."""
        return False

    def after_ready(self) -> None:
        """A READY version has its own copy: the staging copy goes."""
        self.discard()

    def left(self) -> str:
        """What there is to take away by hand."""
        return f"the experiment {self._name} with its run in {self._rest.where}"


def _folders(paths: Sequence[str]) -> Iterator[str]:
    """All folders of these paths, the deepest first, the top one last."""
    folders = {str(folder) for path in paths for folder in PurePosixPath(path).parents}
    yield from sorted(folders - {"."}, key=lambda folder: -folder.count("/"))
    yield ""


def staging_runs(rest: Rest, prefix: str) -> list[tuple[Mark, Json]]:
    """The experiments of staging runs whose names begin so, with who made them."""
    quote = '"' if "'" in prefix else "'"  # of a user such as o'brien@example.com
    body = {"filter": f"name LIKE {quote}{prefix}%{quote}", "max_results": 1000}
    try:
        found = rest.change("POST", f"{_API}/experiments/search", body).get("experiments") or []
    except ApiError as error:
        if error.is_denied or error.is_unknown_call:
            return []  # who may not look has made none
        raise
    marked = []
    for experiment in found:
        tags = {tag["key"]: tag.get("value", "") for tag in experiment.get("tags") or []}
        mark = mark_from(tags.get(MARK_TAG, ""))
        is_ours = experiment["name"].startswith(prefix)  # for LIKE takes any letter for a `_`
        if mark and is_ours and experiment.get("lifecycle_stage") != "deleted":
            marked.append((mark, experiment))
    return marked
