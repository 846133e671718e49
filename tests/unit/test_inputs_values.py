"""The smaller inputs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.register_texts import ON_DATABRICKS, ON_SERVER, problem, problems, read

from remote_registry.errors import BadInput
from remote_registry.inputs.values import STAGES, TAG_PREFIX, Permission, path_problem


@pytest.mark.parametrize("name", ["dry-run", "archive-existing", "allow-http"])
@pytest.mark.parametrize("text", ["yes", "1", "on", "tru", "true false", "ｔrue"])
def test_a_switch_is_true_or_false(name: str, text: str) -> None:
    told = problem(ON_DATABRICKS | {"stage": "Staging", name: text})

    assert told == f"{name}: {text!r} is neither true nor false."


@pytest.mark.parametrize(
    ("text", "means"), [("", False), ("false", False), ("FALSE", False), ("True", True)]
)
def test_a_switch_is_false_unless_it_says_true(text: str, means: bool) -> None:
    inputs = read(ON_DATABRICKS, dry_run=text, archive_existing=text, stage="Staging", comment=text)

    assert (inputs.dry_run, inputs.archive_existing, inputs.comment) == (means, means, means)


@pytest.mark.parametrize(
    ("text", "means"), [("", 300.0), ("1", 1.0), ("1.5", 1.5), ("86400", 86400.0)]
)
def test_the_timeout_is_in_seconds(text: str, means: float) -> None:
    assert read(ON_DATABRICKS, timeout=text).timeout == means


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "0.0",
        "0.00001",
        "0.99",
        "-1",
        "+1",
        "1e9",
        "nan",
        "inf",
        "Infinity",
        "1,5",
        "5m",
        "86401",
        "1_0",
        "١",
        "0x1",
    ],
)
def test_a_timeout_that_is_none_is_refused(text: str) -> None:
    assert problem(ON_DATABRICKS, timeout=text) == (
        f"timeout: {text!r} is no number of seconds from 1 to 86400."
    )


@pytest.mark.parametrize("stage", ["", *STAGES])
def test_the_four_stages_are_taken(stage: str) -> None:
    assert read(ON_DATABRICKS, stage=stage).stage == stage


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("staging", "Staging"),
        ("Stagging", "Staging"),
        ("PRODUCTION", "Production"),
        ("prod", "Production"),
        ("archive", "Archived"),
        ("none", "None"),
        ("champion", ""),
        ("latest", ""),
        ("null", ""),
    ],
)
def test_a_misspelt_stage_is_told_the_four_and_the_nearest(text: str, meant: str) -> None:
    hint = f" Did you mean {meant}?" if meant else ""

    assert problem(ON_DATABRICKS, stage=text) == (
        f"stage: {text!r} is none of None, Staging, Production, Archived.{hint}"
    )


@pytest.mark.parametrize("stage", ["", "None", "Archived"])
@pytest.mark.parametrize("on", [ON_DATABRICKS, ON_SERVER])
def test_archiving_goes_with_staging_or_production(on: dict[str, str], stage: str) -> None:
    assert problem(on, archive_existing="true", stage=stage) == (
        "archive-existing: goes with stage: Staging or stage: Production."
    )
    assert problems(on, archive_existing="false", stage=stage) == []


@pytest.mark.parametrize("stage", ["Staging", "Production"])
def test_archiving_is_taken_with_staging_and_production(stage: str) -> None:
    assert read(ON_DATABRICKS, archive_existing="true", stage=stage).archive_existing


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ()),
        ("champion", ("champion",)),
        ("champion, challenger\r\nlast_good,,", ("champion", "challenger", "last_good")),
        ("a,a\na", ("a",)),
        ("geprüft,v1a,v,1", ("geprüft", "v1a", "v", "1")),
    ],
)
def test_aliases_stand_in_lines_or_by_comma(text: str, names: tuple[str, ...]) -> None:
    assert read(ON_SERVER, alias=text).aliases == names


@pytest.mark.parametrize(
    "text", ["latest", "LATEST", "v1", "V12", "a b", "a.b", "a/b", "a=b", "x" * 256, "good\nb@d"]
)
def test_an_alias_that_no_registry_takes_is_refused(text: str) -> None:
    assert problem(ON_SERVER, alias=text).startswith("alias: ")


def test_a_workspace_registry_has_no_aliases() -> None:
    assert problem(ON_DATABRICKS, alias="champion") == (
        "alias: a workspace registry has stages and no aliases; use stage."
    )


def test_permissions_are_lines_of_principal_and_level() -> None:
    lines = """
        jane@example.com = CAN_READ
        00000000-1111-2222-3333-444444444444=CAN_MANAGE_STAGING_VERSIONS

        data = science=CAN_MANAGE
    """
    found = read(ON_DATABRICKS, permissions=lines).permissions

    assert found == (
        Permission("jane@example.com", "CAN_READ"),
        Permission("00000000-1111-2222-3333-444444444444", "CAN_MANAGE_STAGING_VERSIONS"),
        Permission("data = science", "CAN_MANAGE"),
    )
    assert [one.principal_field for one in found] == [
        "user_name",
        "service_principal_name",
        "group_name",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "jane@example.com",
        "jane@example.com=",
        "=CAN_READ",
        "jane@example.com=can_read",
        "jane@example.com=CAN_DO_ALL",
        "jane@example.com: CAN_READ",
        "jane=CAN_READ\njane=CAN_MANAGE",
    ],
)
def test_permissions_that_are_none_are_refused(text: str) -> None:
    assert problem(ON_DATABRICKS, permissions=text).startswith("permissions: ")


def test_permissions_belong_to_a_workspace() -> None:
    assert problem(ON_SERVER, permissions="jane=CAN_READ").startswith("permissions: belong to")


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("", ()),
        ("team=ml", (("team", "ml"),)),
        (" team = ml \r\n\r\nurl=https://a/?b: d", (("team", "ml"), ("url", "https://a/?b: d"))),
        ("empty=", (("empty", ""),)),
        ("version=1.10\nyes=no", (("version", "1.10"), ("yes", "no"))),
        ("team: ml\nversion: 1.10", (("team", "ml"), ("version", "1.10"))),
        ("{team: ml, 'a:b': c=d}", (("team", "ml"), ("a:b", "c=d"))),
        ("when: 2024-01-01\nyes: no\nnothing:\nnull: ~\n0o7: 0x10", (
            ("when", "2024-01-01"), ("yes", "no"), ("nothing", ""), ("null", "~"), ("0o7", "0x10"),
        )),
        ("note: |\n  two\n  lines\n", (("note", "two\nlines"),)),
        ("a: &x one\nb: *x", (("a", "one"), ("b", "one"))),
        ("größe=XL", (("größe", "XL"),)),
    ],
)  # fmt: skip
def test_tags_are_lines_or_a_yaml_mapping_kept_as_written(
    text: str, tags: tuple[tuple[str, str], ...]
) -> None:
    assert read(ON_DATABRICKS, tags=text).tags == tags


BOMB = "a: &a [x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "text",
    [
        "team",
        "=ml",
        "team=ml\nalone",
        "team=ml\nstage: x",
        "team: ml\nstage=x",
        "- team\n- ml",
        "- team: ml",
        "team: {name: ml}",
        "team: [ml]",
        "[team]: ml",
        "{a: b}: c",
        "team: !!binary aGVsbG8=",
        "team: !!python/object/apply:os.system ['true']",
        "!!python/object/apply:os.system ['true']",
        "!!python/name:os.system : x",
        "team: !!str [ml]",
        "team: !custom ml",
        "team: *missing",
        "team: ml\n---\nteam: two",
        "team: ml\x00",
        "team: 'open",
        BOMB,
        "a: &a {b: *a}",
        "<<: {a: b}",
        "[" * 900,
        "a: " + "{a: " * 5_000,
    ],
)
def test_tags_that_are_no_flat_mapping_are_refused(text: str) -> None:
    assert problem(ON_DATABRICKS, tags=text).startswith("tags: ")


@pytest.mark.parametrize("escape", ["\\UFFFFFFFF", "\\U00110000", "\\ud800"])
def test_an_escape_that_is_no_character_is_refused(escape: str) -> None:
    assert problem(ON_DATABRICKS, tags=f'team: "{escape}"').startswith("tags: ")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("team=ml\nteam=ops", "'team' is given twice."),
        ("team: ml\nteam: ops", "'team' is given twice."),
        (f"{TAG_PREFIX}key=x", "begins with a prefix that is kept"),
        (f"{TAG_PREFIX}key: x", "begins with a prefix that is kept"),
        (f"{TAG_PREFIX.upper()}key=x", "begins with a prefix that is kept"),
        ("mlflow.source=x", "begins with a prefix that is kept"),
        ("a\u200bb=x", "may hold letters"),
        ("a#b=x", "may hold letters"),
        ("a\x1bb=x", "may hold letters"),
        (f"{'x' * 251}=x", "may hold letters"),
        (f"a={'x' * 5001}", "longer than 5000 bytes"),
        (f"a={'ü' * 2501}", "longer than 5000 bytes"),
        ("a=\udcff", "is not UTF-8."),
    ],
)
def test_a_tag_that_no_version_may_have_is_refused(text: str, why: str) -> None:
    told = problem(ON_DATABRICKS, tags=text)

    assert told.startswith("tags: ")
    assert why in told


@given(st.text())
def test_any_text_for_tags_is_read_or_refused(text: str) -> None:
    try:
        tags = read(ON_DATABRICKS, tags=text).tags
    except BadInput as error:
        assert all(told.startswith("tags: ") for told in error.problems)
    else:
        assert all(isinstance(part, str) for pair in tags for part in pair)
        assert len({key for key, _ in tags}) == len(tags)


@pytest.mark.parametrize(
    "name", ["iris", "iris of jane", "ïris", "o'brien", 'a"b', "a" * 300, "a%b"]
)
@pytest.mark.parametrize("on", [ON_DATABRICKS, ON_SERVER])
def test_a_name_is_taken_as_it_is(on: dict[str, str], name: str) -> None:
    assert read(on, model_name=name).model_name == name


@pytest.mark.parametrize(
    "name", ["", " ", "a/b", "a:b", "a\nb", "a\x00b", "a\x7fb", "a\u2028b", "..", ".", "'\""]
)
@pytest.mark.parametrize("on", [ON_DATABRICKS, ON_SERVER])
def test_a_name_that_no_registry_takes_is_refused(on: dict[str, str], name: str) -> None:
    assert problem(on, model_name=name).startswith("model-name: ")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("main.models.iris", "Unity Catalog is to come"),
        ("a.b", "which a workspace registry does not take"),
        ("v1. 2.3", "which a workspace registry does not take"),
        ("a..b", "which a workspace registry does not take"),
        ("a.b.c.d", "which a workspace registry does not take"),
    ],
)
def test_a_name_with_dots_is_refused_by_a_workspace_and_taken_by_a_server(
    name: str, says: str
) -> None:
    assert says in problem(ON_DATABRICKS, model_name=name)
    assert read(ON_SERVER, model_name=name).model_name == name


def test_a_description_is_any_text() -> None:
    text = "two\nlines with ::set-output:: and <b>"

    assert read(ON_DATABRICKS, description=f"\n{text}\n").description == text
    assert problem(ON_DATABRICKS, description="\udc80") == "description: is not UTF-8."


@pytest.mark.parametrize("path", ["a", "a/b", "a b", "...", "..a", "a\\b", "C:/x", "ü", "a\u202eb"])
def test_a_path_that_can_be_carried_has_no_problem(path: str) -> None:
    assert path_problem(path) == ""


@pytest.mark.parametrize(
    "path",
    ["", "/a", "a/", "a//b", ".", "..", "../a", "a/..", "a/./b", "a\x00", "a\nb", "\x9b", "\udcff"],
)
def test_a_path_that_can_not_be_carried_has_one(path: str) -> None:
    assert path_problem(path)
