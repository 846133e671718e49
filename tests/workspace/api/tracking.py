"""Experiments and runs: MLflow's server answers, the workspace only checks names."""

from __future__ import annotations

from typing import Any

from ..state import State
from ..wire.message import Request, invalid
from .routes import MLFLOW, ROUTES

READ = (
    "runs/get",
    "experiments/get",
    "experiments/get-by-name",
    "experiments/search",
    "metrics/get-history",
)
WRITE = (
    "experiments/delete",
    "experiments/restore",
    "experiments/search",
    "experiments/set-experiment-tag",
    "runs/create",
    "runs/update",
    "runs/delete",
    "runs/restore",
    "runs/search",
    "runs/set-tag",
    "runs/delete-tag",
    "runs/log-metric",
    "runs/log-parameter",
    "runs/log-batch",
    "runs/log-inputs",
    "runs/log-model",
    "runs/outputs",
)


@ROUTES.on("GET", *(f"{MLFLOW}/{call}" for call in READ))
@ROUTES.on("POST", *(f"{MLFLOW}/{call}" for call in WRITE))
def as_mlflow_answers(state: State, request: Request) -> dict[str, Any]:
    return state.upstream.forward(request)


@ROUTES.on("POST", f"{MLFLOW}/experiments/create")
def create_experiment(state: State, request: Request) -> dict[str, Any]:
    (name,) = request.require("name")
    if not name.startswith("/"):
        raise invalid(
            f"Got an invalid experiment name '{name}'. An experiment name must be an absolute "
            "path within the Databricks workspace, e.g. '/Users/<some-username>/my-experiment'."
        )
    return state.upstream.forward(request)
