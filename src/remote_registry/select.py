"""Finding a version in the registry, in any of the ways in which it can be said."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

from .connection import Connection
from .errors import VersionMissing
from .github import GitHub, PullRequest
from .inputs.select import ALL, BY_TAGS, Select
from .inputs.values import TAG_PREFIX
from .outcome import Log
from .plan import Found
from .registry.api import READY, RegistryApi, Version
from .registry.lifecycle import model_names

_LONGEST_SHOWN = 80  # of a value: a digest, and no essay
_A_FEW = 5  # versions, values or names that a message lists
_TAGS: Mapping[str, tuple[str, ...]] = {
    "digest": ("digest",),
    "commit": ("head_commit", "commit"),
    "run-id": ("source_run_id",),
    "pull-request": ("pull_request",),
}


def look(api: RegistryApi, connection: Connection) -> Found:
    """All versions of the model, those that search does not show yet among them."""
    versions = api.versions()
    # Databricks has no aliases, and a model that has versions is there.
    model = api.model() if not versions or not connection.is_databricks else None
    if not versions and not model:
        return Found(versions=None)
    listed = [*versions, *api.hidden(versions)]
    newest_first = tuple(sorted(listed, key=lambda version: -version.order))
    return Found(versions=newest_first, aliases=dict(model.aliases) if model else {})


def find_one(
    api: RegistryApi, connection: Connection, select: Select, github: GitHub, log: Log
) -> tuple[Found, Version]:
    """All versions of the model, and the one that is meant.

    Raises:
        VersionMissing: There is none, or there are several.
        Failure: The registry or GitHub can't be asked.
    """
    with log.group("Find the version"):
        found = look(api, connection)
        version = the_one(api, found, select, find(api, found, select, github, log))
        log.line(f"{select}: version {version.number}")
    return found, version


def find(api: RegistryApi, found: Found, select: Select, github: GitHub, log: Log) -> list[Version]:
    """All versions that fit, newest first.

    Where no version records a commit, GitHub is asked which merged pull request brought it; those
    are taken that were registered from the last commit of that pull request.

    Raises:
        RegistryFailed: A stage of a registry that has none.
        GitHubFailed: It has to be asked and can't be.
    """
    if select.way == "stage" and not any(version.stage for version in found.versions or ()):
        api.in_stage(select.value)
    fitting = matching(found, select, github.repository)
    if fitting or select.way != "commit" or not found.versions or not github.repository:
        return fitting
    merged = github.merged_with(select.value, log.warning)
    for one in merged:
        log.line(f"{select.value[:12]} came with pull request {one.number}, head {one.head[:12]}")
    return of_pull_requests(found, merged, github.repository)


def matching(found: Found, select: Select, repository: str = "") -> list[Version]:
    """All versions that fit, newest first; calls nothing.

    Args:
        repository: Numbers of pull requests are this one's, where a version records its own.
    """
    versions = list(found.versions or ())
    if select.way == "latest":
        return [version for version in versions if version.status == READY][:1]
    return [version for version in versions if _fits(version, found, select, repository)]


def _fits(version: Version, found: Found, select: Select, repository: str) -> bool:
    if select.way in BY_TAGS:
        ours = select.way != "pull-request" or _is_of(version, repository)
        return ours and select.value in _recorded(version, select)
    told = {
        ALL: "",
        "version": version.number,
        "stage": version.stage,
        "alias": version.number,
    }
    wanted = found.aliases.get(select.value) if select.way == "alias" else select.value
    return told[select.way] == wanted


def _is_of(version: Version, repository: str) -> bool:
    recorded = version.tags.get(f"{TAG_PREFIX}repository", "")
    return not recorded or not repository or recorded == repository


def _recorded(version: Version, select: Select) -> list[str]:
    """What a version records that such a way of saying goes by."""
    if select.way == "tag":
        return [version.tags[select.key]] if select.key in version.tags else []
    kept = [version.tags.get(f"{TAG_PREFIX}{name}", "") for name in _TAGS[select.way]]
    own = version.run_id if select.way == "run-id" else ""
    return list(filter(None, dict.fromkeys([*kept, own])))


def of_pull_requests(found: Found, merged: Iterable[PullRequest], repository: str) -> list[Version]:
    """Versions that were registered from the last commit of a pull request, newest first."""
    ends = {(one.number, one.head) for one in merged}
    return [
        version
        for version in found.versions or ()
        if _is_of(version, repository)
        and (
            version.tags.get(f"{TAG_PREFIX}pull_request", ""),
            version.tags.get(f"{TAG_PREFIX}head_commit", ""),
        )
        in ends
    ]


def the_one(api: RegistryApi, found: Found, select: Select, fitting: list[Version]) -> Version:
    """The one version that is meant.

    Of several in a stage it is the newest; of several that record the same, the one that is READY.

    Raises:
        VersionMissing: There is none, or there are several.
    """
    if not fitting:
        raise VersionMissing(
            f"No version of {api.name!r} fits {select}. {nearest_to(api, found, select)}".strip(),
            where=api.where,
        )
    usable = [version for version in fitting if version.status == READY] or fitting
    if select.by_tags and len(usable) > 1:
        listed = ", ".join(_described(version) for version in usable[:_A_FEW])
        more = f", and {len(usable) - _A_FEW} more" if len(usable) > _A_FEW else ""
        raise VersionMissing(
            f"{len(usable)} versions of {api.name!r} fit {select}: {listed}{more}.",
            where=api.where,
            todo="Say which one: select: version=<number>.",
        )
    return (usable if select.by_tags else fitting)[0]


def _described(version: Version) -> str:
    stage = f", {version.stage}" if version.stage not in ("", "None") else ""
    return f"version {version.number} ({version.status}{stage})"


def nearest_to(api: RegistryApi, found: Found, select: Select) -> str:
    """What there is of what was asked for; names of models where this one is not there."""
    if found.versions is None:
        close = difflib.get_close_matches(api.name, model_names(api.rest), _A_FEW, 0.5)
        near = f" Near it: {', '.join(map(repr, close))}." if close else ""
        return f"There is no such registered model.{near}"
    return nearest(found, select)


def nearest(found: Found, select: Select) -> str:
    """What there is of what was asked for, as a sentence."""
    versions = found.versions or ()
    if not versions:
        return "It has no version."
    if select.way == "alias":
        aliases = [f"{alias} (version {number})" for alias, number in found.aliases.items()]
        return f"Its aliases: {', '.join(aliases[:_A_FEW])}." if aliases else "It has no alias."
    if select.way == "version":
        by_distance = sorted(versions, key=lambda one: abs(one.order - int(select.value)))
        return f"Nearest: {', '.join(map(_described, by_distance[:_A_FEW]))}."
    if select.way in BY_TAGS:
        return _nearest_recorded(versions, select)
    return f"It has {', '.join(map(_described, versions[:_A_FEW]))}."


def _shortened(value: str) -> str:
    return value if len(value) <= _LONGEST_SHOWN else f"{value[: _LONGEST_SHOWN - 1]}…"


def _nearest_recorded(versions: Iterable[Version], select: Select) -> str:
    by_value: dict[str, str] = {}
    for version in versions:
        for value in _recorded(version, select):
            by_value.setdefault(_shortened(value), version.number)
    if not by_value and select.way == "tag":
        keys = {key for version in versions for key in version.tags}
        close = difflib.get_close_matches(select.key, sorted(keys), _A_FEW, 0.5)
        near = f" Near it: {', '.join(map(repr, close))}." if close else ""
        return f"No version has a tag {select.key!r}.{near}"
    if not by_value:
        return f"No version records a {select.way}."
    close = list(by_value)  # the newest first: what is a hash, is not near to any other
    if select.way == "tag":
        close = difflib.get_close_matches(_shortened(select.value), close, _A_FEW, 0.0)
    return f"Recorded: {', '.join(f'{one} (version {by_value[one]})' for one in close[:_A_FEW])}."
