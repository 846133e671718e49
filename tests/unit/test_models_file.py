"""A file of models: what is right in it and what is not, to the code and to the schema alike."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from unit.models_files import BAD, GOOD, OF_THE_WORKFLOW, RUN, one

from remote_registry.errors import BadInput
from remote_registry.inputs.entry_values import OF_ONE_MODEL, PROMOTING, READERS
from remote_registry.inputs.many import many_inputs
from remote_registry.inputs.models_file import MOST_MODELS
from remote_registry.provenance import Provenance

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "actions/many/models.schema.json"
SERVER = {"registry-uri": "http://localhost:5000"}
MERGED = Provenance()
PROPOSED = Provenance(is_proposed=True)
CORPUS = {
    **{("good", name): text for name, text in GOOD.items()},
    **{("bad", name): text for name, text in BAD.items()},
    **{("bad", line): one(line) for line in OF_THE_WORKFLOW},
    **{("bad", f"default {line}"): f"defaults: {{{line}}}\n{one()}" for line in OF_THE_WORKFLOW},
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    (folder / "good").mkdir(parents=True)
    (folder / "good" / "MLmodel").write_text("flavors: {}\n")
    return folder


def problems(
    text: str | bytes,
    checkout: Path,
    provenance: Provenance = MERGED,
    sides: Mapping[str, str] = SERVER,
    **changed: str,
) -> list[str]:
    """All that is wrong with a file of this text."""
    file = checkout / "models.yml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    named = {name.replace("_", "-"): text for name, text in changed.items()}
    try:
        many_inputs({"models": str(file), **sides, **named}, checkout, provenance)
    except BadInput as error:
        return [problem.replace(str(file), "F") for problem in error.problems]
    return []


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], bool]:
    """Whether the schema takes each file of the corpus, as an editor's checker reads it."""
    folder = tmp_path_factory.mktemp("corpus")
    files = {folder / f"{number}.yml": key for number, key in enumerate(CORPUS)}
    for file, key in files.items():
        file.write_text(CORPUS[key])
    refused: set[str] = set()
    for batch in (list(files)[start : start + 50] for start in range(0, len(files), 50)):
        refused |= _refused(batch)
    return {key: str(file) not in refused for file, key in files.items()}


def _refused(files: list[Path]) -> set[str]:
    command = [sys.executable, "-m", "check_jsonschema", "--schemafile", SCHEMA, "-o", "json"]
    done = subprocess.run([*command, *files], capture_output=True, text=True, check=False)
    if done.stdout.startswith("{"):
        told: dict[str, Any] = json.loads(done.stdout)
        return {
            one["filename"] for kind in ("errors", "parse_errors") for one in told.get(kind, [])
        }
    if len(files) == 1:  # the checker itself gave up
        assert done.returncode, done.stdout
        return {str(files[0])}
    half = len(files) // 2
    return _refused(files[:half]) | _refused(files[half:])


@pytest.mark.parametrize(("kind", "name"), CORPUS)
def test_the_code_and_the_schema_agree(
    kind: str, name: str, checkout: Path, verdicts: dict[tuple[str, str], bool],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(checkout)
    found = problems(CORPUS[kind, name], checkout, sides={}, matrix="true")
    assert (not found, verdicts[kind, name]) == (
        (True, True) if kind == "good" else (False, False)
    ), found
    assert all(problem.startswith("models: ") for problem in found)
    assert all("Traceback" not in problem for problem in found)


def test_the_schema_knows_the_inputs_that_the_code_knows() -> None:
    schema = json.loads(SCHEMA.read_text())
    entry = schema["definitions"]["model"]["properties"]
    assert set(entry) == set(READERS)
    assert set(schema["properties"]["defaults"]["properties"]) == set(READERS) - set(OF_ONE_MODEL)
    assert all(schema["definitions"][name]["description"] for name in READERS)
    assert schema["properties"]["models"]["maxItems"] == MOST_MODELS


def test_the_example_names_the_schema_and_meets_it(checkout: Path) -> None:
    example = ROOT / "docs/models.yml"
    line = example.read_text().splitlines()[0]
    assert line == f"# yaml-language-server: $schema={json.loads(SCHEMA.read_text())['$id']}"
    assert problems(example.read_text(), checkout) == []
    assert _refused([example]) == set()


def test_all_is_told_at_once_with_its_line(checkout: Path) -> None:
    text = "\n".join(
        [
            "defaults:",
            "  stage: Prod",
            "models:",
            "  - model-name: churn",
            f"    {RUN}",
            "    timeout: soon",
            "  - model-name: a/b",
            "    run-id: x y",
            "    tokn: x",
            "  - run-id: r",
            "    registry-token: x",
        ]
    )
    told = problems(text, checkout, allow_http="maybe", retry_timeout="x")
    stage = "stage: 'Prod' is none of None, Staging, Production, Archived. Did you mean Production?"
    name = "'a/b' is no model name: '/', ':' and control codes can't be in it."
    seconds = "is a text, and no whole number without quotes."
    assert told == [
        "retry-timeout: 'x' is no number of seconds from 1 to 86400.",
        "allow-http: 'maybe' is neither true nor false.",
        f"models: F, line 6, entry 1 (churn): timeout: {seconds}",
        "models: F, line 9, entry 2 (a/b): 'tokn' is no input of a model.",
        "models: F, line 11, entry 3: 'registry-token' is the workflow's to say, and no file's.",
        f"models: F, line 2, defaults: {stage}",
        "models: F, line 8, entry 2 (a/b): run-id: 'x y' is no run id.",
        f"models: F, line 7, entry 2 (a/b): model-name: {name}",
        "models: F, line 10, entry 3: model-name: is required.",
    ]


@pytest.mark.parametrize("name", PROMOTING)
@pytest.mark.parametrize("by_default", [False, True])
def test_a_pull_requests_file_promotes_nothing(name: str, by_default: bool, checkout: Path) -> None:
    value = {"archive-existing": "false", "permissions": "{a: CAN_READ}"}.get(name, "None")
    line = f"{name}: {value}"
    text = f"defaults: {{{line}}}\n{one()}" if by_default else one(line)
    if name == "permissions":
        sides = {"registry-host": "https://adb-1.azuredatabricks.net", "registry-token": "t"}
    else:
        sides = SERVER
    assert problems(text, checkout, sides=sides) == []
    (told,) = problems(text, checkout, PROPOSED, sides)
    assert f"{name}: is not taken from a file that a pull request may have changed" in told
    assert problems(text, checkout, PROPOSED, sides, matrix="true") == [told]
    assert problems(text, checkout, PROPOSED, sides, allow_promotion="true") == []


def test_a_link_that_leaves_the_checkout_is_refused(checkout: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.yml"
    outside.write_text(one())
    (checkout / "link.yml").symlink_to(outside)
    (checkout / "folder").symlink_to(tmp_path)
    for name in ("link.yml", "folder/outside.yml", "../outside.yml"):
        with pytest.raises(BadInput, match="leaves the checkout"):
            many_inputs({"models": str(checkout / name), **SERVER}, checkout, Provenance())


@pytest.mark.parametrize(("name", "why"), [("none.yml", "is not there"), ("good", "is no file")])
def test_what_is_no_file(name: str, why: str, checkout: Path) -> None:
    with pytest.raises(BadInput, match=why):
        many_inputs({"models": str(checkout / name), **SERVER}, checkout, Provenance())


def test_a_large_file_is_refused(checkout: Path) -> None:
    (told,) = problems(one() + "#" * (256 << 10), checkout)
    assert "is larger than 256 KiB" in told


@pytest.mark.parametrize(
    "text",
    [
        "a0: &a0 [x, x]\n"
        + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60))
        + "models: *a59",
        "models: &a [*a]",
        "models:\n  - &m {model-name: a, run-id: r, tags: {"
        + ", ".join(f"k{n}: v" for n in range(9000))
        + "}}\n"
        + "  - *m\n" * 200,
    ],
    ids=["billion laughs", "itself", "many of a large one"],
)
def test_aliases_make_no_file_huge(text: str, checkout: Path) -> None:
    begun = time.monotonic()
    (told,) = problems(text, checkout)
    assert told == "models: is too large, once its aliases are written out."
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    "data",
    [b"\xff\xfe\xfd", b"models: \x00", b"\x80", "models: \ud800".encode("utf-16", "surrogatepass")],
)
def test_bytes_that_are_no_text(data: bytes, checkout: Path) -> None:
    (told,) = problems(data, checkout)
    assert told.startswith("models: ")


def test_a_tag_keeps_what_is_written(checkout: Path) -> None:
    file = checkout / "models.yml"
    file.write_text(one('tags: {a: 1.10, b: "x\\x85\\u2028\\uFEFFé😀\\n", c: 010}'))
    (model,) = many_inputs({"models": str(file), **SERVER}, checkout, Provenance()).models
    assert dict(model.tags) == {"a": "1.10", "b": "x\x85\u2028\ufeffé😀\n", "c": "010"}


def test_no_more_problems_than_a_person_reads(checkout: Path) -> None:
    text = "models:\n" + "".join(f"  - {{k{n}: v}}\n" for n in range(200))
    told = problems(text, checkout)
    assert len(told) == 101
    # Each entry has an input that is none, and neither a model-name nor a source.
    assert told[-1] == "models: F: and 500 more."
