"""The registered model: made where there is none, and taken back where it stays empty."""

from __future__ import annotations

from concurrent.futures import Future
from functools import partial

from .attempt import Mark, mark_from
from .background import in_background
from .cancelling import shielded
from .job import MARK_TAG, Job
from .registry.databricks import grant
from .undo import Undo

_A_FEW = 5


def make_model(job: Job, undo: Undo) -> None:
    """Makes the registered model, and grants the permissions asked for where it is ours."""
    name = job.inputs.model_name
    undo.push(lambda: _delete_if_ours_and_empty(job), lambda: f"the registered model {name}")
    with shielded():
        made = job.api.create_model(job.model_tags)
    mark = None if made else _maker(job)
    if not made and not (mark and job.attempt.is_over(mark)):
        return
    job.log.line(f"made the registered model {name}")
    if job.inputs.permissions:
        grant(job.side.rest, name, job.inputs.permissions)
        job.log.line(f"granted {len(job.inputs.permissions)} permissions on it")


def _maker(job: Job) -> Mark | None:
    model = job.api.model()
    return mark_from(model.tags.get(MARK_TAG, "")) if model else None


def _delete_if_ours_and_empty(job: Job) -> bool:
    mark = _maker(job)
    if not mark or mark.token != job.attempt.token:
        return False
    looks: list[Future[object]] = [in_background(job.api.versions)]
    for number in range(1, _A_FEW):
        looks.append(in_background(partial(job.api.version_or_none, str(number))))
    if any([look.result() for look in looks]):  # noqa: C419 - none is left on its way
        return False
    job.api.delete_model()
    return True
