"""`resolve`: a way of saying which version becomes all that there is to tell of it."""

from __future__ import annotations

from .connection import Connection, connect_registry
from .github import GitHub
from .inputs.resolve import ResolveInputs
from .inputs.values import TAG_PREFIX
from .outcome import Log, Outcome
from .plan import Found
from .promote import numbers_in
from .reached import Resolved
from .registry.api import READY, RegistryApi, Version
from .select import find, look, the_one


def resolve(inputs: ResolveInputs, github: GitHub, outcome: Resolved, log: Log) -> None:
    """Finds the version, and waits for nothing.

    Args:
        outcome: Is filled as things come true; all that fit are in it also where one is meant and
            several do.

    Raises:
        VersionMissing: No version fits, or several do.
        Failure: The registry or GitHub can't be asked.
    """
    side = connect_registry(inputs, log)
    api = RegistryApi(side, inputs.model_name)
    with log.group("Find the version"):
        found = look(api, side)
        fitting = find(api, found, inputs.select, github, log)
        outcome.versions = [_told(version, found) for version in fitting]
        version = the_one(api, found, inputs.select, fitting)
        log.line(f"{inputs.select}: version {version.number}")
    tell_version(side, api, version, found, outcome)
    outcome.previous = previous_of(version, found)


def tell_version(
    side: Connection, api: RegistryApi, version: Version, found: Found, outcome: Outcome
) -> None:
    """Fills in what the registry tells of a version that is there."""
    outcome.version, outcome.status, outcome.stage = version.number, version.status, version.stage
    outcome.aliases = aliases_of(version, found)
    outcome.digest = recorded(version, "digest")
    if run := recorded(version, "source_run_id") or version.run_id:
        outcome.source_kind, outcome.source_name, outcome.source_run_id = "run", run, run
    if version.status == READY:
        outcome.download_uri = api.download_uri(version.number)
    outcome.registry_url = side.version_page(version.name, version.number)


def aliases_of(version: Version, found: Found) -> list[str]:
    """The aliases of a version."""
    return [alias for alias, number in found.aliases.items() if number == version.number]


def recorded(version: Version, name: str) -> str:
    """What registering has recorded on a version; empty where it has not."""
    return version.tags.get(f"{TAG_PREFIX}{name}", "")


def previous_of(version: Version, found: Found) -> list[str]:
    """Who stood where the version stands now, as it was kept when it was promoted."""
    places = [("stage", version.stage), *(("alias", name) for name in aliases_of(version, found))]
    kept = [numbers_in(version, f"{TAG_PREFIX}previous.{kind}.{place}") for kind, place in places]
    return next(filter(None, kept), [])


def _told(version: Version, found: Found) -> dict[str, str]:
    return {
        "version": version.number,
        "status": version.status,
        "stage": version.stage,
        "aliases": ",".join(aliases_of(version, found)),
        "digest": recorded(version, "digest"),
        "source-run-id": recorded(version, "source_run_id") or version.run_id,
        "commit": recorded(version, "head_commit") or recorded(version, "commit"),
        "pull-request": recorded(version, "pull_request"),
    }
