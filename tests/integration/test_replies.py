"""Replies that hold what they ought not to: the server's failure, told at once, and no bug."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from command import Run, register, side_inputs
from conftest import LogModels
from servers import MlflowServer
from tiny_server import Reply, TinyServer, serving
from told import assert_told

from remote_registry.errors import RegistryFailed, SourceMissing
from remote_registry.files.protocols import File
from remote_registry.files.streams import Expired, SignedUrls
from remote_registry.inputs.sides import Databricks, Secret
from remote_registry.replies import headers_of
from remote_registry.rest import REGISTRY, SOURCE, ApiError, Rest
from remote_registry.retry import Transient

API = "/api/2.0/mlflow"
FILES = "/api/2.0/mlflow-artifacts/artifacts"
NGINX = b"<html>\r\n<head><title>404 Not Found</title></head>\r\n<center>nginx</center></html>"
FLASK = b"<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>"
INFO = {"run_id": "a" * 32, "experiment_id": "0", "artifact_uri": "mlflow-artifacts:/0/a/artifacts"}
MLMODEL = {"path": "MLmodel", "is_dir": False, "file_size": 11}
GOOD = {
    "/version": Reply(body=b"3.17.2"),
    f"{API}/runs/get": Reply.of({"run": {"info": INFO}}),
    FILES: Reply.of({"files": [MLMODEL]}),
}
NO_MODEL = Reply.of({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "No."}, 404)


@pytest.fixture
def rest(tiny: TinyServer) -> Rest:
    """Signed in to before, and not patient."""
    rest = Rest(Databricks(tiny.url, Secret("dapi-1")), REGISTRY, seconds=1.0)
    rest.known_good = True
    return rest


def run_of(**info: Any) -> Reply:
    return Reply.of({"run": {"info": {**INFO, **info}}})


def from_source(tiny: TinyServer, registry: MlflowServer, **pages: Reply) -> Run:
    tiny.pages = {**GOOD, **pages}
    inputs = {
        "run-id": "a" * 32,
        "artifact-path": "model",
        "model-name": f"odd-{uuid.uuid4().hex[:8]}",
        "tracking-uri": tiny.url,
    }
    return register(inputs, side_inputs("registry", registry))


@pytest.mark.parametrize(
    "pages",
    [
        {FILES: Reply.of({"files": [{**MLMODEL, "file_size": "abc"}]})},
        {FILES: Reply.of({"files": [{**MLMODEL, "file_size": -1}]})},
        {FILES: Reply.of({"files": [{**MLMODEL, "file_size": 10**30}]})},
        {FILES: Reply.of({"files": [{**MLMODEL, "file_size": float("nan")}]})},
        {FILES: Reply.of({"files": [{**MLMODEL, "path": {"a": 1}}]})},
        {FILES: Reply.of({"files": [{**MLMODEL, "path": "a\ud800"}]})},
        {FILES: Reply.of({"files": [{**MLMODEL, "is_dir": "boo"}]})},
        {FILES: Reply.of({"files": "boo"})},
        {FILES: Reply.of({"files": ["boo"]})},
        {f"{API}/runs/get": Reply.of({"run": []})},
        {f"{API}/runs/get": Reply.of({"run": None})},
        {f"{API}/runs/get": Reply.of({"run": {"info": "boo"}})},
        {f"{API}/runs/get": run_of(artifact_uri=["a"])},
        {f"{API}/runs/get": run_of(artifact_uri=7)},
        {f"{API}/runs/get": Reply.of({"run": {"info": INFO, "outputs": [1]}})},
        {f"{API}/runs/get": Reply.of({"run": {"info": INFO, "outputs": {"model_outputs": 1}}})},
    ],
    ids=lambda pages: json.loads(next(iter(pages.values())).body).__repr__()[:60],
)
def test_what_a_source_says_oddly_is_its_failure(
    tiny: TinyServer, mlflow_server: MlflowServer, pages: dict[str, Reply]
) -> None:
    run = from_source(tiny, mlflow_server, **pages)

    assert_told(run, 4, "No such source")
    assert "bug" not in run.log


def test_a_text_that_is_not_utf_8_breaks_nothing(
    tiny: TinyServer, mlflow_server: MlflowServer
) -> None:
    odd = run_of(artifact_uri="mlflow-artifacts:/0/\udc80/artifacts", status="\ud800")

    run = from_source(tiny, mlflow_server, **{f"{API}/runs/get": odd})

    assert "bug" not in run.log
    assert run.code in (4, 5)


@pytest.mark.parametrize(
    "pages",
    [
        {f"{API}/registered-models/get": Reply.of({"registered_model": []})},
        {f"{API}/registered-models/get": Reply.of({"registered_model": {"aliases": "boo"}})},
        {f"{API}/model-versions/search": Reply.of({"model_versions": {"a": 1}})},
        {f"{API}/model-versions/search": Reply.of({"model_versions": [{"version": "abc"}]})},
        {f"{API}/model-versions/search": Reply.of({"model_versions": [{"version": "1"}]})},
        {
            f"{API}/model-versions/search": Reply.of(
                {"model_versions": [{"name": "a", "version": 1, "tags": [{"key": []}]}]}
            )
        },
    ],
    ids=lambda pages: json.loads(next(iter(pages.values())).body).__repr__()[:60],
)
def test_what_a_registry_says_oddly_is_its_failure(
    tiny: TinyServer, mlflow_server: MlflowServer, log_models: LogModels, pages: dict[str, Reply]
) -> None:
    run_id = log_models(mlflow_server).as_logged_model.run_id
    model = Reply.of({"registered_model": {"name": "odd"}})
    tiny.pages = {"/version": GOOD["/version"], f"{API}/registered-models/get": model, **pages}
    inputs = {"run-id": run_id, "model-name": "odd", "registry-uri": tiny.url}

    run = register(inputs, side_inputs("tracking", mlflow_server))

    assert_told(run, 5, "Registry failed", "The registry's reply")


@pytest.mark.parametrize(
    ("body", "field", "value"),
    [
        ({"run_id": 7}, "run_id", "7"),
        ({"run_id": "a\ud800b"}, "run_id", "a\ufffdb"),
        ({"path": "a\ud800b"}, "path", "a\ud800b"),
        ({"version": "12"}, "version", "12"),
        ({"version": 12}, "version", 12),
        ({"headers": {"a": "b"}}, "headers", {"a": "b"}),
    ],
)
def test_a_field_is_read_as_what_it_ought_to_be(
    tiny: TinyServer, rest: Rest, body: dict[str, Any], field: str, value: Any
) -> None:
    tiny.replies = [Reply.of(body)]
    reply = rest.get("/get")

    assert reply[field] == reply.get(field) == value


def test_null_is_no_field(tiny: TinyServer, rest: Rest) -> None:
    tiny.replies = [Reply.of({"run": None, "run_id": None})]
    reply = rest.get("/get")

    assert reply.get("run_id", "none") == "none"
    with pytest.raises(RegistryFailed, match="lacks 'run'"):
        reply["run"]


@pytest.mark.parametrize("headers", ["boo", 7, ["boo"], True])
def test_odd_headers_are_the_servers_failure(tiny: TinyServer, rest: Rest, headers: Any) -> None:
    tiny.replies = [Reply.of({"headers": headers})]

    with pytest.raises(RegistryFailed, match="holds an odd 'headers'"):
        headers_of(rest.get("/get"))


def open_signed(rest: Rest, url: str, **headers: str) -> None:
    with SignedUrls(rest).open(url, headers, File("MLmodel", 2)) as chunks:
        list(chunks)


@pytest.mark.parametrize("status", [301, 307, 404, 410, 413])
def test_what_a_signed_url_will_not_give_is_not_asked_twice(
    tiny: TinyServer, rest: Rest, status: int
) -> None:
    tiny.replies = [Reply(status)]

    with pytest.raises(RegistryFailed, match=f"answered {status}"):
        rest.repeat(lambda: open_signed(rest, f"{tiny.url}/signed"))
    assert len(tiny.requests) == 1


@pytest.mark.parametrize(
    ("status", "kind"), [(401, Expired), (403, Expired), (400, Transient), (503, Transient)]
)
def test_what_a_signed_url_may_give_later_is_asked_again(
    tiny: TinyServer, rest: Rest, status: int, kind: type[Transient]
) -> None:
    tiny.replies = [Reply(status)]

    with pytest.raises(kind):
        open_signed(rest, f"{tiny.url}/signed")


@pytest.mark.parametrize("url", ["boo", "http://", "file:///etc/passwd", "http://[", "http://a:b"])
def test_a_signed_url_that_is_none_is_the_servers_failure(rest: Rest, url: str) -> None:
    with pytest.raises(RegistryFailed, match="can't be asked"):
        open_signed(rest, url)


@pytest.mark.parametrize("value", ["a\nb", "ä\u20ac"])
def test_a_header_that_is_none_is_the_servers_failure(
    tiny: TinyServer, rest: Rest, value: str
) -> None:
    with pytest.raises(RegistryFailed, match="can't be asked"):
        open_signed(rest, f"{tiny.url}/signed", odd=value)
    assert tiny.requests == []


def test_a_page_of_what_stands_before_a_server_that_is_known_passes(
    tiny: TinyServer, rest: Rest
) -> None:
    tiny.replies = [Reply(404, NGINX), Reply.of({"a": "b"})]

    assert rest.get("/get") == {"a": "b"}


def test_and_where_it_stays_it_is_told_as_it_is(tiny: TinyServer, rest: Rest) -> None:
    tiny.replies = [Reply(404, NGINX)]

    with pytest.raises(ApiError, match="404 Not Found") as told:
        rest.get("/get")
    assert not told.value.is_unknown_call
    assert len(tiny.requests) > 1


@pytest.mark.parametrize("reply", [Reply(404, FLASK), Reply(404, b""), Reply(404)])
def test_a_servers_own_404_is_told_at_once(tiny: TinyServer, rest: Rest, reply: Reply) -> None:
    tiny.replies = [reply]

    with pytest.raises(ApiError) as told:
        rest.get("/get")
    assert told.value.is_unknown_call
    assert len(tiny.requests) == 1


def test_no_registry_is_told_of_a_server_alone_and_not_of_what_stands_before_it(
    tiny: TinyServer, mlflow_server: MlflowServer, log_models: LogModels
) -> None:
    run_id = log_models(mlflow_server).as_logged_model.run_id
    tiny.replies = [Reply(404, NGINX)]
    tiny.pages = {"/version": GOOD["/version"]}
    inputs = {"run-id": run_id, "model-name": "odd", "registry-uri": tiny.url}

    run = register(inputs, side_inputs("tracking", mlflow_server))

    assert_told(run, 5, "The registry answered 404 404 Not Found")


def test_another_host_is_told_at_once() -> None:
    with serving() as other:
        other.replies = [Reply(404, NGINX)]
        rest = Rest(Databricks(other.url, Secret("dapi-1")), SOURCE)
        with pytest.raises(ApiError) as told:
            rest.get("/get")
        assert told.value.is_unknown_call
        assert told.value.exit_code == SourceMissing.exit_code
        assert len(other.requests) == 1
