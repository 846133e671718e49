"""Listings in pages; a page token is the number of entries already given."""

from __future__ import annotations

from typing import TypeVar

from ..wire.message import invalid

Item = TypeVar("Item")


def page(items: list[Item], token: str, size: int) -> tuple[list[Item], dict[str, str]]:
    """One page, and the `next_page_token` to put beside it where there are more."""
    if token and not token.isdigit():
        raise invalid(f"Invalid page token: {token}")
    start = int(token or 0)
    end = start + max(1, size)
    return items[start:end], {"next_page_token": str(end)} if end < len(items) else {}
