"""What was found of a source, and looking things up on its side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .connection import Connection
from .errors import SourceMissing
from .figures import Figures, run_figures
from .files.protocols import File, Reader
from .rest import ApiError, Json

API = "/api/2.0/mlflow"


@dataclass(frozen=True)
class ModelSource:
    """A model that was found, and how to read it.

    Attributes:
        kind: `run`, `logged model`, `model version` or `folder`.
        name: Which one, within its workspace or server: the same text for the same model.
        files: All its files, sorted by path.
        run_id: The run that logged it; empty where none is known.
        native_uri: What the registry of the same workspace or server can read by itself.
        model_id: The logged model's id; empty where it is none.
        figures: Tells what is known of it; may have to read its run for that.
    """

    kind: str
    name: str
    reader: Reader
    files: tuple[File, ...]
    run_id: str = ""
    run_page: str = ""
    native_uri: str = ""
    model_id: str = ""
    figures: Callable[[], Figures] = Figures

    @property
    def bytes(self) -> int:
        """The size of all files."""
        return sum(file.size for file in self.files)


class Lookup:
    """Looks things up on the source's side."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.rest = connection.rest

    def get(self, path: str, params: dict[str, Any], missing: str) -> Json:
        """A reply of the MLflow API.

        Raises:
            SourceMissing: There is no such thing; `missing` and the server's words.
        """
        try:
            return self.rest.get(f"{API}/{path}", params)
        except ApiError as error:
            # An MLflow server says INVALID_PARAMETER_VALUE of an alias or id that is not there.
            if error.is_missing or error.code == "INVALID_PARAMETER_VALUE":
                raise self.missing(f"{missing} {error.message}") from error
            raise

    def run_or_none(self, run_id: str) -> tuple[Json | None, str]:
        """A run, deleted ones too; or why there is none that can be read."""
        if not run_id:
            return None, "no run of it is known"
        try:
            return self.rest.get(f"{API}/runs/get", {"run_id": run_id})["run"], ""
        except ApiError as error:
            if not (error.is_missing or error.is_denied or error.code == "INVALID_PARAMETER_VALUE"):
                raise
            return None, f"its run {run_id} can't be read: {error.message}"

    def figures_of_run(self, run_id: str) -> Figures:
        """What a run has logged; where it can't be read, why."""
        run, why = self.run_or_none(run_id)
        return run_figures(run) if run else Figures(unknown=why)

    def missing(self, what: str, todo: str = "") -> SourceMissing:
        """The failure of what is not there."""
        todo = todo or "Check the id, and that the tracking-… inputs name the place it is in."
        return SourceMissing(what, where=self.connection.label, todo=todo)


def read(reader: Reader) -> tuple[Reader, tuple[File, ...]]:
    """A reader and the files that it lists."""
    return reader, tuple(reader.files())
