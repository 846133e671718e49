"""A server that serves files out of S3 itself: its proxy ignores ranges, its store takes parts."""

from __future__ import annotations

import uuid

import pytest
from big_models import digest_of, digests, folder_of, run_with_files
from command import register, side_inputs
from exactly_once import assert_nothing_left
from integration.test_copy_ways import LARGE, source_folder
from servers import MlflowServer
from stores import S3
from workspace import MlflowServers, ServerSpec, Workspace


@pytest.fixture(scope="module")
def proxied_s3_server(mlflow_servers: MlflowServers, s3: S3) -> MlflowServer:
    spec = ServerSpec("mlflow-artifacts:/", f"s3://{s3.bucket}/proxied", environment=s3.variables)
    (url,) = mlflow_servers.start([spec])
    return MlflowServer(url)


def test_a_large_file_goes_into_the_store_and_out_of_it_in_parts(
    source_workspace: Workspace,
    registry_workspace: Workspace,
    proxied_s3_server: MlflowServer,
    s3: S3,
) -> None:
    name = f"big-{uuid.uuid4().hex[:8]}"
    run_id = run_with_files(source_workspace, LARGE)
    server = side_inputs("registry", proxied_s3_server)
    into = register(
        {"run-id": run_id, "model-name": name, "artifact-path": "model"},
        side_inputs("tracking", source_workspace),
        server,
    )
    assert into.code == 0, into.log
    logged = source_folder(source_workspace, run_id)
    assert into.outputs["digest"] == digest_of(logged)
    (large,) = [key for key in s3.names() if key.endswith("data/large")]
    head = s3.client().head_object(Bucket=s3.bucket, Key=large)
    assert head["ETag"].strip('"').endswith("-17"), "it was not written in 17 parts"
    assert s3.unfinished() == []

    out = register(
        {"model-uri": f"models:/{name}/1", "model-name": f"{name}-out"},
        side_inputs("tracking", proxied_s3_server),
        side_inputs("registry", registry_workspace),
    )
    assert out.code == 0, out.log
    assert out.outputs["digest"] == digest_of(logged)
    assert digests(folder_of(registry_workspace, out.outputs["download-uri"])) == digests(logged)
    assert_nothing_left(registry_workspace)
