"""What the verbs tell that work on versions which are there."""

from __future__ import annotations

import pytest

from remote_registry.reached import Promoted


@pytest.mark.parametrize("undo", [False, True])
def test_a_way_back_is_told_of_what_was_done_only(undo: bool) -> None:
    by_stage = Promoted("churn", "2", stage="None", previous=["1"], status="READY")
    by_stage.to_stage, by_stage.goes_back = "Production", undo
    by_alias = Promoted("churn", "2", aliases=["next"], previous=["1"], status="READY")
    by_alias.to_alias, by_alias.goes_back = "champion", undo

    assert by_stage.way_back == by_alias.way_back == []

    by_stage.stage = "Production"
    by_alias.aliases.append("champion")
    for one, target in ((by_stage, "Production"), (by_alias, "champion")):
        assert target in one.way_back
        assert f"version={1 if undo else 2}" in one.way_back
