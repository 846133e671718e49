"""One retirement on its way."""

from __future__ import annotations

from dataclasses import dataclass

from .attempt import Attempt
from .connection import Connection
from .inputs.retire import RetireInputs
from .outcome import Log
from .reached import Retired
from .registry.api import RegistryApi


@dataclass(frozen=True)
class Retirement:
    """What the steps of retiring work on; `side` is the registry's connection."""

    inputs: RetireInputs
    side: Connection
    api: RegistryApi
    attempt: Attempt
    log: Log
    outcome: Retired
