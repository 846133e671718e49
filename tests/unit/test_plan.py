"""The plan, over everything that can be found and wanted."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from remote_registry.outcome import readable
from remote_registry.plan import Found, Planned, Step, Wanted, plan
from remote_registry.registry.api import PENDING, READY, Version
from remote_registry.ways import Way

FAILED = "FAILED_REGISTRATION"
KEY, SOURCE = ("ours.key", "k"), ("ours.source", "s")
OURS = {"ours.key": "k", "ours.source": "s"}
OF_OTHER_FILES = {"ours.key": "other", "ours.source": "s"}
FOREIGN = {"team": "ml"}
ORDER = list(Step)
Everything = list[tuple[Found, Wanted, tuple[Planned, ...]]]

HAVE = [
    (status, tags, stage)
    for status in (READY, PENDING, FAILED)
    for tags in (OURS, OF_OTHER_FILES, FOREIGN)
    for stage in ("None", "Staging", "Production")
    if status == READY or stage == "None"
]


def a_version(number: int, status: str, tags: dict[str, str], stage: str) -> Version:
    return Version("m", str(number), status, stage, tags=tags, description="old")


VERSIONS = [
    None,
    (),
    *((a_version(1, *one),) for one in HAVE),
    *(
        (a_version(2, *second), a_version(1, *first))
        for first, second in itertools.product(HAVE, HAVE)
    ),
]
WANTED = [
    Wanted(stage, archive, aliases, tags, description, permissions)
    for stage in ("", "None", "Staging", "Production", "Archived")
    for archive in ((False, True) if stage in ("Staging", "Production") else (False,))
    for aliases in ((), ("a", "b"))
    for tags, description, permissions in (
        ((), "", 0),
        ((("team", "ml"), ("x", "y")), "new", 2),
    )
]


def a_found(versions: tuple[Version, ...] | None, **changed: object) -> Found:
    found = Found(versions, KEY, SOURCE, (Way.DBFS, Way.RUN), files=3, bytes=1234)
    return replace(found, **changed)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def everything() -> Everything:
    ways = [
        {"ways": (Way.STORE,)},
        {"ways": (Way.RUN, Way.DBFS)},
        {"ways": (Way.IN_PLACE,), "has_digest": False},
        {"ways": (Way.IN_PLACE,), "has_digest": True},
    ]
    return [
        (found, wanted, plan(found, wanted))
        for versions in VERSIONS
        for way in ways
        for found in [a_found(versions, aliases={"a": "1"} if versions else {}, **way)]
        for wanted in WANTED
    ]


def steps(planned: tuple[Planned, ...]) -> list[Step]:
    return [one.step for one in planned]


def the_one(planned: tuple[Planned, ...], step: Step) -> Planned:
    (one,) = [one for one in planned if one.step is step]
    return one


def test_over_everything_the_plan_keeps_its_rules(everything: Everything) -> None:
    seen = set()
    for found, wanted, planned in everything:
        done = steps(planned)
        seen.update(done)
        context = (found, wanted, planned)

        assert planned == plan(found, wanted), context
        assert done == sorted(done, key=ORDER.index), context
        assert (Step.CREATE in done) != (Step.ADOPT in done), context
        assert done.count(Step.CREATE) + done.count(Step.ADOPT) == 1, context
        assert done.count(Step.VERIFY) == 1, context
        for of_making in (Step.DELETE_FAILED, Step.READ, Step.COPY, Step.MAKE_MODEL, Step.GRANT):
            assert Step.CREATE in done or of_making not in done, context
        assert (Step.COPY in done) == (Step.CREATE in done and Way.IN_PLACE not in found.ways), (
            context
        )
        assert not {Step.COPY, Step.READ} <= set(done), context
        assert (Step.READ in done) <= (Way.IN_PLACE in found.ways), context
        assert (Step.CLEAN_UP in done) == (
            Step.COPY in done and found.ways[0] in (Way.DBFS, Way.RUN)
        ), context
        assert (Step.MAKE_MODEL in done) == (found.versions is None), context
        assert (Step.GRANT in done) == bool(found.versions is None and wanted.permissions), context
        assert Step.WAIT in done or Step.ADOPT in done, context
        assert {Step.TAG, Step.DESCRIBE}.isdisjoint(done) or Step.ADOPT in done, context
        assert all(one.why and one.text for one in planned), context
    assert seen == set(Step)


def test_over_everything_only_failed_versions_of_this_very_source_are_deleted(
    everything: Everything,
) -> None:
    for found, _, planned in everything:
        for one in planned:
            if one.step is Step.DELETE_FAILED:
                (version,) = [v for v in found.versions or () if v.number == one.of]
                assert (version.tags, version.status) == (OURS, FAILED), (found, planned)


def test_over_everything_only_a_usable_version_of_this_very_source_is_taken(
    everything: Everything,
) -> None:
    for found, _, planned in everything:
        usable = [
            version
            for version in found.versions or ()
            if version.tags == OURS and version.status in (READY, PENDING)
        ]
        taken = [one.of for one in planned if one.step is Step.ADOPT]
        assert bool(taken) == bool(usable), (found, planned)
        assert set(taken) <= {version.number for version in usable}, (found, planned)
        pending = {version.number for version in usable if version.status == PENDING}
        if taken:
            assert (Step.WAIT in steps(planned)) == (taken[0] in pending), (found, planned)


def test_over_everything_promotion_is_what_was_asked_for_and_no_more(
    everything: Everything,
) -> None:
    for found, wanted, planned in everything:
        context = (found, wanted, planned)
        version = found.usable()
        promoted = [one for one in planned if one.step is Step.PROMOTE]
        assert {one.of for one in promoted} <= {wanted.stage}, context
        stands = (version.stage if version else "None") == wanted.stage
        others = any(v.stage == wanted.stage for v in found.versions or () if v is not version)
        archives = wanted.archive_existing and others
        assert bool(promoted) == bool(wanted.stage and (archives or not stands)), context
        for one in promoted:
            assert ("Archived" in one.why) == wanted.archive_existing, context
        set_anew = [one.of for one in planned if one.step is Step.SET_ALIAS]
        here = [a for a, number in found.aliases.items() if version and number == version.number]
        assert set_anew == [alias for alias in wanted.aliases if alias not in here], context


@pytest.mark.parametrize(
    ("first", "second", "taken"),
    [
        ((READY, OURS), (READY, OURS), "1"),
        ((PENDING, OURS), (READY, OURS), "1"),
        ((READY, OURS), (PENDING, OURS), "1"),
        ((PENDING, OURS), (PENDING, OURS), "1"),
        ((FAILED, OURS), (READY, OURS), "2"),
        ((READY, FOREIGN), (READY, OURS), "2"),
    ],
)
def test_of_several_versions_the_lowest_number_is_taken(
    first: tuple[str, dict[str, str]], second: tuple[str, dict[str, str]], taken: str
) -> None:
    versions = (a_version(2, *second, "None"), a_version(1, *first, "None"))

    assert the_one(plan(a_found(versions), Wanted()), Step.ADOPT).of == taken


def test_versions_are_ordered_by_number_and_not_by_text() -> None:
    versions = tuple(a_version(number, READY, OURS, "None") for number in (10, 9))

    assert the_one(plan(a_found(versions), Wanted()), Step.ADOPT).of == "9"


def test_a_new_version_says_why_there_is_one() -> None:
    changed = (a_version(3, READY, OF_OTHER_FILES, "None"),)

    assert the_one(plan(a_found(changed), Wanted()), Step.CREATE).why == (
        "the source's files changed since version 3"
    )
    assert the_one(plan(a_found(()), Wanted()), Step.CREATE).why == (
        "the registry has no version of this source"
    )


def test_an_alias_is_set_on_a_new_version_that_stays_in_none() -> None:
    planned = plan(a_found(()), Wanted(stage="None", aliases=("champion",)))

    assert Step.PROMOTE not in steps(planned)
    assert the_one(planned, Step.SET_ALIAS).of == "champion"


def test_only_what_differs_is_set_on_a_version_that_is_there() -> None:
    there = replace(
        a_version(1, READY, OURS | {"team": "ml", "x": "z"}, "Staging"), description="same"
    )
    wanted = Wanted("Staging", tags=(("team", "ml"), ("x", "y")), description="same")

    planned = plan(a_found((there,)), wanted)

    assert steps(planned) == [Step.ADOPT, Step.VERIFY, Step.TAG]
    assert planned[-1].of == "x"


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (50_000_000_000, "50.0 GB"),
        (1_500_000_000_000, "1.5 TB"),
        (10**18, "1000000.0 TB"),
    ],
)
def test_sizes_are_readable(size: int, text: str) -> None:
    assert readable(size) == text


def taken(number: int, digest: str, created: float = 0.0, **tags: str) -> Version:
    ours = {**OURS, "ours.taken": "t", "ours.digest": digest}
    named = {f"ours.{name}": text for name, text in tags.items()}
    return replace(a_version(number, READY, {**ours, **named}, "None"), created=created)


def of_bytes(*versions: Version, digest: str = "") -> Found:
    found = a_found(versions, taken_tag="ours.taken", compared_tag="ours.compared")
    return replace(found, digest=("ours.digest", digest))


@pytest.mark.parametrize(
    ("first", "second", "third", "number"),
    [
        (taken(1, "a", 1.0), taken(2, "b", 2.0), taken(3, "a", 1.0), "2"),
        (taken(1, "a", 1.0, compared="3000"), taken(2, "b", 2.0), taken(3, "c", 2.5), "1"),
        (taken(1, "a", 1.0), taken(2, "b", 2.0), taken(3, "a", 3.0), "1"),
        (taken(1, "a", 1.0, compared="soon"), taken(2, "a", 2.0), taken(3, "a", 3.0), "1"),
    ],
)
def test_where_bytes_differ_the_version_is_taken_that_was_compared_last(
    first: Version, second: Version, third: Version, number: str
) -> None:
    usable = of_bytes(third, second, first).usable()
    assert usable
    assert usable.number == number


def test_a_version_that_nobody_has_taken_is_never_before_one_that_was() -> None:
    untaken = replace(a_version(2, READY, {**OURS, "ours.digest": "b"}, "None"), created=9.0)
    usable = of_bytes(untaken, taken(1, "a", 1.0)).usable()
    assert usable
    assert usable.number == "1"


def test_where_every_byte_is_compared_a_version_of_others_is_kept_and_another_made() -> None:
    found = of_bytes(taken(1, "a"), digest="b")
    steps = plan(found, Wanted(every_byte=True))
    assert found.usable() is None
    assert [one.step for one in steps][:2] == [Step.COPY, Step.CREATE]
    (create,) = (one for one in steps if one.step is Step.CREATE)
    assert create.why == "the source's files changed since version 1"
    assert of_bytes(taken(1, "a"), digest="a").usable()


@pytest.mark.parametrize("versions", [(), (a_version(1, READY, OURS, "None"),)])
def test_what_is_verified_is_said(versions: tuple[Version, ...]) -> None:
    for every_byte, words in [(False, "names and sizes of"), (True, "names, sizes and every byte")]:
        steps = plan(a_found(versions), Wanted(every_byte=every_byte))
        (verify,) = (one for one in steps if one.step is Step.VERIFY)
        assert verify.why.startswith(words)
