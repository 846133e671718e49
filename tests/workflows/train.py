"""A team's training script, with plain MLflow: `train.py churn demand` logs a run of each."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import mlflow
from sklearn.linear_model import LinearRegression


def main(names: list[str]) -> None:
    here = Path(__file__).parent
    head = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=here, text=True).strip()
    runs = {}
    model = LinearRegression().fit([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
    for name in names:
        mlflow.set_experiment(f"/Shared/{name}")
        with mlflow.start_run() as run:
            mlflow.set_tag("mlflow.source.git.commit", head)  # MLflow's own try may fail silently
            mlflow.log_metric("accuracy", 0.97)
            mlflow.sklearn.log_model(model, name="model", pip_requirements=["scikit-learn"])
        runs[name] = run.info.run_id
    print()
    print(json.dumps(runs))


if __name__ == "__main__":
    main(sys.argv[1:])
