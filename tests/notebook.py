"""A script: what a notebook of one workspace does with plain MLflow and secrets that it may read.

Its arguments are the workspace's host and token, the registry URI (or empty), the model's URI and
rows as JSON. Its last line of output are the predictions.
"""

import json
import sys
import types


def be_in_a_notebook(host: str, token: str) -> None:
    """MLflow looks for `dbutils` among the variables of the IPython shell that it runs in."""
    from databricks.sdk import WorkspaceClient

    client = WorkspaceClient(host=host, token=token)
    shell = types.SimpleNamespace(ns_table={"user_global": {"dbutils": client.dbutils}})
    module = types.ModuleType("IPython")
    module.get_ipython = lambda: shell  # type: ignore[attr-defined]
    sys.modules["IPython"] = module


def main() -> None:
    host, token, registry_uri, model_uri, rows = sys.argv[1:]
    be_in_a_notebook(host, token)
    import mlflow

    if registry_uri:
        mlflow.set_registry_uri(registry_uri)
    predicted = mlflow.pyfunc.load_model(model_uri).get_raw_model().predict(json.loads(rows))
    print()
    print(json.dumps([float(value) for value in predicted]))


if __name__ == "__main__":
    main()
