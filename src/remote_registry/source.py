"""Finding the source: a run, logged model, model version or folder becomes a `ModelSource`."""

from __future__ import annotations

from .connection import Connection
from .errors import SourceMissing
from .files.local import LocalFolder
from .inputs.sources import FolderSource, LoggedModelSource, NewestRunSource, RunSource, SourceSpec
from .lookup import ModelSource, read
from .runs import Runs
from .versions import Versions

__all__ = ["ModelSource", "find_source"]


def find_source(connection: Connection, spec: SourceSpec) -> ModelSource:
    """Finds the model that is meant and lists its files.

    Raises:
        SourceMissing: There is none, more than one, or it holds no `MLmodel`; says what there is.
    """
    if isinstance(spec, FolderSource):
        return _checked(ModelSource("folder", spec.folder.name, *read(LocalFolder(spec.folder))))
    runs = Runs(connection)
    if isinstance(spec, RunSource):
        return _checked(runs.of_run(runs.run(spec.run_id), spec.artifact_path))
    if isinstance(spec, NewestRunSource):
        return _checked(runs.of_run(runs.newest_run(spec), spec.artifact_path))
    if isinstance(spec, LoggedModelSource):
        return _checked(runs.of_logged_model(runs.logged_model(spec.model_id)))
    return _checked(Versions(connection).of_version(spec))


def _checked(source: ModelSource) -> ModelSource:
    paths = [file.path for file in source.files]
    if "MLmodel" not in paths:
        has = f"it has {', '.join(paths[:10])}" if paths else "it is empty or does not exist"
        raise SourceMissing(
            f"No MLmodel file in {source.kind} {source.name}; {has}.",
            todo="Point artifact-path, model-uri or model-path at the folder that holds it.",
        )
    return source
