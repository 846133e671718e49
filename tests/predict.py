"""A script: loads models with plain MLflow and predicts, one JSON line for each that it is asked.

A line asks by `[registry URI, model URI, rows]`; importing MLflow once serves many.
"""

import json
import sys


def main() -> None:
    import mlflow

    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        registry_uri, model_uri, rows = json.loads(line)
        mlflow.set_registry_uri(registry_uri)
        predicted = mlflow.pyfunc.load_model(model_uri).get_raw_model().predict(rows)
        print(json.dumps([float(value) for value in predicted]), file=answers, flush=True)


if __name__ == "__main__":
    main()
