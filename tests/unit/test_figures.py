"""What is known of a model, and which of it a version's tags keep."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remote_registry.figures import (
    METRIC_PREFIX,
    Figures,
    metric_tags,
    metrics_in,
    model_figures,
    run_figures,
)
from remote_registry.inputs.values import tags as checked_tags
from remote_registry.replies import number_of


def points(*found: tuple[str, object, int]) -> list[dict[str, Any]]:
    return [
        {"key": key, "value": value, "step": step, "timestamp": 1000 + step}
        for key, value, step in found
    ]


def a_run(*metrics: tuple[str, object, int], models: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "data": {
            "metrics": points(*metrics),
            "params": [{"key": "depth", "value": "6"}],
            "tags": [{"key": "of", "value": "run"}, {"key": "empty"}],
        },
        "outputs": {"model_outputs": [{"model_id": one} for one in models]},
    }


def a_model(*metrics: tuple[str, object, int]) -> dict[str, Any]:
    return {
        "info": {"model_id": "m-1", "tags": [{"key": "of", "value": "model"}]},
        "data": {"metrics": points(*metrics), "params": [{"key": "own", "value": "1"}]},
    }


def test_what_a_run_has_logged() -> None:
    found = run_figures(a_run(("a", 0.5, 0), ("b", "NaN", 0), ("c", "Infinity", 0), ("d", 3, 0)))

    assert {**found.metrics, "b": 0.0} == {"a": 0.5, "b": 0.0, "c": math.inf, "d": 3.0}
    assert math.isnan(found.metrics["b"])
    assert (found.params, found.tags) == ({"depth": "6"}, {"of": "run", "empty": ""})


@pytest.mark.parametrize("run", [{}, {"data": {}}, {"data": "a file's"}])
def test_a_run_that_has_logged_nothing(run: dict[str, Any]) -> None:
    assert run_figures(run) == Figures({}, {}, {})


@pytest.mark.parametrize(
    ("value", "number"),
    [(1, 1.0), (0.5, 0.5), ("0.5", 0.5), ("-Infinity", -math.inf), (True, 1.0)],
)
def test_a_number_of_a_reply(value: object, number: float) -> None:
    assert number_of({"value": value}, "value") == number


@pytest.mark.parametrize("value", [None, "NaN", "", "x", [], {}, 10**400])
def test_what_is_no_number_is_nan(value: object) -> None:
    assert math.isnan(number_of({"value": value}, "value"))
    assert math.isnan(number_of({}, "value"))


def test_of_a_logged_models_points_the_last_counts() -> None:
    model = a_model(("a", 3.0, 2), ("a", 1.0, 0), ("a", 2.0, 1))

    assert model_figures(model, None).metrics == {"a": 3.0}


def test_a_logged_model_without_metrics_has_its_runs() -> None:
    for models in ((), ("m-1",), ("m-1", "m-2")):
        found = model_figures(a_model(), a_run(("a", 1.0, 0), models=models))
        assert found.metrics == {"a": 1.0}


def test_of_a_run_with_other_models_only_the_own_metrics_count() -> None:
    own = a_model(("a", 1.0, 0))

    alone = model_figures(own, a_run(("a", 2.0, 0), ("b", 3.0, 0), models=("m-1",)))
    others = model_figures(own, a_run(("a", 2.0, 0), ("b", 3.0, 0), models=("m-1", "m-2")))

    assert alone.metrics == {"a": 1.0, "b": 3.0}
    assert others.metrics == {"a": 1.0}


def test_a_model_that_the_run_was_given_is_another_too() -> None:
    run = a_run(("b", 3.0, 0)) | {"inputs": {"model_inputs": [{"model_id": "m-2"}]}}

    assert model_figures(a_model(("a", 1.0, 0)), run).metrics == {"a": 1.0}


def test_params_and_tags_are_the_models_own_and_else_the_runs() -> None:
    found = model_figures(a_model(), a_run())

    assert found.params == {"own": "1", "depth": "6"}
    assert found.tags == {"of": "model", "empty": ""}


@pytest.mark.parametrize(
    ("run", "means"),
    [
        (None, math.nan),
        (a_run(), math.nan),
        (a_run(("a", "NaN", 1)), math.nan),
        (a_run(("a", 0.0, 0)), math.nan),
        (a_run(("a", 0.5, 2)), math.nan),
        (a_run(("a", 0.0, 1)), 0.0),
    ],
)
def test_a_nought_of_a_logged_model_may_be_nan(run: dict[str, Any] | None, means: float) -> None:
    found = model_figures(a_model(("a", 0.0, 1), ("b", 2.0, 1)), run)

    assert repr(found.metrics["a"]) == repr(means)
    assert found.metrics["b"] == 2.0


def test_own_figures_come_first() -> None:
    found = Figures({"a": 1.0}, {"p": "1"}, {"t": "1"}).or_else(
        Figures({"a": 2.0, "b": 3.0}, {"p": "2"}, {"u": "2"}, unknown="why")
    )

    assert found == Figures({"a": 1.0, "b": 3.0}, {"p": "1"}, {"t": "1", "u": "2"}, "why")


def test_what_the_tags_keep_is_read_again() -> None:
    metrics = {"a": 0.1, "val/loss x": 1e-300, "inf": math.inf, "low": -math.inf, "n": 3.0}

    assert metrics_in(metric_tags(metrics)) == metrics
    assert math.isnan(metrics_in(metric_tags({"a": math.nan}))["a"])


def test_other_tags_are_no_metrics_and_an_odd_value_is_nan() -> None:
    found = metrics_in({"remote_registry.key": "1", f"{METRIC_PREFIX}a": "x", "metric.b": "1"})

    assert [*found] == ["a"]
    assert math.isnan(found["a"])


@pytest.mark.parametrize(
    "name",
    ["", " a", "a ", "a:b", "précision", "a@b", "a//b", "a/", "a/../b", "a/.", "x" * 228, "a\nb"],
)
def test_a_name_that_not_every_registry_takes_is_left_out(name: str) -> None:
    assert metric_tags({name: 1.0, "good": 1.0}) == {f"{METRIC_PREFIX}good": "1.0"}


def test_the_longest_name_is_kept() -> None:
    assert len(metric_tags({"x" * 227: 1.0})) == 1


def test_of_names_that_differ_in_case_only_one_is_kept() -> None:
    assert metric_tags({"Loss": 1.0, "loss": 2.0}) == {f"{METRIC_PREFIX}Loss": "1.0"}
    assert metric_tags({"Loss": 1.0, "loss": 2.0}, ["loss"]) == {f"{METRIC_PREFIX}loss": "2.0"}


def test_so_many_are_kept_and_the_gates_come_first() -> None:
    metrics = {f"m{number:03}": 1.0 for number in range(100)} | {"system/cpu": 2.0, "z": 3.0}

    assert len(metric_tags(metrics)) == 30
    assert f"{METRIC_PREFIX}z" not in metric_tags(metrics)
    first = metric_tags(metrics, ["none", "z", "system/cpu"])
    assert [*first][:2] == [f"{METRIC_PREFIX}z", f"{METRIC_PREFIX}system/cpu"]
    assert len(first) == 30


def test_what_is_measured_of_the_machine_is_left_out() -> None:
    assert metric_tags({"system/cpu": 1.0}) == {}


@given(st.dictionaries(st.text(st.sampled_from("aA. /-:ä\n0")), st.floats()))
def test_every_tag_is_one_that_a_registry_takes(metrics: dict[str, float]) -> None:
    kept = metric_tags(metrics)

    assert len({key.lower() for key in kept}) == len(kept)
    for key, value in kept.items():
        checked_tags(f"{key.removeprefix('remote_registry.')}={value}")
