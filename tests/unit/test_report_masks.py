"""The runner gets to know secrets in every form in which they could be printed."""

from __future__ import annotations

import base64
import itertools
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote, quote_plus, urlencode

import pytest
import runner
from hypothesis import example, given
from hypothesis import strategies as st

from remote_registry.report import masks
from remote_registry.report.masks import SECRET_INPUTS, forms, mask_commands, secrets_in, variable

SECRET = "dapi+0a/1b=2c?ä 3d"
SECRETS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=6)


def masked(text: str, secret: str) -> str:
    for form in sorted(forms(secret), key=len, reverse=True):
        text = text.replace(form, "***")
    return text


def test_secrets_are_the_tokens_and_passwords() -> None:
    given = {variable(name): f"{name} 1" for name in SECRET_INPUTS}
    more = {"INPUT_REGISTRY_HOST": "h", "INPUT_REGISTRY_USERNAME": "u", "GITHUB_TOKEN": "t"}

    assert secrets_in(given | more) == [f"{name} 1" for name in SECRET_INPUTS]
    kinds = itertools.product(("registry", "tracking"), ("token", "password"))
    assert sorted(SECRET_INPUTS) == sorted(["github-token", *map("-".join, kinds)])


def test_a_secret_is_masked_with_its_outer_spaces_and_without() -> None:
    assert secrets_in({"INPUT_REGISTRY_TOKEN": " a \n"}) == [" a \n", "a"]


@pytest.mark.parametrize("text", ["", " ", "\n"])
def test_an_empty_secret_is_none(text: str) -> None:
    assert secrets_in({"INPUT_REGISTRY_TOKEN": text}) == []


@pytest.mark.parametrize("user", ["", "a", "ab", "abc", "somebody@example.com"])
@pytest.mark.parametrize("secret", ["p", "pa", "pas", "pass", "password-1", SECRET])
def test_a_basic_header_shows_at_most_the_ends_of_the_secret(user: str, secret: str) -> None:
    header = base64.b64encode(f"{user}:{secret}".encode()).decode()

    shown = masked(header, secret)

    around = len(base64.b64encode(f"{user}:".encode())) + 4
    assert len(shown.replace("***", "")) <= around
    assert len(secret) < 4 or "***" in shown


@given(SECRETS, st.binary(max_size=5), st.binary(max_size=5))
def test_base64_hides_a_secret_wherever_it_begins(secret: str, before: bytes, after: bytes) -> None:
    encoded = base64.b64encode(before + secret.encode() + after).decode()

    assert "***" in masked(encoded, secret)


@pytest.mark.parametrize("encode", [quote, quote_plus, lambda text: quote(text, safe="")])
def test_a_secret_is_masked_url_encoded(encode: object) -> None:
    shown = encode(SECRET.replace("/", ""))  # type: ignore[operator]

    assert masked(f"a{shown}b", SECRET.replace("/", "")) == "a***b"


@given(SECRETS, st.binary(max_size=5), st.binary(max_size=5))
def test_the_other_alphabet_of_base64_hides_it_too(
    secret: str, before: bytes, after: bytes
) -> None:
    encoded = base64.urlsafe_b64encode(before + secret.encode() + after).decode()

    assert "***" in masked(encoded, secret)


@given(st.text(st.characters(codec="utf-8"), min_size=6))
@example('a"b\\c\nd\u00e9')
def test_json_hides_a_secret_whatever_it_escapes(secret: str) -> None:
    for ascii_only in (True, False):
        assert masked(json.dumps(f"<{secret}>", ensure_ascii=ascii_only), secret) == '"<***>"'


def test_the_digits_of_url_codes_may_be_small() -> None:
    small = re.sub("%..", lambda code: code[0].lower(), quote(SECRET, safe=""))

    assert small != quote(SECRET, safe="")
    assert masked(small, SECRET) == "***"


def test_a_secret_is_masked_in_a_form_and_in_json() -> None:
    assert masked(urlencode({"token": SECRET}), SECRET) == "token=***"
    assert masked(json.dumps({"token": SECRET}, ensure_ascii=False), SECRET) == '{"token": "***"}'


def test_a_form_too_short_to_be_a_secret_would_mask_everything() -> None:
    assert min(map(len, forms("dapi-1234"))) >= 4


def test_the_runner_reads_the_masks_as_they_are_meant() -> None:
    secret = "50%0A,: \r\nsecond line"

    read = {command.data for command in runner.commands("\n".join(mask_commands([secret])))}

    assert {*forms(secret), "second line"} <= read


def test_one_form_is_one_mask() -> None:
    lines = mask_commands(["abcdef", "abcdef"])

    assert len(lines) == len(set(lines))
    assert all(line.startswith("::add-mask::") for line in lines)


def run_masks(**environment: str) -> subprocess.CompletedProcess[str]:
    """As `entrypoint` runs it: a script of its own, before anything is installed."""
    return subprocess.run(
        [sys.executable, "-I", "-S", Path(masks.__file__)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_script_masks_all_secrets() -> None:
    given = {variable(name): f"{name}-1234" for name in SECRET_INPUTS}

    done = run_masks(GITHUB_ACTIONS="true", **given)

    assert (done.returncode, done.stdout) == (0, "")
    assert set(given.values()) <= {command.data for command in runner.commands(done.stderr)}


@pytest.mark.parametrize("actions", [{}, {"GITHUB_ACTIONS": ""}, {"GITHUB_ACTIONS": "false"}])
def test_nothing_is_printed_where_no_runner_reads(actions: dict[str, str]) -> None:
    done = run_masks(INPUT_REGISTRY_TOKEN="dapi-1234", **actions)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_secret_that_is_not_utf_8_is_masked_all_the_same() -> None:
    token = os.fsdecode(b"dapi-1234\xff")

    done = run_masks(GITHUB_ACTIONS="true", INPUT_REGISTRY_TOKEN=token)

    assert done.returncode == 0, done.stderr
    assert "::add-mask::dapi-1234" in done.stderr
