"""The Databricks surface: one module per subject, each adding its routes."""

from . import (
    artifacts,
    comments,
    credentials,
    dbfs,
    dbfs_blocks,
    files,
    files_multipart,
    identity,
    logged_models,
    model_versions,
    permissions,
    registered_models,
    secret_acls,
    secrets,
    stages,
    tracking,
    transition_requests,
)
from .routes import ROUTES

__all__ = [
    "ROUTES",
    "artifacts",
    "comments",
    "credentials",
    "dbfs",
    "dbfs_blocks",
    "files",
    "files_multipart",
    "identity",
    "logged_models",
    "model_versions",
    "permissions",
    "registered_models",
    "secret_acls",
    "secrets",
    "stages",
    "tracking",
    "transition_requests",
]
