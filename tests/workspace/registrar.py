"""The slow half of creating a version: the copy into the registry's own storage."""

from __future__ import annotations

import threading
import time
import uuid
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from .control.knobs import Knobs
from .storage import Storage

REGISTRY_ROOT = "/databricks/mlflow-registry"
PENDING, READY, FAILED = "PENDING_REGISTRATION", "READY", "FAILED_REGISTRATION"
NO_SOURCE = "Failed registration. The given source path does not exist."


@dataclass
class Registration:
    """One version's way from its source to the registry."""

    source: str
    user: str
    takes: float  # seconds
    created: float = field(default_factory=time.monotonic)
    status: str = PENDING
    message: str = ""
    folder: str = ""

    def __post_init__(self) -> None:
        last = self.source.rstrip("/").rsplit("/", 1)[-1]
        self.folder = f"{REGISTRY_ROOT}/{uuid.uuid4().hex}/models/{last}"


class Registrar:
    """Keeps a registration for every version, and carries out those that are due."""

    def __init__(self, storage: Storage, knobs: Knobs) -> None:
        self._storage = storage
        self._knobs = knobs
        self._due = threading.Condition()
        self._registrations: dict[tuple[str, str], Registration] = {}
        threading.Thread(target=self._run, daemon=True).start()

    def add(self, name: str, version: str, source: str, user: str) -> None:
        with self._due:
            self._registrations[name, version] = Registration(source, user, self._knobs.ready_after)
            self._due.notify()

    def get(self, name: str, version: str) -> Registration | None:
        return self._registrations.get((name, version))

    def pending(self) -> int:
        with self._due:
            return sum(one.status == PENDING for one in self._registrations.values())

    def forget(self, name: str, version: str | None = None) -> None:
        """Of one version, or of a model's every version; their files go too."""
        with self._due:
            for key in list(self._registrations):
                if key[0] == name and version in (None, key[1]):
                    gone = self._registrations.pop(key)
                    self._storage.remove(gone.folder.split("/models/")[0])

    def rename(self, name: str, new_name: str) -> None:
        with self._due:
            for key in list(self._registrations):
                if key[0] == name:
                    self._registrations[new_name, key[1]] = self._registrations.pop(key)

    def wake(self) -> None:
        """Look again: a knob was turned."""
        with self._due:
            self._due.notify()

    def _run(self) -> None:
        while True:
            with self._due:
                self._due.wait(self._carry_out_what_is_due())

    def _carry_out_what_is_due(self) -> float | None:
        """Seconds until the next one is due."""
        if self._knobs.hold_ready:
            return None
        waits = []
        for one in self._registrations.values():
            if one.status != PENDING:
                continue
            wait = one.created + one.takes - time.monotonic()
            if wait > 0:
                waits.append(wait)
            else:
                self._carry_out(one)
        return min(waits, default=None)

    def _carry_out(self, one: Registration) -> None:
        try:
            one.status, one.message = self._copied(one)
        except OSError:  # a source that somebody deletes meanwhile, which must not end the thread
            one.status, one.message = FAILED, NO_SOURCE

    def _copied(self, one: Registration) -> tuple[str, str]:
        """The status that it comes to, and why."""
        failure = self._knobs.registration_error
        if not failure and next(self._storage.files(one.source), None) is None:
            failure = NO_SOURCE
        if failure:
            return FAILED, failure
        self._storage.link_tree(one.source, one.folder)
        for damage in self._knobs.corrupt:
            self._corrupt(one.folder, damage["path"], damage["how"])
        return READY, one.message

    def _corrupt(self, folder: str, pattern: str, how: str) -> None:
        """Damage the files that fit; their bytes at the source stay as they are."""
        top = self._storage.on_disk(folder)
        for path in list(self._storage.files(folder)):
            if fnmatchcase(str(path.relative_to(top)), pattern):
                _damage(path, how)


def _damage(path: Path, how: str) -> None:
    content = path.read_bytes()
    path.unlink()
    if how == "size":
        path.write_bytes(content + b"\0")
    elif how == "bytes":
        path.write_bytes(bytes(byte ^ 1 for byte in content))
