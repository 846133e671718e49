"""Draws what `grow` measured: four plots, time above memory, for files and for bytes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import svg
from limits import MOST_MEMORY
from models import size_text
from results import Result

WIDTH, HEIGHT = 760, 470
PLOT_WIDTH, PLOT_HEIGHT = 300, 150
CLOSEST_TICK = 0.1
LEFTS = {"files": 50, "bytes": 430}
TIME_TOP, MEMORY_TOP = 40, 260
TITLE = "Time and memory as a model grows, by files and by bytes"

Scale = Callable[[float], float]


def draw(grown: Mapping[str, Sequence[Result]]) -> str:
    parts: list[str] = []
    for name, left in LEFTS.items():
        if results := grown[name]:
            parts += _time(name, results, left)
            parts += _memory(name, results, left)
    return svg.document(WIDTH, HEIGHT, TITLE, parts)


def _amount(name: str, result: Result) -> int:
    return result.bytes if name == "bytes" else result.files - 1


def _amount_text(name: str, amount: int) -> str:
    return size_text(amount) if name == "bytes" else f"{amount:,}"


def _across(name: str, results: Sequence[Result], left: float) -> Scale:
    last = _amount(name, results[-1])
    return lambda amount: left + PLOT_WIDTH * amount / last


def _time(name: str, results: Sequence[Result], left: float) -> Iterator[str]:
    across = _across(name, results, left)
    most = max(max(one.median.seconds, one.median.cpu) for one in results)
    bottom = TIME_TOP + PLOT_HEIGHT

    def up(seconds: float) -> float:
        return bottom - PLOT_HEIGHT * seconds / most

    yield svg.text(left, TIME_TOP - 20, f"seconds, and CPU seconds in grey, by {name}", "head")
    yield from _grid(left, [(up(seconds), f"{seconds:g}") for seconds in _marks(most)])
    yield from _ticks(name, results, across, bottom)
    for kind, seconds in (
        ("other", [one.median.cpu for one in results]),
        ("first", [one.median.seconds for one in results]),
    ):
        amounts = [across(_amount(name, one)) for one in results]
        yield svg.polyline(list(zip(amounts, map(up, seconds), strict=True)), kind)


def _marks(most: float) -> list[float]:
    """Three to six round numbers from 0 up to the most."""
    power = 10.0 ** math.floor(math.log10(most))
    step = next(step for step in (power / 5, power / 2, power, power * 2) if most / step < 6)
    return [step * number for number in range(int(most / step) + 1)]


def _memory(name: str, results: Sequence[Result], left: float) -> Iterator[str]:
    across = _across(name, results, left)
    most = max(MOST_MEMORY, *(one.median.memory for one in results)) * 1.1
    bottom = MEMORY_TOP + PLOT_HEIGHT

    def up(size: float) -> float:
        return bottom - PLOT_HEIGHT * size / most

    yield svg.text(left, MEMORY_TOP - 20, f"memory in MiB, by {name}", "head")
    yield from _grid(left, [(up(0), "0"), (up(MOST_MEMORY), f"{MOST_MEMORY >> 20}")])
    yield svg.line(left, up(MOST_MEMORY), left + PLOT_WIDTH, up(MOST_MEMORY), "bound")
    yield from _ticks(name, results, across, bottom)
    points = [(across(_amount(name, one)), up(one.median.memory)) for one in results]
    yield svg.polyline(points, "first")


def _grid(left: float, marks: Sequence[tuple[float, str]]) -> Iterator[str]:
    for y, label in marks:
        yield svg.line(left, y, left + PLOT_WIDTH, y, "grid")
        yield svg.text(left - 6, y + 4, label, "quiet", "end")


def _ticks(name: str, results: Sequence[Result], across: Scale, bottom: float) -> Iterator[str]:
    last = _amount(name, results[-1])
    for one in results:
        amount = _amount(name, one)
        if amount >= last * CLOSEST_TICK:
            label = _amount_text(name, amount)
            yield svg.text(across(amount), bottom + 20, label, "quiet", "middle")
