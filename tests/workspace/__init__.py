"""A stand-in Databricks workspace; README.md says what it is and what it answers."""

from .control_client import ControlClient
from .launcher import Workspace
from .mlflow_servers import MlflowServers, ServerSpec

__all__ = ["ControlClient", "MlflowServers", "ServerSpec", "Workspace"]
