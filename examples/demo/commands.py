"""The product's own commands, called as a workflow's step calls them."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from surroundings import say
from workspace import Workspace

ENTRYPOINT = Path(__file__).parents[2] / "entrypoint"
SCOPE, PREFIX = "central-registry", "production"
SCOPE_URI = f"databricks://{SCOPE}:{PREFIX}"


@dataclass(frozen=True)
class Commands:
    """Calls `./entrypoint <verb>`; the tokens go by variables, as secrets do.

    Attributes:
        summary: The file in which the last command's summary is.
    """

    source: Workspace
    registry: Workspace
    summary: Path

    def secrets(self) -> None:
        """The three secrets of the registry, put into a scope of the source's workspace."""
        both = [*self._hosts("tracking", "registry"), f"--scope={SCOPE}", f"--prefix={PREFIX}"]
        self._call("secrets", both, "tracking", "registry")

    def register(self, *options: str) -> dict[str, str]:
        """The outputs of registering, where the scope says the registry."""
        given = [*self._hosts("tracking"), f"--registry-uri={SCOPE_URI}", *options]
        return self._call("register", given, "tracking")

    def of_registry(self, verb: str, *options: str) -> dict[str, str]:
        """The outputs of a verb that works on what the registry has."""
        return self._call(verb, [*self._hosts("registry"), *options], "registry")

    def _hosts(self, *sides: str) -> list[str]:
        hosts = {"tracking": self.source.host, "registry": self.registry.host}
        return [f"--{side}-host={hosts[side]}" for side in sides]

    def _call(self, verb: str, options: list[str], *signed_in: str) -> dict[str, str]:
        say(shlex.join(["./entrypoint", verb, *options]).replace(" --", " \\\n      --"))
        print(flush=True)
        tokens = {"tracking": self.source.token, "registry": self.registry.token}
        environment = {f"INPUT_{side.upper()}_TOKEN": tokens[side] for side in signed_in}
        environment["INPUT_PYTHON"] = os.path.realpath(sys.executable)
        self.summary.unlink(missing_ok=True)
        with subprocess.Popen(
            [ENTRYPOINT, verb, "--json", *options],
            env=os.environ | environment | {"GITHUB_STEP_SUMMARY": str(self.summary)},
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            said = _end(process)
        if process.returncode:
            raise SystemExit(process.returncode)
        outputs: dict[str, str] = json.loads(said)
        return outputs


def _end(process: subprocess.Popen[str]) -> str:
    try:
        return process.communicate()[0]
    except SystemExit:
        process.terminate()
        process.communicate()
        raise
