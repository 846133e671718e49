"""The registered model: made where there is none, and taken back where it stays empty."""

from __future__ import annotations

import time
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial

from .attempt import MARK_TAG, mark_from
from .background import in_background
from .cancelling import shielded
from .errors import Failure
from .job import Job
from .registry.api import Model
from .registry.databricks import grant
from .undo import Undo

_A_FEW = 5
_LEFT_OF_LATE = 86_400.0  # seconds; who has a model for longer may have granted it to others


def is_left(job: Job, model: Model) -> bool:
    """Whether a try of this registration made the model of late, and has ended."""
    mark = mark_from(model.tags.get(MARK_TAG, ""))
    if not mark or mark.key != job.key or not job.attempt.is_over(mark):
        return False
    return time.time() - mark.renewed < _LEFT_OF_LATE


@dataclass
class _Making:
    is_ours: bool = True  # or may be
    in_doubt: bool = True  # for no clear reply has come


def make_model(job: Job, undo: Undo) -> None:
    """Makes the registered model, or takes over what a killed try left; grants the permissions."""
    name, making = job.inputs.model_name, _Making()
    left = lambda: f"the registered model {name}" if making.is_ours else ""  # noqa: E731
    take_back = partial(_take_back, job, making)
    undo.push(take_back, left, in_doubt=lambda: making.in_doubt)
    with shielded():
        made = _created(job, making) or _is_own(job.api.model(), job)
        making.is_ours = made or _took_over(job)
    if not making.is_ours:
        return
    if made:
        job.log.line(f"made the registered model {name}")
    else:
        job.log.line(f"took over the registered model {name}, which an ended try had left empty")
    if job.inputs.permissions:
        grant(job.side.rest, name, job.inputs.permissions)
        job.log.line(f"granted {len(job.inputs.permissions)} permissions on it")


def _created(job: Job, making: _Making) -> bool:
    try:
        made = job.api.create_model(job.model_tags)
    except Failure as failure:
        making.is_ours = making.in_doubt = failure.may_be_done
        raise
    making.in_doubt = False
    return made


def _took_over(job: Job) -> bool:
    """Marks what an ended try has left as this one's, which takes it back where it fails, too."""
    model = job.api.model()
    if not model or not is_left(job, model):
        return False
    job.api.set_model_tag(*job.mark_tag)
    return True


def _is_own(model: Model | None, job: Job) -> bool:
    mark = mark_from(model.tags.get(MARK_TAG, "")) if model else None
    return bool(mark and mark.token == job.attempt.token)


def _take_back(job: Job, making: _Making) -> bool:
    deleted = _delete_if_ours_and_empty(job)
    making.in_doubt = making.in_doubt and not deleted
    return deleted


def _delete_if_ours_and_empty(job: Job) -> bool:
    if not _is_own(job.api.model(), job):
        return False
    looks: list[Future[object]] = [in_background(job.api.versions)]
    for number in range(1, _A_FEW):
        looks.append(in_background(partial(job.api.version_or_none, str(number))))
    if any([look.result() for look in looks]):  # noqa: C419 - none is left on its way
        return False
    job.api.delete_model()
    return True
