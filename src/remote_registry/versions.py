"""The source as a version of its side's own registry."""

from __future__ import annotations

from .figures import Figures, metrics_in
from .files.databricks import VersionFiles
from .files.protocols import Reader
from .files.stores import served_folder
from .inputs.sources import VersionSource
from .lookup import API, Lookup, ModelSource, read
from .rest import ApiError, Json


class Versions(Lookup):
    """Versions of the source's own registry."""

    def of_version(self, spec: VersionSource) -> ModelSource:
        """A version of the source's own registry."""
        version = self._version(spec)
        which = {"name": version["name"], "version": str(version["version"])}
        missing = f"There is no version {which['version']} of {spec.name!r}:"
        uri = self.get("model-versions/get-download-uri", which, missing)["artifact_uri"]
        reader: Reader
        if self.connection.is_databricks:
            reader = VersionFiles(self.rest, **which)
        else:
            reader = served_folder(self.rest, uri)
        return ModelSource(
            "model version",
            f"models/{which['name']}/{which['version']}",
            *read(reader),
            run_id=version.get("run_id") or "",
            run_page=version.get("run_link") or "",
            native_uri=uri,
            figures=lambda: self._figures_of(version),
        )

    def _figures_of(self, version: Json) -> Figures:
        """What its tags tell, and else its run."""
        tags = {tag["key"]: tag.get("value", "") for tag in version.get("tags") or []}
        run_id = version.get("run_id") or ""
        return Figures(metrics_in(tags), tags=tags).or_else(self.figures_of_run(run_id))

    def _version(self, spec: VersionSource) -> Json:
        if spec.stage:
            return self._latest_in_stage(spec)
        if spec.alias:
            if self.connection.is_databricks:
                raise self.missing(
                    "A workspace registry has no aliases.", "Name the version, or its stage."
                )
            missing = f"{spec.name!r} has no alias {spec.alias!r}:"
            params = {"name": spec.name, "alias": spec.alias}
            version: Json = self.get("registered-models/alias", params, missing)["model_version"]
        else:
            missing = f"There is no version {spec.version} of {spec.name!r}:"
            params = {"name": spec.name, "version": spec.version}
            version = self.get("model-versions/get", params, missing)["model_version"]
        if version.get("status", "READY") != "READY":
            raise self.missing(f"Version {version['version']} is {version['status']}, not READY.")
        return version

    def _latest_in_stage(self, spec: VersionSource) -> Json:
        body = {"name": spec.name, "stages": [spec.stage]}
        try:
            reply = self.rest.change("POST", f"{API}/registered-models/get-latest-versions", body)
        except ApiError as error:
            if error.is_missing:
                raise self.missing(f"There is no model {spec.name!r}: {error.message}") from error
            raise
        versions = reply.get("model_versions") or []
        if not versions:
            raise self.missing(f"No version of {spec.name!r} is in {spec.stage}.")
        latest: Json = max(versions, key=lambda version: int(version["version"]))
        return latest
