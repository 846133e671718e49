"""A script: what the first half of `test` does at its end, with the product's own functions.

`python hand_over.py <a model's folder and inputs, as JSON>`
"""

import json
import os
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any


def main() -> None:
    sys.path.insert(0, str(Path(__file__).parents[1] / "src"))
    from remote_registry.inputs.tested import inputs_of_test
    from remote_registry.report.console import Console
    from remote_registry.testing.begin import _brought, hand_over
    from remote_registry.testing.folder import PrivateFolder
    from remote_registry.testing.tested import Tested

    model, given = json.loads(sys.argv[1])
    side = {"registry-uri": "http://127.0.0.1:1", "model-name": "churn", "select": "version=3"}
    inputs = inputs_of_test({**side, "run-model-code": "true", **given}, None)
    console = Console(os.environ)
    folder = PrivateFolder.make(Path(os.environ["RUNNER_TEMP"]))
    Path(model).rename(folder.model)
    outcome = Tested("churn", version="3", status="READY")
    brought = _brought(inputs, folder, os.environ, console)
    call: Any = SimpleNamespace(
        outcome=outcome, console=console, as_json=False, begun=time.monotonic()
    )
    hand_over(brought, inputs, call)


if __name__ == "__main__":
    main()
