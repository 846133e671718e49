"""`test`: versions of a workspace and of an MLflow server, run for real."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from command import Side
from runnable import model_files, of_the_tests, registered, try_out
from workspace import Workspace


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return of_the_tests(tmp_path_factory.mktemp("wheels"))


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    path = tmp_path / "temporary"
    path.mkdir()
    return path


def test_it_predicts(registry_workspace: Workspace, packages: dict[str, str]) -> None:
    name = f"tested-{uuid.uuid4().hex[:8]}"
    registered(registry_workspace, name, model_files())
    done = try_out(registry_workspace, name, packages, rows='[{"x": 1}, {"x": 2}]', expect="[2, 4]")
    print(done.log)
    print(done.summary)
    print(done.outputs)
    assert done.code == 0
