"""Promoting, as the tests do it."""

from __future__ import annotations

from command import Run, Side, call, side_inputs


def promote(side: Side, name: str, select: str, **inputs: str) -> Run:
    given = {key.replace("_", "-"): text for key, text in inputs.items()}
    where = {} if "alias" in given or "stage" in given else {"stage": "Production"}
    asked = {"model-name": name, "select": select, **where, **given}
    return call("promote", asked, side_inputs("registry", side))
