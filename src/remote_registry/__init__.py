"""Carries an MLflow model into the registry of another workspace or server, exactly once."""

__version__ = "1.0.0"
