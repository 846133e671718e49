"""What a model's own files say that it needs: `MLmodel`, `python_env.yaml`, `requirements.txt`.

The files' forms are MLflow's: https://mlflow.org/docs/latest/ml/model/#storage-format
"""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import ModelFailed
from ..inputs.data import decoded, yaml_of
from ..inputs.texts import InputError

_LONGEST = 5_000_000  # bytes; a signature of a wide table is large
_LONGEST_ENVIRONMENT = 1_000_000
_EXACT = re.compile(r"[0-9]+(\.[0-9]+){1,3}((a|b|rc|\.dev)[0-9]+)?")
_PYTHON = re.compile(r"\s*(?:python)?\s*={0,3}\s*([0-9]{1,2})\.([0-9]{1,3})(?![0-9])")


@dataclass(frozen=True)
class Described:
    """What a model needs.

    Attributes:
        python: (major, minor) of the Python that it was made with; `None` where it isn't said.
        requirements: The file to install from, relative to the model's folder; else empty.
        packages: What to install where there is no such file.
        mlflow: The version that wrote it; empty where it isn't said.
        has_example: Whether it has an input example of its own.
    """

    python: tuple[int, int] | None
    requirements: str
    packages: tuple[str, ...]
    mlflow: str
    has_example: bool


def describe(folder: Path) -> Described:
    """Reads what a model's folder says; nothing of it is run.

    Raises:
        ModelFailed: It is no model that `pyfunc` loads, or can't be read.
    """
    model = _mapping(folder, "MLmodel", _LONGEST)
    flavor = _dict(_dict(model.get("flavors")).get("python_function"))
    if not flavor:
        raise ModelFailed(
            "The model has no flavor python_function, by which any model is loaded.",
            todo="Log it with a flavor that has one, such as mlflow.sklearn or mlflow.pyfunc.",
        )
    files = _environment_files(flavor)
    environment = _read_if_there(folder, files["virtualenv"])
    conda = _read_if_there(folder, files["conda"])
    requirements = "requirements.txt" if _is_file(folder, "requirements.txt") else ""
    packages = _texts(environment.get("dependencies")) or _pip_packages(conda)
    return Described(
        python=_python(environment, conda, flavor),
        requirements=requirements,
        packages=() if requirements else tuple(packages),
        mlflow=_exact(model.get("mlflow_version")),
        has_example=bool(_dict(model.get("saved_input_example_info"))),
    )


def _environment_files(flavor: dict[str, Any]) -> dict[str, str]:
    env = flavor.get("env")  # a text in models of MLflow 1, the name of conda.yaml
    named = env if isinstance(env, dict) else {"conda": env}
    standard = {"virtualenv": "python_env.yaml", "conda": "conda.yaml"}
    return {
        kind: name if isinstance(name := named.get(kind), str) else default
        for kind, default in standard.items()
    }


def _python(*sources: dict[str, Any]) -> tuple[int, int] | None:
    environment, conda, flavor = sources
    listed = [one for one in _texts(conda.get("dependencies")) if one.startswith("python")]
    texts = [environment.get("python"), *listed, flavor.get("python_version")]
    for text in texts:
        if isinstance(text, str) and (found := _PYTHON.match(text)):
            return int(found[1]), int(found[2])
    return None


def _pip_packages(conda: dict[str, Any]) -> list[str]:
    dependencies = conda.get("dependencies")
    for one in dependencies if isinstance(dependencies, list) else ():
        if isinstance(one, dict) and "pip" in one:
            return _texts(one["pip"])
    return []


def _texts(value: object) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _exact(value: object) -> str:
    return value if isinstance(value, str) and _EXACT.fullmatch(value) else ""


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _read_if_there(folder: Path, name: str) -> dict[str, Any]:
    return _mapping(folder, name, _LONGEST_ENVIRONMENT) if _is_file(folder, name) else {}


def _is_file(folder: Path, name: str) -> bool:
    try:
        inside = (folder / name).resolve().is_relative_to(folder.resolve())
        return inside and stat.S_ISREG((folder / name).lstat().st_mode)
    except (OSError, ValueError):
        return False


def _mapping(folder: Path, name: str, longest: int) -> dict[str, Any]:
    """A YAML file of the model, which is a mapping."""
    if not _is_file(folder, name):
        raise ModelFailed(f"The version has no file {name}, so it is no model of MLflow's.")
    size = (folder / name).stat().st_size
    if size > longest:
        raise ModelFailed(
            f"The model's {name} is too large to be read: {size} bytes, and {longest} at most."
        )
    try:
        value = yaml_of(decoded((folder / name).read_bytes(), name))
    except (InputError, OSError) as error:
        raise ModelFailed(f"The model's {name} can't be read: it {error}") from error
    if not isinstance(value, dict):
        raise ModelFailed(f"The model's {name} can't be read: it is no mapping.")
    return value
