"""Which version is meant, said in one text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.register_texts import HOST, SERVER

from remote_registry.errors import BadInput
from remote_registry.inputs.resolve import resolve_inputs
from remote_registry.inputs.select import ALL, Select, select_from, select_or_all
from remote_registry.inputs.texts import InputError

SHA = "c0ffee" * 6 + "c0ff"
DIGEST = "sha256:" + "0f" * 32


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("version=3", Select("version", "3")),
        ("version=003", Select("version", "3")),
        ("stage=Production", Select("stage", "Production")),
        ("stage=None", Select("stage", "None")),
        ("alias=champion", Select("alias", "champion")),
        ("latest", Select("latest")),
        (f"digest={DIGEST}", Select("digest", DIGEST)),
        (f"commit={SHA}", Select("commit", SHA)),
        (f"commit={SHA.upper()}", Select("commit", SHA)),
        ("run-id=0b8c", Select("run-id", "0b8c")),
        ("pull-request=12", Select("pull-request", "12")),
        ("tag=release=1.4=x", Select("tag", "1.4=x", "release")),
        (" tag = team = risk ", Select("tag", "risk", "team")),
    ],
)
def test_a_way_is_read(text: str, meant: Select) -> None:
    assert select_from(text) == select_or_all(text) == meant


@pytest.mark.parametrize(
    "text",
    [
        "3", "version", "version=", "version=-1", "version=1.0", "version=٣", "latest=1", "all",
        "stage=", "stage=production", "stage=Nowhere", "alias=", "alias=a b", "digest=0f",
        "digest=sha256:0f", "commit=c0ffee", "commit=main", "run-id=", "run-id=a/b",
        "pull-request=0", "pull-request=#12", "tag=", "tag=a", "tag==b", "tags=a=b", "=3", "",
    ],
)  # fmt: skip
def test_what_is_no_way_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        select_from(text)


def test_a_stage_that_is_misspelt_is_corrected() -> None:
    with pytest.raises(InputError, match="Did you mean Production"):
        select_from("stage=production")


def test_all_is_for_those_who_ask_for_it() -> None:
    assert select_or_all("all") == Select(ALL)


def test_a_workspace_has_no_aliases() -> None:
    with pytest.raises(InputError, match="no aliases"):
        select_from("alias=champion", on_databricks=True)


@pytest.mark.parametrize(
    ("text", "by_tags"),
    [("version=3", False), ("stage=Staging", False), ("alias=a", False), ("latest", False)]
    + [(f"digest={DIGEST}", True), (f"commit={SHA}", True), ("run-id=a", True)]
    + [("pull-request=1", True), ("tag=a=b", True)],
)
def test_what_others_may_write_is_known(text: str, by_tags: bool) -> None:
    assert select_from(text).by_tags is by_tags


@given(st.text())
def test_any_text_is_a_way_or_refused(text: str) -> None:
    try:
        meant = select_from(text)
    except InputError:
        return
    assert select_from(str(meant)) == meant


def problems(**changed: str) -> list[str]:
    texts = {"model-name": "churn", "registry-uri": SERVER, "select": "latest"}
    given = {name.replace("_", "-"): text for name, text in changed.items()}
    with pytest.raises(BadInput) as error:
        resolve_inputs(texts | given, None)
    return list(error.value.problems)


def test_all_that_is_wrong_is_told_at_once() -> None:
    told = problems(select="3", model_name="", registry_uri="x", retry_timeout="0", allow_http="y")

    names = [problem.partition(":")[0] for problem in told]
    assert sorted(names) == sorted(
        ["select", "model-name", "registry-uri", "retry-timeout", "allow-http"]
    )


def test_a_registry_is_named() -> None:
    (told,) = problems(registry_uri="")
    assert told.startswith("registry-host: say which registry")


def test_an_alias_is_refused_of_a_workspace() -> None:
    (told,) = problems(
        registry_uri="", registry_host=HOST, registry_token="dapi", select="alias=champion"
    )
    assert told.startswith("select: ")


def test_a_token_that_no_header_carries_is_refused() -> None:
    (told,) = problems(github_token="a b")
    assert told.startswith("github-token: ")
