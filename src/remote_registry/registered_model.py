"""The registered model: made where there is none, and taken back where it stays empty."""

from __future__ import annotations

import time
from concurrent.futures import Future
from functools import partial

from .attempt import MARK_TAG, mark_from
from .background import in_background
from .cancelling import shielded
from .errors import Cancelled, Failure
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


class OwnModel:
    """The registered model, as far as this try makes it: nothing of it, before `make`.

    Its undo is pushed at once, so that what is pushed later, its versions, goes before it does.
    """

    def __init__(self, job: Job, undo: Undo) -> None:
        self._job = job
        self._sent = False  # whether "create" was, and not clearly refused
        self._is_ours = False  # or may be
        self._in_doubt = False  # whether it may be made yet
        undo.push(self._take_back, self._left, in_doubt=lambda: self._in_doubt)

    def make(self) -> None:
        """Makes it, or takes over what a killed try left; grants the permissions."""
        job, name = self._job, self._job.api.name
        with shielded():
            self._sent = self._is_ours = self._in_doubt = True
            created = self._created()
            model = None if created else job.api.model()
            made = created or _is_own(model, job)
            self._is_ours = made or _took_over(model, job)
            self._in_doubt = False
        if not self._is_ours:
            return
        if made:
            job.log.line(f"made the registered model {name}")
        else:
            job.log.line(
                f"took over the registered model {name}, which an ended try had left empty"
            )
        if job.inputs.permissions:
            grant(job.side.rest, name, job.inputs.permissions)
            job.log.line(f"granted {len(job.inputs.permissions)} permissions on it")

    def _created(self) -> bool:
        try:
            return self._job.api.create_model(self._job.model_tags)
        except (Failure, Cancelled) as ending:
            self._sent = self._is_ours = self._in_doubt = ending.may_be_done
            raise

    def _left(self) -> str:
        return f"the registered model {self._job.api.name}" if self._is_ours else ""

    def _take_back(self) -> bool:
        model = self._job.api.model() if self._sent else None
        if not model:
            return False
        self._is_ours = _is_own(model, self._job)
        self._in_doubt = False  # for of one name there is one model
        return self._is_ours and _delete_if_empty(self._job)


def _took_over(model: Model | None, job: Job) -> bool:
    """Marks what an ended try has left as this one's, which takes it back where it fails, too."""
    if not model or not is_left(job, model) or job.api.versions():
        return False
    job.api.set_model_tag(*job.mark_tag)
    return True


def _is_own(model: Model | None, job: Job) -> bool:
    mark = mark_from(model.tags.get(MARK_TAG, "")) if model else None
    return bool(mark and mark.token == job.attempt.token)


def _delete_if_empty(job: Job) -> bool:
    looks: list[Future[object]] = [in_background(job.api.versions)]
    for number in range(1, _A_FEW):
        looks.append(in_background(partial(job.api.version_or_none, str(number))))
    if any([look.result() for look in looks]):  # noqa: C419 - none is left on its way
        return False
    job.api.delete_model()
    return True
