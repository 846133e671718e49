"""The one table of routes that the modules fill."""

from __future__ import annotations

from ..wire.router import Router

ROUTES = Router()
MLFLOW = "/api/2.0/mlflow"
