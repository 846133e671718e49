"""The stand-in workspace: what can be slowed, broken and looked at."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from clients import call, sdk
from registering import MISSING_SOURCE, make_model
from workspace import Workspace

ME = "preview/scim/v2/Me"
MEGABYTE = 1 << 20


def seconds(action: Callable[[], object]) -> float:
    started = time.monotonic()
    action()
    return time.monotonic() - started


def me(workspace: Workspace) -> requests.Response:
    return call(workspace, "GET", ME)


def versions(workspace: Workspace, name: str) -> int:
    query = {"filter": f"name='{name}'"}
    found = call(workspace, "GET", "mlflow/model-versions/search", params=query)
    return len(found.json()["model_versions"])


def test_a_reply_of_ones_own(source_workspace: Workspace) -> None:
    source_workspace.control.fault(
        "reply", method="GET", path="*/Me", status=429, headers={"Retry-After": "7"}, times=2
    )
    answers = [me(source_workspace) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert answers[0].headers["Retry-After"] == "7"
    assert answers[0].json()["error_code"] == "INJECTED_429"
    assert answers[0].headers["X-Databricks-Org-Id"] == source_workspace.workspace_id


def test_a_reply_in_place_of_the_handlers(registry_workspace: Workspace) -> None:
    name = make_model(registry_workspace)
    registry_workspace.control.fault(
        "reply", path="*/model-versions/create", status=503, body="busy", after_handler=True
    )
    body = {"name": name, "source": MISSING_SOURCE}
    answer = call(registry_workspace, "POST", "mlflow/model-versions/create", json=body)
    assert (answer.status_code, answer.text) == (503, "busy")
    assert versions(registry_workspace, name) == 1


def test_a_lost_reply(registry_workspace: Workspace) -> None:
    name = make_model(registry_workspace)
    registry_workspace.control.fault("lost-reply", method="POST", path="*/model-versions/create")
    body = {"name": name, "source": MISSING_SOURCE}
    with pytest.raises(requests.ConnectionError):
        call(registry_workspace, "POST", "mlflow/model-versions/create", json=body)
    assert versions(registry_workspace, name) == 1


def test_the_sdk_makes_two_versions_of_one_lost_reply(registry_workspace: Workspace) -> None:
    name = make_model(registry_workspace)
    registry_workspace.control.fault("lost-reply", method="POST", path="*/model-versions/create")
    made = sdk(registry_workspace).model_registry.create_model_version(name, MISSING_SOURCE)
    assert made.model_version.version == "2"
    assert versions(registry_workspace, name) == 2


def test_only_the_kth_request(source_workspace: Workspace) -> None:
    source_workspace.control.fault("reply", path="*", skip=2, status=500)
    assert [me(source_workspace).status_code for _ in range(4)] == [200, 200, 500, 200]


def test_for_ever_until_it_is_cleared(source_workspace: Workspace) -> None:
    source_workspace.control.fault("reply", status=502, times=0)
    assert [me(source_workspace).status_code for _ in range(3)] == [502] * 3
    source_workspace.control.clear_faults()
    assert me(source_workspace).status_code == 200


def test_a_reset_in_the_middle_of_an_answer(source_workspace: Workspace) -> None:
    call(source_workspace, "POST", "/dbfs/reset", data=b"x" * MEGABYTE)
    source_workspace.control.fault("reset-response", path="/dbfs/reset")
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        call(source_workspace, "GET", "/dbfs/reset")
    assert len(call(source_workspace, "GET", "/dbfs/reset").content) == MEGABYTE


def test_a_reset_in_the_middle_of_an_upload(source_workspace: Workspace) -> None:
    source_workspace.control.fault("reset-request", path="/dbfs/half")
    with pytest.raises(requests.ConnectionError):
        call(source_workspace, "POST", "/dbfs/half", data=b"x" * 50 * MEGABYTE)
    assert call(source_workspace, "GET", "/dbfs/half").status_code == 404


@pytest.mark.parametrize("after_handler", [False, True])
def test_silence(source_workspace: Workspace, after_handler: bool) -> None:
    source_workspace.control.fault("silence", seconds=0.5, after_handler=after_handler)
    body = {"path": f"/silence-{after_handler}"}
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(call, source_workspace, "POST", "dbfs/mkdirs", json=body)
        time.sleep(0.25)
        assert source_workspace.on_disk(body["path"]).exists() is after_handler
        assert waiting.result().status_code == 200
    assert source_workspace.on_disk(body["path"]).exists()


def test_a_sign_in_page(source_workspace: Workspace) -> None:
    source_workspace.control.fault("html")
    answer = me(source_workspace)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "Sign in" in answer.text


def test_a_truncated_answer(source_workspace: Workspace) -> None:
    source_workspace.control.fault("truncated")
    answer = me(source_workspace)
    assert answer.status_code == 200
    with pytest.raises(requests.JSONDecodeError):
        answer.json()


def test_a_truncated_file(source_workspace: Workspace) -> None:
    call(source_workspace, "POST", "/dbfs/cut", data=b"0123456789")
    source_workspace.control.fault("truncated", method="GET")
    assert call(source_workspace, "GET", "/dbfs/cut").content == b"01234"


def test_a_fault_that_is_misspelt_is_told(source_workspace: Workspace) -> None:
    with pytest.raises(ValueError, match="'action' is one of reply, lost-reply"):
        source_workspace.control.fault("explode")
    with pytest.raises(ValueError, match="a fault has no pth"):
        source_workspace.control.fault("reply", pth="*")
    with pytest.raises(ValueError, match="no knob is called 'latencyy'"):
        source_workspace.control.set(latencyy=1)
    with pytest.raises(ValueError, match="'latency' takes a float"):
        source_workspace.control.set(latency="1")


def test_control_takes_its_own_key_only(source_workspace: Workspace) -> None:
    assert call(source_workspace, "POST", "/__control__/reset").status_code == 403
    elsewhere = requests.get(f"{source_workspace.storage}/__control__/knobs", timeout=30)
    assert elsewhere.status_code == 403


def test_latency(source_workspace: Workspace) -> None:
    source_workspace.control.set(latency=0.3)
    assert seconds(lambda: me(source_workspace)) >= 0.3


def test_the_bandwidth_of_a_connection(source_workspace: Workspace) -> None:
    source_workspace.control.set(connection_bandwidth=4 * MEGABYTE)
    upload = seconds(lambda: call(source_workspace, "POST", "/dbfs/slow", data=b"x" * 2 * MEGABYTE))
    download = seconds(lambda: call(source_workspace, "GET", "/dbfs/slow"))
    assert 0.4 < upload < 4
    assert 0.4 < download < 4


@pytest.mark.parametrize("direction", ["in", "out"])
def test_the_bandwidth_of_all_connections(source_workspace: Workspace, direction: str) -> None:
    content = b"x" * MEGABYTE
    call(source_workspace, "POST", "/dbfs/shared", data=content)
    source_workspace.control.set(**{f"total_bandwidth_{direction}": 1 * MEGABYTE})

    def write(number: int) -> None:
        call(source_workspace, "POST", f"/dbfs/shared-{number}", data=content)

    def read(number: int) -> None:
        call(source_workspace, "GET", "/dbfs/shared")

    slowed, unslowed = (write, read) if direction == "in" else (read, write)
    with ThreadPoolExecutor(4) as pool:
        assert seconds(lambda: list(pool.map(unslowed, range(4)))) < 3
        assert 3.2 < seconds(lambda: list(pool.map(slowed, range(4)))) < 20


def test_the_registrys_limit_of_requests(registry_workspace: Workspace) -> None:
    registry_workspace.control.set(registry_rate=3)
    search = "mlflow/registered-models/search"
    answers = [call(registry_workspace, "GET", search) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[3].headers["Retry-After"] == "1"
    assert me(registry_workspace).status_code == 200
    time.sleep(1)
    assert call(registry_workspace, "GET", search).status_code == 200


def test_the_access_log(source_workspace: Workspace) -> None:
    call(
        source_workspace,
        "POST",
        "/dbfs/a%20file?x=1",
        data=b"12345",
        headers={"x-databricks-org-id": "1", "User-Agent": "a-client"},
    )
    (entry,) = source_workspace.requests()
    wanted = {
        "origin": "workspace",
        "method": "POST",
        "path": "/dbfs/a file",
        "query": "x=1",
        "status": 200,
        "bytes_in": 5,
        "bytes_out": 0,
        "user": source_workspace.user,
        "authorization": True,
        "org_id": "1",
        "workspace_id": None,
        "user_agent": "a-client",
        "fault": None,
    }
    assert {key: entry[key] for key in wanted} == wanted
    assert source_workspace.token not in str(entry)
    source_workspace.control.clear_requests()
    assert source_workspace.requests() == []


def test_the_log_tells_of_faults(source_workspace: Workspace) -> None:
    source_workspace.control.fault("lost-reply")
    with pytest.raises(requests.ConnectionError):
        me(source_workspace)
    (entry,) = source_workspace.requests()
    assert (entry["fault"], entry["status"], entry["bytes_out"]) == ("lost-reply", None, 0)


def test_the_sdk_names_the_workspace_it_means(source_workspace: Workspace) -> None:
    sdk(source_workspace).current_user.me()
    (entry,) = source_workspace.requests(path="*/Me")
    assert entry["workspace_id"] == source_workspace.workspace_id


def test_a_reset_undoes_everything(source_workspace: Workspace) -> None:
    source_workspace.control.set(latency=5, dbfs=False)
    source_workspace.control.fault("reply", times=0)
    source_workspace.reset()
    assert source_workspace.control.knobs()["dbfs"] is True
    assert seconds(lambda: me(source_workspace)) < 4
    assert [entry["status"] for entry in source_workspace.requests()] == [200]
