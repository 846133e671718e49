"""Versions: MLflow's server keeps what is said of them, the workspace copies their files."""

from __future__ import annotations

import time
from typing import Any

from ..registrar import READY
from ..state import State
from ..storage import normal
from ..wire.message import ApiError, Request, invalid, missing, not_implemented
from .artifact_forms import listing
from .filters import one_condition
from .places import join, path_of_uri
from .registered_models import refuse_in_use
from .routes import MLFLOW, ROUTES
from .version_status import dress

VERSIONS = f"{MLFLOW}/model-versions"


@ROUTES.on("POST", f"{VERSIONS}/create")
def create(state: State, request: Request) -> dict[str, Any]:
    _, source = request.require("name", "source")
    if not source.startswith("dbfs:/"):
        raise invalid(f"Invalid source '{source}': it must be a dbfs:/ path.")
    path = normal(path_of_uri(source))
    refuse_too_many(state)
    fields = {name: value for name, value in request.fields().items() if name != "model_id"}
    version = state.upstream.call("POST", "model-versions/create", **fields)["model_version"]
    state.registrar.add(version["name"], version["version"], path, request.user)
    return {"model_version": dress(state, version)}


def refuse_too_many(state: State) -> None:
    if state.registrar.pending() < state.knobs.pending_limit:
        return
    status = state.knobs.pending_limit_status
    code = "REQUEST_LIMIT_EXCEEDED" if status == 429 else "RESOURCE_LIMIT_EXCEEDED"
    limit = state.knobs.pending_limit
    raise ApiError(status, code, f"More than {limit} model versions are pending registration.")


@ROUTES.on("GET", f"{VERSIONS}/get")
@ROUTES.on("PATCH", f"{VERSIONS}/update")
def get_or_update(state: State, request: Request) -> dict[str, Any]:
    return {"model_version": dress(state, state.upstream.forward(request)["model_version"])}


@ROUTES.on("DELETE", f"{VERSIONS}/delete")
def delete(state: State, request: Request) -> dict[str, Any]:
    name, version = request.require("name", "version")
    refuse_in_use(stored(state, name, version))
    answer = state.upstream.forward(request)
    state.registrar.forget(name, str(version))
    state.requests.pop((name, str(version)), None)
    return answer


def stored(state: State, name: str, version: str) -> dict[str, Any]:
    found = state.upstream.call("GET", "model-versions/get", name=name, version=version)
    return found["model_version"]


@ROUTES.on("POST", f"{VERSIONS}/set-tag")
@ROUTES.on("DELETE", f"{VERSIONS}/delete-tag")
def tag(state: State, request: Request) -> dict[str, Any]:
    return state.upstream.forward(request)


@ROUTES.on("GET", f"{VERSIONS}/search")
def search(state: State, request: Request) -> dict[str, Any]:
    one_condition(request.query("filter"), ("name", "run_id"))
    fields = request.fields()
    wanted = int(fields.get("max_results") or 10_000)
    fields["max_results"] = min(wanted, state.knobs.page_size)
    answer = state.upstream.call("GET", "model-versions/search", **fields)
    versions = [one for one in answer.pop("model_versions", []) if _is_seen(state, one)]
    return {"model_versions": [dress(state, one) for one in versions], **answer}


def _is_seen(state: State, version: dict[str, Any]) -> bool:
    registration = state.registrar.get(version["name"], version["version"])
    lag = state.knobs.search_lag
    if not registration:
        return not lag
    return time.monotonic() >= registration.created + lag


def _registered_folder(state: State, request: Request) -> str:
    name, version = request.require("name", "version")
    stored(state, name, version)
    registration = state.registrar.get(name, str(version))
    if not registration or registration.status != READY:
        raise not_implemented(f"questions for the files of {name}/{version}: it is not READY")
    return registration.folder


@ROUTES.on("GET", f"{VERSIONS}/get-download-uri")
def get_download_uri(state: State, request: Request) -> dict[str, Any]:
    return {"artifact_uri": f"dbfs:{_registered_folder(state, request)}"}


@ROUTES.on("GET", f"{VERSIONS}/list-artifacts")
def list_artifacts(state: State, request: Request) -> dict[str, Any]:
    folder = _registered_folder(state, request)
    return listing(state, folder, request.query("path"), request.query("page_token"))


@ROUTES.on("GET", f"{VERSIONS}/get-signed-download-uri")
def get_signed_download_uri(state: State, request: Request) -> dict[str, Any]:
    folder = _registered_folder(state, request)
    path = join(folder, *request.require("path"))
    if not state.storage.is_file(path):
        raise missing(f"The version has no file {request.query('path')}.")
    return {"signed_uri": state.signer.url("GET", path), "headers": []}
