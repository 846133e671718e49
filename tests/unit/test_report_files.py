"""What a runner reads out of the files that are written for it."""

from __future__ import annotations

from pathlib import Path

import pytest
import runner
from hypothesis import given
from hypothesis import strategies as st
from unit import hostile_texts

from remote_registry.report.files import write_outputs, write_summary

NAMES = ["version", "download-uri", "result"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "output"


def outputs_in(path: Path) -> list[tuple[str, str]]:
    return runner.file_outputs(path.read_bytes().decode())


@pytest.mark.parametrize(
    "value",
    [
        *hostile_texts.ALL,
        "",
        "a\nversion=9",
        "a\nversion<<end\n9\nend",
        "end\nEOF\nghadelimiter\nversion=9",
        "a\r\nversion=9",
        "\nbetween\n",
        "a=b<<c",
    ],
)
def test_a_value_writes_no_other_output(path: Path, value: str) -> None:
    write_outputs(str(path), {"stage": value, "version": "1"})

    (stage, version) = outputs_in(path)
    assert (stage[0], version) == ("stage", ("version", "1"))
    assert stage[1] == value.encode(errors="backslashreplace").decode()


@given(st.dictionaries(st.sampled_from(NAMES), st.text(st.characters(codec="utf-8"))))
def test_the_runner_reads_what_was_meant(
    tmp_path_factory: pytest.TempPathFactory, outputs: dict[str, str]
) -> None:
    path = tmp_path_factory.mktemp("runner") / "output"
    write_outputs(str(path), outputs)

    assert outputs_in(path) == list(outputs.items())


def test_a_value_that_knows_the_delimiters_so_far_ends_none(path: Path) -> None:
    write_outputs(str(path), {"version": "1", "stage": "Staging"})
    known = path.read_text()
    write_outputs(str(path), {"digest": known})

    assert outputs_in(path)[2:] == [("digest", known)]


def test_each_value_has_a_delimiter_of_its_own(path: Path) -> None:
    write_outputs(str(path), dict.fromkeys(NAMES, ""))

    lines = path.read_text().splitlines()
    assert len({line.partition("<<")[2] for line in lines if "<<" in line}) == len(NAMES)


def test_what_others_have_written_stays(path: Path) -> None:
    path.write_text("theirs=1\n")
    write_outputs(str(path), {"version": "2"})

    assert outputs_in(path) == [("theirs", "1"), ("version", "2")]


@pytest.mark.parametrize("text", hostile_texts.ALL)
def test_a_summary_is_appended_as_it_is(path: Path, text: str) -> None:
    write_summary(str(path), "before\n")
    write_summary(str(path), text)

    written = path.read_bytes().decode()
    assert written == "before\n" + text.encode(errors="backslashreplace").decode()
