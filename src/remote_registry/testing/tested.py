"""What `test` has reached: its outputs and its summary."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ..outcome import Outcome, Table

_LONGEST_OUTPUT = 64_000  # characters; all outputs of a job may have a megabyte


@dataclass
class Tested(Outcome):
    """What became of a test.

    Attributes:
        prediction: JSON; empty where nothing was predicted.
        passed: `None` until that is known.
        rows: A mark, what was asked, what was predicted and what was expected.
        python: The version of the Python that the model ran on.
    """

    participle: ClassVar[str] = "tested"
    prediction: str = ""
    passed: bool | None = None
    rows: list[list[str]] = field(default_factory=list)
    python: str = ""

    @property
    def done(self) -> str:
        """What was reached, for people."""
        return f"{self.model_name} version {self.version} passed its test"

    @property
    def reached(self) -> str:
        """Nothing, where it failed."""
        return ""

    @property
    def table(self) -> Table | None:
        """What was predicted, row by row."""
        if not self.rows:
            return super().table
        on = f" on Python {self.python}" if self.python else ""
        return Table(f"Prediction{on}", ("", "row", "prediction", "expected"), self.rows)

    def _cleaned(self, redacted: Callable[[str], str]) -> dict[str, Any]:
        changed: dict[str, Any] = {
            name: redacted(getattr(self, name)) for name in ("prediction", "python")
        }
        changed["rows"] = [list(map(redacted, row)) for row in self.rows]
        return super()._cleaned(redacted) | changed

    def _texts(self) -> Iterator[tuple[str, str]]:
        yield "passed", "" if self.passed is None else str(self.passed).lower()
        yield "prediction", self.prediction
        yield from super()._texts()

    def result(self) -> dict[str, Any]:
        """All outputs but `registry-url`, and figures; with no host and no workspace id."""
        return super().result() | {"passed": self.passed, "python": self.python}


def prediction_text(prediction: Any) -> tuple[str, int]:
    """JSON that fits into an output, and how many rows of the prediction are not in it.

    A prediction that is no list and does not fit becomes an empty text.
    """
    text = _json(prediction)
    if len(text) <= _LONGEST_OUTPUT:
        return text, 0
    if not isinstance(prediction, list):
        return "", 1
    kept: list[str] = []
    left = _LONGEST_OUTPUT - 2
    for row in prediction:
        part = _json(row)
        left -= len(part) + 2
        if left < 0:
            break
        kept.append(part)
    return f"[{', '.join(kept)}]", len(prediction) - len(kept)


def _json(value: Any) -> str:
    """JSON as everybody reads it, which has no NaN and no infinity."""
    return json.dumps(_finite(value), allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_finite(part) for part in value]
    is_odd = isinstance(value, float) and not math.isfinite(value)
    return None if is_odd else value
