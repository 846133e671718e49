"""A script: loads a model in its own environment and asks it. Standard library, and `mlflow`.

`python predict.py <model's folder> <request> <descriptor>`: the request is a file with JSON, and
the answer goes to the descriptor as JSON, ASCII only: `prediction` and `asked`, or `error`. It runs
on the model's Python, which may be older than ours.
"""

from __future__ import annotations

import base64
import datetime as dt
import decimal
import io
import json
import os
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import Any

DEEPEST = 98  # the answer around it is a level more
LONGEST = 10_000_000
ASKED = 20  # rows of the model's own example that are told


class Unanswerable(Exception):
    """The prediction can't be told as JSON."""


def plain(value: Any, depth: int = 0) -> Any:
    """A prediction as JSON knows it: tables are lists of records, and bytes are Base64."""
    if depth > DEEPEST:
        raise Unanswerable(f"it is nested deeper than {DEEPEST} levels")
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, dict):
        return {str(name): plain(part, depth + 1) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part, depth + 1) for part in value]
    if isinstance(value, (set, frozenset)):
        return sorted((plain(part, depth + 1) for part in value), key=repr)
    for kind, told in TOLD:
        if isinstance(value, kind):
            return told(value)
    return of_a_library(value, depth)


TOLD: Any = (
    ((bytes, bytearray, memoryview), lambda value: base64.b64encode(bytes(value)).decode()),
    (decimal.Decimal, float),
    *((kind, kind) for kind in (int, float, str)),  # somebody's own, such as numpy.float64
)


def of_a_library(value: Any, depth: int) -> Any:
    """numpy, pandas, scipy, pyspark and torch, by what their objects can do."""
    kind = type(value)
    if kind.__name__ in ("NaTType", "NAType"):
        return None
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    if kind.__module__.partition(".")[0] == "pandas" and hasattr(value, "columns"):
        if not value.columns.is_unique:  # a record has each name once
            return plain(value.to_numpy().tolist(), depth + 1)
        return [plain(record, depth + 1) for record in value.to_dict(orient="records")]
    for method in ("toPandas", "toarray", "detach", "tolist", "model_dump", "to_dict", "item"):
        found = getattr(value, method, None)
        if callable(found):
            told = found()
            return plain(told.tolist() if method == "detach" else told, depth + 1)
    return str(value)


def asked_of(request: Any, folder: str, pyfunc: Any) -> tuple[Any, Any, Any]:
    """The input, its parameters, and the rows of the model's own example as they are told."""
    rows = request["rows"]
    if rows is not None:
        schema = pyfunc.metadata.get_input_schema()
        return parsed(rows["kind"], rows["data"], schema), rows["params"], None
    model = import_module("mlflow.models").Model.load(folder)
    example = model.load_input_example(folder)
    load = getattr(model, "load_input_example_params", None)
    told = plain(example)
    return example, load(folder) if load else None, told if isinstance(told, list) else [told]


def parsed(kind: str, data: Any, schema: Any) -> Any:
    """The rows, as a model's server reads them: with the types that the model's signature says."""
    if kind == "csv":
        named = schema.inputs if schema is not None and not schema.is_tensor_spec() else ()
        texts = {it.name: str for it in named if str(it.type) in ("string", "DataType.string")}
        return import_module("pandas").read_csv(io.StringIO(data), dtype=texts)
    read = import_module("mlflow.utils.proto_json_utils")
    if kind.startswith("dataframe_"):
        orient = kind[len("dataframe_") :]
        return read.dataframe_from_parsed_json(data, orient, schema)
    if schema is None:
        return data
    if kind == "instances":
        return read.parse_instances_data({"instances": data}, schema)
    return read.parse_inputs_data(data, schema)


def answered(folder: str, request: Any) -> dict[str, Any]:
    """The model's answer, or which step of asking it failed."""
    step = "importing mlflow"
    try:
        pyfunc = import_module("mlflow.pyfunc")
        step = "loading the model"
        model = pyfunc.load_model(folder)
        step = "reading the rows" if request["rows"] else "reading its input example"
        data, params, asked = asked_of(request, folder, model)
        step = "predicting"
        found = model.predict(data, params=params) if params else model.predict(data)
        step = "telling the prediction"
        python = ".".join(map(str, sys.version_info[:3]))
        asked = asked and asked[:ASKED]
        return {"prediction": plain(found), "asked": asked, "python": python}
    except BaseException as error:  # noqa: BLE001 - what a model raises may be anything
        traceback.print_exc()
        return {"error": f"{step} failed: {type(error).__name__}: {error}"[:2000]}


def main() -> None:
    """Answers once, and ends."""
    folder, request, descriptor = sys.argv[1:]
    os.set_inheritable(int(descriptor), False)
    asked = json.loads(Path(request).read_text(encoding="utf-8"))
    answer = json.dumps(answered(folder, asked)).encode()
    if len(answer) > LONGEST:
        answer = json.dumps({"error": f"the prediction is larger than {LONGEST} bytes"}).encode()
    with os.fdopen(int(descriptor), "wb") as pipe:
        pipe.write(answer)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(0)  # whatever threads the model has left running


if __name__ == "__main__":
    main()
