"""Which model is meant, and the folder of the checkout that one may be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from unit.register_texts import ON_DATABRICKS, ON_SERVER, problem, problems, read

from remote_registry.inputs.sources import (
    FolderSource,
    LoggedModelSource,
    NewestRunSource,
    RunSource,
    SourceSpec,
    VersionSource,
)

WAYS = {
    "run-id": "abc",
    "run-filter": "tags.commit = 'abc'",
    "model-uri": "models:/iris/1",
    "model-path": ".",
}
NO_SOURCE = {name: text for name, text in ON_DATABRICKS.items() if name != "run-id"}


def by_uri(uri: str) -> SourceSpec:
    return read(NO_SOURCE, model_uri=uri).source


@pytest.mark.parametrize("first", WAYS)
@pytest.mark.parametrize("second", WAYS)
def test_two_sources_are_one_too_many(first: str, second: str) -> None:
    if first != second:
        given = {first: WAYS[first], second: WAYS[second]}
        names = " and ".join(name for name in WAYS if name in given)
        assert problem(NO_SOURCE | given) == (
            f"run-id: give exactly one of {', '.join(WAYS)}; given: {names}."
        )


def test_no_source_is_one_too_few() -> None:
    assert problem(NO_SOURCE) == f"run-id: give exactly one of {', '.join(WAYS)}; given: none."
    assert problem(NO_SOURCE, run_id=" \n ").endswith("given: none.")


@pytest.mark.parametrize(
    ("given", "source"),
    [
        ({"run-id": "abc"}, RunSource("abc")),
        ({"run-id": " abc\n", "artifact-path": "/a/b/"}, RunSource("abc", "a/b")),
        (
            {"run-filter": "a = 'b'", "experiment": "/Users/x y"},
            NewestRunSource("/Users/x y", "a = 'b'"),
        ),
        (
            {"run-filter": "a = 'b'", "experiment": "7", "artifact-path": "model"},
            NewestRunSource("7", "a = 'b'", "model"),
        ),
    ],
)
def test_a_run_is_named_or_searched_for(given: dict[str, str], source: SourceSpec) -> None:
    assert read(NO_SOURCE | given).source == source


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"run-id": "a/b"}, "run-id: 'a/b' is no run id."),
        ({"run-id": ".."}, "run-id: '..' is no run id."),
        ({"run-id": "a" * 257}, f"run-id: '{'a' * 257}' is no run id."),
        ({"run-id": "a", "experiment": "7"}, "experiment: goes with run-filter, not with run-id."),
        ({"run-filter": "a"}, "experiment: run-filter needs the experiment"),
        (
            {"model-uri": "models:/a/1", "artifact-path": "m"},
            "artifact-path: goes with run-id or run-filter, not with model-uri.",
        ),
        ({"run-id": "a", "artifact-path": "../b"}, "artifact-path: '../b' is absolute"),
        ({"run-id": "a", "artifact-path": "b/./c"}, "artifact-path: 'b/./c' is absolute"),
        (
            {"run-id": "a", "artifact-path": f"b/{'ä' * 128}"},
            f"artifact-path: 'b/{'ä' * 128}' has a",
        ),
        ({"run-id": "a", "artifact-path": "b/" * 513}, f"artifact-path: '{'b/' * 513}' is longer"),
        ({"run-id": "a", "artifact-path": "b//c"}, "artifact-path: 'b//c' is absolute"),
        ({"run-id": "a", "artifact-path": "b\x1bc"}, "artifact-path: 'b\\x1bc' holds a control"),
        ({"run-id": "a", "artifact-path": "b\u2028c"}, "artifact-path: 'b\\u2028c' holds a contr"),
    ],
)
def test_what_does_not_go_with_a_run_is_told(given: dict[str, str], told: str) -> None:
    assert problem(NO_SOURCE | given).startswith(told)


@pytest.mark.parametrize(
    ("uri", "source"),
    [
        ("runs:/abc/model", RunSource("abc", "model")),
        ("runs:/abc/deep/path with space/", RunSource("abc", "deep/path with space")),
        ("models:/m-0123abcd", LoggedModelSource("m-0123abcd")),
        ("models:/a", LoggedModelSource("a")),
        ("models:/iris/7", VersionSource("iris", version="7")),
        ("models:/iris/007", VersionSource("iris", version="7")),
        ("models:/iris of jane/7", VersionSource("iris of jane", version="7")),
        ("models:/iris.two/7", VersionSource("iris.two", version="7")),
        ("models:/jane@home/7", VersionSource("jane@home", version="7")),
        ("models:/iris@champion", VersionSource("iris", alias="champion")),
        ("models:/iris@geprüft", VersionSource("iris", alias="geprüft")),
        ("models:/jane@home@champion", VersionSource("jane@home", alias="champion")),
        ("models:/iris/Production", VersionSource("iris", stage="Production")),
        ("models:/iris/staging", VersionSource("iris", stage="Staging")),
        ("models:/iris/NONE", VersionSource("iris", stage="None")),
    ],
)
def test_model_uris_are_read_as_mlflow_reads_them(uri: str, source: SourceSpec) -> None:
    assert by_uri(uri) == source


@pytest.mark.parametrize(
    "uri",
    [
        "iris",
        "models:",
        "models:/",
        "models://profile/iris/1",
        "models:///iris/1",
        "models://profile@databricks/iris/1",
        "models:/iris/",
        "models:/iris/latest",
        "models:/iris/Latest",
        "models:/iris/prod",
        "models:/iris/1/2",
        "models:/iris/-1",
        "models:/iris/1.0",
        "models:/iris/١",
        f"models:/iris/{'9' * 5000}",
        "models:/../1",
        "models:/./1",
        "models:/..",
        "models:/ /1",
        "models:/@champion",
        "models:/iris@",
        "models:/iris@a/b",
        "models:/iris@a b",
        "models:/i\x1bris/1",
        "models:/a:b/1",
        "runs:/",
        "runs:/abc",
        "runs:/abc/",
        "runs://profile@databricks/abc/model",
        "runs:/abc/../model",
        "runs:/abc/a/../../b",
        "runs:/../model",
        "runs:/a b/model",
        "s3://bucket/model",
        "dbfs:/databricks/mlflow",
        "file:///etc/passwd",
        "/etc/passwd",
        "https://example.com/model",
        "mlflow-artifacts:/1/model",
        "MODELS:/iris/1",
    ],
)
def test_a_model_uri_that_names_no_model_is_refused(uri: str) -> None:
    assert problem(NO_SOURCE, model_uri=uri).startswith("model-uri: ")


def test_latest_is_refused_in_words_that_name_what_may_stand_there() -> None:
    assert problem(NO_SOURCE, model_uri="models:/iris/latest") == (
        "model-uri: 'latest' is neither a version's number nor one of "
        "None, Staging, Production, Archived."
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    (folder / "model" / "deep").mkdir(parents=True)
    (folder / "model" / "MLmodel").write_text("flavors: {}\n")
    (folder / "model" / "deep" / "weights").write_bytes(b"123")
    (tmp_path / "secret").write_text("not yours")
    return folder


def told_of(checkout: Path, path: str | Path, *, inside: bool = True) -> str:
    return problem(NO_SOURCE, checkout if inside else None, model_path=str(path))


@pytest.mark.parametrize("link", ["MLmodel", "deep", "deep/other"])
def test_a_folder_of_the_checkout_is_taken_with_links_that_stay_in_it(
    checkout: Path, link: str
) -> None:
    if link == "deep/other":
        (checkout / "model" / "deep" / "other").symlink_to("../MLmodel")
    if link == "MLmodel":
        (checkout / "model" / "MLmodel").rename(checkout / "model" / "real")
        (checkout / "model" / "MLmodel").symlink_to("real")

    source = read(NO_SOURCE, checkout, model_path=str(checkout / "model")).source

    assert source == FolderSource(checkout / "model")


def test_a_relative_path_is_of_the_folder_that_the_job_works_in(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(checkout)

    assert read(NO_SOURCE, checkout, model_path="model/").source == FolderSource(checkout / "model")


def test_the_checkout_may_itself_be_behind_a_link(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(checkout)
    linked = tmp_path / "link"

    source = read(NO_SOURCE, linked, model_path=str(linked / "model")).source

    assert source == FolderSource(checkout.resolve() / "model")


@pytest.mark.parametrize("target", ["/etc/passwd", "../../secret", "../outside", "/no/such/file"])
@pytest.mark.parametrize("at", ["leak", "deep/leak", "MLmodel"])
def test_a_link_that_leaves_the_folder_is_refused(checkout: Path, target: str, at: str) -> None:
    (checkout / "outside").write_text("in the checkout, and not in the model")
    link = checkout / "model" / at
    link.unlink(missing_ok=True)
    up = "../" * at.count("/")
    link.symlink_to(target if target.startswith("/") else up + target)

    assert told_of(checkout, checkout / "model") == (
        f"model-path: {at!r} is a link that leaves the folder."
    )


def test_a_chain_of_links_is_followed_to_its_end(checkout: Path) -> None:
    (checkout / "outside").write_text("")
    (checkout / "hop").symlink_to("outside")
    (checkout / "model" / "second").symlink_to("../hop")
    (checkout / "model" / "first").symlink_to("second")

    assert "leaves the folder" in told_of(checkout, checkout / "model")


@pytest.mark.parametrize("target", ["..", "../..", "/etc", "deep", "."])
def test_a_link_to_a_folder_is_refused(checkout: Path, target: str) -> None:
    (checkout / "model" / "more").symlink_to(target)

    assert told_of(checkout, checkout / "model").startswith("model-path: 'more' is ")


def test_a_loop_of_links_is_refused(checkout: Path) -> None:
    (checkout / "model" / "a").symlink_to("b")
    (checkout / "model" / "b").symlink_to("a")

    assert told_of(checkout, checkout / "model").startswith("model-path: 'a' ")
    assert told_of(checkout, checkout / "model" / "b").startswith("model-path: ")


@pytest.mark.parametrize("way", ["link", "dots", "absolute"])
def test_a_folder_outside_of_the_checkout_is_refused(
    checkout: Path, tmp_path: Path, way: str
) -> None:
    (checkout / "model").rename(tmp_path / "elsewhere")
    (checkout / "link").symlink_to(tmp_path / "elsewhere")
    path = {
        "link": checkout / "link",
        "dots": f"{checkout}/../elsewhere",
        "absolute": tmp_path / "elsewhere",
    }[way]

    assert told_of(checkout, path) == f"model-path: {str(path)!r} leaves the checkout."
    assert problems(NO_SOURCE, None, model_path=str(path)) == []


def test_a_neighbour_whose_name_begins_alike_is_outside_of_the_checkout(checkout: Path) -> None:
    neighbour = checkout.with_name("checkout-of-another")
    (checkout / "model").rename(neighbour)

    assert told_of(checkout, neighbour).endswith("leaves the checkout.")


def test_a_pipe_is_refused_and_never_opened(checkout: Path) -> None:
    os.mkfifo(checkout / "model" / "pipe")

    assert told_of(checkout, checkout / "model") == "model-path: 'pipe' is no plain file."


def test_a_folder_without_an_mlmodel_is_told_with_what_it_has(checkout: Path) -> None:
    (checkout / "model" / "MLmodel").rename(checkout / "model" / "mlmodel")

    told = told_of(checkout, checkout / "model")

    assert told.endswith("holds no MLmodel; it has mlmodel, deep/weights.")


def test_a_folder_named_mlmodel_is_none(checkout: Path) -> None:
    (checkout / "model" / "MLmodel").unlink()
    (checkout / "model" / "MLmodel").mkdir()

    assert "holds no MLmodel" in told_of(checkout, checkout / "model")


@pytest.mark.parametrize("path", ["model/MLmodel", "nowhere", "nowhere/at/all", "x" * 5000])
def test_what_is_no_folder_is_told(checkout: Path, path: str) -> None:
    assert told_of(checkout, checkout / path).startswith("model-path: ")


@pytest.mark.parametrize("name", [b"caf\xe9", b"a\nb", b"a\x1b[2Jb", "a\u2028b".encode()])
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_name_that_can_not_be_carried_is_refused(checkout: Path, name: bytes, kind: str) -> None:
    entry = os.fsencode(checkout / "model") + b"/" + name
    if kind == "folder":
        os.mkdir(entry)
        entry += b"/file"
    Path(os.fsdecode(entry)).write_text("")

    told = told_of(checkout, checkout / "model")

    assert "is not UTF-8" in told or "control character" in told
    assert told.isprintable()


@pytest.mark.parametrize(
    "name", ["a\\b", "C:", "-rf", "ü\u00df 世界", "e\u0301", "a%2Fb", "#", "~"]
)
def test_a_name_that_is_only_odd_is_carried(checkout: Path, name: str) -> None:
    (checkout / "model" / name).write_text("")

    assert problems(NO_SOURCE, checkout, model_path=str(checkout / "model")) == []


def test_a_folder_that_can_not_be_read_is_told(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scandir = os.scandir

    def refusing(path: str) -> object:
        if str(path).endswith("deep"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)

    assert told_of(checkout, checkout / "model").endswith("can't be read: Permission denied.")


def test_a_folder_needs_no_tracking_side_and_goes_to_a_server_too(checkout: Path) -> None:
    texts = {name: text for name, text in ON_SERVER.items() if name != "run-id"}

    assert problems(texts, checkout, model_path=str(checkout / "model")) == []
