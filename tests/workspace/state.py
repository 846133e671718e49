"""What the handlers share."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .control.knobs import Knobs
from .registrar import Registrar
from .signer import Signer
from .storage import Storage
from .uploads import Uploads
from .upstream import Upstream


@dataclass(frozen=True)
class Identity:
    name: str
    workspace_id: str
    user: str


@dataclass
class RegisteredModel:
    """What a workspace knows of a model beyond what MLflow's server keeps."""

    id: str
    user: str
    permissions: list[dict[str, Any]]


@dataclass
class State:
    identity: Identity
    knobs: Knobs
    storage: Storage
    uploads: Uploads
    signer: Signer
    upstream: Upstream
    registrar: Registrar
    host: str = ""
    models: dict[str, RegisteredModel] = field(default_factory=dict)
    requests: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=dict)
    comments: dict[str, dict[str, Any]] = field(default_factory=dict)
    scopes: dict[str, Any] = field(default_factory=dict)
    handles: dict[int, tuple[Path, str]] = field(default_factory=dict)
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(10_000_001))
