"""Gates of `promote`: what is known of the version and of the champion decides before it moves."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from command import Run, Side, call, side_inputs
from made_versions import alias, api, make_model, make_version, move, set_alias, stages, tags
from servers import MlflowServer
from told import assert_told, writes
from workspace import Workspace

CHAMPION = "f1 > champion.f1"


@dataclass(frozen=True)
class Place:
    """A stage or an alias of a registered model that no other test has."""

    side: Side
    name: str
    target: dict[str, str]

    def version(self, f1: str = "", *, stands: bool = False, **recorded: str) -> str:
        """A new version; a metric of it is what registering has recorded."""
        metric = {"metric.f1": f1} if f1 else {}
        number = make_version(self.side, self.name, **metric, **recorded)
        if stands:
            self.put(number)
        self.clear_log()
        return number

    def put(self, number: str) -> None:
        if "alias" in self.target:
            set_alias(self.side, self.name, number, self.target["alias"])
        else:
            move(self.side, self.name, number, self.target["stage"])

    @property
    def standing(self) -> str:
        """The numbers of the versions that stand there."""
        if "alias" in self.target:
            return alias(self.side, self.name, self.target["alias"])
        there = stages(self.side, self.name)
        return ",".join(sorted(one for one in there if there[one] == self.target["stage"]))

    def promote(self, number: str, *gate: str, **changed: str) -> Run:
        asked = {"model-name": self.name, "select": f"version={number}", "gate": "\n".join(gate)}
        named = {key.replace("_", "-"): text for key, text in changed.items()}
        return call("promote", asked, self.target, named, side_inputs("registry", self.side))

    def clear_log(self) -> None:
        if isinstance(self.side, Workspace):
            self.side.control.clear_requests()

    def assert_nothing_was_written(self, standing: str, *numbers: str) -> None:
        """Since the log was cleared; and so stands what stood there."""
        if isinstance(self.side, Workspace):
            assert writes(self.side) == []
        assert self.standing == standing
        for number in numbers:
            assert not [key for key in tags(self.side, self.name, number) if "previous" in key]


PLACES = {
    "workspace": ("registry_workspace", {"stage": "Production"}),
    "server": ("mlflow_server", {"stage": "Staging"}),
    "alias": ("mlflow_server", {"alias": "champion"}),
}
EVERYWHERE = pytest.mark.parametrize("place", PLACES, indirect=True)
IN_A_WORKSPACE = pytest.mark.parametrize("place", ["workspace"], indirect=True)


@pytest.fixture
def place(request: pytest.FixtureRequest) -> Place:
    fixture, target = PLACES[request.param]
    side = request.getfixturevalue(fixture)
    return Place(side, make_model(side), target)


@pytest.fixture
def logged() -> Callable[..., str]:
    """Logs a run with a metric, a param and a tag; gives its id."""

    def log(side: Side, f1: float = 0.8) -> str:
        named = {"name": f"/Shared/gate-{uuid.uuid4().hex}"}
        experiment = api(side, "POST", "experiments/create", json=named)["experiment_id"]
        body = {"experiment_id": experiment, "start_time": 1}
        run_id = api(side, "POST", "runs/create", json=body)["run"]["info"]["run_id"]
        batch = {
            "run_id": run_id,
            "metrics": [{"key": "f1", "value": f1, "timestamp": 1, "step": 0}],
            "params": [{"key": "max_depth", "value": "6"}],
            "tags": [{"key": "reviewed", "value": "yes"}],
        }
        api(side, "POST", "runs/log-batch", json=batch)
        return run_id

    return log


@EVERYWHERE
def test_a_version_that_meets_its_gate_is_promoted(place: Place) -> None:
    place.version("0.8", stands=True)
    number = place.version("0.9", digest="sha256:1")

    run = place.promote(number, "f1 >= 0.85", CHAMPION, "tags.remote_registry.digest != 'x'")

    assert run.code == 0, run.log
    assert [one["met"] for one in run.result["gate"]] == [True] * 3
    assert run.summary.count("| &#9989; |") == 3
    assert "#### Gate" in run.summary
    assert "met: f1 > champion.f1 (0.9 against 0.8; version 1 has 0.8)" in run.log
    assert run.outputs["previous-version"] == "1"
    assert "2" in place.standing


@EVERYWHERE
@pytest.mark.parametrize("dry_run", ["false", "true"])
def test_one_that_does_not_is_told_of_every_line_and_nothing_is_written(
    place: Place, dry_run: str
) -> None:
    place.version("0.8", stands=True)
    number = place.version("0.79", note="<b>|\n::error::x")
    gate = (
        CHAMPION,
        "f1 > 0.7",
        "accuracy > 0",
        "f1 >= champion.f1 - 0.01",
        "f1 >= champion.recall",
        "params.max_depth == '6'",
        "tags.remote_registry.note == 'x'",
    )

    run = place.promote(number, *gate, dry_run=dry_run)

    assert_told(
        run,
        6,
        "5 of the gate's 7 conditions are not met, so nothing was written.",
        "not met: f1 > champion.f1 (0.79 against 0.8; version 1 has 0.8)",
        'no metric "accuracy"; it has "f1"; no run of it is known',
        'the champion, version 1, has no metric "recall"',
        'no param "max_depth"',
        f"version {number} of {place.name} in the registry",
    )
    assert (run.summary.count("| &#9989; |"), run.summary.count("| &#10060; |")) == (2, 5)
    assert "<b>" not in run.summary.partition("#### Gate")[2]
    assert "To go back" not in run.summary
    assert [one["met"] for one in run.result["gate"]] == [
        False, True, False, True, False, False, False,
    ]  # fmt: skip
    assert run.outputs["previous-version"] == ""
    place.assert_nothing_was_written("1", "1", number)


@EVERYWHERE
@pytest.mark.parametrize("text", ["nan", "many"])
def test_nan_meets_no_gate_on_either_side(place: Place, text: str) -> None:
    place.version(text, stands=True)
    mine, number = place.version(text), place.version("0.9")

    for gate in ("f1 < 1", "f1 != 1", CHAMPION):
        assert_told(place.promote(mine, gate), 6, "NaN meets no condition")
    assert_told(place.promote(number, CHAMPION), 6, "the champion, version 1, has NaN as metric")
    place.assert_nothing_was_written("1", mine, number)


@EVERYWHERE
def test_no_champion_yet(place: Place) -> None:
    number = place.version("0.9")

    needs_one = place.promote(number, CHAMPION, gate_without_champion="fail")
    assert_told(needs_one, 6, "there is no champion: nothing stands in")
    place.assert_nothing_was_written("", number)
    first = place.promote(number, CHAMPION)
    assert first.code == 0, first.log
    assert "there is no champion: nothing stands in" in first.log
    assert place.standing == number


@EVERYWHERE
def test_where_it_is_the_champion_already_the_gate_stands(place: Place) -> None:
    place.version("0.8", stands=True)
    number = place.version("0.9")
    archived = {"archive_existing": "true"} if "stage" in place.target else {}
    first = place.promote(number, CHAMPION, **archived)
    assert first.code == 0, first.log
    place.clear_log()

    again = place.promote(number, CHAMPION, gate_without_champion="fail", **archived)

    assert again.code == 0, again.log
    assert "the champion, version 2, is this model" in again.log
    assert again.outputs["previous-version"] == "1"
    if isinstance(place.side, Workspace):
        assert writes(place.side) == []
    limit = place.promote(number, "f1 > 0.95", **archived)
    assert_told(limit, 6, "not met: f1 > 0.95 (0.9 against 0.95)")


@EVERYWHERE
def test_what_no_tag_tells_is_read_from_the_run_where_that_is_at_hand(
    place: Place, logged: Callable[..., str]
) -> None:
    place.version(stands=True, source_run_id=logged(place.side, 0.8))
    number = place.version(source_run_id=logged(place.side, 0.9))

    run = place.promote(number, CHAMPION, "params.max_depth == '6'", "tags.reviewed == 'yes'")

    assert run.code == 0, run.log
    assert "0.9 against 0.8; version 1 has 0.8" in run.log
    told = place.promote(number, "params.max_depth != '6'", "tags.reviewed == 'no'", "f1 > 0.9")
    assert_told(told, 6, "3 of the gate's 3", '("6" against "6")', '("yes" against "no")')


@EVERYWHERE
def test_what_tags_tell_comes_before_what_the_run_does(
    place: Place, logged: Callable[..., str]
) -> None:
    place.version("0.8", stands=True, source_run_id=logged(place.side, 0.99))
    number = place.version("0.9", source_run_id=logged(place.side, 0.1))

    run = place.promote(number, CHAMPION, "params.max_depth == '6'", dry_run="true")

    assert run.code == 0, run.log
    assert "0.9 against 0.8; version 1 has 0.8" in run.log


@EVERYWHERE
def test_a_run_that_is_somewhere_else_is_told(place: Place) -> None:
    place.version(stands=True, source_run_id="0" * 32)
    number = place.version("0.9", source_run_id="1" * 32)

    run = place.promote(number, CHAMPION, "params.max_depth == '6'")

    assert_told(
        run, 6, f"its run {'0' * 32} can't be read: ", f"its run {'1' * 32} can't be read: "
    )
    place.assert_nothing_was_written("1", number)


@IN_A_WORKSPACE
def test_a_run_that_may_not_be_read_is_told(place: Place, logged: Callable[..., str]) -> None:
    number = place.version(source_run_id=logged(place.side))
    denied = {"error_code": "PERMISSION_DENIED", "message": "Not for you."}
    place.side.control.fault("reply", path="*/runs/get", status=403, body=denied, times=0)

    assert_told(place.promote(number, "f1 > 0"), 6, 'no metric "f1"', "can't be read: Not for you.")


@IN_A_WORKSPACE
def test_what_stands_on_the_versions_costs_no_request(
    place: Place, logged: Callable[..., str]
) -> None:
    place.version("0.8", stands=True, source_run_id=logged(place.side))
    number = place.version("0.9", source_run_id=logged(place.side))
    counts = []
    for gate in ((), (CHAMPION, "f1 > 0.5", "tags.remote_registry.source_run_id != ''")):
        place.clear_log()
        assert place.promote(number, *gate, dry_run="true").code == 0
        counts.append(len(place.side.requests()))

    assert counts[0] == counts[1]


@pytest.mark.parametrize("place", ["workspace", "server"], indirect=True)
def test_of_several_that_stand_there_the_newest_is_the_champion(place: Place) -> None:
    lower = place.version("0.7", stands=True)
    place.version("0.9", stands=True)
    place.version("0.8", stands=True)
    number = place.version("0.85")

    assert "version 3 has 0.8" in place.promote(number, CHAMPION, dry_run="true").log
    assert_told(place.promote(lower, CHAMPION), 6, "0.7 against 0.8; version 3 has 0.8")


@IN_A_WORKSPACE
def test_a_champion_that_came_meanwhile_is_the_one_that_counts(place: Place) -> None:
    old = place.version("0.8", stands=True)
    new, number = place.version("0.95"), place.version("0.9")
    where = {"filter": f"name='{place.name}'"}
    before = api(place.side, "GET", "model-versions/search", params=where)
    place.put(new)
    place.clear_log()
    place.side.control.fault("reply", path="*/model-versions/search", status=200, body=before)

    run = place.promote(number, CHAMPION)

    assert "met: f1 > champion.f1 (0.9 against 0.8; version 1 has 0.8)" in run.log
    assert_told(run, 6, "0.9 against 0.95; version 2 has 0.95")
    place.assert_nothing_was_written(f"{old},{new}", number)


def test_a_version_that_was_registered_from_elsewhere_is_judged_by_its_tags(
    mlflow_server: MlflowServer, registry_workspace: Workspace, logged: Callable[..., str]
) -> None:
    """Nobody signs in to where its run is."""
    place = Place(registry_workspace, make_model(registry_workspace), {"stage": "Production"})
    number = place.version("0.9", source_run_id=logged(mlflow_server))

    assert place.promote(number, "f1 == 0.9").code == 0


def test_bad_lines_are_told_before_any_call(registry_workspace: Workspace) -> None:
    place = Place(registry_workspace, "churn", {"stage": "Production"})
    place.clear_log()

    run = place.promote("1", "f1 >=", "__import__('os') == 1", "f1 > champion.f1-0.1")

    assert run.code == 2
    (told,) = run.annotations()
    assert [line.partition(",")[0] for line in told.splitlines()] == [
        "Bad input: gate: line 1", "gate: line 2", "gate: line 3",
    ]  # fmt: skip
    assert json.loads(run.outputs["result"])["gate"] == []
    assert registry_workspace.requests() == []
