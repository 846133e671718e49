"""Texts of inputs that are right, for tests to spoil one at a time."""

from __future__ import annotations

from pathlib import Path

from remote_registry.errors import BadInput
from remote_registry.inputs.register import RegisterInputs, register_inputs

HOST = "https://adb-5555555555555555.19.azuredatabricks.net"
SERVER = "https://mlflow.example.com"
ON_DATABRICKS = {
    "run-id": "0123456789abcdef0123456789abcdef",
    "model-name": "iris",
    "registry-host": HOST,
    "registry-token": "dapi-of-the-registry",
}
ON_SERVER = {
    "run-id": "0123456789abcdef0123456789abcdef",
    "model-name": "iris",
    "registry-uri": SERVER,
}


def read(texts: dict[str, str], checkout: Path | None = None, **changed: str) -> RegisterInputs:
    """The inputs, some of them changed; `_` in a keyword stands for `-`."""
    named = {name.replace("_", "-"): text for name, text in changed.items()}
    return register_inputs(texts | named, checkout)


def problems(texts: dict[str, str], checkout: Path | None = None, **changed: str) -> list[str]:
    """What is found wrong with the inputs; empty where nothing is."""
    try:
        read(texts, checkout, **changed)
    except BadInput as error:
        return list(error.problems)
    return []


def problem(texts: dict[str, str], checkout: Path | None = None, **changed: str) -> str:
    """The one thing that is wrong with the inputs."""
    found = problems(texts, checkout, **changed)
    assert len(found) == 1, found
    return found[0]
