"""The comment on a pull request: one for each model, true, and never what a job fails by."""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from command import Run, Side, call, register, side_inputs
from conftest import LogModels
from local_github import BOT, REPOSITORY, TOKEN, LocalGitHub, local_github
from log_models import LoggedModels
from made_versions import api, stages
from told import assert_told
from workspace import Workspace

from remote_registry.comments import marker

HEAD = "b0b" * 13 + "b"
PAIRS = [("source_workspace", "registry_workspace"), ("mlflow_server", "other_mlflow_server")]


@pytest.fixture
def github() -> Iterator[LocalGitHub]:
    with local_github() as running:
        yield running


@dataclass(frozen=True)
class PullRequest:
    """A job of pull request 7 of the repository that registers models."""

    source: Side
    registry: Side
    models: LoggedModels
    github: LocalGitHub
    event: Path
    name: str

    @property
    def runs(self) -> list[str]:
        return [self.models.as_run_artifacts.run_id, self.models.as_logged_model.run_id]

    @property
    def mark(self) -> str:
        return marker(self.name)

    def register(self, which: int = 0, **changed: str) -> Run:
        inputs = {"run-id": self.runs[which], "model-name": self.name, "comment": "true"}
        named = {name.replace("_", "-"): text for name, text in changed.items()}
        sides = side_inputs("tracking", self.source), side_inputs("registry", self.registry)
        environment = {**self.github.environment(), "GITHUB_EVENT_PATH": str(self.event)}
        if token := named.pop("github-token", ""):
            environment["INPUT_GITHUB_TOKEN"] = token
        return register(inputs, *sides, named, **environment)

    def many(self, checkout: Path, **inputs: str) -> Run:
        sides = side_inputs("tracking", self.source), side_inputs("registry", self.registry)
        environment = {**self.github.environment(), "GITHUB_EVENT_PATH": str(self.event)}
        environment["GITHUB_WORKSPACE"] = str(checkout)
        models = str(checkout / "models.yml")
        return call("many", {"models": models, **inputs}, *sides, **environment)

    def is_of(self, repository: str | None) -> None:
        """From now on the head is in another repository; `None` for no pull request at all."""
        head = {"ref": "better", "sha": HEAD, "repo": {"full_name": repository}}
        event: dict[str, Any] = {"pull_request": {"number": 7, "head": head}} if repository else {}
        self.event.write_text(json.dumps(event))

    @property
    def told(self) -> str:
        """The one comment on the model."""
        (body,) = [body for body in self.github.own() if body.startswith(self.mark)]
        return body


@pytest.fixture
def job(request: pytest.FixtureRequest, github: LocalGitHub, tmp_path: Path) -> PullRequest:
    names = getattr(request, "param", PAIRS[1])
    source, registry = map(request.getfixturevalue, names)
    log_models: LogModels = request.getfixturevalue("log_models")
    name = f"churn-{uuid.uuid4().hex[:8]}"
    event = tmp_path / "event.json"
    made = PullRequest(source, registry, log_models(source), github, event, name)
    made.is_of(REPOSITORY)
    return made


every_pair = pytest.mark.parametrize("job", PAIRS, indirect=True, ids=["databricks", "servers"])
on_databricks = pytest.mark.parametrize("job", PAIRS[:1], indirect=True, ids=["databricks"])


@every_pair
def test_it_tells_what_was_registered(job: PullRequest) -> None:
    run = job.register()

    assert run.code == 0, run.log
    assert "told pull request 7" in run.log
    for told in (
        f"### ✅ `{job.name}` version `1` registered\n",
        "| Version | `1` |",
        f"| Digest | `{run.outputs['digest']}` |",
        f"| Source run | `{job.runs[0]}` |",
        f"| Commit | `{HEAD}` |",
        "| metric | version `1` | ",
        ": no version yet |",
        "| `accuracy` | `0.97` |  |",
        "[workflow run](<https://github.com/your-org/churn/actions/runs/42/attempts/1>)",
        f"./entrypoint promote --model-name {job.name} --select version=1 --",
    ):
        assert told in job.told
    place = "--stage Production" if isinstance(job.registry, Workspace) else "--alias champion"
    assert place in job.told
    assert [call.partition("?")[0] for call in job.github.calls] == [
        "POST /graphql",
        "GET /repos/your-org/churn/issues/7/comments",
        "POST /repos/your-org/churn/issues/7/comments",
        "GET /repos/your-org/churn/issues/7/comments",
    ]


@every_pair
def test_it_names_neither_side(job: PullRequest) -> None:
    for side, which in ((job.source, "tracking"), (job.registry, "registry")):
        told = side_inputs(which, side).values()
        hosts = {text.partition("://")[2] for text in told}
        values = {*told, *hosts} - {""}
        encoded = {base64.b64encode(text.encode()).decode() for text in values}
        body = {"run_id": job.runs[0], "key": f"told-{which}", "value": " ".join(values | encoded)}
        api(job.source, "POST", "runs/set-tag", json=body)
    gate = "tags.told-tracking != 'x'\ntags.told-registry != 'x'"

    run = job.register(gate=gate)

    assert run.code == 0, run.log
    assert job.told.count("| `tags.told-") == 2
    assert "***" in job.told
    for side in (job.source, job.registry):
        for text in side_inputs("any", side).values():
            host = text.partition("://")[2].partition(":")[0]
            for form in {text, host} - {""}:
                assert form not in job.told
                assert base64.b64encode(form.encode()).decode()[:-3] not in job.told
    assert TOKEN not in job.told
    assert TOKEN not in run.log.replace(f"::add-mask::{TOKEN}", "")


@on_databricks
def test_it_is_brought_up_to_date_among_many_others(job: PullRequest) -> None:
    first = job.register(stage="Production")
    assert first.code == 0, first.log
    assert "To promote it" not in job.told
    (ours,) = job.github.comments
    for number in range(250):
        job.github.write(f"Comment {number}", author="somebody")
    job.github.comments.remove(ours)
    job.github.comments.insert(230, ours)  # so that it is on the third page
    job.github.write(f"{job.mark}\nI am the bot.", author="somebody")
    job.github.write(f"{job.mark}\nWho was deleted.", author="")
    job.github.write(f"{job.mark}\nOn another one.", pull_request=8)
    job.github.write(f"I quote: {job.mark}")
    others = [one.body for one in job.github.comments if one is not ours]
    job.github.calls.clear()

    second = job.register(1, stage="Staging")

    assert second.code == 0, second.log
    assert "version `2` registered" in job.told
    assert "| metric | version `2` | `Staging`: no version yet |" in job.told
    assert [one.body for one in job.github.comments if one is not ours] == others
    kinds = [call.partition(" ")[0] for call in job.github.calls]
    assert kinds == ["POST", "GET", "GET", "GET", "PATCH"]

    third = job.register(1, stage="Production", archive_existing="true")
    assert third.code == 0, third.log
    assert "`churn" in job.told
    assert "version `2` was already registered" in job.told
    assert "| Before | `version 1` |" in job.told
    assert "| `Production`: version `1` |" in job.told
    assert "| `accuracy` | `0.97` | `0.97` |" in job.told
    again = job.register(1, stage="Production", archive_existing="true")
    assert again.code == 0, again.log
    assert "| `Production`: this version |" in job.told
    assert "To promote it" not in job.told


def test_two_models_have_two_comments(job: PullRequest) -> None:
    for name in (job.name, f"{job.name}-2"):
        assert job.register(model_name=name).code == 0

    assert len(job.github.own()) == 2


@pytest.mark.parametrize(("when", "before"), [("rivals", "PATCH"), ("followers", "GET")])
def test_of_two_that_race_the_first_stays(job: PullRequest, when: str, before: str) -> None:
    getattr(job.github, when).append(f"{job.mark}\nof another job")

    run = job.register()

    assert run.code == 0, run.log
    assert "version `1` registered" in job.told
    (left,) = job.github.comments
    assert left.number == 2_000_000_001
    assert [call.partition(" ")[0] for call in job.github.calls][-2:] == [before, "DELETE"]


def test_a_comment_whose_reply_is_lost_is_not_written_twice(job: PullRequest) -> None:
    job.github.lost = 1

    run = job.register()

    assert run.code == 0, run.log
    assert "version `1` registered" in job.told
    assert run.annotations("warning") == []


@pytest.mark.parametrize(
    ("permission", "answered"),
    [("read", "403: Resource not accessible by integration"), ("none", "404: Not Found")],
)
def test_without_the_permission_there_is_a_notice(
    job: PullRequest, permission: str, answered: str
) -> None:
    job.github.permission = permission

    run = job.register()

    assert run.code == 0, run.log
    assert run.outputs["status"] == "READY"
    (notice,) = run.annotations("notice")
    assert answered in notice
    assert "pull-requests: write" in notice
    assert run.annotations("warning") == []


@on_databricks
@pytest.mark.parametrize(
    ("repository", "why"), [("somebody/churn", "of a fork"), (None, "of no pull request")]
)
def test_where_nobody_may_comment_there_is_a_notice(
    job: PullRequest, repository: str | None, why: str
) -> None:
    """The secrets of a fork's workflow may come from its machine."""
    job.is_of(repository)

    run = job.register()

    assert run.code == 0, run.log
    assert run.outputs["status"] == "READY"
    (notice,) = run.annotations("notice")
    assert why in notice
    assert job.github.calls == []


@pytest.mark.parametrize("changed", [{"dry_run": "true"}, {"comment": "false"}])
def test_nothing_is_told_that_nobody_asked_for(job: PullRequest, changed: dict[str, str]) -> None:
    run = job.register(**changed)

    assert run.code == 0, run.log
    assert job.github.calls == []
    assert run.annotations("notice") == []


def test_limits_are_waited_out(job: PullRequest) -> None:
    job.github.limit_graphql(0.5)
    job.github.limit_hour(0.5)
    job.github.limit_moment(1)
    job.github.refusals.append((502, {}, "Bad Gateway"))

    run = job.register()

    assert run.code == 0, run.log
    assert "version `1` registered" in job.told


@pytest.mark.parametrize("limit", ["limit_graphql", "limit_hour", "limit_moment"])
def test_a_limit_that_lasts_longer_is_a_warning(job: PullRequest, limit: str) -> None:
    getattr(job.github, limit)(3000)
    begun = time.monotonic()

    run = job.register()

    assert time.monotonic() - begun < 20
    assert run.code == 0, run.log
    (warning,) = run.annotations("warning")
    assert "The comment on pull request 7 failed: GitHub's API answered" in warning
    assert len(job.github.calls) == 1
    assert run.outputs["status"] == "READY"


@pytest.mark.parametrize(
    ("refusal", "told"),
    [
        ((200, {}, {"data": None}), "not what its API documents"),
        ((200, {}, {"errors": [{"message": "no"}]}), "not what its API documents"),
        ((418, {}, "I am a teapot"), "418: I am a teapot"),
    ],
)
def test_what_else_fails_is_a_warning(job: PullRequest, refusal: Any, told: str) -> None:
    job.github.refusals.append(refusal)

    run = job.register()

    assert run.code == 0, run.log
    (warning,) = run.annotations("warning")
    assert told in warning


def test_a_token_that_is_refused_is_a_warning(job: PullRequest) -> None:
    run = job.register(github_token="ghs_other-0123456789")

    assert run.code == 0, run.log
    (warning,) = run.annotations("warning")
    assert "401: Bad credentials" in warning


def test_a_repository_that_was_renamed_is_followed(job: PullRequest) -> None:
    job.github.moved_from = REPOSITORY

    run = job.register()

    assert run.code == 0, run.log
    assert "version `1` registered" in job.told
    assert any(call.startswith("POST /repositories/") for call in job.github.calls)


@on_databricks
def test_a_gate_that_is_not_met_is_told(job: PullRequest) -> None:
    first = job.register()
    assert first.code == 0, first.log

    worse = job.register(1, gate="accuracy >= 0.98\naccuracy < 1", stage="Staging")

    assert worse.code == 6, worse.log
    assert f"### ❌ Gate not met: `{job.name}`\n" in job.told
    assert "Nothing was written." in job.told
    assert "| ❌ | `accuracy >= 0.98` | `0.97` | `0.98` |  |" in job.told
    assert "| ✅ | `accuracy < 1` | `0.97` | `1` |  |" in job.told
    assert "registered" not in job.told
    assert "To promote it" not in job.told
    assert len(job.github.own()) == 1


@on_databricks
def test_what_is_registered_and_not_promoted_is_told_so(job: PullRequest) -> None:
    run = job.register(stage="Production", expect_previous="3")

    assert_told(run, 5, "expect-previous is 3")
    assert f"❌ Registry failed: `{job.name}`, though version `1` is registered" in job.told
    assert "| Stage | `None` |" in job.told
    assert "expect-previous" not in job.told
    assert "./entrypoint promote" in job.told
    assert stages(job.registry, job.name) == {"1": "None"}


@on_databricks
def test_what_fails_before_is_told_in_our_words_only(job: PullRequest) -> None:
    run = job.register(registry_token="dapi-wrong-0123456789")

    assert run.code == 3, run.log
    assert f"### ❌ Sign-in refused: `{job.name}`\n" in job.told
    assert len(job.told.splitlines()) < 10
    assert job.github.comments[0].author == BOT


@every_pair
def test_each_of_many_models_has_a_comment_of_its_own(job: PullRequest, tmp_path: Path) -> None:
    other = f"{job.name}-other"
    models = [
        {"model-name": job.name, "run-id": job.runs[0]},
        {"model-name": job.name, "run-id": job.runs[1]},
        {"model-name": other, "run-id": job.runs[0], "gate": "accuracy > 1"},
    ]
    (tmp_path / "models.yml").write_text(json.dumps({"models": models}))

    run = job.many(tmp_path, comment="true")

    assert run.code == 6, run.log
    assert f"`{job.name}` version `2` registered" in job.told
    (failed,) = [body for body in job.github.own() if body.startswith(marker(other))]
    assert "`0.97`" in failed
    assert len(job.github.own()) == 2
    assert [call.partition(" ")[0] for call in job.github.calls].count("GET") == 2
    for name in (job.name, other):
        assert run.log.count(f"  told pull request 7 of {name}\n") == 1


def test_where_one_of_many_comments_fails_no_other_is_tried(
    job: PullRequest, tmp_path: Path
) -> None:
    models = [{"model-name": f"{job.name}-{n}", "run-id": job.runs[0]} for n in range(2)]
    (tmp_path / "models.yml").write_text(json.dumps({"models": models}))
    job.github.refusals += [(403, {}, "Resource not accessible by integration")] * 2

    run = job.many(tmp_path, comment="true")

    assert run.code == 0, run.log
    assert run.log.count("The comment on pull request 7 failed") == 1
    assert job.github.own() == []
