"""Which model of a run is taken, where a run has odd paths or has lost some of its models."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import clients
import pytest
import requests
from command import Run, Side, register, side_inputs
from integration.test_register import api
from servers import MlflowServer
from tiny_server import Reply, TinyServer

from remote_registry.errors import RegistryFailed
from remote_registry.files.listing import walk
from remote_registry.files.proxy import delete_proxied
from remote_registry.files.stores import served_folder
from remote_registry.inputs.sides import MlflowServer as ServerSide
from remote_registry.rest import REGISTRY, Rest

SIDES = ("source_workspace", "mlflow_server")
ROOT = "mlflow-artifacts:/0/run/artifacts"


def planned(source: Side, inputs: dict[str, str]) -> Run:
    """The plan of registering in the source's own registry."""
    named = {"model-name": f"churn-{uuid.uuid4().hex[:8]}", "dry-run": "true", **inputs}
    return register(named, side_inputs("registry", source))


@pytest.mark.parametrize("which", SIDES)
def test_of_two_logged_models_one_of_which_is_deleted_the_other_is_taken(
    side: Callable[[str], Side], which: str
) -> None:
    script = Path(__file__).with_name("log_wrong_runs.py")
    run_id = clients.run_script(script, side(which).environment())["one of two deleted"]

    for inputs in ({}, {"artifact-path": "kept"}):
        run = planned(side(which), {"run-id": run_id, **inputs})
        assert run.code == 0, run.log
        assert run.result["source"].startswith("logged-models/m-")


def new_run(side: Side, experiment_id: str, start_time: int, status: str = "") -> str:
    body = {"experiment_id": experiment_id, "start_time": start_time}
    info = api(side, "POST", "runs/create", json=body)["run"]["info"]
    if status:
        end = {"run_id": info["run_id"], "status": status}
        api(side, "POST", "runs/update", json=end)
    return str(info["run_id"])


def put(server: MlflowServer, run_id: str, path: str) -> None:
    info = api(server, "GET", "runs/get", params={"run_id": run_id})["run"]["info"]
    folder = info["artifact_uri"].removeprefix("mlflow-artifacts:/")
    url = f"{server.url}/api/2.0/mlflow-artifacts/artifacts/{folder}/{requests.utils.quote(path)}"
    requests.put(url, data=b"flavors: {}", timeout=30).raise_for_status()


@pytest.mark.parametrize("path", ["a?b", "a b", "a&b=c", "a+b", "ä/ö"])
def test_an_odd_path_on_a_server_is_that_path_and_its_files_are_copied(
    mlflow_server: MlflowServer, path: str
) -> None:
    run_id = new_run(mlflow_server, "0", 1, "FINISHED")
    put(mlflow_server, run_id, f"{path}/MLmodel")
    put(mlflow_server, run_id, f"{path}/data/weights")
    put(mlflow_server, run_id, "a/MLmodel")
    inputs = {"run-id": run_id, "model-name": f"odd-{uuid.uuid4().hex}", "artifact-path": path}

    run = register(inputs, {"verify": "full"}, side_inputs("registry", mlflow_server))

    assert run.code == 0, run.log
    assert (run.result["source"], run.result["files"]) == (f"runs/{run_id}/{path}", 2)
    assert (run.result["copied-bytes"] > 0) == ("?" in path)


@pytest.mark.parametrize("which", SIDES)
def test_a_finished_run_is_found_behind_many_that_are_not(
    side: Callable[[str], Side], which: str
) -> None:
    there = side(which)
    name = f"/Shared/many-{uuid.uuid4().hex}"
    experiment_id = api(there, "POST", "experiments/create", json={"name": name})["experiment_id"]
    now = int(time.time() * 1000)
    finished = new_run(there, experiment_id, now, "FINISHED")
    for number in range(201):
        new_run(there, experiment_id, now + 1 + number)
    query = {"run-filter": "attributes.start_time > 0", "experiment": name}

    found = planned(there, query)
    assert found.code == 4
    assert f"The run {finished} has no model" in found.annotations()[0]

    only_running = planned(there, query | {"run-filter": f"attributes.start_time > {now}"})
    assert "201 fit and are not finished" in only_running.annotations()[0]


@pytest.fixture
def rest(tiny: TinyServer) -> Rest:
    return Rest(ServerSide(tiny.url), REGISTRY, seconds=1.0)


@pytest.mark.parametrize("path", ["a#b", "a?b=c", "a%20b", "a b"])
def test_a_path_is_no_part_of_the_uri(tiny: TinyServer, rest: Rest, path: str) -> None:
    tiny.replies = [Reply.of({"files": [{"path": "MLmodel", "file_size": 3}]})]

    served_folder(rest, ROOT, path).files()

    (request,) = tiny.requests
    asked = requests.utils.unquote_unreserved(request.path).partition("?path=")[2]
    assert requests.compat.unquote_plus(asked) == f"0/run/artifacts/{path}"


@pytest.mark.parametrize("uri", [f"{ROOT}?a=b", f"{ROOT}#a"])
def test_a_uri_with_a_query_or_a_fragment_is_no_folder(
    tiny: TinyServer, rest: Rest, uri: str
) -> None:
    with pytest.raises(RegistryFailed, match="whose URI has"):
        served_folder(rest, uri, "model")
    assert tiny.requests == []


@pytest.mark.parametrize("uri", ["s3://bucket/root?a=b", "s3://bucket/root#a"])
def test_a_store_with_a_query_or_a_fragment_is_no_folder(rest: Rest, uri: str) -> None:
    pytest.importorskip("obstore")
    with pytest.raises(RegistryFailed, match="have a meaning in a URI"):
        served_folder(rest, uri, "model")


@pytest.mark.parametrize("folder", ["", "0", "..", "0/..", "/", "/0", "0/"])
def test_nothing_near_the_root_is_deleted(tiny: TinyServer, rest: Rest, folder: str) -> None:
    with pytest.raises(RegistryFailed, match="too near to the root"):
        delete_proxied(rest, folder)
    assert tiny.requests == []


@pytest.mark.parametrize(
    ("entries", "found"),
    [
        ([{"path": "model/MLmodel", "file_size": 3}], []),
        ([{"path": "model/MLmodel/MLmodel", "file_size": 3}], ["MLmodel"]),
        ([{"path": "model/MLmodel"}, {"path": "model/MLmodel/b"}], ["MLmodel", "b"]),
    ],
)
def test_a_file_that_lists_itself_is_no_folder(entries: list[dict], found: list[str]) -> None:
    files = walk(
        lambda folder, token: json.loads(json.dumps({"files": entries})),
        "model/MLmodel",
        RegistryFailed,
        "here",
    )

    assert [file.path for file in files] == found
