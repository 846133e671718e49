"""Signed URLs for the artifacts of runs and of logged models."""

from __future__ import annotations

from typing import Any

from ..state import State
from ..wire.message import Request, invalid
from . import artifacts, logged_models
from .artifact_forms import signed
from .paging import page
from .places import join, path_of_uri
from .routes import MLFLOW, ROUTES

MOST_PATHS = 2000
RUN_VERBS = {"credentials-for-read": "GET", "credentials-for-write": "PUT"}
MODEL_VERBS = {"credentials-for-download": "GET", "credentials-for-upload": "PUT"}


def _asked_for(state: State, request: Request, name: str) -> tuple[list[str], dict[str, str]]:
    paths = request.repeated(name)
    if len(paths) > MOST_PATHS:
        raise invalid(f"At most {MOST_PATHS} paths can be asked for at a time.")
    return page(paths, request.fields().get("page_token", ""), state.knobs.page_size)


@ROUTES.on("POST", *(f"{MLFLOW}/artifacts/{call}" for call in RUN_VERBS))
def for_run(state: State, request: Request) -> dict[str, Any]:
    (run_id,) = request.require("run_id")
    verb = RUN_VERBS[request.path.rsplit("/", 1)[1]]
    root = path_of_uri(artifacts.root_uri(state, run_id))
    paths, more = _asked_for(state, request, "path")
    infos = [signed(state, verb, join(root, path), path, run_id=run_id) for path in paths]
    return {"credential_infos": infos, **more}


@ROUTES.on("POST", *(f"{MLFLOW}/logged-models/{{id}}/artifacts/{call}" for call in MODEL_VERBS))
def for_logged_model(state: State, request: Request) -> dict[str, Any]:
    model_id = request.params["id"]
    verb = MODEL_VERBS[request.path.rsplit("/", 1)[1]]
    root = logged_models.root(state, model_id)
    paths, more = _asked_for(state, request, "paths")
    credentials = [
        {"model_id": model_id, "credential_info": signed(state, verb, join(root, path), path)}
        for path in paths
    ]
    return {"credentials": credentials, **more}
