"""Gates: what was logged of the source and of the champion decides before anything is written."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import pytest
from command import Run, Side, register, side_inputs
from conftest import LogModels
from integration.test_register import api, numbers
from log_models import LoggedModels
from told import assert_told, writes
from workspace import Workspace

PAIRS = [("source_workspace", "registry_workspace"), ("mlflow_server", "other_mlflow_server")]


@dataclass(frozen=True)
class Both:
    """Two sides, two runs of the source, a model name and a metric that no other test has."""

    source: Side
    registry: Side
    models: LoggedModels
    name: str
    metric: str

    @property
    def place(self) -> dict[str, str]:
        on_databricks = isinstance(self.registry, Workspace)
        return {"stage": "Production"} if on_databricks else {"alias": "champion"}

    @property
    def first(self) -> str:
        return self.models.as_logged_model.run_id

    @property
    def second(self) -> str:
        return self.models.as_run_artifacts.run_id

    def register(self, run_id: str, *gate: str, **changed: str) -> Run:
        inputs = {"run-id": run_id, "model-name": self.name, "gate": "\n".join(gate), **self.place}
        named = {name.replace("_", "-"): text for name, text in changed.items()}
        sides = side_inputs("tracking", self.source), side_inputs("registry", self.registry)
        return register({**inputs, **named}, *sides)

    def log(self, run_id: str, value: float | str, **more: str) -> None:
        point = {"key": self.metric, "value": value, "timestamp": 1, "step": 0}
        body = {"run_id": run_id, **point, **more}
        assert api(self.source, "POST", "runs/log-metric", json=body) == {}
        self.clear_logs()

    def tags(self, number: str) -> dict[str, str]:
        params = {"name": self.name, "version": number}
        found = api(self.registry, "GET", "model-versions/get", params=params)["model_version"]
        return {tag["key"]: tag["value"] for tag in found["tags"]}

    def in_place(self) -> str:
        """The number of the version that stands there."""
        if isinstance(self.registry, Workspace):
            body = {"name": self.name, "stages": ["Production"]}
            latest = api(self.registry, "POST", "registered-models/get-latest-versions", json=body)
            return latest["model_versions"][0]["version"]
        alias = {"name": self.name, "alias": "champion"}
        found = api(self.registry, "GET", "registered-models/alias", params=alias)
        return found["model_version"]["version"]

    def clear_logs(self) -> None:
        for side in (self.source, self.registry):
            if isinstance(side, Workspace):
                side.control.clear_requests()

    def assert_nothing_was_written(self, versions: list[str]) -> None:
        """Since the logs were cleared; and so many versions there are."""
        if isinstance(self.registry, Workspace):
            assert writes(self.source, self.registry) == []
        assert numbers(self.registry, self.name) == versions
        params = {"name": self.name}
        found = api(self.registry, "GET", "registered-models/get", params=params)
        assert ("registered_model" in found) == bool(versions)


@pytest.fixture
def both(request: pytest.FixtureRequest, log_models: LogModels) -> Both:
    source, registry = map(request.getfixturevalue, request.param)
    own = uuid.uuid4().hex[:8]
    both = Both(source, registry, log_models(source), f"gated-{own}", f"val/f1-{own}.x")
    both.clear_logs()
    return both


every_pair = pytest.mark.parametrize("both", PAIRS, indirect=True, ids=["databricks", "servers"])
on_servers = pytest.mark.parametrize("both", PAIRS[1:], indirect=True, ids=["servers"])
on_databricks = pytest.mark.parametrize("both", PAIRS[:1], indirect=True, ids=["databricks"])


@every_pair
def test_a_model_that_meets_its_gate_is_registered_and_its_metrics_stand_on_it(both: Both) -> None:
    both.log(both.second, 0.5)
    gate = ("accuracy >= 0.95", f"{both.metric} < 0.6", "tags.mlflow.source.type == 'LOCAL'")

    run = both.register(both.second, *gate)

    assert run.code == 0, run.log
    assert [one["met"] for one in run.result["gate"]] == [True] * 3
    assert "met: accuracy >= 0.95 (0.97 against 0.95)" in run.log
    assert run.summary.count("| &#9989; |") == 3
    tags = both.tags("1")
    assert tags["remote_registry.metric.accuracy"] == "0.97"
    assert tags[f"remote_registry.metric.{both.metric}"] == "0.5"


@every_pair
@pytest.mark.parametrize("dry_run", ["false", "true"])
def test_one_that_does_not_is_told_of_every_line_and_nothing_is_written(
    both: Both, dry_run: str
) -> None:
    gate = (
        "accuracy >= 0.98",
        "accuracy > 0.9",
        f"{both.metric} > 0",
        "params.max_depth == '6'",
        "accuracy > champion.accuracy",
    )

    run = both.register(both.second, *gate, dry_run=dry_run)

    assert_told(
        run,
        6,
        "Gate not met: 3 of the gate's 5 conditions are not met, so nothing was written.",
        "not met: accuracy >= 0.98 (0.97 against 0.98)",
        f'no metric "{both.metric}"',
        'no param "max_depth"',
    )
    assert "met: accuracy > 0.9 (0.97 against 0.9)" in run.log
    assert "there is no champion: nothing stands in" in run.log
    assert (run.summary.count("| &#9989; |"), run.summary.count("| &#10060; |")) == (2, 3)
    assert [one["met"] for one in run.result["gate"]] == [False, True, False, False, True]
    assert run.outputs["version"] == ""
    both.assert_nothing_was_written([])


@every_pair
def test_the_champion_is_judged_by_the_tags_of_its_version(both: Both) -> None:
    gate = f"{both.metric} > champion.{both.metric}"
    both.log(both.first, 0.8)
    both.log(both.second, 0.79)

    needs_one = both.register(both.first, gate, gate_without_champion="fail")
    assert_told(needs_one, 6, "there is no champion")
    both.assert_nothing_was_written([])
    first = both.register(both.first, gate)
    assert first.code == 0, first.log
    assert both.tags("1")[f"remote_registry.metric.{both.metric}"] == "0.8"

    # What the run says now is not what it said when it was registered.
    both.log(both.first, 0.1, timestamp="2")
    worse = both.register(both.second, gate)
    assert_told(worse, 6, "0.79 against 0.8; version 1 has 0.8")
    both.assert_nothing_was_written(["1"])

    slack = both.register(both.second, f"{both.metric} >= champion.{both.metric} - 0.01")
    assert slack.code == 0, slack.log
    assert slack.outputs["previous-version"] == "1"
    assert both.in_place() == "2"


@every_pair
def test_where_ours_is_the_champion_already_the_gate_stands(both: Both) -> None:
    gate = "accuracy > champion.accuracy"
    first = both.register(both.first, gate, gate_without_champion="pass")

    again = both.register(both.first, gate, gate_without_champion="fail")

    assert again.code == 0, again.log
    assert (again.outputs["version"], again.outputs["created"]) == ("1", "false")
    assert first.outputs["digest"] == again.outputs["digest"]
    assert "the champion, version 1, is this model" in again.log


@on_servers
@pytest.mark.parametrize("known", [True, False], ids=["in reach", "nowhere"])
def test_a_champion_that_somebody_else_registered_is_judged_by_its_run(
    both: Both, known: bool
) -> None:
    both.log(both.first, 0.8)
    both.log(both.second, 0.9)
    run_id = both.first if known else uuid.uuid4().hex
    api(both.registry, "POST", "registered-models/create", json={"name": both.name})
    body = {"name": both.name, "source": "s3://somewhere/else", "run_id": run_id}
    api(both.registry, "POST", "model-versions/create", json=body)
    alias = {"name": both.name, "alias": "champion", "version": "1"}
    api(both.registry, "POST", "registered-models/alias", json=alias)

    run = both.register(both.second, f"{both.metric} > champion.{both.metric}", dry_run="true")

    if known:
        assert run.code == 0, run.log
        assert "0.9 against 0.8; version 1 has 0.8" in run.log
    else:
        assert_told(run, 6, "the champion, version 1, has no metric", f"its run {run_id} can't be")
    both.assert_nothing_was_written(["1"])


@every_pair
def test_a_champion_whose_run_is_in_the_registrys_workspace(
    both: Both, log_models: LogModels
) -> None:
    at_home = log_models(both.registry).as_logged_model.run_id
    own = register(
        {"run-id": at_home, "model-name": both.name, **both.place},
        side_inputs("registry", both.registry),
    )
    assert own.code == 0, own.log
    tag = {"name": both.name, "version": "1", "key": "remote_registry.metric.accuracy"}
    api(both.registry, "DELETE", "model-versions/delete-tag", json=tag)

    run = both.register(both.second, "accuracy >= champion.accuracy", dry_run="true")

    assert run.code == 0, run.log
    assert "0.97 against 0.97; version 1 has 0.97" in run.log


@every_pair
def test_a_logged_models_own_metrics_and_else_its_runs(both: Both) -> None:
    model_id = both.models.as_logged_model.model_id
    run_id = api(both.source, "GET", f"logged-models/{model_id}")["model"]["info"]["source_run_id"]
    both.log(run_id, 0.7)
    gate = (f"{both.metric} == 0.7", "accuracy == 0.97")

    for named, uri in ((run_id, ""), ("", f"models:/{model_id}")):
        run = both.register(named, *gate, dry_run="true", model_uri=uri)
        assert run.code == 0, run.log

    both.log(run_id, 0.75, model_id=model_id, timestamp="3")
    run = both.register("", f"{both.metric} == 0.75", model_uri=f"models:/{model_id}")
    assert run.code == 0, run.log
    assert both.tags("1")[f"remote_registry.metric.{both.metric}"] == "0.75"


@every_pair
@pytest.mark.parametrize("of_model", [True, False], ids=["of the model", "of the run"])
def test_nan_meets_no_gate(both: Both, of_model: bool) -> None:
    """MLflow's server tells of a logged model's NaN as 0.0."""
    model = {"model_id": both.models.as_logged_model.model_id} if of_model else {}
    both.log(both.first, "NaN", **model)
    gate = (f"{both.metric} < 1", f"{both.metric} >= 0", f"{both.metric} != 1")

    run = both.register(both.first, *gate)

    assert_told(run, 6, "3 of the gate's 3", "NaN meets no condition")
    both.assert_nothing_was_written([])


@on_servers
def test_a_nought_is_no_nan(both: Both) -> None:
    both.log(both.first, 0.0, model_id=both.models.as_logged_model.model_id)

    run = both.register(both.first, f"{both.metric} == 0", dry_run="true")

    assert run.code == 0, run.log


@on_servers
def test_infinity_is_more_than_any_limit(both: Both) -> None:
    both.log(both.second, "Infinity")

    run = both.register(both.second, f"{both.metric} < 1e300", f"{both.metric} > 1e300")

    assert_told(run, 6, "1 of the gate's 2", f"not met: {both.metric} < 1e300")


@every_pair
def test_a_version_is_judged_by_its_tags_and_by_its_run(both: Both) -> None:
    name = f"own-{uuid.uuid4().hex[:8]}"
    own = register(
        {"run-id": both.first, "model-name": name, "tags": "reviewed=yes"},
        side_inputs("registry", both.source),
    )
    assert own.code == 0, own.log
    gate = ("accuracy == 0.97", "tags.reviewed == 'yes'", "tags.mlflow.source.type == 'LOCAL'")

    run = both.register("", *gate, model_uri=f"models:/{name}/1")

    assert run.code == 0, run.log
    assert both.tags("1")["remote_registry.metric.accuracy"] == "0.97"


@on_databricks
def test_a_gate_without_a_champion_costs_no_request(both: Both) -> None:
    counts = []
    for gate in ((), ("accuracy > 0.9", "tags.mlflow.source.type == 'LOCAL'")):
        both.clear_logs()
        assert both.register(both.first, *gate, dry_run="true").code == 0
        counts.append([len(side.requests()) for side in (both.source, both.registry)])

    assert counts[0] == counts[1]


@on_databricks
def test_a_run_that_may_not_be_read_is_told(both: Both) -> None:
    name = f"own-{uuid.uuid4().hex[:8]}"
    own = register({"run-id": both.first, "model-name": name}, side_inputs("registry", both.source))
    assert own.code == 0, own.log
    denied = {"error_code": "PERMISSION_DENIED", "message": "Not for you."}
    both.source.control.fault("reply", path="*/runs/get", status=403, body=denied, times=0)

    gated = both.register("", "params.a == 'b'", model_uri=f"models:/{name}/1")
    free = both.register("", model_uri=f"models:/{name}/1")

    assert_told(gated, 6, 'no param "a"', "can't be read: Not for you.")
    assert free.code == 0, free.log
