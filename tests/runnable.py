"""Models that are run for real, and what their environments are made of."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from command import Run, Side, call, side_inputs

SITE = Path(sysconfig.get_path("purelib"))
SETTINGS = ("index-url", "extra-index-url", "find-links")
MLMODEL = """
flavors:
  python_function:
    loader_module: loader
    code: code
mlflow_version: 3.1.0
"""
DOUBLING = """
class Model:
    def predict(self, data, params=None):
        return [2 * row for row in data["x"]]

def _load_pyfunc(path):
    return Model()
"""


def model_files(code: str = DOUBLING, **files: str) -> dict[str, str]:
    """A model of a few lines of code, in the form that MLflow keeps any in."""
    return {
        "MLmodel": MLMODEL,
        "code/loader.py": code,
        "requirements.txt": "packages-of-the-tests\n",
        **files,
    }


def registered(side: Side, name: str, files: Mapping[str, str | bytes]) -> str:
    """Registers a folder with these files; its digest."""
    with TemporaryDirectory() as folder:
        for path, content in files.items():
            file = Path(folder, path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content.encode() if isinstance(content, str) else content)
        inputs = {"model-path": folder, "model-name": name}
        made = call("register", inputs, side_inputs("registry", side), GITHUB_WORKSPACE=folder)
    assert made.code == 0, made.log
    return made.outputs["digest"]


def wheels(folder: Path, code: str = "") -> Path:
    """A folder with the package `packages-of-the-tests`: what this very Python has installed.

    An environment that has it is made in seconds, and runs the real MLflow and scikit-learn.

    Args:
        code: Runs whenever a Python of that environment starts.
    """
    name = "packages_of_the_tests"
    about = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n"
    wheel = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    line = f"import os; exec(bytes.fromhex({code.encode().hex()!r}), {{}})"
    files = {
        f"{name}.pth": f"{SITE}\n{line}\n",
        f"{name}-1.dist-info/METADATA": about,
        f"{name}-1.dist-info/WHEEL": wheel,
    }
    record = "".join(f"{path},,\n" for path in (*files, f"{name}-1.dist-info/RECORD"))
    with zipfile.ZipFile(folder / f"{name}-1-py3-none-any.whl", "w") as archive:
        for path, text in {**files, f"{name}-1.dist-info/RECORD": record}.items():
            archive.writestr(path, text)
    return folder


def of_the_tests(folder: Path, code: str = "") -> dict[str, str]:
    """The variables by which `packages-of-the-tests` is found, and nothing else is."""
    found = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": f"{wheels(folder, code)} {SITE}"}
    return found | {"PIP_EXTRA_INDEX_URL": "", "PIP_INDEX_URL": ""}


def of_this_machine() -> dict[str, str]:
    """The variables by which pip finds packages wherever this machine's own settings say."""
    command = [base_python(), "-m", "pip", "config", "list"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = {}
    for line in listed.splitlines():
        name, _, value = line.partition("=")
        setting = name.removeprefix("global.")
        if setting in SETTINGS:
            found[f"PIP_{setting.upper().replace('-', '_')}"] = value.strip("'\"")
    own = {name: text for name, text in os.environ.items() if name.startswith("PIP_")}
    return found | own


def base_python() -> str:
    """The Python that this one's environment was made of, which has a pip."""
    return os.path.realpath(getattr(sys, "_base_executable", sys.executable))


def try_out(
    side: Side, name: str, environment: Mapping[str, str], limit: float = 100, **inputs: str
) -> Run:
    """Runs `test`; the model's code may run.

    Args:
        limit: Seconds for all of it.
    """
    given = {key.replace("_", "-"): text for key, text in inputs.items()}
    asked = {"model-name": name, "select": "latest", "run-model-code": "true"} | given
    return call("test", asked, side_inputs("registry", side), limit=limit, **environment)
