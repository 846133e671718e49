"""Signed URLs come for many files at once, and are kept for as many as are open."""

from __future__ import annotations

from typing import Any

import pytest

from remote_registry.files import databricks
from remote_registry.files.protocols import File
from remote_registry.rest import Json

BLOCK = 20


class Signed(databricks._SignedFiles):
    """Counts how often it asks for URLs, and can't be asked for any."""

    def __init__(self, count: int) -> None:
        rest: Any = None
        super().__init__(rest)
        self._listed = [File(f"{number:04}", 1) for number in range(count)]
        self.calls = 0

    def _sign(self, paths: list[str]) -> dict[str, Json]:
        self.calls += 1
        return {path: {"signed_uri": path} for path in paths}

    def ask_for(self, number: int) -> None:
        path = f"{number:04}"
        assert self._signature(path) == {"signed_uri": path}


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databricks, "PATHS_PER_CALL", BLOCK)


@pytest.mark.parametrize("count", [1, 20, 21, 79, 80, 81, 85, 99, 101])
def test_reading_all_twice_asks_for_each_block_twice_at_most(count: int) -> None:
    signed = Signed(count)
    for number in [*range(count), *range(count)]:
        signed.ask_for(number)
    assert signed.calls <= 2 * -(-count // BLOCK)


def test_files_of_four_blocks_can_be_open_at_once() -> None:
    signed = Signed(6 * BLOCK)
    for number in range(BLOCK):
        signed.ask_for(number)
        signed.ask_for(BLOCK + number)
        signed.ask_for(4 * BLOCK + number)
        signed.ask_for(5 * BLOCK + number)
    assert signed.calls == 4
