"""What each verb is to change, among versions that it is to leave alone."""

from __future__ import annotations

from dataclasses import replace

from faults.moving import Move
from faults.registries import ITS_FILES, OTHER_RUN, OURS, RUN, STAGING_RUN
from faults.retiring import Retire
from faults.standing import Standing

_PRODUCTION = {"1": "Production", "2": "Production", "3": "None", "4": "Staging", "5": "None"}
_CHAMPION = {"1": "None champion", "2": "None next", "3": "Production other"}
_IN_USE = {"1": "Production", "2": "Staging", "3": "None", "4": "Archived"}
_ASKED_FOR = ("2 to Production", "2 to Archived", "3 to Production")

PROMOTE = Move(
    "promote",
    {"select": "version=3", "stage": "Production", "archive-existing": "true"},
    Standing(_PRODUCTION),
    Standing(
        _PRODUCTION | {"1": "Archived", "2": "Archived", "3": "Production"},
        {"3 stage.Production": "2,1"},
    ),
    version="3",
    previous="2",
)
PROMOTE_ALIAS = Move(
    "promote",
    {"select": "alias=next", "alias": "champion"},
    Standing(_CHAMPION),
    Standing(_CHAMPION | {"1": "None", "2": "None champion next"}, {"2 alias.champion": "1"}),
)
_PROMOTED = Standing(
    {"1": "Archived", "2": "Production", "3": "Staging"}, {"2 stage.Production": "1"}
)
UNDO = Move(
    "promote",
    {"select": "version=2", "stage": "Production", "undo": "true"},
    _PROMOTED,
    replace(_PROMOTED, versions=_PROMOTED.versions | {"1": "Production", "2": "Archived"}),
    between=(_PROMOTED.versions | {"1": "Production"},),
    version="1",
    previous="2",
)
UNDO_ALIAS = Move(
    "promote",
    {"select": "version=2", "alias": "champion", "undo": "true"},
    Standing({"1": "None", "2": "None champion", "3": "None next"}, {"2 alias.champion": "1"}),
    Standing({"1": "None champion", "2": "None", "3": "None next"}, {"2 alias.champion": "1"}),
    version="1",
    previous="2",
)
APPROVE = Move(
    "approve",
    {"select": "version=2", "stage": "Production", "archive-existing": "true"},
    Standing(_IN_USE, requests=_ASKED_FOR),
    Standing(
        _IN_USE | {"1": "Archived", "2": "Production"},
        {"2 stage.Production": "1"},
        requests=_ASKED_FOR[1:],
    ),
)
_OVER, _YOUNG, _UNMARKED = (f"{OURS}{kind}" for kind in ("over", "young", "unmarked"))
ARCHIVE = Retire(
    "retire",
    {"older-than": "0"},
    Standing(_IN_USE, around=frozenset({_OVER, _YOUNG, _UNMARKED})),
    Standing(_IN_USE | {"2": "Archived", "3": "Archived"}, around=frozenset({_YOUNG, _UNMARKED})),
    kept=("1",),
)
DELETE = Retire(
    "retire",
    {"to": "delete", "select": "stage=Staging", "mlflow-staging": RUN},
    Standing(
        _IN_USE | {"5": "Staging"}, around=frozenset({RUN, OTHER_RUN, STAGING_RUN, ITS_FILES})
    ),
    Standing({"1": "Production", "3": "None", "4": "Archived"}, around=frozenset({OTHER_RUN})),
    between=({"2": "Archived", "5": "Archived"},),
)
DELETE_MODEL = Retire(
    "retire",
    {"to": "delete", "select": "all", "force": "true"},
    Standing(
        {"1": "None champion", "2": "None"},
        around=frozenset({"version 1", "version 2", _OVER, _YOUNG}),
    ),
    Standing({}, around=frozenset({_YOUNG}), exists=False),
)
