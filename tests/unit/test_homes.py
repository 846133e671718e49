"""The place of a try's files: it knows of itself whether there is anything of it."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from remote_registry.attempt import MARK_TAG, Mark
from remote_registry.errors import Cancelled, RegistryFailed
from remote_registry.registry.mlflow_server import LoggedModelHome, RunHome
from remote_registry.registry.protocols import Refused
from remote_registry.registry.staging_run import StagingRun
from remote_registry.replies import Reply
from remote_registry.rest import REGISTRY, ApiError, InDoubt, Json
from remote_registry.retry import Transient

MARK = Mark(token="t", key="k")


def refusal(status: int, code: str) -> ApiError:
    refused = ApiError(REGISTRY, "here", status, code, "no")
    refused.may_be_done = status >= 500
    return refused


class Answers:
    """Answers each call by its last word, or raises what it finds there."""

    where = "the registry"

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.calls: list[str] = []

    def _answer(self, path: str) -> Json:
        word = path.rsplit("/", 1)[-1].replace("-", "_")
        self.calls.append(word)
        answer = self.answers[word]
        if isinstance(answer, BaseException):
            raise answer
        return answer if isinstance(answer, Reply) else dict(answer)

    def get(self, path: str, params: Any = None) -> Json:
        return self._answer(path)

    def once(self, path: str, body: Json) -> Json:
        return self._answer(path)

    def change(self, method: str, path: str, body: Json) -> Json:
        return self._answer(path)

    def repeat(self, attempt: Any) -> Any:
        try:
            return attempt()
        except Transient as error:
            raise error.failure from error


EXPERIMENT = {"experiment": {"experiment_id": "7"}}


@pytest.mark.parametrize(
    ("raised", "is_begun"),
    [(refusal(403, "PERMISSION_DENIED"), False), (InDoubt("no reply"), True)],
)
def test_a_logged_model_that_was_refused_is_not_begun(raised: Exception, is_begun: bool) -> None:
    rest: Any = Answers(get_by_name=EXPERIMENT, logged_models=raised, search={"models": []})
    home = LoggedModelHome(rest, "m")
    with pytest.raises(type(raised)):
        home.prepare(MARK)
    assert home.is_begun is is_begun
    assert "remote_registry" in home.left()


def test_a_logged_model_that_is_made_late_is_looked_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(LoggedModelHome, "_delete_files", lambda _: None)
    rest: Any = Answers(get_by_name=EXPERIMENT, logged_models=InDoubt("no"), search={}, m={})
    home = LoggedModelHome(rest, "m")
    with pytest.raises(InDoubt):
        home.prepare(MARK)
    assert home.is_in_doubt
    assert not home.discard()
    assert home.is_in_doubt
    tags = [{"key": MARK_TAG, "value": MARK.text}]
    rest.answers["search"] = {
        "models": [{"info": {"model_id": "m", "artifact_uri": "a", "tags": tags}}]
    }
    assert home.discard()
    assert rest.calls[-1] == "m"
    assert not home.is_begun
    assert not home.is_in_doubt


@pytest.mark.parametrize("kind", [LoggedModelHome, RunHome])
def test_a_home_that_an_odd_reply_told_of_stays_in_doubt(
    kind: type[LoggedModelHome | RunHome],
) -> None:
    odd = Reply({}, RegistryFailed)
    rest: Any = Answers(get_by_name=EXPERIMENT, logged_models=odd, create=odd, search={})
    home = kind(rest, "m")
    with pytest.raises(RegistryFailed, match="lacks"):
        home.prepare(MARK)
    assert home.is_begun
    assert home.is_in_doubt


def test_a_home_that_is_made_while_the_registry_has_us_wait_is_taken() -> None:
    doubt = InDoubt("busy")
    doubt.after = 60.0
    rest: Any = Answers(get_by_name=EXPERIMENT, create=doubt, search={})
    waits: list[float | None] = []

    def repeat(attempt: Any) -> Any:
        try:
            return attempt()
        except Transient as error:
            waits.append(error.after)
            tags = [{"key": MARK_TAG, "value": MARK.text}]
            info = {"run_id": "r", "artifact_uri": "mlflow-artifacts:/1/r/artifacts"}
            rest.answers["search"] = {"runs": [{"info": info, "data": {"tags": tags}}]}
            return attempt()

    rest.repeat = repeat
    home = RunHome(rest, "m")
    home.prepare(MARK)
    assert waits == [60.0]
    assert rest.calls.count("create") == 1


@pytest.mark.parametrize("may_be_done", [True, False])
@pytest.mark.parametrize("kind", [LoggedModelHome, RunHome, StagingRun])
def test_a_home_is_begun_if_a_cancelled_call_may_have_made_it(kind: Any, may_be_done: bool) -> None:
    cancelled = Cancelled(signal.SIGINT)
    cancelled.may_be_done = may_be_done
    rest: Any = Answers(get_by_name=EXPERIMENT, logged_models=cancelled, create=cancelled)
    home = kind(rest, "m", ()) if kind is StagingRun else kind(rest, "m")
    with pytest.raises(Cancelled):
        home.prepare(MARK)
    assert home.is_begun is home.is_in_doubt is may_be_done


def test_a_staging_run_that_no_reply_told_of_stays_in_doubt() -> None:
    missing = refusal(404, "RESOURCE_DOES_NOT_EXIST")
    rest: Any = Answers(create=InDoubt("no"), get_by_name=missing, delete={})
    home = StagingRun(rest, "/Users/a/ours", ())
    with pytest.raises(InDoubt):
        home.prepare(MARK)
    assert not home.discard()
    assert home.is_in_doubt
    rest.answers["get_by_name"] = EXPERIMENT
    assert home.discard()
    assert not home.is_in_doubt


def test_a_staging_run_whose_experiment_no_reply_told_of_is_taken_back_all_the_same() -> None:
    rest: Any = Answers(create=refusal(503, ""), get_by_name=EXPERIMENT, delete={})
    home = StagingRun(rest, "/Users/a/ours", ())
    assert not home.is_begun
    with pytest.raises(Refused):
        home.prepare(MARK)
    assert home.is_begun
    assert home.discard()
    assert rest.calls == ["create", "get_by_name", "delete"]
    assert not home.is_begun


def test_a_staging_run_that_was_refused_is_none() -> None:
    rest: Any = Answers(create=refusal(403, "PERMISSION_DENIED"))
    home = StagingRun(rest, "/Users/a/ours", ())
    with pytest.raises(Refused):
        home.prepare(MARK)
    assert not home.discard()
    assert not home.is_begun
