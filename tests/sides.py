"""Servers and workspaces that a test runs against, by the names of their fixtures."""

from __future__ import annotations

import pytest

BOTH = pytest.mark.parametrize("registry", ["registry_workspace", "mlflow_server"])
