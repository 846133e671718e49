"""Calls to a server that answers wrongly, late, or not at all."""

from __future__ import annotations

import base64
import gc
from collections.abc import Iterator

import pytest
from tiny_server import Reply, TinyServer, serving
from wrong_replies import LOST, NO_JSON, PAGE

from remote_registry.errors import Failure, RegistryFailed, SignInRefused, SourceMissing
from remote_registry.inputs.sides import Databricks, MlflowServer, Secret
from remote_registry.rest import REGISTRY, SOURCE, ApiError, Rest

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


def test_a_reply_is_read(tiny: TinyServer, rest: Rest) -> None:
    tiny.replies = [GOOD]

    assert rest.get("/get", {"name": "a b"}) == {"answer": 42}
    assert rest.change("PATCH", "/patch", {"name": "churn"}) == {"answer": 42}
    asked = [(request.method, request.path, request.body) for request in tiny.requests]
    assert asked == [("GET", "/get?name=a+b", b""), ("PATCH", "/patch", b'{"name": "churn"}')]


@pytest.mark.parametrize("body", [b"", b"\n ", b"{}"])
def test_an_empty_reply_has_no_fields(tiny: TinyServer, rest: Rest, body: bytes) -> None:
    tiny.replies = [Reply(body=body)]

    assert rest.get("/get") == {}


def test_a_field_that_is_not_there_is_the_servers_failure(tiny: TinyServer, rest: Rest) -> None:
    tiny.replies = [Reply.of({"model": {"info": {}}, "tags": [{}]})]
    reply = rest.get("/get")

    for lacking in (lambda: reply["run"], lambda: reply["model"]["info"]["model_id"]):
        with pytest.raises(RegistryFailed, match=r"lacks '(run|model_id)'"):
            lacking()
    with pytest.raises(RegistryFailed, match="lacks 'key'"):
        reply["tags"][0]["key"]


@pytest.mark.parametrize("reply", NO_JSON)
def test_what_is_no_api_is_the_wrong_host(tiny: TinyServer, reply: Reply) -> None:
    tiny.replies = [reply]

    with pytest.raises(SignInRefused, match="a sign-in page, or the wrong host") as told:
        new_rest(tiny).get("/get")
    assert told.value.exit_code == 3
    assert len(tiny.requests) == 1


@pytest.fixture
def _no_collection() -> Iterator[None]:
    """Where the stack is full, what hypothesis does at each collection has no room to run."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("_no_collection")
def test_a_reply_too_deep_to_be_read_is_the_wrong_host(tiny: TinyServer) -> None:
    tiny.replies = [Reply(body=b"[" * 100_000)]

    with pytest.raises(SignInRefused, match="or the wrong host"):
        new_rest(tiny).get("/get")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_redirect_gets_the_token(tiny: TinyServer, status: int, method: str) -> None:
    with serving() as other:
        tiny.replies = [Reply(status, headers={"Location": f"{other.url}/get"})]
        with pytest.raises(SignInRefused, match="answers with a redirect"):
            new_rest(tiny).reply(method, "/get")
        assert other.requests == []
    assert len(tiny.requests) == 1


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(401), "refused the sign-in"),
        (Reply(401, PAGE), "Sign in to Databricks"),
        (
            Reply.of({"error_code": "403", "message": "Invalid access token."}, 403),
            "Invalid access",
        ),
    ],
)
def test_a_sign_in_that_is_refused(tiny: TinyServer, rest: Rest, reply: Reply, words: str) -> None:
    tiny.replies = [reply]

    with pytest.raises(SignInRefused, match=words) as told:
        once(rest)
    assert "registry-token" in told.value.todo
    assert len(tiny.requests) == 1


def test_a_page_with_403_is_about_the_sign_in_until_that_has_worked(
    tiny: TinyServer, rest: Rest
) -> None:
    tiny.replies = [Reply(403, PAGE)]

    with pytest.raises(SignInRefused):
        new_rest(tiny).get("/get")
    with pytest.raises(ApiError) as told:
        rest.get("/get")
    assert told.value.is_denied


@pytest.mark.parametrize(
    ("status", "code", "kinds"),
    [
        (400, "INVALID_PARAMETER_VALUE", set()),
        (403, "PERMISSION_DENIED", {"denied"}),
        (404, "RESOURCE_DOES_NOT_EXIST", {"missing"}),
        (404, "ENDPOINT_NOT_FOUND", {"unknown_call"}),
        (405, "", {"unknown_call"}),
        (501, "NOT_IMPLEMENTED", {"unknown_call"}),
        (409, "RESOURCE_ALREADY_EXISTS", set()),
        (429, "RESOURCE_LIMIT_EXCEEDED", set()),
    ],
)
def test_a_refusal_is_told_at_once_in_the_servers_words(
    tiny: TinyServer, rest: Rest, status: int, code: str, kinds: set[str]
) -> None:
    tiny.replies = [Reply.of({"error_code": code, "message": "Because."}, status)]

    with pytest.raises(ApiError, match="Because") as told:
        once(rest)
    names = ("denied", "missing", "unknown_call")
    assert {name for name in names if getattr(told.value, f"is_{name}")} == kinds
    assert (told.value.status, told.value.code) == (status, code)
    assert len(tiny.requests) == 1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"error": "Not Found"}', "Not Found"),
        (b'{"detail": "Nothing"}', "Nothing"),
        (b'["no"]', "answered 404"),
        (b"<html><title>404\n  Not here</title><p>secret", "404 Not here"),
        (b"x" * 1_000_000, "answered 404"),
        (b"\xff" * 10, "answered 404"),
        (b"", "answered 404"),
    ],
)
def test_a_refusal_in_any_form_is_a_short_message(
    tiny: TinyServer, rest: Rest, body: bytes, words: str
) -> None:
    tiny.replies = [Reply(404, body)]

    with pytest.raises(ApiError, match=words) as told:
        rest.get("/get")
    assert len(str(told.value)) < 300


def test_the_sign_in_of_a_workspace(tiny: TinyServer, rest: Rest) -> None:
    rest.get("/get")

    (request,) = tiny.requests
    assert request.headers["Authorization"] == "Bearer dapi-1"
    assert request.headers["X-Databricks-Org-Id"] == "55"
    assert request.headers["X-Databricks-Workspace-Id"] == "55"


@pytest.mark.parametrize(
    ("side", "sent"),
    [
        ({}, None),
        ({"token": Secret("t")}, "Bearer t"),
        (
            {"username": "ä", "password": Secret("p:ö")},
            f"Basic {base64.b64encode('ä:p:ö'.encode()).decode()}",
        ),
    ],
)
def test_the_sign_in_of_a_server(
    tiny: TinyServer, side: dict[str, Secret], sent: str | None
) -> None:
    Rest(MlflowServer(tiny.url, **side), SOURCE).get("/get")  # type: ignore[arg-type]

    (request,) = tiny.requests
    assert request.headers.get("Authorization") == sent
    assert "X-Databricks-Org-Id" not in request.headers


def test_another_role_has_the_same_sign_in_and_its_own_failures(
    tiny: TinyServer, rest: Rest
) -> None:
    tiny.replies = [Reply(404)]

    with pytest.raises(ApiError) as told:
        rest.as_role(SOURCE).get("/get")
    assert told.value.exit_code == SourceMissing.exit_code
    assert tiny.requests[0].headers["Authorization"] == "Bearer dapi-1"


@pytest.mark.parametrize("reply", [*LOST, Reply(401), Reply(404), Reply(body=PAGE)])
def test_no_failure_holds_the_token(tiny: TinyServer, rest: Rest, reply: Reply) -> None:
    tiny.replies = [reply]

    with pytest.raises(Failure) as told:
        once(rest)
    assert "dapi-1" not in repr(told.value) + "".join(told.value.lines())
