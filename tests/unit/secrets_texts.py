"""Texts of the inputs of `secrets` that are right."""

from __future__ import annotations

from unit.register_texts import HOST

OTHER_HOST = "https://adb-1111111111111111.11.azuredatabricks.net"
KEPT = {
    "scope": "central",
    "prefix": "prod",
    "registry-host": HOST,
    "registry-token": "dapi-of-the-registry",
    "tracking-host": OTHER_HOST,
    "tracking-token": "dapi-of-the-source",
}
