"""Runs workflows under act, and reads what GitHub's runner would show of them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sysconfig
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
ACTION = "your-org/register-remote-model@v1"
ACT = Path(sysconfig.get_path("scripts"), "act")


@dataclass(frozen=True)
class Done:
    """What act told, one object for each thing that happened."""

    code: int
    events: list[dict[str, Any]]

    def commands(self, name: str) -> list[dict[str, Any]]:
        """The workflow commands of a name, such as `error`; act tells each of them once."""
        return [event for event in self.events if event.get("command") == name]

    @property
    def errors(self) -> list[str]:
        return [f"{it['kvPairs'].get('title')}: {it['arg']}" for it in self.commands("error")]

    @property
    def groups(self) -> list[str]:
        return [event["arg"] for event in self.commands("group")]

    @property
    def summaries(self) -> list[str]:
        """One of each call: act tells it at the call's own step and again at what called it."""
        return [it["content"] for it in self.commands("summary") if len(it["stepID"]) > 1]

    @property
    def lines(self) -> list[str]:
        """What the steps printed."""
        return [event["msg"].rstrip("\n") for event in self.events if event.get("raw_output")]

    @property
    def shown(self) -> str:
        """All that a reader of the log sees, which a mask command is not."""
        return "\n".join(
            json.dumps(event) for event in self.events if event.get("command") != "add-mask"
        )

    def jobs(self) -> dict[str, str]:
        """Each job's result; of a matrix, its legs by their own names. Act pads them."""
        ended = [event for event in self.events if "jobResult" in event]
        return {event["job"].split("/")[-1].strip(): event["jobResult"] for event in ended}

    def outputs(self, step: str) -> dict[str, str]:
        """The outputs of a step of the workflow."""
        told = [event for event in self.commands("set-output") if event["stepID"] == [step]]
        return {event["name"]: event["arg"] for event in told}

    def __str__(self) -> str:
        return "\n".join(event.get("msg", "").rstrip() for event in self.events)


@dataclass(frozen=True)
class Runner:
    """A self-hosted runner with a home of its own; act knows no home with a space in its name."""

    home: Path
    checkout: Path

    @classmethod
    def make(cls, folder: Path, repository: Path, environments: Path) -> Runner:
        """A clone of the repository, and the Python environments that are there already."""
        runner = cls(folder / "home", folder / "a checkout")
        tools = runner.home / ".cache/act/tool_cache"
        tools.mkdir(parents=True)
        (tools / "register-remote-model").symlink_to(environments)
        shutil.copytree(repository, runner.checkout, symlinks=True)
        return runner

    @property
    def temporary_files(self) -> list[Path]:
        """What the steps left in the folders for temporary files."""
        return [path for path in self._temporary() if path.is_file()]

    def _temporary(self) -> Iterator[Path]:
        yield from (self.home / "tmp").rglob("*")
        yield from self.home.glob(".cache/act/*/tmp/**/*")

    def run(
        self,
        workflow: Path,
        event: str,
        payload: Mapping[str, Any] | None = None,
        *,
        secrets: Mapping[str, str] | None = None,
        variables: Mapping[str, str] | None = None,
        masked: bool = False,
        action: Path = ROOT,
    ) -> Done:
        """Runs a workflow as it stands.

        Args:
            secrets: The repository's; `GITHUB_TOKEN` is the job's own token.
            variables: What the runner puts into the environment of all steps.
            masked: Whether act hides the secrets; if not, what prints one is found out.
        """
        file = self.home / "event.json"
        file.write_text(json.dumps(payload or {}))
        (self.home / "tmp").mkdir(exist_ok=True)
        done = subprocess.run(
            [
                *(ACT, event, "--workflows", workflow, "--eventpath", file, "--json"),
                *("--platform", "ubuntu-latest=-self-hosted", "--no-cache-server"),
                *("--local-repository", f"{ACTION}={action}", "--action-offline-mode"),
                *([] if masked else ["--insecure-secrets"]),
                *(f"--secret={name}={secret}" for name, secret in (secrets or {}).items()),
                *(f"--env={name}={text}" for name, text in (variables or {}).items()),
            ],
            cwd=self.checkout,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.home),
                "TMPDIR": str(self.home / "tmp"),
                "LANG": "C.UTF-8",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=100,
        )
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        return Done(done.returncode, [json.loads(line) for line in lines])
