"""The stand-in workspace: the artifacts of runs and of logged models."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
import requests
from clients import call, run_code
from workspace import Workspace

UPLOAD = """
import mlflow, pathlib, tempfile
with mlflow.start_run(experiment_id=sys.argv[1]) as run, tempfile.TemporaryDirectory() as folder:
    file = pathlib.Path(folder, "large")
    file.write_bytes(bytes(range(256)) * (5 << 12))
    mlflow.log_artifact(str(file), "model")
    back = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="model/large")
    assert pathlib.Path(back).read_bytes() == file.read_bytes()
print(json.dumps(run.info.run_id))
"""
SMALL_AND_EMPTY = """
import mlflow, pathlib, tempfile
with mlflow.start_run(experiment_id=sys.argv[1]) as run, tempfile.TemporaryDirectory() as folder:
    for name, content in (("small", bytes(range(256))), ("empty", b"")):
        file = pathlib.Path(folder, name)
        file.write_bytes(content)
        mlflow.log_artifact(str(file), "model")
    back = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="model")
    sizes = {file.name: file.stat().st_size for file in pathlib.Path(back).iterdir()}
print(json.dumps(sizes))
"""
IN_PARTS = {
    "MLFLOW_DISABLE_DATABRICKS_SDK_FOR_RUN_ARTIFACTS": "true",
    "MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE": str(1 << 20),
    "MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE": str(5 << 20),
}


def ask(workspace: Workspace, method: str, what: str, /, **fields: Any) -> dict[str, Any]:
    where = {"params": fields} if method == "GET" else {"json": fields}
    answer = call(workspace, method, f"mlflow/{what}", **where)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
def experiment_id(source_workspace: Workspace) -> str:
    name = f"/Shared/{uuid.uuid4().hex}"
    return ask(source_workspace, "POST", "experiments/create", name=name)["experiment_id"]


@pytest.fixture
def run(source_workspace: Workspace, experiment_id: str) -> dict[str, Any]:
    made = ask(source_workspace, "POST", "runs/create", experiment_id=experiment_id)
    return made["run"]["info"]


@pytest.fixture
def model(source_workspace: Workspace, experiment_id: str) -> dict[str, Any]:
    made = ask(
        source_workspace, "POST", "logged-models", experiment_id=experiment_id, name="a model"
    )
    return made["model"]["info"]


def test_experiments_are_called_by_paths(source_workspace: Workspace) -> None:
    answer = call(source_workspace, "POST", "mlflow/experiments/create", json={"name": "mine"})
    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert "must be an absolute path" in answer.json()["message"]


def test_a_missing_run(source_workspace: Workspace) -> None:
    for path in ("runs/get", "artifacts/list"):
        answer = call(source_workspace, "GET", f"mlflow/{path}", params={"run_id": "0" * 32})
        assert (answer.status_code, answer.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")


def test_a_runs_artifacts(source_workspace: Workspace, run: dict[str, Any]) -> None:
    run_id = run["run_id"]
    paths = ["model/MLmodel", "model/data/a b#1?.bin", "notes"]
    infos = ask(
        source_workspace, "POST", "artifacts/credentials-for-write", run_id=run_id, path=paths
    )["credential_infos"]
    assert [info["type"] for info in infos] == ["AWS_PRESIGNED_URL"] * 3
    for info in infos:
        sent = requests.put(info["signed_uri"], data=info["path"].encode(), timeout=30)
        assert (sent.status_code, bool(sent.headers["ETag"])) == (200, True)
    top = ask(source_workspace, "GET", "artifacts/list", run_id=run_id)
    assert top == {
        "root_uri": run["artifact_uri"],
        "files": [
            {"path": "model", "is_dir": True},
            {"path": "notes", "is_dir": False, "file_size": 5},
        ],
    }
    inside = ask(source_workspace, "GET", "artifacts/list", run_id=run_id, path="model/data")
    assert [file["path"] for file in inside["files"]] == ["model/data/a b#1?.bin"]
    itself = ask(source_workspace, "GET", "artifacts/list", run_id=run_id, path="notes")
    assert [file["path"] for file in itself["files"]] == ["notes"]
    (info,) = ask(
        source_workspace, "POST", "artifacts/credentials-for-read", run_id=run_id, path=paths[1:2]
    )["credential_infos"]
    assert requests.get(info["signed_uri"], timeout=30).content == paths[1].encode()


def test_a_runs_artifacts_by_the_files_api(
    source_workspace: Workspace, run: dict[str, Any]
) -> None:
    internal = f"/WorkspaceInternal/Mlflow/Artifacts/{run['experiment_id']}/Runs/{run['run_id']}"
    call(source_workspace, "PUT", f"fs/files{internal}/artifacts/in/file", data=b"x")
    listed = ask(source_workspace, "GET", "artifacts/list", run_id=run["run_id"], path="in")
    assert [file["path"] for file in listed["files"]] == ["in/file"]


def test_no_path_leads_out_of_a_run(source_workspace: Workspace, run: dict[str, Any]) -> None:
    for path in ("../../../x", "/x", "a/../../b"):
        body = {"run_id": run["run_id"], "path": [path]}
        answer = call(source_workspace, "POST", "mlflow/artifacts/credentials-for-write", json=body)
        assert answer.status_code == 400, path


def test_at_most_two_thousand_paths(source_workspace: Workspace, run: dict[str, Any]) -> None:
    body = {"run_id": run["run_id"], "path": [str(number) for number in range(2001)]}
    answer = call(source_workspace, "POST", "mlflow/artifacts/credentials-for-read", json=body)
    assert answer.status_code == 400


def test_credentials_come_in_pages(source_workspace: Workspace, run: dict[str, Any]) -> None:
    source_workspace.control.set(page_size=2)
    fields = {"run_id": run["run_id"], "path": ["a", "b", "c"]}
    first = ask(source_workspace, "POST", "artifacts/credentials-for-read", **fields)
    fields["page_token"] = first["next_page_token"]
    second = ask(source_workspace, "POST", "artifacts/credentials-for-read", **fields)
    found = first["credential_infos"] + second["credential_infos"]
    assert [info["path"] for info in found] == ["a", "b", "c"]
    assert "next_page_token" not in second


def test_a_logged_models_artifacts(source_workspace: Workspace, model: dict[str, Any]) -> None:
    model_id = model["model_id"]
    assert f"/logged_models/{model_id}/artifacts" in model["artifact_uri"]
    base = f"logged-models/{model_id}/artifacts"
    (upload,) = ask(
        source_workspace, "POST", f"{base}/credentials-for-upload", paths=["in/MLmodel"]
    )["credentials"]
    assert upload["credential_info"]["type"] == "AWS_PRESIGNED_URL"
    requests.put(upload["credential_info"]["signed_uri"], data=b"flavors", timeout=30)
    listed = ask(source_workspace, "GET", f"{base}/directories", artifact_directory_path="in")
    assert listed["files"] == [{"path": "in/MLmodel", "is_dir": False, "file_size": 7}]
    (download,) = ask(
        source_workspace, "POST", f"{base}/credentials-for-download", paths=["in/MLmodel"]
    )["credentials"]
    found = requests.get(download["credential_info"]["signed_uri"], timeout=30)
    assert found.content == b"flavors"
    source_workspace.control.set(signed_url_type="AZURE_SAS_URI")
    (upload,) = ask(
        source_workspace, "POST", f"{base}/credentials-for-upload", paths=["in/MLmodel"]
    )["credentials"]
    assert upload["credential_info"]["type"] == "AZURE_SAS_URI"


def test_a_logged_model_is_finished_and_found(
    source_workspace: Workspace, model: dict[str, Any]
) -> None:
    path = f"logged-models/{model['model_id']}"
    ask(source_workspace, "PATCH", path, model_id=model["model_id"], status="LOGGED_MODEL_READY")
    assert ask(source_workspace, "GET", path)["model"]["info"]["status"] == "LOGGED_MODEL_READY"
    (found,) = ask(
        source_workspace, "POST", "logged-models/search", experiment_ids=[model["experiment_id"]]
    )["models"]
    assert found["info"]["artifact_uri"] == model["artifact_uri"]


def test_mlflow_uploads_in_parts(source_workspace: Workspace, experiment_id: str) -> None:
    run_id = run_code(UPLOAD, {**source_workspace.environment(), **IN_PARTS}, experiment_id)
    calls = ("create-multipart-upload", "complete-multipart-upload")
    for one in calls:
        assert len(source_workspace.requests("POST", f"*/artifacts/{one}")) == 1
    sent = source_workspace.requests("PUT", "/signed/*/model/large")
    assert sum(part["bytes_in"] for part in sent) == 5 << 20
    assert source_workspace.files(f"/databricks/mlflow-tracking/{experiment_id}/{run_id}") == {
        "artifacts/model/large"
    }


@pytest.mark.parametrize(
    ("kind", "method", "query", "calls"),
    [("AZURE_SAS_URI", "PUT", "comp=block&", 2), ("AZURE_ADLS_GEN2_SAS_URI", "PATCH", "append", 2)],
)
def test_mlflow_uploads_to_azure(
    source_workspace: Workspace, experiment_id: str, kind: str, method: str, query: str, calls: int
) -> None:
    source_workspace.control.set(signed_url_type=kind)
    environment = {
        **source_workspace.environment(),
        **IN_PARTS,
        "MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE": str(4 << 20),
    }
    run_code(UPLOAD, environment, experiment_id)
    sent = source_workspace.requests(method, "/signed/*/model/large")
    assert len([one for one in sent if query in one["query"]]) == calls
    assert sum(one["bytes_in"] for one in sent) >= 5 << 20
    assert run_code(SMALL_AND_EMPTY, environment, experiment_id) == {"small": 256, "empty": 0}
    assert source_workspace.requests("POST", "*/create-multipart-upload") == []


def write_url(workspace: Workspace, run: dict[str, Any], kind: str) -> str:
    workspace.control.set(signed_url_type=kind)
    fields = {"run_id": run["run_id"], "path": ["file"]}
    (info,) = ask(workspace, "POST", "artifacts/credentials-for-write", **fields)[
        "credential_infos"
    ]
    assert info["type"] == kind
    return info["signed_uri"]


def test_what_a_data_lake_refuses(source_workspace: Workspace, run: dict[str, Any]) -> None:
    url = write_url(source_workspace, run, "AZURE_ADLS_GEN2_SAS_URI")

    def said(method: str, query: str, data: bytes = b"", **headers: str) -> int:
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return requests.request(
            method, f"{url}&{query}", data=data, headers=named, timeout=30
        ).status_code

    assert said("PATCH", "action=append&position=0", b"abc") == 404
    assert said("PUT", "resource=file", x_ms_blob_type="BlockBlob") == 400
    assert said("PUT", "resource=file") == 201
    assert said("PATCH", "action=append&position=3", b"def") == 202
    assert said("PATCH", "action=flush&position=6") == 400
    assert said("PATCH", "action=append&position=0", b"abc") == 202
    assert said("PATCH", "action=flush&position=3") == 400
    assert said("PATCH", "action=flush&position=6") == 200
    assert said("PATCH", "action=flush&position=6") == 200
    assert said("PUT", "") == 501
    assert said("DELETE", "") == 403
    path = f"/databricks/mlflow-tracking/{run['experiment_id']}/{run['run_id']}/artifacts/file"
    assert source_workspace.on_disk(path).read_bytes() == b"abcdef"


def test_what_blobs_refuse(source_workspace: Workspace, run: dict[str, Any]) -> None:
    url = write_url(source_workspace, run, "AZURE_SAS_URI")

    def said(query: str, data: bytes, **headers: str) -> int:
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return requests.put(f"{url}{query}", data=data, headers=named, timeout=30).status_code

    def listed(*blocks: str, place: str = "Latest") -> bytes:
        return (
            f"<BlockList>{''.join(f'<{place}>{b}</{place}>' for b in blocks)}</BlockList>".encode()
        )

    assert said("", b"x") == 400
    assert said("", b"x", x_ms_blob_type="BlockBlob") == 201
    assert said("&comp=block&blockid=MDAx", b"abc") == 201
    assert said("&comp=block&blockid=MDAwMDAx", b"abc") == 400
    assert said("&comp=block&blockid=MDA*", b"abc") == 400
    assert said("&comp=blocklist", listed("MDAx", "MDAy")) == 400
    assert said("&comp=block&blockid=MDAy", b"def") == 201
    assert said("&comp=blocklist", listed("MDAy", "MDAx")) == 201
    assert said("&comp=blocklist", listed("MDAy", "MDAx")) == 201
    assert said("&comp=blocklist", listed("MDAy", place="Uncommitted")) == 400
    assert requests.put(url[:-4], data=b"x", timeout=30).status_code == 403
    path = f"/databricks/mlflow-tracking/{run['experiment_id']}/{run['run_id']}/artifacts/file"
    assert source_workspace.on_disk(path).read_bytes() == b"defabc"


def test_an_upload_in_parts_is_joined_in_order(
    source_workspace: Workspace, run: dict[str, Any]
) -> None:
    run_id = run["run_id"]
    upload = ask(
        source_workspace,
        "POST",
        "artifacts/create-multipart-upload",
        run_id=run_id,
        path="file",
        num_parts=2,
    )
    etags = {}
    for number in (2, 1):
        url = upload["upload_credential_infos"][number - 1]["signed_uri"]
        etags[number] = requests.put(url, data=str(number) * 3, timeout=30).headers["ETag"]
    again = ask(
        source_workspace,
        "GET",
        "artifacts/get-presigned-upload-part-url",
        run_id=run_id,
        path="file",
        upload_id=upload["upload_id"],
        part_number=2,
    )["upload_credential_info"]
    etags[2] = requests.put(again["signed_uri"], data=b"second", timeout=30).headers["ETag"]
    ask(
        source_workspace,
        "POST",
        "artifacts/complete-multipart-upload",
        run_id=run_id,
        path="file",
        upload_id=upload["upload_id"],
        part_etags=[{"part_number": n, "etag": etag} for n, etag in etags.items()],
    )
    folder = f"/databricks/mlflow-tracking/{run['experiment_id']}/{run_id}/artifacts"
    assert source_workspace.on_disk(f"{folder}/file").read_bytes() == b"111second"


def test_a_deleted_run_keeps_its_files(source_workspace: Workspace, run: dict[str, Any]) -> None:
    internal = f"/WorkspaceInternal/Mlflow/Artifacts/{run['experiment_id']}/Runs/{run['run_id']}"
    call(source_workspace, "PUT", f"fs/files{internal}/artifacts/file", data=json.dumps(1))
    ask(source_workspace, "POST", "runs/delete", run_id=run["run_id"])
    info = ask(source_workspace, "GET", "runs/get", run_id=run["run_id"])["run"]["info"]
    assert info["lifecycle_stage"] == "deleted"
    assert call(source_workspace, "GET", f"fs/files{internal}/artifacts/file").content == b"1"
    deleted = call(source_workspace, "DELETE", f"fs/files{internal}/artifacts/file")
    assert deleted.status_code == 204
