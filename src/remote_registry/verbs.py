"""What each verb takes: its inputs, and the secrets that no option may hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parents[2]
_REGISTRY = (
    "model-name",
    "registry-host",
    "registry-workspace-id",
    "registry-uri",
    "registry-username",
)
REGISTRY_SECRETS = ("registry-token", "registry-password")
# Of the verbs that know no source: the workspace of `tracking-host` has the scope of the registry.
_REGISTRY_ALONE = (*_REGISTRY, "tracking-host", "tracking-workspace-id", "allow-http")
_REGISTRY_ALONE_SECRETS = (*REGISTRY_SECRETS, "tracking-token", "github-token")


@dataclass(frozen=True)
class Verb:
    """One command, and the action that calls it.

    Attributes:
        inputs: Those that are options too.
        secrets: Those that come from a variable or a file only.
        folder: The action's, below the repository's root.
        calls_nobody_with: The input that, where it is `true`, makes a call which needs no secrets.
    """

    name: str
    inputs: tuple[str, ...]
    secrets: tuple[str, ...]
    folder: str
    calls_nobody_with: str = ""

    @property
    def action(self) -> Path:
        """The file that describes the inputs to people."""
        return _ROOT / self.folder / "action.yml"

    def described_inputs(self) -> dict[str, str]:
        """What the action's file says of each input; nothing where the file is not there."""
        import yaml

        if not self.action.is_file():
            return {}
        action: Mapping[str, Any] = yaml.safe_load(self.action.read_text(encoding="utf-8"))
        return {name: entry["description"] for name, entry in action["inputs"].items()}


REGISTER = Verb(
    "register",
    (
        "run-id",
        "run-filter",
        "experiment",
        "model-uri",
        "model-path",
        "artifact-path",
        *_REGISTRY,
        "tracking-host",
        "tracking-workspace-id",
        "tracking-uri",
        "tracking-username",
        "allow-http",
        "stage",
        "archive-existing",
        "expect-previous",
        "alias",
        "gate",
        "gate-without-champion",
        "permissions",
        "tags",
        "description",
        "comment",
        "timeout",
        "retry-timeout",
        "verify",
        "max-connections",
        "dry-run",
        "python",
    ),
    (*REGISTRY_SECRETS, "tracking-token", "tracking-password", "github-token"),
    ".",
)
MANY = Verb(
    "many",
    (
        "models",
        *(name for name in _REGISTRY if name != "model-name"),
        "tracking-host",
        "tracking-workspace-id",
        "tracking-uri",
        "tracking-username",
        "allow-http",
        "allow-promotion",
        "comment",
        "matrix",
        "retry-timeout",
        "max-connections",
        "dry-run",
        "python",
    ),
    (*REGISTRY_SECRETS, "tracking-token", "tracking-password", "github-token"),
    "actions/many",
    "matrix",
)
SECRETS = Verb(
    "secrets",
    (
        "scope",
        "prefix",
        "readers",
        "remove",
        "registry-host",
        "registry-workspace-id",
        "tracking-host",
        "tracking-workspace-id",
        "retry-timeout",
        "dry-run",
        "python",
    ),
    ("registry-token", "tracking-token"),
    "actions/secrets",
)
DOCTOR = Verb(
    "doctor",
    (
        *_REGISTRY,
        "tracking-host",
        "tracking-workspace-id",
        "tracking-uri",
        "tracking-username",
        "allow-http",
        "scope",
        "prefix",
        "stage",
        "probe",
        "retry-timeout",
        "python",
    ),
    (*REGISTRY_SECRETS, "tracking-token", "tracking-password"),
    "actions/doctor",
)
RESOLVE = Verb(
    "resolve",
    (*_REGISTRY_ALONE, "select", "retry-timeout", "python"),
    _REGISTRY_ALONE_SECRETS,
    "actions/resolve",
)
DOWNLOAD = Verb(
    "download",
    (
        *_REGISTRY_ALONE,
        "select",
        "path",
        "requirements",
        "max-connections",
        "retry-timeout",
        "dry-run",
        "python",
    ),
    _REGISTRY_ALONE_SECRETS,
    "actions/download",
)
TEST = Verb(
    "test",
    (
        *_REGISTRY_ALONE,
        "select",
        "trusted-creators",
        "digest",
        "run-model-code",
        "rows",
        "expect",
        "tolerance",
        "timeout",
        "max-connections",
        "retry-timeout",
        "dry-run",
        "python",
    ),
    _REGISTRY_ALONE_SECRETS,
    "actions/test",
)
PROMOTE = Verb(
    "promote",
    (
        *_REGISTRY_ALONE,
        "select",
        "stage",
        "alias",
        "archive-existing",
        "expect-previous",
        "gate",
        "gate-without-champion",
        "comment",
        "trusted-creators",
        "digest",
        "undo",
        "retry-timeout",
        "dry-run",
        "python",
    ),
    _REGISTRY_ALONE_SECRETS,
    "actions/promote",
)
RETIRE = Verb(
    "retire",
    (
        *_REGISTRY_ALONE,
        "select",
        "to",
        "keep-last",
        "older-than",
        "force",
        "confirm",
        "mlflow-staging",
        "retry-timeout",
        "dry-run",
        "python",
    ),
    _REGISTRY_ALONE_SECRETS,
    "actions/retire",
)
_TRANSITION = (*_REGISTRY_ALONE, "select", "stage", "comment")
REQUEST = Verb(
    "request",
    (*_TRANSITION, "retry-timeout", "dry-run", "python"),
    _REGISTRY_ALONE_SECRETS,
    "actions/request",
)
APPROVE = Verb(
    "approve",
    (
        *_TRANSITION,
        "archive-existing",
        "expect-previous",
        "trusted-creators",
        "digest",
        "retry-timeout",
        "dry-run",
        "python",
    ),
    _REGISTRY_ALONE_SECRETS,
    "actions/approve",
)
REJECT = Verb(
    "reject",
    (*_TRANSITION, "retry-timeout", "dry-run", "python"),
    _REGISTRY_ALONE_SECRETS,
    "actions/reject",
)
VERBS = (
    REGISTER,
    MANY,
    DOCTOR,
    SECRETS,
    RESOLVE,
    DOWNLOAD,
    TEST,
    PROMOTE,
    REQUEST,
    APPROVE,
    REJECT,
    RETIRE,
)
