"""The source as what a run has logged: artifacts, or a logged model."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from .errors import SourceMissing
from .figures import Figures, model_figures, run_figures
from .files.databricks import LoggedModelFiles, RunFiles
from .files.protocols import File, Reader
from .files.proxy import ProxyFolder
from .files.stores import served_folder
from .inputs.sources import NewestRunSource
from .lookup import API, Lookup, ModelSource, read
from .replies import pages
from .rest import ApiError, Json


class Runs(Lookup):
    """Runs, and the logged models of runs."""

    def run(self, run_id: str) -> Json:
        """A run that is there and not deleted."""
        run: Json = self.get("runs/get", {"run_id": run_id}, f"There is no run {run_id}:")["run"]
        if run["info"].get("lifecycle_stage") == "deleted":
            raise self.missing(f"The run {run_id} is deleted.", "Restore it, or name another run.")
        return run

    def newest_run(self, spec: NewestRunSource) -> Json:
        """The newest finished run that fits."""
        others = 0
        for run in self._fitting(spec):
            if run["info"].get("status") == "FINISHED":
                return run
            others += 1
        unfinished = f"; {others} fit and are not finished" if others else ""
        raise self.missing(
            f"No finished run of the experiment {spec.experiment!r} fits run-filter{unfinished}.",
            "Check the filter and the experiment.",
        )

    def _fitting(self, spec: NewestRunSource) -> Iterator[Json]:
        """The runs that fit, newest first, whatever has become of them."""
        body = {
            "experiment_ids": [self._experiment_id(spec.experiment)],
            "filter": spec.run_filter,
            "run_view_type": "ACTIVE_ONLY",
            "order_by": ["attributes.start_time DESC"],
            "max_results": 200,
        }

        def ask(token: str) -> Json:
            of_page = {"page_token": token} if token else {}
            try:
                return self.rest.change("POST", f"{API}/runs/search", body | of_page)
            except ApiError as error:
                if error.code != "INVALID_PARAMETER_VALUE":
                    raise
                raise self.missing(
                    f"run-filter is not taken: {error.message}",
                    "Write it as for MLflow's search_runs.",
                ) from error

        for reply in pages(ask):
            yield from reply.get("runs") or []

    def _experiment_id(self, experiment: str) -> str:
        missing = f"There is no experiment {experiment!r}:"
        try:
            reply = self.get("experiments/get-by-name", {"experiment_name": experiment}, missing)
        except SourceMissing:
            if not experiment.isdigit():
                raise
            reply = self.get("experiments/get", {"experiment_id": experiment}, missing)
        return str(reply["experiment"]["experiment_id"])

    def of_run(self, run: Json, artifact_path: str) -> ModelSource:
        """The run's model: what lies at the path, or the one that it has."""
        outputs = (run.get("outputs") or {}).get("model_outputs") or []
        ids = list(dict.fromkeys(output["model_id"] for output in outputs))
        if artifact_path:
            return self._at_path(run, artifact_path, ids)
        models = self._still_there(ids)
        ready = [model for model in models if _is_ready(model)]
        if len(ready) > 1:
            names = ", ".join(f"{m['info'].get('name')} ({m['info']['model_id']})" for m in ready)
            raise self.missing(
                f"The run {run['info']['run_id']} has {len(ready)} logged models: {names}.",
                "Say which one: artifact-path: <name>, or model-uri: models:/<model id>.",
            )
        if ready:
            return self.of_logged_model(ready[0], run)
        return self._of_artifacts(run, "model") or self._no_model(run)

    def _at_path(self, run: Json, path: str, ids: list[str]) -> ModelSource:
        """MLflow 3 reads `runs:/<run>/<path>` from artifacts, else from a model of that name."""
        if source := self._of_artifacts(run, path):
            return source
        models = self._still_there(ids)
        named = [model for model in models if model["info"].get("name") == path]
        if not named:
            return self._no_model(run, path, [str(model["info"].get("name")) for model in models])
        newest = max(named, key=lambda model: int(model["info"].get("creation_timestamp_ms") or 0))
        return self.of_logged_model(newest, run)

    def _of_artifacts(self, run: Json, path: str) -> ModelSource | None:
        info = run["info"]
        reader: Reader
        if self.connection.is_databricks:
            reader = RunFiles(self.rest, info["experiment_id"], info["run_id"], path)
        else:
            reader = served_folder(self.rest, info["artifact_uri"], path)
            if isinstance(reader, ProxyFolder) and reader.problem(File(path, 0)):
                return None  # the proxy takes it for another folder, so nothing can be in this one
        files = tuple(reader.files())
        if not files:
            return None
        return ModelSource(
            "run",
            f"runs/{info['run_id']}/{path}",
            reader,
            files,
            run_id=info["run_id"],
            run_page=self.connection.run_page(info["experiment_id"], info["run_id"]),
            # A registry would take these marks for the end of the path, or decode them.
            native_uri=""
            if re.search("[#?%]", path)
            else f"{info['artifact_uri'].rstrip('/')}/{path}",
            figures=lambda: run_figures(run),
        )

    def _no_model(self, run: Json, path: str = "", models: Sequence[str] = ()) -> ModelSource:
        run_id = run["info"]["run_id"]
        listing = self.rest.get(f"{API}/artifacts/list", {"run_id": run_id})
        names = [*models, *(entry["path"] for entry in listing.get("files") or [])]
        at = f"nothing at artifact-path {path!r}" if path else "no model (MLflow 3) and no 'model'"
        raise self.missing(
            f"The run {run_id} has {at}; it has {', '.join(names[:20]) or 'no artifacts'}.",
            "Set artifact-path to the logged model, or to the folder that holds the MLmodel.",
        )

    def _still_there(self, ids: list[str]) -> list[Json]:
        """Those of a run's logged models that nobody has deleted."""
        models: list[Json] = []
        for model_id in ids:
            try:
                models.append(self.rest.get(f"{API}/logged-models/{model_id}")["model"])
            except ApiError as error:
                if not error.is_missing:
                    raise
        return models

    def logged_model(self, model_id: str) -> Json:
        """A logged model that is there."""
        if not self.connection.has_logged_models:
            raise self.missing(f"An MLflow 2 server has no logged models, such as {model_id}.")
        missing = f"There is no logged model {model_id}:"
        model: Json = self.get(f"logged-models/{model_id}", {}, missing)["model"]
        return model

    def of_logged_model(self, model: Json, run: Json | None = None) -> ModelSource:
        """A logged model that is complete; and its run, where that has been read."""
        info = model["info"]
        model_id, run_id = info["model_id"], info.get("source_run_id") or ""
        if not _is_ready(model):
            raise self.missing(
                f"The logged model {model_id} is {info.get('status')}, not LOGGED_MODEL_READY.",
                "Wait until its training has ended, or log it again.",
            )
        reader: Reader
        if self.connection.is_databricks:
            reader = LoggedModelFiles(self.rest, info["experiment_id"], model_id)
        else:
            reader = served_folder(self.rest, info["artifact_uri"])
        page = self.connection.run_page(info["experiment_id"], run_id) if run_id else ""
        return ModelSource(
            "logged model",
            f"logged-models/{model_id}",
            *read(reader),
            run_id=run_id,
            run_page=page,
            native_uri=info["artifact_uri"],
            model_id=model_id,
            figures=lambda: self._figures_of(model, run),
        )

    def _figures_of(self, model: Json, run: Json | None) -> Figures:
        why = ""
        if run is None:
            run, why = self.run_or_none(model["info"].get("source_run_id") or "")
        return replace(model_figures(model, run), unknown=why)


def _is_ready(model: Json) -> bool:
    return str(model["info"].get("status", "")) in ("LOGGED_MODEL_READY", "READY")
