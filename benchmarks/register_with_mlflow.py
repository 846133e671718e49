"""The step that people write today: MLflow carries a run's model over, and its copy is removed.

Arguments: the run's model URI and the name. The profiles `source` and `registry` say where.
"""

from __future__ import annotations

import sys

import mlflow
from databricks.sdk import WorkspaceClient

model_uri, name = sys.argv[1:]
mlflow.set_tracking_uri("databricks://source")
mlflow.set_registry_uri("databricks://registry")
made = mlflow.register_model(model_uri, name)
WorkspaceClient(profile="registry").dbfs.delete(made.source.removeprefix("dbfs:"), recursive=True)
