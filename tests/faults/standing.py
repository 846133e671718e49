"""Where the versions of a model stand, and how a registry is put so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from command import Side
from made_versions import TAG, api, make_version, move, set_alias

KEPT = f"{TAG}previous."
ASKER = "dapi-of-builder"
ASKERS: dict[str, dict[str, Any]] = {ASKER: {"user": "builder@example.com", "rights": ["write"]}}


@dataclass(frozen=True)
class Standing:
    """A registered model from the outside.

    Attributes:
        versions: The stage of each, and its aliases after it: `None champion`.
        kept: What versions keep of who stood there before: `2 stage.Production` is `1`.
        requests: The transition requests that are open: `2 to Production`.
        around: Staging copies and homes that there are.
    """

    versions: dict[str, str]
    kept: dict[str, str] = field(default_factory=dict)
    requests: tuple[str, ...] = ()
    around: frozenset[str] = frozenset()
    exists: bool = True


def make(
    side: Side, name: str, standing: Standing, sources: Mapping[str, str] | None = None
) -> None:
    """A registered model whose versions stand so.

    Args:
        sources: Of versions that are not to have any source, by `version 1`.
    """
    api(side, "POST", "registered-models/create", json={"name": name})
    for number, where in standing.versions.items():
        stage, *aliases = where.split()
        kept = {
            f"previous.{key.partition(' ')[2]}": text
            for key, text in standing.kept.items()
            if key.startswith(f"{number} ")
        }
        if source := (sources or {}).get(f"version {number}"):
            body = {"name": name, "source": source, "model_id": source.removeprefix("models:/")}
            api(side, "POST", "model-versions/create", json=body)
        else:
            make_version(side, name, **kept)
        if stage != "None":
            move(side, name, number, stage)
        for alias in aliases:
            set_alias(side, name, number, alias)
    for asked in standing.requests:
        number, _, stage = asked.partition(" to ")
        body = {"name": name, "version": number, "stage": stage}
        api(side, "POST", "transition-requests/create", ASKER, json=body)


def look(side: Side, name: str, around: frozenset[str], *, requests: bool) -> Standing:
    """How they stand now.

    Args:
        requests: Whether this registry has transition requests.
    """
    params = {"filter": f"name='{name}'"}
    models = api(side, "GET", "registered-models/search", params=params).get("registered_models")
    found = api(side, "GET", "model-versions/search", params=params).get("model_versions", [])
    aliases = [one for model in models or [] for one in model.get("aliases", [])]
    versions, kept, waiting = {}, {}, []
    for one in sorted(found, key=lambda one: int(one["version"])):
        number = one["version"]
        own = sorted(alias["alias"] for alias in aliases if alias["version"] == number)
        versions[number] = " ".join([one["current_stage"], *own])
        for tag in one.get("tags", []):
            if tag["key"].startswith(KEPT):
                kept[f"{number} {tag['key'].removeprefix(KEPT)}"] = tag["value"]
        if requests:
            asked = {"name": name, "version": number}
            open_ = api(side, "GET", "transition-requests/list", params=asked)["requests"]
            waiting += [f"{number} to {request['to_stage']}" for request in open_]
    return Standing(versions, kept, tuple(waiting), around, bool(models))
