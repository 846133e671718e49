"""Registered models: MLflow's server keeps them, the workspace adds owner, id and rules."""

from __future__ import annotations

from typing import Any

from ..state import RegisteredModel, State
from ..wire.message import ApiError, Request, invalid, not_implemented
from . import version_status
from .filters import part_of_name
from .routes import MLFLOW, ROUTES

MODELS = f"{MLFLOW}/registered-models"
FORBIDDEN = "/.:"
IN_USE = ("Staging", "Production")


def known(state: State, name: str) -> RegisteredModel:
    """What the workspace adds; models get it when they are first met."""
    if name not in state.models:
        _add(state, name, state.identity.user)
    return state.models[name]


def _add(state: State, name: str, user: str) -> None:
    owner = {"user_name": user, "permission_level": "CAN_MANAGE"}
    state.models[name] = RegisteredModel(str(next(state.numbers)), user, [owner])


def dressed(state: State, model: dict[str, Any]) -> dict[str, Any]:
    """A model as the workspace shows it."""
    model.pop("aliases", None)
    model["user_id"] = known(state, model["name"]).user
    for version in model.get("latest_versions", []):
        version_status.dress(state, version)
    return model


def check_name(name: str) -> None:
    if not name:
        raise invalid("Got an invalid name ''. Registered Model names cannot be empty strings.")
    if any(character in name for character in FORBIDDEN):
        raise invalid(
            f"Invalid name '{name}'. A workspace registered model name must be a non-empty UTF-8 "
            "string and cannot contain forward slashes(/), periods(.), or colons(:)."
        )


def _on_mlflow(state: State, request: Request) -> dict[str, Any]:
    try:
        return state.upstream.forward(request)
    except ApiError as error:
        if error.status == 404:
            name = request.fields().get("name", "")
            error.message = f"RegisteredModel '{name}' does not exist. It might have been deleted."
        raise


@ROUTES.on("POST", f"{MODELS}/create")
def create(state: State, request: Request) -> dict[str, Any]:
    name = request.fields().get("name", "")
    check_name(name)
    model = state.upstream.forward(request)["registered_model"]
    _add(state, name, request.user)
    return {"registered_model": dressed(state, model)}


@ROUTES.on("GET", f"{MODELS}/get")
def get(state: State, request: Request) -> dict[str, Any]:
    model = _on_mlflow(state, request)["registered_model"]
    return {"registered_model": dressed(state, model)}


@ROUTES.on("GET", f"{MLFLOW}/databricks/registered-models/get")
def get_for_databricks(state: State, request: Request) -> dict[str, Any]:
    request.path = f"{MODELS}/get"
    model = get(state, request)["registered_model"]
    return {
        "registered_model_databricks": {
            **model,
            "id": known(state, model["name"]).id,
            "permission_level": version_status.permission_level(request),
        }
    }


@ROUTES.on("PATCH", f"{MODELS}/update")
def update(state: State, request: Request) -> dict[str, Any]:
    model = _on_mlflow(state, request)["registered_model"]
    return {"registered_model": dressed(state, model)}


@ROUTES.on("POST", f"{MODELS}/rename")
def rename(state: State, request: Request) -> dict[str, Any]:
    name, new_name = request.require("name", "new_name")
    check_name(new_name)
    model = _on_mlflow(state, request)["registered_model"]
    if name in state.models:
        state.models[new_name] = state.models.pop(name)
    state.registrar.rename(name, new_name)
    for kept, version in [key for key in state.requests if key[0] == name]:
        state.requests[new_name, version] = state.requests.pop((kept, version))
    return {"registered_model": dressed(state, model)}


@ROUTES.on("POST", f"{MODELS}/set-tag")
@ROUTES.on("DELETE", f"{MODELS}/delete-tag")
def tag(state: State, request: Request) -> dict[str, Any]:
    return _on_mlflow(state, request)


@ROUTES.on("DELETE", f"{MODELS}/delete")
def delete(state: State, request: Request) -> dict[str, Any]:
    (name,) = request.require("name")
    found = state.upstream.call("POST", "registered-models/get-latest-versions", name=name)
    for version in found.get("model_versions", []):
        refuse_in_use(version)
    answer = _on_mlflow(state, request)
    state.models.pop(name, None)
    state.registrar.forget(name)
    return answer


def refuse_in_use(version: dict[str, Any]) -> None:
    if version["current_stage"] in IN_USE:
        raise ApiError(
            400,
            "BAD_REQUEST",
            f"Version {version['version']} of {version['name']} is in stage "
            f"{version['current_stage']}; move it out of it before it is deleted.",
        )


@ROUTES.on("GET", f"{MODELS}/search")
def search(state: State, request: Request) -> dict[str, Any]:
    wanted = part_of_name(request.query("filter"))
    return _listing(state, {**request.fields(), "filter": wanted or None})


@ROUTES.on("GET", f"{MODELS}/list")
def list_models(state: State, request: Request) -> dict[str, Any]:
    return _listing(state, request.fields())


def _listing(state: State, fields: dict[str, Any]) -> dict[str, Any]:
    wanted = int(fields.get("max_results") or 100)
    fields["max_results"] = min(wanted, state.knobs.page_size)
    answer = state.upstream.call("GET", "registered-models/search", **fields)
    models = [dressed(state, model) for model in answer.pop("registered_models", [])]
    return {"registered_models": models, **answer}


@ROUTES.on("GET", f"{MODELS}/get-latest-versions")
@ROUTES.on("POST", f"{MODELS}/get-latest-versions")
def get_latest_versions(state: State, request: Request) -> dict[str, Any]:
    versions = _on_mlflow(state, request).get("model_versions", [])
    return {"model_versions": [version_status.dress(state, version) for version in versions]}


@ROUTES.on("GET", f"{MODELS}/alias")
@ROUTES.on("POST", f"{MODELS}/alias")
@ROUTES.on("DELETE", f"{MODELS}/alias")
def refuse_alias(state: State, request: Request) -> dict[str, Any]:
    raise not_implemented("aliases: a workspace's model registry has none")
