"""Models of any size and any file names, put straight onto a stand-in workspace's disk."""

from __future__ import annotations

import hashlib
import os
import random
import uuid
from collections.abc import Mapping
from pathlib import Path

from clients import call
from workspace import Workspace

MIB = 1 << 20
_NOISE = random.Random(7).randbytes(MIB)


def run_with_files(workspace: Workspace, files: Mapping[str, bytes | int]) -> str:
    """The id of a finished run that has these files, and an `MLmodel`, under `model`.

    Args:
        files: By path, the content or how many bytes of noise.
    """
    name = f"/Shared/big-{uuid.uuid4().hex}"
    experiment = call(workspace, "POST", "mlflow/experiments/create", json={"name": name}).json()
    body = {"experiment_id": experiment["experiment_id"], "start_time": 1}
    run = call(workspace, "POST", "mlflow/runs/create", json=body).json()["run"]["info"]
    folder = folder_of(workspace, run["artifact_uri"])
    for path, content in {"MLmodel": b"flavors: {}\n", **files}.items():
        file = folder / "model" / os.fsdecode(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        write(file, content)
    body = {"run_id": run["run_id"], "status": "FINISHED"}
    assert call(workspace, "POST", "mlflow/runs/update", json=body).status_code == 200
    return run["run_id"]


def write(file: Path, content: bytes | int) -> None:
    if isinstance(content, bytes):
        file.write_bytes(content)
        return
    with file.open("wb") as stream:
        for number in range(-(-content // MIB)):
            # Each mebibyte differs, so that parts in a wrong order are another file.
            piece = number.to_bytes(8, "big") + _NOISE[8:]
            stream.write(piece[: content - number * MIB])


def folder_of(workspace: Workspace, uri: str) -> Path:
    """Where a `dbfs:` URI lies on this machine's disk."""
    return workspace.on_disk(uri.removeprefix("dbfs:"))


def digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of all files below a folder, by their paths."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def digest_of(folder: Path) -> str:
    """What the README says of the manifest, done by hand."""
    shas = digests(folder)
    lines = "".join(
        f"{shas[path]}  {(folder / path).stat().st_size}  {path}\n" for path in sorted(shas)
    )
    return f"sha256:{hashlib.sha256(lines.encode(errors='surrogateescape')).hexdigest()}"
