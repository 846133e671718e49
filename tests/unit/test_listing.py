"""Listings of servers, which may be wrong: never a hang, never a file too many."""

from __future__ import annotations

from typing import Any

import pytest

from remote_registry.errors import SourceMissing
from remote_registry.files.listing import walk
from remote_registry.files.protocols import File
from remote_registry.replies import Reply, pages
from remote_registry.rest import Json

MLMODEL = {"path": "model/MLmodel", "is_dir": False, "file_size": 12}
FOLDER = {"path": "model/d", "is_dir": True}


def reply(**fields: Any) -> Json:
    return Reply(fields, SourceMissing)


def walked(*entries: Json) -> list[File]:
    """What is listed where every folder has the same entries."""
    return walk(lambda *_: reply(files=list(entries)), "model", SourceMissing, "here")


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([MLMODEL, MLMODEL], "'MLmodel' is listed twice"),
        ([MLMODEL, {**MLMODEL, "file_size": 13}], "'MLmodel' is listed twice"),
        ([MLMODEL, FOLDER], "lies more than 200 folders deep"),
        ([MLMODEL, {**MLMODEL, "path": "model/.."}], "'..' part"),
        ([MLMODEL, {**MLMODEL, "path": "model/"}], "holds an empty"),
        ([MLMODEL, {**MLMODEL, "path": "model/a\0b"}], "control character"),
        ([MLMODEL, {**MLMODEL, "path": "model/a\nb"}], "control character"),
    ],
)
def test_a_listing_that_can_t_be_right_is_refused(entries: list[Json], words: str) -> None:
    with pytest.raises(SourceMissing, match=words):
        walked(*entries)


def test_folders_may_lie_deep() -> None:
    def page(folder: str, _: str) -> Json:
        return reply(files=[{**FOLDER} if folder.count("/") < 150 else MLMODEL])

    (file,) = walk(page, "", SourceMissing, "here")
    assert file.path.count("/") == 151


def test_pages_are_followed_to_the_last() -> None:
    told = {"": reply(n=1, next_page_token="a"), "a": reply(n=2, next_page_token="b")}
    told["b"] = reply(n=3)
    assert [dict(page)["n"] for page in pages(told.__getitem__)] == [1, 2, 3]


def test_a_page_that_leads_to_itself_is_the_servers_failure() -> None:
    with pytest.raises(SourceMissing, match="leads to the same page again"):
        list(pages(lambda _: reply(next_page_token="a")))
