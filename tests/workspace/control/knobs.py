"""The knobs, in one place: their names, defaults and meaning."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any


def meaning(text: str) -> dict[str, str]:
    return {"meaning": text}


@dataclass
class Knobs:
    latency: float = field(
        default=0.0, metadata=meaning("seconds before each request is looked at")
    )
    connection_bandwidth: float = field(
        default=0.0, metadata=meaning("bytes/s of one connection, each way; 0: no limit")
    )
    total_bandwidth_in: float = field(
        default=0.0, metadata=meaning("bytes/s received in all; 0: no limit")
    )
    total_bandwidth_out: float = field(
        default=0.0, metadata=meaning("bytes/s sent in all; 0: no limit")
    )
    ready_after: float = field(
        default=0.2, metadata=meaning("seconds until a version that is created now is registered")
    )
    hold_ready: bool = field(
        default=False, metadata=meaning("versions stay PENDING_REGISTRATION until this is off")
    )
    registration_error: str = field(
        default="", metadata=meaning("versions end FAILED_REGISTRATION with this message")
    )
    corrupt: list[dict[str, str]] = field(
        default_factory=list,
        metadata=meaning(
            "damage to what the registry keeps of a version as it becomes READY: "
            '[{"path": glob, "how": "drop" | "size" | "bytes"}]'
        ),
    )
    pending_limit: int = field(
        default=20, metadata=meaning("versions that may be PENDING_REGISTRATION at a time")
    )
    pending_limit_status: int = field(
        default=400, metadata=meaning("400 RESOURCE_LIMIT_EXCEEDED beyond that, or 429")
    )
    search_lag: float = field(
        default=0.0, metadata=meaning("seconds until model-versions/search sees a new version")
    )
    registry_rate: float = field(
        default=0.0, metadata=meaning("model registry requests/s before 429; 0: no limit")
    )
    dbfs: bool = field(default=True, metadata=meaning("off: every DBFS call is refused with 403"))
    workspace_internal: bool = field(
        default=True, metadata=meaning("off: the Files API refuses /WorkspaceInternal with 403")
    )
    signed_url_seconds: float = field(
        default=900.0, metadata=meaning("seconds for which a signed URL works")
    )
    signed_url_requests: int = field(
        default=0, metadata=meaning("requests for which a signed URL works; 0: no limit")
    )
    signed_url_type: str = field(
        default="AWS_PRESIGNED_URL",
        metadata=meaning(
            "the storage behind runs and logged models: AWS_PRESIGNED_URL, AZURE_SAS_URI or "
            "AZURE_ADLS_GEN2_SAS_URI"
        ),
    )
    decide_all: bool = field(
        default=False,
        metadata=meaning(
            "approving or rejecting closes all requests for a stage; off: the oldest. Which of the "
            "two the service does, is not documented"
        ),
    )
    page_size: int = field(default=1000, metadata=meaning("entries in a page of any listing"))
    tokens: dict[str, dict[str, Any]] = field(
        default_factory=dict,
        metadata=meaning(
            'more tokens: {token: {"user": name, "rights": '
            '["write", "create-models", "transition"]}}; without "rights": all'
        ),
    )

    def change(self, changes: dict[str, Any]) -> None:
        """All or none of the changes."""
        known = {knob.name: type(getattr(Knobs(), knob.name)) for knob in fields(self)}
        for name, value in changes.items():
            if name not in known:
                raise ValueError(f"no knob is called {name!r}; there are {', '.join(known)}")
            _check(name, value, known[name])
        for name, value in changes.items():
            setattr(self, name, value)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def _check(name: str, value: Any, kind: type) -> None:
    fits = isinstance(value, (int, float)) if kind is float else isinstance(value, kind)
    if not fits or (isinstance(value, bool) and kind is not bool):
        raise ValueError(f"knob {name!r} takes a {kind.__name__}, not {value!r}")


def meanings() -> dict[str, tuple[Any, str]]:
    """Name to default and meaning, for the help text."""
    defaults = Knobs().as_dict()
    return {knob.name: (defaults[knob.name], knob.metadata["meaning"]) for knob in fields(Knobs)}
