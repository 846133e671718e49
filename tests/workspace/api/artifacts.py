"""A run's artifacts: their listing and their uploads in parts."""

from __future__ import annotations

from typing import Any

from ..azure import AZURE
from ..state import State
from ..uploads import Part
from ..wire.message import Request, not_implemented
from .artifact_forms import credential, listing
from .places import join, path_of_uri
from .routes import MLFLOW, ROUTES


def root_uri(state: State, run_id: str) -> str:
    run = state.upstream.call("GET", "runs/get", run_id=run_id)["run"]
    return run["info"]["artifact_uri"]


@ROUTES.on("GET", f"{MLFLOW}/artifacts/list")
def list_artifacts(state: State, request: Request) -> dict[str, Any]:
    uri = root_uri(state, *request.require("run_id"))
    found = listing(state, path_of_uri(uri), request.query("path"), request.query("page_token"))
    return {"root_uri": uri, **found}


@ROUTES.on("POST", f"{MLFLOW}/artifacts/create-multipart-upload")
def create_multipart_upload(state: State, request: Request) -> dict[str, Any]:
    if state.knobs.signed_url_type in AZURE:
        raise not_implemented("uploads in parts to Azure's storage")
    run_id, path, count = request.require("run_id", "path", "num_parts")
    target = join(path_of_uri(root_uri(state, run_id)), path)
    upload_id = state.uploads.start(target)
    parts = [
        credential(state.signer.url("PUT", target, upload_id, number), path, run_id=run_id)
        for number in range(1, int(count) + 1)
    ]
    abort = credential(state.signer.url("DELETE", target, upload_id), path, run_id=run_id)
    return {
        "upload_id": upload_id,
        "upload_credential_infos": parts,
        "abort_credential_info": abort,
    }


@ROUTES.on("GET", f"{MLFLOW}/artifacts/get-presigned-upload-part-url")
def get_presigned_upload_part_url(state: State, request: Request) -> dict[str, Any]:
    run_id, path, upload_id, number = request.require("run_id", "path", "upload_id", "part_number")
    target = join(path_of_uri(root_uri(state, run_id)), path)
    url = state.signer.url("PUT", target, upload_id, int(number))
    return {"upload_credential_info": credential(url, path, run_id=run_id)}


@ROUTES.on("POST", f"{MLFLOW}/artifacts/complete-multipart-upload")
def complete_multipart_upload(state: State, request: Request) -> dict[str, Any]:
    _, _, upload_id, parts = request.require("run_id", "path", "upload_id", "part_etags")
    found = [Part(int(part["part_number"]), part["etag"]) for part in parts]
    state.uploads.complete(upload_id, found)
    return {}
