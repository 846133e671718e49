"""A script: logs runs that hold no model, or more than one, with plain MLflow.

Its last line of output is JSON: the ids of the runs, by what they are.
"""

import json
import uuid

import mlflow
from sklearn.linear_model import LinearRegression

ids = {}
model = LinearRegression().fit([[0.0], [1.0]], [1.0, 3.0])
mlflow.set_experiment(f"/Shared/wrong-{uuid.uuid4().hex}")
with mlflow.start_run() as run:
    ids["two models"] = run.info.run_id
    for name in ("first", "second"):
        mlflow.sklearn.log_model(model, name=name, pip_requirements=["scikit-learn"])
with mlflow.start_run() as run:
    ids["one of two deleted"] = run.info.run_id
    for name in ("deleted", "kept"):
        logged = mlflow.sklearn.log_model(model, name=name, pip_requirements=["scikit-learn"])
        if name == "deleted":
            mlflow.MlflowClient().delete_logged_model(logged.model_id)
with mlflow.start_run() as run:
    ids["artifacts"] = run.info.run_id
    mlflow.log_text("flavors: {}", "model/MLmodel")
    mlflow.log_text("flavors: {}", "a b/MLmodel")
with mlflow.start_run() as run:
    ids["other files"] = run.info.run_id
    mlflow.log_text("", "notes.txt")
    mlflow.log_text("", "data/weights.txt")
with mlflow.start_run() as run:
    ids["nothing"] = run.info.run_id
with mlflow.start_run() as run:
    ids["deleted"] = run.info.run_id
    mlflow.log_text("flavors: {}", "model/MLmodel")
mlflow.delete_run(ids["deleted"])
print()
print(json.dumps(ids))
