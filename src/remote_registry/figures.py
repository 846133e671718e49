"""What is known of a model: metrics, params and tags, by name; and metrics as tags of a version."""

from __future__ import annotations

import math
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from .inputs.values import TAG_PREFIX
from .replies import Json, number_of

METRIC_PREFIX = f"{TAG_PREFIX}metric."
_MOST_METRICS = 30
_LONGEST_KEY = 250  # bytes that every registry takes
_OF_THE_MACHINE = "system/"  # how MLflow calls what it measures of a machine


@dataclass(frozen=True)
class Figures:
    """What is known of a model.

    Attributes:
        unknown: Why there may be more than is known here; empty where there is not.
    """

    metrics: Mapping[str, float] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    unknown: str = ""

    def has(self, kind: str, name: str) -> bool:
        """Whether one of the `metrics`, `params` or `tags` is known."""
        return name in {"metrics": self.metrics, "params": self.params, "tags": self.tags}[kind]

    def or_else(self, other: Figures) -> Figures:
        """These, and the other's of the names that are not among them."""
        return Figures(
            {**other.metrics, **self.metrics},
            {**other.params, **self.params},
            {**other.tags, **self.tags},
            self.unknown or other.unknown,
        )


def figures_of(data: object, tags: Iterable[Json]) -> Figures:
    """Reads the `data` of a run's or a logged model's reply.

    Args:
        tags: They are somewhere else in each.
    """
    fields = data if isinstance(data, dict) else {}
    newest: dict[str, Json] = {}
    for metric in sorted(fields.get("metrics") or [], key=_point):
        newest[metric["key"]] = metric
    return Figures(
        {name: number_of(metric, "value") for name, metric in newest.items()},
        _texts(fields.get("params") or []),
        _texts(tags),
    )


def run_figures(run: Json) -> Figures:
    """What a run has logged."""
    data = run.get("data")
    return figures_of(data, data.get("tags") or [] if isinstance(data, dict) else [])


def model_figures(model: Json, run: Json | None) -> Figures:
    """What is known of a logged model: its own, else its run's.

    A metric of the run may be another model's, so the run's count where it has no other model, or
    where this one has none of its own.

    Args:
        run: Its run; `None` where it can't be read.
    """
    own = figures_of(model.get("data"), model["info"].get("tags") or [])
    run = run or {}
    metrics = _told_zeros(own.metrics, model, run)
    of_run = run_figures(run)
    if metrics and _models_of(run) - {model["info"]["model_id"]}:
        of_run = Figures({}, of_run.params, of_run.tags)
    return Figures(metrics, own.params, own.tags).or_else(of_run)


def _told_zeros(metrics: Mapping[str, float], model: Json, run: Json) -> dict[str, float]:
    """The metrics, with NaN for each nought that the run does not confirm.

    MLflow's server tells of a logged model's NaN as 0.0 (3.17), and of its run's as NaN.
    """
    points = {(metric["key"], _point(metric)): number_of(metric, "value") for metric in _of(run)}
    latest = {metric["key"]: _point(metric) for metric in sorted(_of(model), key=_point)}
    return {
        name: value or points.get((name, latest[name]), math.nan) for name, value in metrics.items()
    }


def _of(reply: Json) -> list[Json]:
    data = reply.get("data")
    return data.get("metrics") or [] if isinstance(data, dict) else []


def _point(metric: Json) -> tuple[float, float]:
    return number_of(metric, "step"), number_of(metric, "timestamp")


def _models_of(run: Json) -> set[str]:
    """The logged models that a run made or was given."""
    made = (run.get("outputs") or {}).get("model_outputs") or []
    given = (run.get("inputs") or {}).get("model_inputs") or []
    return {one["model_id"] for one in [*made, *given]}


def _texts(pairs: Iterable[Json]) -> dict[str, str]:
    return {pair["key"]: pair.get("value", "") for pair in pairs}


def metric_tags(metrics: Mapping[str, float], first: Iterable[str] = ()) -> dict[str, str]:
    """The tags that keep metrics on a version, by which it is judged as a champion.

    Left out are: names that not every registry takes as a tag's; of names that differ in case only
    all but one, for a database may take them for the same; what MLflow measures of the machine; and
    what is more than 30.

    Args:
        first: The names that come first, whatever they are called.
    """
    kept: dict[str, str] = {}
    taken = set()
    for name in _by_rank(metrics, tuple(first)):
        if _can_be_a_tags(name) and name.lower() not in taken:
            taken.add(name.lower())
            kept[METRIC_PREFIX + name] = repr(float(metrics[name]))
    return dict([*kept.items()][:_MOST_METRICS])


def _by_rank(metrics: Mapping[str, float], first: tuple[str, ...]) -> Iterator[str]:
    yield from (name for name in first if name in metrics)
    yield from (name for name in sorted(metrics) if not name.startswith(_OF_THE_MACHINE))


def _can_be_a_tags(name: str) -> bool:
    """By MLflow's rules, and in ASCII, as not every database tells other letters apart."""
    key = METRIC_PREFIX + name
    is_plain = re.fullmatch(r"[/\w.\- ]+", name, re.ASCII) and name == name.strip()
    return bool(is_plain) and len(key) <= _LONGEST_KEY and posixpath.normpath(key) == key


def metrics_in(tags: Mapping[str, str]) -> dict[str, float]:
    """The metrics that a version's tags keep."""
    return {
        key.removeprefix(METRIC_PREFIX): _number(value)
        for key, value in tags.items()
        if key.startswith(METRIC_PREFIX)
    }


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
