"""The model's own Python environment, made by `uv` or `venv` of what the model requires."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path

from ..errors import ModelFailed
from ..outcome import Log
from .child import Limits, run
from .described import Described
from .folder import PrivateFolder
from .python import Maker

_LITTLE = 1 << 20  # bytes
_LOOK = "import importlib.util, sys; sys.exit(0 if importlib.util.find_spec('mlflow') else 3)"


class ModelEnvironment:
    """An environment on its way.

    Args:
        folder: Has the model's files, and gets the environment.
    """

    def __init__(
        self, folder: PrivateFolder, described: Described, maker: Maker, limits: Limits, log: Log
    ) -> None:
        self._folder = folder
        self._described = described
        self._maker = maker
        self._limits = limits
        self._log = log

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self._folder.environment / "bin" / "python"

    def make(self) -> None:
        """Makes it, and installs what the model requires; MLflow too, where it doesn't say so.

        Raises:
            ModelFailed: That can't be done, or takes too long.
        """
        by = "uv" if self._maker.uv else "venv"
        self._log.line(f"by {by}, with Python {self._maker.python}")
        self._run("Making the environment", self._made_by())
        if requirements := self._requirements():
            what = self._described.requirements or "packages"
            self._run(f"Installing the model's {what}", [*self._installer(), "-r", requirements])
        else:
            self._log.line("the model names nothing that it requires")
        if not self._has_mlflow():
            self._install_mlflow()

    def _made_by(self) -> list[str]:
        place = str(self._folder.environment)
        if self._maker.uv:
            # Not from PATH, where a Python may be a shim that the shut-in `uv` may not run.
            brought = ["--python-preference", "only-managed"] if self._maker.brings else []
            wanted = ["--python", self._maker.python]
            return [self._maker.uv, "venv", "--no-project", *brought, *wanted, place]
        return [self._maker.python, "-I", "-m", "venv", place]

    def _installer(self) -> list[str]:
        if self._maker.uv:
            return [self._maker.uv, "pip", "install", "--python", str(self.python)]
        quiet = ("--no-input", "--disable-pip-version-check", "--progress-bar", "off")
        # Isolated, for else a pip.py of the model's folder would be taken for pip.
        return [str(self.python), "-I", "-m", "pip", "install", *quiet]

    def _requirements(self) -> str:
        """The file to install from, relative to the model; empty where there is nothing."""
        if self._described.requirements or not self._described.packages:
            return self._described.requirements
        lines = "".join(f"{package}\n" for package in self._described.packages)
        name = f"packages-{secrets.token_hex(8)}.txt"  # none of the model's own
        with (self._folder.model / name).open("x", encoding="utf-8", errors="replace") as file:
            file.write(lines)
        return name

    def _has_mlflow(self) -> bool:
        looked = [str(self.python), "-I", "-c", _LOOK]
        return (
            run(looked, self._folder.model, self._limits, "Looking for mlflow", self._log).code == 0
        )

    def _install_mlflow(self) -> None:
        version = self._described.mlflow
        if not version:
            raise ModelFailed(
                "The model requires no mlflow, which loads it, and its MLmodel names no version.",
                todo="Log it with mlflow among its pip_requirements.",
            )
        self._log.line(f"the model requires no mlflow, which loads it: installing {version}")
        self._run("Installing mlflow", [*self._installer(), f"mlflow=={version}"])

    def _run(self, what: str, command: Sequence[str]) -> None:
        ran = run(command, self._folder.model, self._limits, what, self._log)
        if ran.code != 0:
            is_full = shutil.disk_usage(self._folder.path).free < _LITTLE
            raise ModelFailed(
                f"{what} {ran.ending}{', and the disk is full' if is_full else ''}.",
                *ran.said,
                todo="Look at what it printed; the model's processes have no sign-in of the job's, "
                "and of its settings those alone that docs/verbs.md lists.",
            )
