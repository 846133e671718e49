"""What is sent again, and what never is."""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Callable

import pytest
from tiny_server import Reply, TinyServer, serving
from wrong_replies import LOST, NO_JSON

from remote_registry import rest as rest_module
from remote_registry.errors import Cancelled, Failure, RegistryFailed, SourceMissing
from remote_registry.inputs.sides import Databricks, Secret
from remote_registry.rest import REGISTRY, SOURCE, ApiError, InDoubt, Rest
from remote_registry.retry import Transient

GOOD = Reply.of({"answer": 42})


@pytest.fixture
def rest(tiny: TinyServer) -> Rest:
    """Signed in to before, and not patient."""
    rest = new_rest(tiny)
    rest.known_good = True
    return rest


def new_rest(tiny: TinyServer) -> Rest:
    return Rest(Databricks(tiny.url, Secret("dapi-1"), "55"), REGISTRY, seconds=1.5)


def once(rest: Rest) -> None:
    rest.once("/create", {"name": "churn"})


def read(rest: Rest) -> None:
    rest.get("/get")


@pytest.mark.parametrize("reply", NO_JSON)
def test_of_a_host_that_is_known_it_passes(tiny: TinyServer, rest: Rest, reply: Reply) -> None:
    tiny.replies = [reply, GOOD]

    assert rest.get("/get") == {"answer": 42}


@pytest.mark.parametrize("reply", [*LOST, pytest.param(Reply(429), id="429")])
def test_what_may_pass_is_waited_out(tiny: TinyServer, rest: Rest, reply: Reply) -> None:
    tiny.replies = [reply, GOOD, reply, GOOD]

    assert rest.get("/get") == {"answer": 42}
    assert rest.change("POST", "/post", {}) == {"answer": 42}
    assert [request.path for request in tiny.requests] == ["/get"] * 2 + ["/post"] * 2


@pytest.mark.parametrize("reply", LOST)
def test_what_does_not_pass_is_told_in_the_end(tiny: TinyServer, reply: Reply) -> None:
    tiny.replies = [reply]
    side = Databricks(tiny.url, Secret("dapi-1"))

    for role, code in ((REGISTRY, RegistryFailed.exit_code), (SOURCE, SourceMissing.exit_code)):
        rest = Rest(side, role, seconds=0.6)
        with pytest.raises(Failure) as told:
            rest.get("/get")
        assert told.value.exit_code == code
    assert len(tiny.requests) > 2


@pytest.mark.parametrize(("status", "asked"), [(429, once), (429, read), (503, read)])
def test_a_server_that_says_when_is_asked_then(
    tiny: TinyServer, rest: Rest, status: int, asked: Callable[[Rest], None]
) -> None:
    tiny.replies = [Reply(status, headers={"Retry-After": "1"}), GOOD]
    begun = time.monotonic()

    asked(rest)

    assert 1.0 <= time.monotonic() - begun < 5
    assert len(tiny.requests) == 2


@pytest.mark.parametrize("after", ["99999", "5"])
def test_nobody_waits_for_what_comes_too_late(tiny: TinyServer, rest: Rest, after: str) -> None:
    tiny.replies = [Reply(429, headers={"Retry-After": after}), GOOD]
    begun = time.monotonic()

    with pytest.raises(ApiError, match="429"):
        rest.get("/get")
    assert time.monotonic() - begun < 4


@pytest.mark.parametrize("after", ["Fri, 31 Dec 2100 23:59:59 GMT", "-5", "1e9", "0", "999999"])
def test_an_odd_time_to_come_back_is_none(tiny: TinyServer, rest: Rest, after: str) -> None:
    tiny.replies = [Reply(429, headers={"Retry-After": after}), GOOD]

    assert rest.get("/get") == {"answer": 42}


@pytest.mark.parametrize(
    "reply",
    [*LOST, *NO_JSON, pytest.param(Reply(503, headers={"Retry-After": "1"}), id="503, later")],
)
def test_what_may_have_been_done_is_sent_once(tiny: TinyServer, rest: Rest, reply: Reply) -> None:
    tiny.replies = [reply, GOOD]

    with pytest.raises(InDoubt) as told:
        once(rest)
    assert told.value.exit_code == RegistryFailed.exit_code
    assert len(tiny.requests) == 1


def test_a_reply_that_does_not_come_leaves_a_doubt(
    tiny: TinyServer, rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest_module, "_TIMEOUT", (5, 0.2))
    tiny.silence.clear()

    with pytest.raises(InDoubt, match="did not answer"):
        once(rest)
    assert len(tiny.requests) == 1


def test_a_connection_that_was_closed_meanwhile_is_made_anew(tiny: TinyServer, rest: Rest) -> None:
    tiny.replies = [Reply(headers={"Connection": "close"}), GOOD]

    once(rest)
    once(rest)

    assert len(tiny.requests) == 2


def test_what_was_surely_not_sent_leaves_no_doubt() -> None:
    with serving() as gone:
        rest = new_rest(gone)
    with pytest.raises(RegistryFailed, match="refused the connection") as told:
        once(rest)
    assert not isinstance(told.value, InDoubt)


def test_a_host_that_never_answers_is_asked_once(
    tiny: TinyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest_module, "_TIMEOUT", (5, 0.2))
    tiny.silence.clear()

    with pytest.raises(RegistryFailed, match="did not answer"):
        new_rest(tiny).get("/get")
    assert len(tiny.requests) == 1


@pytest.mark.parametrize(("body", "patience"), [({}, math.inf), ({"data": b"bytes of a file"}, 20)])
def test_a_connection_lost_while_a_file_is_sent_may_be_a_refusal(
    tiny: TinyServer, rest: Rest, body: dict[str, bytes], patience: float
) -> None:
    tiny.replies = [Reply(drop="reset")]

    with pytest.raises(Transient, match="dropped the connection") as told:
        rest.reply("PUT", "/file", **body)
    assert told.value.patience == patience


@pytest.mark.parametrize(
    ("replies", "may_be_done"),
    [
        ([Reply(429)], False),
        ([Reply(503, headers={"Retry-After": "1"})], True),
        ([Reply(500)], True),
        ([Reply(500), Reply(429)], True),
    ],
    ids=["429", "503 that says when", "500", "500 and 429"],
)
def test_who_is_cancelled_between_two_attempts_is_told_what_may_be_done(
    tiny: TinyServer,
    rest: Rest,
    monkeypatch: pytest.MonkeyPatch,
    replies: list[Reply],
    may_be_done: bool,
) -> None:
    tiny.replies = replies

    def sleep(_: float) -> None:
        if len(tiny.requests) >= len(replies):
            raise Cancelled(signal.SIGINT)

    monkeypatch.setattr(rest_module.cancelling, "sleep", sleep)

    with pytest.raises(Cancelled) as told:
        rest.change("POST", "/create", {})
    assert told.value.may_be_done is may_be_done


def test_who_is_cancelled_during_an_attempt_is_told_that_it_may_be_done(rest: Rest) -> None:
    def attempt() -> None:
        raise Cancelled(signal.SIGINT)

    with pytest.raises(Cancelled) as told:
        rest.repeat(attempt)
    assert told.value.may_be_done


def test_who_is_cancelled_before_the_first_attempt_has_done_nothing(
    rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look() -> None:
        raise Cancelled(signal.SIGINT)

    monkeypatch.setattr(rest_module.cancelling, "look", look)
    with pytest.raises(Cancelled) as told:
        rest.get("/get")
    assert not told.value.may_be_done
