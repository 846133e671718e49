"""The second half of `test`: has no secret, runs the model's code, and reports."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..cancelling import shielded, tell_in_the_end
from ..errors import Ending, ModelFailed
from ..inputs.data import json_of
from ..inputs.texts import InputError
from ..outcome import Log
from ..report.console import Console
from ..run import Report, to_the_end
from .child import LONGEST_ANSWER, SHUT_IN, Limits, Ran, run
from .compare import alike, as_expected, cell, table
from .environment import ModelEnvironment
from .folder import PrivateFolder, told_of_disk
from .handover import WAITING, Handover
from .processes import harden
from .tested import Tested, prediction_text

_VERSION = re.compile(r"[0-9]{1,2}(\.[0-9]{1,3}){1,2}")
_PREDICT = Path(__file__).with_name("predict.py")


def main(state: int) -> None:
    """Takes over from the first half, and exits with what became of the test.

    Args:
        state: The descriptor of a file with a `Handover`.
    """
    with open(state, encoding="utf-8") as file:
        handover = Handover.parse(file.read())
    if handover.places.get("RUNNER_DEBUG") == "1":
        os.environ["RUNNER_DEBUG"] = "1"  # for a traceback of a bug of ours
    harden()
    os.set_inheritable(handover.lock, False)
    console = Console(handover.places)
    outcome = Tested(**handover.outcome)
    folder = PrivateFolder(Path(handover.folder), handover.lock)
    tell_in_the_end(folder.still_there)

    def work() -> None:
        try:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, WAITING)
            with told_of_disk():
                _test(handover, folder, outcome, console)
        except BaseException as error:
            outcome.passed = False if isinstance(error, ModelFailed) else None
            _remove(folder, console, error)
            raise
        _remove(folder, console, None)

    report = Report(outcome, console, handover.as_json, handover.places, handover.begun)
    to_the_end(work, report)


def _remove(folder: PrivateFolder, log: Log, error: BaseException | None) -> None:
    with shielded():
        left = folder.remove()
    if isinstance(error, Ending):
        error.left += left
    elif left:
        log.warning(f"Left behind in the private folder: {', '.join(left[:5])}.")


def _test(handover: Handover, folder: PrivateFolder, outcome: Tested, log: Log) -> None:
    limits = _limits(handover, folder)
    script, request = _written(handover, folder)
    environment = ModelEnvironment(folder, handover.described, handover.maker, limits, log)
    with log.group("Make the model's environment"):
        log.line("what follows runs the model's code, its requirements' included")
        log.line(_how_shut_in())
        environment.make()
    with log.group("Load the model and predict"):
        command = [str(environment.python), "-I", "-u", script, str(folder.model), request]
        ran = run([*command, "{answer}"], folder.path, limits, "Loading and predicting", log)
        answer = _answer(ran)
    outcome.python = _version(answer.get("python"))
    _judge(handover, answer, outcome, log)


def _how_shut_in() -> str:
    command = [sys.executable, "-I", "-S", "-B", str(SHUT_IN), "--check"]
    if subprocess.run(command, check=False).returncode == 0:
        return "it can't read the job's files, nor write outside of a private folder"
    return "this kernel has no Landlock: it can read what this user can"


def _limits(handover: Handover, folder: PrivateFolder) -> Limits:
    variables = {
        **handover.variables,
        "HOME": str(folder.home),
        "TMPDIR": str(folder.temporary),
        "MPLBACKEND": "agg",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
    }
    return Limits(
        hidden=handover.hidden,
        shown=handover.shown,
        writable=(str(folder.path),),
        variables=variables,
        deadline=time.monotonic() + handover.timeout,
        seconds=handover.timeout,
    )


def _written(handover: Handover, folder: PrivateFolder) -> tuple[str, str]:
    """The script that asks the model, and a file with what it asks.

    They are written before any code of the model runs, which could put a link in their place.
    """
    request = folder.path / "request.json"
    rows = asdict(handover.rows) if handover.rows else None
    request.write_text(json.dumps({"rows": rows}), encoding="utf-8")
    return str(shutil.copy(_PREDICT, folder.path)), str(request)


def _answer(ran: Ran) -> dict[str, Any]:
    """What the model's process has answered, which may be anything."""
    if not ran.answer:
        raise ModelFailed(f"The model's process {ran.ending}, and answered nothing.", *ran.said)
    if len(ran.answer) > LONGEST_ANSWER:
        raise ModelFailed(f"The prediction is larger than {LONGEST_ANSWER} bytes.")
    try:
        answer = json_of(ran.answer.decode("ascii"))
    except (InputError, UnicodeError) as error:
        raise ModelFailed(f"The model's process answered what can't be read: it {error}") from error
    if not isinstance(answer, dict) or not {"error", "prediction"} & set(answer):
        raise ModelFailed("The model's process answered what is no prediction.", *ran.said)
    if "error" in answer:
        raise ModelFailed(f"{_text(answer['error'])[:2000] or 'It failed'}.", *ran.said)
    return answer


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _version(value: object) -> str:
    """The version of a Python that a model's process tells; empty where it tells anything else."""
    return value if isinstance(value, str) and _VERSION.fullmatch(value) else ""


def _judge(handover: Handover, answer: dict[str, Any], outcome: Tested, log: Log) -> None:
    found, expected = answer["prediction"], handover.expected
    if expected:
        found = as_expected(found, expected[0])
    outcome.prediction, left_out = prediction_text(found)
    if left_out:
        log.warning(f"The output prediction has no room for all of it: {left_out} rows left out.")
    asked = handover.rows.shown if handover.rows else answer.get("asked")
    asked = list(asked) if isinstance(asked, (list, tuple)) else ["its own input example"]
    outcome.rows = table(asked, found, expected, handover.tolerance)
    outcome.passed = not expected or alike(found, expected[0], handover.tolerance)
    log.line(f"predicted: {cell(found)}")
    if not outcome.passed:
        raise ModelFailed(
            "The prediction is not what was expected.",
            f"predicted: {cell(found)}",
            f"expected:  {cell(expected[0])}",
            todo="Look at the table in the summary; tolerance says how far a number may be off.",
        )
