"""The secrets among the inputs, in every form in which they could be printed.

Also a script of its own, `python masks.py`, with nothing but the standard library: `entrypoint`
runs it before it installs anything.
"""

from __future__ import annotations

import base64
import json
import os
import re
import sys
from collections.abc import Iterable, Mapping
from urllib.parse import quote, quote_plus

SECRET_INPUTS = (
    "registry-token",
    "registry-password",
    "tracking-token",
    "tracking-password",
    "github-token",
)

_URL_SAFE = str.maketrans("+/", "-_")


def variable(name: str) -> str:
    """The environment variable of an input: `run-id` is `INPUT_RUN_ID`."""
    return f"INPUT_{name.upper().replace('-', '_')}"


def secrets_in(environment: Mapping[str, str]) -> list[str]:
    """The secret texts that the environment's inputs hold, as given and without outer spaces."""
    texts = [environment.get(variable(name), "") for name in SECRET_INPUTS]
    return [form for text in texts for form in dict.fromkeys((text, text.strip())) if form.strip()]


def forms(secret: str) -> list[str]:
    """A secret as it is, as JSON has it, URL-encoded, and base64-encoded at any offset.

    Base64 in both alphabets, and the digits of URL codes in both cases. None of a blank one, which
    would be found everywhere.
    """
    if not secret.strip():
        return []
    whole = secret.encode(errors="surrogateescape")
    found = [secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]]
    for encoded in (quote(whole, safe=""), quote_plus(whole)):
        found += [encoded, re.sub("%..", lambda code: code[0].lower(), encoded)]
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + whole).decode().rstrip("=")
        # The first characters mix with what stands before, the last with what follows.
        end = len(encoded) - (0 if (offset + len(whole)) % 3 == 0 else 1)
        found.append(encoded[(0, 2, 3)[offset] : end])
    found.append(base64.b64encode(whole).decode())
    found += [form.translate(_URL_SAFE) for form in found[-4:]]
    return [form for form in dict.fromkeys(found) if len(form) >= min(4, len(secret))]


def mask_commands(secrets: Iterable[str]) -> list[str]:
    """The `::add-mask::` lines, escaped as the runner wants the data of a command."""
    lines = []
    for secret in secrets:
        for form in (*forms(secret), *filter(None, map(str.strip, secret.splitlines()[1:]))):
            escaped = form.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
            lines.append(f"::add-mask::{escaped}")
    return list(dict.fromkeys(lines))


def main() -> None:
    """Prints the masks of the environment's secrets, where a runner reads them."""
    # Elsewhere the lines would print the secrets instead of masking them.
    if os.environ.get("GITHUB_ACTIONS") == "true":
        for line in mask_commands(secrets_in(os.environ)):
            print(line, file=sys.stderr)


if __name__ == "__main__":
    main()
