"""What the verbs reach that work on versions which are there: their outputs and summaries."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from .outcome import Outcome, Table


@dataclass
class Resolved(Outcome):
    """What `resolve` has found.

    Attributes:
        versions: All that fit, newest first, each as texts by name.
    """

    participle: ClassVar[str] = "resolved"
    versions: list[dict[str, str]] = field(default_factory=list)

    @property
    def done(self) -> str:
        """What was reached, for people."""
        return f"{self.model_name} version {self.version} found"

    @property
    def reached(self) -> str:
        """Nothing, where it failed."""
        return ""

    @property
    def table(self) -> Table | None:
        """Those that fit, where there are several."""
        if len(self.versions) < 2:
            return None
        shown = ("version", "status", "stage", "aliases", "commit", "digest")
        return Table(
            "All that fit", shown, [[one[name] for name in shown] for one in self.versions]
        )

    def _cleaned(self, redacted: Callable[[str], str]) -> dict[str, Any]:
        clean = [{name: redacted(text) for name, text in one.items()} for one in self.versions]
        return super()._cleaned(redacted) | {"versions": clean}

    def _texts(self) -> Iterator[tuple[str, str]]:
        yield from super()._texts()
        yield "versions", json.dumps(self.versions)

    def result(self) -> dict[str, Any]:
        """All outputs but `registry-url`, and figures; with no host and no workspace id."""
        return super().result() | {"versions": self.versions}


@dataclass
class Downloaded(Outcome):
    """What `download` has brought.

    Attributes:
        path: The folder, once it is there whole.
        requirements: The model's `requirements.txt` in it, where that was asked for.
    """

    participle: ClassVar[str] = "downloaded"
    path: str = ""
    requirements: str = ""

    @property
    def done(self) -> str:
        """What was reached, for people."""
        return f"{self.model_name} version {self.version} downloaded"

    @property
    def reached(self) -> str:
        """The folder, where it is there although the command failed."""
        return f"version {self.version} is in {self.path}" if self.path else ""

    def _texts(self) -> Iterator[tuple[str, str]]:
        yield "path", self.path
        yield "requirements", self.requirements
        yield from super()._texts()


@dataclass
class Promoted(Outcome):
    """What `promote` has done.

    Attributes:
        to_stage: The stage that was asked for; else `to_alias`.
        came_from: The stage in which the version stood before it was moved.
        moved: Whether anything was moved.
        goes_back: Whether it was asked to go back.
        trusted: Whose versions were said to be trusted, which going back needs too.
    """

    participle: ClassVar[str] = "promoted"
    to_stage: str = ""
    to_alias: str = ""
    came_from: str = ""
    moved: bool = False
    goes_back: bool = False
    trusted: tuple[str, ...] = ()

    @property
    def done(self) -> str:
        """What was reached, for people."""
        return f"{self.model_name} {self._where_it_stands(self.moved)}"

    @property
    def reached(self) -> str:
        """What was reached although the command failed; empty where nothing was."""
        return self._where_it_stands(True) if self.moved else ""

    def _where_it_stands(self, moved: bool) -> str:
        version = f"version {self.version}"
        if self.to_alias:
            alias = f"the alias {self.to_alias}"
            return f"{version} got {alias}" if moved else f"{version} had {alias} already"
        how = "moved to" if moved else "stood already in"
        return f"{version} {how} {self.to_stage}"

    @property
    def way_back(self) -> list[str]:
        """The command that undoes what was done, word by word; empty where there is none."""
        if not self._stands_there or self.status in ("planned", "skipped"):
            return []
        if not self.previous:
            return self._out_again() if self.moved and self.came_from else []
        target = ["--alias", self.to_alias] if self.to_alias else ["--stage", self.to_stage]
        if not self.goes_back:
            trusted = ["--trusted-creators", ", ".join(self.trusted)] if self.trusted else []
            return [*self._command(self.version), *target, "--undo", "true", *trusted]
        again = ["--archive-existing", "true"] if self.to_stage else []
        return [*self._command(self.previous[0]), *target, *again]

    @property
    def _stands_there(self) -> bool:
        return self.to_alias in self.aliases if self.to_alias else self.stage == self.to_stage

    def _out_again(self) -> list[str]:
        return [*self._command(self.version), "--stage", self.came_from] if self.to_stage else []

    def _command(self, version: str) -> list[str]:
        named = ["--model-name", self.model_name]
        return ["promote", *named, "--select", f"version={version}"]


@dataclass
class Retired(Outcome):
    """What `retire` has done.

    Attributes:
        retired: The versions that went, with the stage they were in and what was done.
        kept: Those that were meant and stayed, and why.
        staging: What was deleted that nobody needs any more.
        mlflow_staging: The staging copies that plain MLflow has left.
    """

    participle: ClassVar[str] = "retired"
    retired: list[dict[str, str]] = field(default_factory=list)
    kept: list[dict[str, str]] = field(default_factory=list)
    staging: list[str] = field(default_factory=list)
    mlflow_staging: list[str] = field(default_factory=list)
    model_deleted: bool = False

    @property
    def done(self) -> str:
        """What was reached, for people."""
        return f"{self.model_name}: {self._went() or 'nothing to retire'}"

    @property
    def reached(self) -> str:
        """What was reached although the command failed; empty where nothing was."""
        return self._went()

    def _went(self) -> str:
        told = ["the registered model was deleted"] if self.model_deleted else []
        for done in ("deleted", "archived"):
            if count := sum(one["done"] == done for one in self.retired):
                told.append(f"{count} version{'' if count == 1 else 's'} {done}")
        return ", ".join(told)

    @property
    def table(self) -> Table | None:
        """Which versions, and what plain MLflow has left."""
        went = [[one["version"], one["done"], one["stage"]] for one in self.retired]
        stayed = [[one["version"], "kept", one["why"]] for one in self.kept]
        left = [["", "left by MLflow", name] for name in self.mlflow_staging]
        cleared = [["", "deleted", name] for name in self.staging]
        rows = [*went, *stayed, *cleared, *left]
        return Table("What went and what stayed", ("version", "what", ""), rows) if rows else None

    def _cleaned(self, redacted: Callable[[str], str]) -> dict[str, Any]:
        changed: dict[str, Any] = {}
        for name in ("retired", "kept"):
            listed = getattr(self, name)
            changed[name] = [{key: redacted(text) for key, text in one.items()} for one in listed]
        for name in ("staging", "mlflow_staging"):
            changed[name] = list(map(redacted, getattr(self, name)))
        return super()._cleaned(redacted) | changed

    def outputs(self) -> dict[str, str]:
        """The outputs of the action, by name."""
        lists = {name: json.dumps(listed) for name, listed in self._lists().items()}
        return {"status": self.status, **lists, "result": json.dumps(self.result())}

    def _lists(self) -> dict[str, Any]:
        return {
            "retired": self.retired,
            "kept": self.kept,
            "staging-copies": self.staging,
            "mlflow-staging": self.mlflow_staging,
        }

    def result(self) -> dict[str, Any]:
        """All outputs, and figures; with no host and no workspace id."""
        return {
            "status": self.status,
            **self._lists(),
            "model-name": self.model_name,
            "model-deleted": self.model_deleted,
            "seconds": round(self.seconds, 1),
            "plan": self.plan,
        }
