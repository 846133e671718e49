"""All inputs of `register` together."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from unit.register_texts import (
    HOST,
    ON_DATABRICKS,
    ON_SERVER,
    SERVER,
    problem,
    problems,
    read,
)

from remote_registry.errors import BadInput
from remote_registry.inputs.register import register_inputs

SOURCES = Path(__file__).parents[2] / "src"


def test_all_that_is_wrong_is_told_at_once() -> None:
    told = problems(
        {
            "model-name": "a/b",
            "registry-host": "adb-1.2.azuredatabricks.net",
            "registry-workspace-id": "x",
            "tracking-uri": SERVER,
            "tracking-username": "jane",
            "stage": "prod",
            "archive-existing": "maybe",
            "alias": "champion",
            "permissions": "jane",
            "tags": "alone",
            "timeout": "soon",
            "dry-run": "perhaps",
            "allow-http": "no way",
        }
    )

    assert sorted(line.split(":")[0] for line in told) == [
        "alias",
        "allow-http",
        "archive-existing",
        "dry-run",
        "model-name",
        "permissions",
        "registry-host",
        "registry-token",
        "registry-workspace-id",
        "run-id",
        "stage",
        "tags",
        "timeout",
        "tracking-username",
    ]


def test_bad_inputs_are_exit_code_2_and_each_problem_is_a_line() -> None:
    with pytest.raises(BadInput) as caught:
        register_inputs({}, None)

    assert caught.value.exit_code == 2
    assert caught.value.lines() == list(caught.value.problems)
    assert {line.split(":")[0] for line in caught.value.lines()} == {
        "registry-host",
        "run-id",
        "model-name",
    }


@pytest.mark.parametrize("text", [None, "", "  ", "\n"])
def test_an_empty_text_is_not_given(text: str | None) -> None:
    names = ("stage", "alias", "permissions", "tags", "timeout", "tracking-host", "dry-run")

    register_inputs({**ON_DATABRICKS, **dict.fromkeys(names, text)}, None)


def test_each_text_is_taken_once_from_who_gives_it() -> None:
    class Counting(Mapping[str, str]):
        def __init__(self) -> None:
            self.taken: list[str] = []

        def __getitem__(self, name: str) -> str:
            self.taken.append(name)
            return ON_DATABRICKS[name]

        def __iter__(self) -> Iterator[str]:
            return iter(ON_DATABRICKS)

        def __len__(self) -> int:
            return len(ON_DATABRICKS)

    counting = Counting()
    register_inputs(counting, None)

    assert sorted(counting.taken) == sorted(ON_DATABRICKS)


@pytest.mark.parametrize("name", [*ON_DATABRICKS, "description", "tags", "tracking-password"])
def test_a_text_that_is_not_utf_8_is_told(name: str) -> None:
    assert f"{name}: is not UTF-8." in problems(ON_DATABRICKS | {name: "a\udcffb"})


@pytest.mark.parametrize("stage", ["", "None", "Archived"])
def test_what_must_stand_there_needs_a_place_of_one(stage: str) -> None:
    told = problem(ON_DATABRICKS, stage=stage, expect_previous="3")

    assert told.startswith("expect-previous: goes with")
    assert read(ON_SERVER, stage=stage, alias="champion", expect_previous="3").expect_previous


def test_the_problem_of_one_input_is_not_told_of_another() -> None:
    assert problem(ON_DATABRICKS, stage="staging", archive_existing="true").startswith("stage: ")
    assert problem(ON_DATABRICKS, registry_host=f"{HOST}/path").startswith("registry-host: ")


def test_reading_inputs_imports_nothing_heavy_and_opens_no_socket(tmp_path: Path) -> None:
    (tmp_path / "MLmodel").write_text("")
    program = """
import json, socket, sys

def refuse(*_, **__):
    raise AssertionError("a socket")

socket.socket = socket.create_connection = socket.getaddrinfo = refuse
from remote_registry.inputs.register import register_inputs
register_inputs(json.loads(sys.argv[1]), None)
heavy = {"requests", "urllib3", "mlflow", "databricks", "click", "ssl", "numpy", "asyncio"}
print(json.dumps(sorted(heavy & {name.partition(".")[0] for name in sys.modules})))
"""
    texts = {
        "model-path": str(tmp_path),
        "model-name": "iris",
        "registry-host": HOST,
        "registry-token": "t",
        "tracking-uri": SERVER,
        "tags": "a: b",
    }
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(SOURCES)!r}){program}",
         json.dumps(texts)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert json.loads(done.stdout) == []


def test_the_token_of_the_comment_is_a_secret() -> None:
    inputs = read(ON_DATABRICKS, github_token="ghs_0123456789")

    assert inputs.github_token is not None
    assert inputs.github_token.value == "ghs_0123456789"
    assert "ghs_0123456789" not in repr(inputs)
    assert problem(ON_DATABRICKS, github_token="a b").startswith("github-token: ")
