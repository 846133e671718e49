"""What tries of ours, and plain MLflow, have left in a registry for good."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..attempt import MARK_TAG, Attempt, Mark, mark_from
from ..connection import Connection
from ..inputs.values import TAG_PREFIX
from ..replies import pages
from ..rest import ApiError, Json, Rest
from .databricks import Dbfs, DbfsStaging, look_at_dbfs
from .mlflow_server import EXPERIMENT, LoggedModelHome, RunHome, served_home
from .protocols import Home
from .staging_run import StagingRun, staging_runs

OURS = "remote-registry-"  # what the names of our staging copies begin with
_API = "/api/2.0/mlflow"
_PAGE = 1000


def orphans(side: Connection, attempt: Attempt, name: str, retired: set[str]) -> Iterator[Home]:
    """What nobody needs any more: staging copies whose tries have surely ended.

    On an MLflow server, whose registry copies nothing, the homes of this model's versions that no
    version has any more; where theirs is among those that were retired, at once.

    Args:
        name: The registered model's.
        retired: The sources of the versions that were deleted just now.
    """
    if side.is_databricks:
        yield from _staging_copies(side, attempt)
        return
    used: set[str] | None = None
    for mark, home in _homes(side, name):
        if home.source in retired or attempt.is_over(mark):
            used = _sources(side.rest) if used is None else used
            if home.source not in used:
                yield home


def _staging_copies(side: Connection, attempt: Attempt) -> Iterator[Home]:
    for folder in look_at_dbfs(side.rest).folders:
        if folder.startswith(OURS):
            staging = DbfsStaging(side.rest, folder, found=True)
            mark = staging.mark()
            if mark and attempt.is_over(mark):
                yield staging
    for mark, experiment in staging_runs(side.rest, f"/Users/{side.user}/{OURS}"):
        if attempt.is_over(mark):
            yield StagingRun.found(side.rest, experiment)


def _homes(side: Connection, name: str) -> Iterator[tuple[Mark, LoggedModelHome | RunHome]]:
    """The homes that were made for a model of this name, with who made them."""
    params = {"experiment_name": EXPERIMENT}
    try:
        experiment = side.rest.get(f"{_API}/experiments/get-by-name", params)["experiment"]
    except ApiError as error:
        if error.is_missing:
            return
        raise
    kind = "logged-models" if side.has_logged_models else "runs"
    body = {"experiment_ids": [str(experiment["experiment_id"])], "max_results": _PAGE // 20}
    plain = re.sub(r"[/:.%\"']", "_", name)
    for entry in _all(side.rest, f"{kind}/search", body, "models" if "-" in kind else "runs"):
        info = entry["info"]
        fields = info if side.has_logged_models else entry["data"]
        tags = {tag["key"]: tag.get("value", "") for tag in fields.get("tags") or []}
        mark = mark_from(tags.get(MARK_TAG, ""))
        called = info.get("name") or info.get("run_name") or tags.get("mlflow.runName", "")
        if mark and called in (name, plain) and f"{TAG_PREFIX}key" in tags:
            home = served_home(side, name)
            home.take(entry)
            yield mark, home


def _all(rest: Rest, call: str, body: Json, field: str) -> Iterator[Json]:
    path = f"{_API}/{call}"
    for reply in pages(lambda token: rest.change("POST", path, body | _of_page(token))):
        yield from reply.get(field) or []


def _of_page(token: str) -> Json:
    return {"page_token": token} if token else {}


def _sources(rest: Rest) -> set[str]:
    """The sources of all versions of all models."""
    path, params = f"{_API}/model-versions/search", {"max_results": _PAGE}
    replies = pages(lambda token: rest.get(path, params | _of_page(token)))
    versions = [one for reply in replies for one in reply.get("model_versions") or []]
    return {str(one.get("source", "")) for one in versions}


def of_mlflow(dbfs: Dbfs) -> list[str]:
    """The names of the staging copies that plain MLflow has left in a workspace."""
    return sorted(name for name in dbfs.folders if not name.startswith(OURS))


def of_run(names: list[str], run: str) -> list[str]:
    """Those of one run: MLflow adds four digits where a name is in use."""
    return [name for name in names if re.fullmatch(f"{re.escape(run)}(-[0-9a-f]{{4}})?", name)]


def versions_of_run(rest: Rest, run: str) -> list[Json]:
    """The versions of any model that were made of a run."""
    reply = rest.get(f"{_API}/model-versions/search", {"filter": f"run_id='{run}'"})
    return list(reply.get("model_versions") or [])
