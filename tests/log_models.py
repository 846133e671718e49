"""A script: trains a tiny model and logs it with plain MLflow, in both ways that models come.

Its last line of output is a `LoggedModels` as JSON.
"""

from __future__ import annotations

import dataclasses
import json
import tempfile
import uuid
from typing import Any

PATH = "model"
INPUTS = [[0.5], [3.0], [10.0]]


@dataclasses.dataclass(frozen=True)
class LoggedModel:
    """`model_id` is there where MLflow 3 knows it as a logged model of its own."""

    run_id: str
    experiment_id: str
    path: str = PATH
    model_id: str | None = None

    @property
    def uri(self) -> str:
        return f"runs:/{self.run_id}/{self.path}"


@dataclasses.dataclass(frozen=True)
class LoggedModels:
    """The same model twice, and what it answers."""

    as_logged_model: LoggedModel
    as_run_artifacts: LoggedModel
    inputs: list[list[float]]
    predictions: list[float]

    @classmethod
    def parse(cls, said: dict[str, Any]) -> LoggedModels:
        kinds = ("as_logged_model", "as_run_artifacts")
        return cls(**{**said, **{kind: LoggedModel(**said[kind]) for kind in kinds}})


def main() -> None:
    import mlflow
    from sklearn.linear_model import LinearRegression

    model = LinearRegression().fit([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
    predictions = model.predict(INPUTS).tolist()
    options = {
        "signature": mlflow.models.infer_signature(INPUTS, predictions),
        "pip_requirements": ["scikit-learn"],
    }
    mlflow.set_experiment(f"/Shared/models-{uuid.uuid4().hex}")
    with mlflow.start_run() as run:
        mlflow.log_metric("accuracy", 0.97)
        logged = mlflow.sklearn.log_model(model, name=PATH, **options)
    with mlflow.start_run() as other_run, tempfile.TemporaryDirectory() as folder:
        mlflow.log_metric("accuracy", 0.97)
        mlflow.sklearn.save_model(model, f"{folder}/{PATH}", **options)
        mlflow.log_artifacts(f"{folder}/{PATH}", PATH)
    experiment = run.info.experiment_id
    both = LoggedModels(
        as_logged_model=LoggedModel(run.info.run_id, experiment, model_id=logged.model_id),
        as_run_artifacts=LoggedModel(other_run.info.run_id, experiment),
        inputs=INPUTS,
        predictions=predictions,
    )
    print()
    print(json.dumps(dataclasses.asdict(both)))


if __name__ == "__main__":
    main()
