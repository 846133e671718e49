"""Logged models: MLflow's server answers, with the artifact locations of Databricks."""

from __future__ import annotations

import re
from typing import Any

from ..state import State
from ..wire.message import Request
from .artifact_forms import listing
from .places import TRACKING_ROOT, path_of_uri
from .routes import MLFLOW, ROUTES

MODELS = f"{MLFLOW}/logged-models"
_MLFLOWS_LOCATION = re.compile(rf"(dbfs:{TRACKING_ROOT}/[^/]+)/models/")


def _dressed(model: dict[str, Any]) -> dict[str, Any]:
    info = model["info"]
    info["artifact_uri"] = _MLFLOWS_LOCATION.sub(r"\1/logged_models/", info["artifact_uri"])
    return model


def root(state: State, model_id: str) -> str:
    model = state.upstream.call("GET", f"logged-models/{model_id}")["model"]
    return path_of_uri(_dressed(model)["info"]["artifact_uri"])


@ROUTES.on("POST", MODELS)
@ROUTES.on("GET", f"{MODELS}/{{id}}")
@ROUTES.on("PATCH", f"{MODELS}/{{id}}")
def one_model(state: State, request: Request) -> dict[str, Any]:
    return {"model": _dressed(state.upstream.forward(request)["model"])}


@ROUTES.on("POST", f"{MODELS}/search")
def search(state: State, request: Request) -> dict[str, Any]:
    answer = state.upstream.forward(request)
    models = [_dressed(model) for model in answer.pop("models", [])]
    return {"models": models, **answer}


@ROUTES.on("DELETE", f"{MODELS}/{{id}}")
@ROUTES.on("PATCH", f"{MODELS}/{{id}}/tags")
@ROUTES.on("DELETE", f"{MODELS}/{{id}}/tags/{{key:path}}")
@ROUTES.on("POST", f"{MODELS}/{{id}}/params")
def as_mlflow_answers(state: State, request: Request) -> dict[str, Any]:
    return state.upstream.forward(request)


@ROUTES.on("GET", f"{MODELS}/{{id}}/artifacts/directories")
def list_directory(state: State, request: Request) -> dict[str, Any]:
    return listing(
        state,
        root(state, request.params["id"]),
        request.query("artifact_directory_path"),
        request.query("page_token"),
    )
