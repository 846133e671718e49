"""Moving a version to a stage."""

from __future__ import annotations

from typing import Any

from ..state import State
from ..wire.message import Request, flag, invalid, not_implemented
from .model_versions import VERSIONS
from .routes import MLFLOW, ROUTES
from .version_status import dress, dress_for_databricks

STAGES = ("None", "Staging", "Production", "Archived")
WITH_ARCHIVING = ("Staging", "Production")


def check_stage(stage: str) -> None:
    if stage in STAGES:
        return
    if stage.lower() in (known.lower() for known in STAGES):
        raise not_implemented(f"the stage {stage!r}: the service may want it as in {STAGES}")
    raise invalid(f"Invalid Model Version stage: {stage}. Value must be one of {STAGES}.")


def move(state: State, name: str, version: str, stage: str, archive: bool) -> dict[str, Any]:
    """The version as MLflow's server keeps it afterwards."""
    check_stage(stage)
    if archive and stage not in WITH_ARCHIVING:
        raise invalid(f"archive_existing_versions is only valid for {WITH_ARCHIVING}.")
    _refuse_unready(state, name, version)
    answer = state.upstream.call(
        "POST",
        "model-versions/transition-stage",
        name=name,
        version=version,
        stage=stage,
        archive_existing_versions=archive,
    )
    return answer["model_version"]


def _refuse_unready(state: State, name: str, version: str) -> None:
    registration = state.registrar.get(name, version)
    if registration and registration.status != "READY":
        raise not_implemented(f"a transition of {name}/{version}: it is {registration.status}")


def _moved(state: State, request: Request) -> dict[str, Any]:
    name, version, stage = request.require("name", "version", "stage")
    archive = flag(request.fields().get("archive_existing_versions"))
    return move(state, name, str(version), stage, archive)


@ROUTES.on("POST", f"{VERSIONS}/transition-stage")
def transition_stage(state: State, request: Request) -> dict[str, Any]:
    return {"model_version": dress(state, _moved(state, request))}


@ROUTES.on("POST", f"{MLFLOW}/databricks/model-versions/transition-stage")
def transition_stage_for_databricks(state: State, request: Request) -> dict[str, Any]:
    version = _moved(state, request)
    return {"model_version_databricks": dress_for_databricks(state, request, version)}
