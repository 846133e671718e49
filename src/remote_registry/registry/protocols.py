"""What differs between registries: the home of the files that a version is made from."""

from __future__ import annotations

from typing import Protocol

from ..attempt import Mark
from ..errors import RegistryFailed
from ..files.protocols import File, Writer
from ..rest import Json


class Refused(RegistryFailed):
    """A way into the registry that is not open; another may be."""


class Home(Protocol):
    """Where the files are that the registry makes one version from.

    On a Databricks workspace it is a staging copy, which the registry copies. An MLflow server's
    registry copies nothing, so there it is where the files stay.
    """

    @property
    def writer(self) -> Writer:
        """Where the files go, once it is prepared."""

    @property
    def is_begun(self) -> bool:
        """Whether there is anything of it, or may be."""

    @property
    def is_in_doubt(self) -> bool:
        """Whether there may yet be something, though `discard` finds nothing."""

    def prepare(self, mark: Mark) -> None:
        """Makes the place, marked as this try's. From now on `discard` may have something to undo.

        Raises:
            Refused: The registry does not let us; another way may be open.
        """

    def renew(self, mark: Mark) -> None:
        """Marks the place anew: its maker lives."""

    def finish(self, files: tuple[File, ...]) -> Json:
        """Checks and seals what was written.

        Returns:
            The fields of the version's creation that tell of it: `source`, and `model_id`.
        """

    def discard(self) -> bool:
        """Takes all of it away: the undo of `prepare`; returns whether there was anything."""

    def serves(self, source: str) -> bool:
        """Whether a READY version of this source has its files here, and not a copy of them."""

    def after_ready(self) -> None:
        """Takes away what a READY version no longer needs."""

    def left(self) -> str:
        """What there is to take away by hand, if `discard` or `after_ready` fails."""
