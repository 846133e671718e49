"""The comment on a pull request, as a real Markdown parser reads it."""

from __future__ import annotations

import base64
import io
from dataclasses import replace
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from unit import hostile_texts

from remote_registry.commenting import Commenter
from remote_registry.errors import Failure, GateNotMet, RegistryFailed
from remote_registry.gate import Verdict
from remote_registry.outcome import Compared, Outcome
from remote_registry.provenance import Provenance
from remote_registry.report.comment import comment
from remote_registry.report.console import Console
from remote_registry.report.text import code, code_cell, plain

RUN = "https://github.com/your-org/churn/actions/runs/42/attempts/1"
PROVENANCE = Provenance(head_commit="a" * 40, pull_request="7", workflow_run=RUN)
OUTCOME = Outcome(
    model_name="churn",
    version="7",
    stage="Staging",
    previous=["6"],
    status="READY",
    created=True,
    digest="sha256:" + "0f" * 32,
    source_run_id="0b8c4192882349f2a8d6f560c3009476",
    registry_url="https://adb-5.15.azuredatabricks.net/?o=5#mlflow/models/churn/versions/7",
    gate=[Verdict("accuracy >= 0.9", True, "0.97", "0.9")],
    compared=Compared("Production", "5", (("accuracy", "0.97", "0.96"), ("f1", "NaN", ""))),
    next_place=("--stage", "Production"),
)
REFERENCES = [
    "@somebody", "&#64;somebody", "&commat;somebody", "@your-org/team", "#1", "&num;1", "GH-1",
    "your-org/churn#1", "a" * 40, "0b8c419", "your-org/churn@0b8c419", "mailto:a@b.example",
    "a@b.example", "xmpp:a@b.example/c", "https&colon;//evil.example", "` @somebody `",
    "`@somebody", "\\`@somebody", "\\", "a\\", "\\|@somebody", "\\\\|@somebody", "|", "`|`",
    "a\\|b\\\\|c", "$`x`$", ":tada:", "- [ ] task", "Fixes #1", "<!-- register-remote-model",
]  # fmt: skip
HOSTILE = [*hostile_texts.ALL, *REFERENCES]
ANYTHING = st.text(st.one_of(st.characters(), st.sampled_from("`|\\@#<>&;:/ \n$*_~[]()!-")))


def page(outcome: Outcome, failure: Failure | None = None) -> str:
    return comment(outcome, failure, PROVENANCE, lambda text: text)


def parts(text: str) -> list[Token]:
    blocks = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    return [part for block in blocks for part in (block, *(block.children or []))]


def spans(text: str) -> list[str]:
    """What stands in code."""
    return [one.content for one in parts(text) if one.type == "code_inline"]


def rest(text: str) -> list[tuple[str, str, str]]:
    """All that does not stand in code: kinds, texts with their entities decoded, and addresses."""
    return [
        (one.type, "" if one.type in ("code_inline", "fence", "inline") else one.content,
         str(one.attrs.get("href", "")))
        for one in parts(text)
    ]  # fmt: skip


def hostile(text: str) -> Outcome:
    """An outcome of which everything that others may name is this text."""
    names = ("model_name", "version", "stage", "digest", "source_run_id")
    return replace(
        OUTCOME,
        **dict.fromkeys(names, text),
        aliases=[text],
        previous=[text],
        gate=[Verdict(text, True, text, text, text)],
        compared=Compared(text, text, ((text, text, text),)),
        next_place=("--alias", f"{text}!"),
    )


def assert_harmless(text: str) -> None:
    told = page(hostile(text))
    if _cut(text).strip():
        assert rest(told) == rest(page(hostile("x")))
        shown = {_cut(text), _cut(f"version {text}")}
        assert set(spans(told)) <= {*shown, *(one.strip(" ") for one in shown), "a" * 40}
    kinds = {one.type for one in parts(told)}
    assert not [kind for kind in kinds if kind.startswith("html") or kind == "image"]
    assert [one.attrs["href"] for one in parts(told) if one.type == "link_open"] == [RUN]


def _cut(text: str) -> str:
    shown = plain(text).replace("\u200b", "")
    return shown if len(shown) <= 200 else f"{shown[:199]}…"


@pytest.mark.parametrize("text", HOSTILE)
def test_what_others_write_stands_in_code(text: str) -> None:
    assert_harmless(text)


@given(ANYTHING)
@example("\\|")
@example("`\\|`")
@example(" `` ")
def test_whatever_others_write_stands_in_code(text: str) -> None:
    assert_harmless(text)


@given(ANYTHING)
def test_code_shows_the_text(text: str) -> None:
    shown = _cut(text)
    if shown.strip():
        assert spans(f"a {code(text)} b") == [shown]
        assert spans(f"| {code_cell(text)} | b |\n| --- | --- |") == [shown]


def test_it_tells_what_was_reached() -> None:
    assert page(OUTCOME) == (
        "### ✅ `churn` version `7` registered\n"
        "\n"
        "| | |\n"
        "| --- | --- |\n"
        "| Version | `7` |\n"
        "| Stage | `Staging` |\n"
        "| Before | `version 6` |\n"
        f"| Digest | `{OUTCOME.digest}` |\n"
        f"| Source run | `{OUTCOME.source_run_id}` |\n"
        f"| Commit | `{'a' * 40}` |\n"
        "\n"
        "#### Gate\n"
        "\n"
        "| | condition | model | against | |\n"
        "| --- | --- | --- | --- | --- |\n"
        "| ✅ | `accuracy >= 0.9` | `0.97` | `0.9` |  |\n"
        "\n"
        "#### Metrics\n"
        "\n"
        "| metric | version `7` | `Production`: version `5` |\n"
        "| --- | --- | --- |\n"
        "| `accuracy` | `0.97` | `0.96` |\n"
        "| `f1` | `NaN` |  |\n"
        "\n"
        "To promote it:\n"
        "\n"
        "```text\n"
        "./entrypoint promote --model-name churn --select version=7 --stage Production "
        "--archive-existing true\n"
        "```\n"
        "\n"
        f"More is in the summary of the [workflow run](<{RUN}>)."
    )


@pytest.mark.parametrize(
    ("changed", "failure", "heading"),
    [
        ({"created": False}, None, "✅ `churn` version `7` was already registered"),
        ({}, RegistryFailed("x"), "❌ Registry failed: `churn`, though version `7` is registered"),
        ({"status": "FAILED"}, RegistryFailed("x"), "❌ Registry failed: `churn`"),
        ({"version": ""}, GateNotMet("x", "y"), "❌ Gate not met: `churn`"),
    ],
)
def test_the_heading_tells_how_it_ended(
    changed: dict[str, object], failure: Failure | None, heading: str
) -> None:
    told = page(replace(OUTCOME, **changed), failure)  # type: ignore[arg-type]

    assert told.splitlines()[0] == f"### {heading}"


def test_a_servers_words_are_not_told() -> None:
    failure = RegistryFailed("The workspace says @somebody", where="https://evil.example")

    told = page(OUTCOME, failure)

    assert "somebody" not in told
    assert "evil" not in told
    assert f"is in the log of the [workflow run](<{RUN}>)" in told


@pytest.mark.parametrize(
    "changed",
    [
        {"stage": "Production"},
        {"next_place": ("--alias", "champion"), "aliases": ["other", "champion"]},
        {"next_place": ("", "")},
        {"version": ""},
        {"status": "PENDING_REGISTRATION"},
    ],
)
def test_there_is_no_command_where_there_is_nothing_to_promote(changed: dict[str, object]) -> None:
    assert "./entrypoint" not in page(replace(OUTCOME, **changed))  # type: ignore[arg-type]


def test_a_command_is_one_line_of_a_shell() -> None:
    place = ("--alias", "a")
    told = page(replace(OUTCOME, model_name="it's $(x) `y`", next_place=place))

    assert "--model-name 'it'\"'\"'s $(x) `y`' --select version=7 --alias a\n" in told


def test_what_is_too_much_is_not_sent() -> None:
    gate = [Verdict("\0" * 300, True, "`" * 300, "|" * 300, "\0" * 300)] * 60
    told = page(replace(OUTCOME, gate=gate, compared=Compared("p", "1", (("\0" * 300,) * 3,) * 60)))

    assert len(told.encode()) < 60_000
    assert told.splitlines()[0] == "### ✅ `churn` version `7` registered"
    assert "too much" in told


def test_conditions_beyond_many_are_counted() -> None:
    told = page(replace(OUTCOME, gate=[Verdict("a > 1", True)] * 53))

    assert told.count("`a > 1`") == 50
    assert "… and 3 more conditions." in told


TEXTS = {
    "registry-host": "https://adb-5555555555555555.15.azuredatabricks.net",
    "registry-workspace-id": "5555555555555555",
    "tracking-uri": "https://mlflow.example.com:8443",
    "tracking-username": "jane-of-tracking",
}
TOKEN = "dapi-of-the-registry"
KEPT = [*TEXTS.values(), TOKEN, "adb-5555555555555555.15.azuredatabricks.net", "mlflow.example.com"]


def kept_apart(outcome: Outcome, provenance: Provenance = PROVENANCE) -> str:
    console = Console({"INPUT_REGISTRY_TOKEN": TOKEN}, io.StringIO())
    redacted = Commenter(provenance, None, TEXTS, console).redactor()
    return comment(outcome, None, provenance, redacted)


@pytest.mark.parametrize("secret", KEPT)
@pytest.mark.parametrize(
    "form",
    [
        lambda text: text,
        str.upper,
        lambda text: quote(text, safe=""),
        lambda text: base64.b64encode(text.encode()).decode(),
        lambda text: base64.b64encode(f"a{text}".encode()).decode(),
    ],
)
def test_no_secret_host_or_id_is_told(secret: str, form: object) -> None:
    shown = form(secret)  # type: ignore[operator]
    told = kept_apart(hostile(f"a {shown} b"))

    if not (secret == TOKEN and shown == TOKEN.upper()):
        inner = shown[4:-4] if "=" in shown or shown.isalnum() else shown
        assert inner not in told
    assert "***" in told or shown == TOKEN.upper()


def test_a_run_whose_page_would_tell_it_is_not_linked() -> None:
    page = "https://mlflow.example.com/your-org/churn/actions/runs/42"

    told = kept_apart(OUTCOME, replace(PROVENANCE, workflow_run=page))

    assert "example" not in told
    assert told.endswith("More is in the summary of the workflow run.")


def test_the_scope_of_a_uri_is_a_word_as_others_are() -> None:
    texts = {"registry-uri": "databricks://production:x", "registry-workspace-id": "7"}
    commenter = Commenter(PROVENANCE, None, texts, Console({}, io.StringIO()))

    assert commenter.redactor()("production 7") == "production 7"


def test_the_host_that_a_scope_names_is_not_told() -> None:
    console = Console({}, io.StringIO())
    commenter = Commenter(PROVENANCE, None, {}, console)
    console.hide(["https://adb-6666666666666666.15.azuredatabricks.net"])

    redacted = commenter.redactor()
    for told in ("adb-6666666666666666.15.azuredatabricks.net", "6666666666666666"):
        assert redacted(f"a {told} b") == "a *** b"
