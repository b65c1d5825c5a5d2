"""The cost of masks, from rows: edits, deletions, proposals, and who did it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.engine import effort
from backend.engine.effort import Pile, Row, Work
from backend.engine.intervals import Figure

Value = float | None


def person(name: str, image: str = "i", actor: str = "ada", state: str = "accepted", **fields: object) -> Work:
    return replace(Work(name, image, True, actor, state, stage="assisted_manual", version="v1"), **fields)  # type: ignore[arg-type]  # a test's shorthand


def proposal(name: str, state: str, decider: str | None = None, image: str = "i") -> Work:
    return Work(name, image, False, "model", state, decider=decider, stage="semi_automatic", version="v2")


def figure(row: Row, name: str) -> Figure:
    return next(found for found in row.figures if found.name == name)


def test_an_edit_adds_its_time_to_the_mask_it_replaces() -> None:
    works = [
        person("a", state="superseded", active_seconds=10, wall_seconds=30, clicks=2),
        person("b", supersedes="a", active_seconds=4, wall_seconds=5, clicks=1, brush_edits=3),
    ]
    (row,) = effort.table(works, [], effort.by_stage)
    assert (row.key, row.images, row.masks) == ("assisted_manual", 1, 1)
    assert figure(row, "Active seconds per mask").value == 14
    assert figure(row, "Wall seconds per mask").value == 35
    assert figure(row, "Clicks per mask").value == 3
    assert figure(row, "Brush edits per mask").value == 3
    assert figure(row, "Active seconds per mask").paper == "34 s at first, 14 s at the end"


def test_time_spent_on_a_deleted_mask_counts_and_the_mask_does_not() -> None:
    works = [person("a", active_seconds=10), person("b", state="deleted", active_seconds=6)]
    (row,) = effort.table(works, [], effort.by_stage)
    assert row.masks == 1
    assert figure(row, "Active seconds per mask").value == 16
    (row,) = effort.table(works[1:], [], effort.by_stage)
    assert figure(row, "Active seconds per mask").value is None
    assert figure(row, "Active hours").value == pytest.approx(6 / 3600)


def test_a_mask_belongs_to_who_began_it_and_time_to_who_spent_it() -> None:
    works = [
        person("a", actor="ada", state="superseded", active_seconds=10),
        person("b", actor="bob", supersedes="a", active_seconds=4),
        person("c", actor="bob", active_seconds=2),
    ]
    ada, bob = effort.table(works, [], effort.by_person)
    assert (ada.key, ada.masks, figure(ada, "Active seconds per mask").value) == ("ada", 1, 10)
    assert (bob.key, bob.masks, figure(bob, "Active seconds per mask").value) == ("bob", 1, 6)


def test_proposals_are_accepted_corrected_or_rejected_by_somebody() -> None:
    works = [
        proposal("p1", "accepted", "ada"),
        proposal("p2", "rejected", "ada"),
        proposal("p3", "superseded"),
        person("m", actor="bob", supersedes="p3", stage="semi_automatic", active_seconds=5),
        proposal("p4", "proposed"),
        proposal("p5", "superseded"),  # a newer version replaced it
        proposal("p6", "accepted", "ada"),
        proposal("p7", "proposed"),  # its edit was undone
        person("n", supersedes="p7", state="deleted", stage="semi_automatic"),
    ]
    (row,) = effort.table(works, [], effort.by_stage)
    shares = [figure(row, f"Proposals {what}") for what in ("accepted as they are", "corrected", "rejected")]
    assert [(share.value, share.n) for share in shares] == [(0.5, 4), (0.25, 4), (0.25, 4)]
    assert shares[0].low == pytest.approx(0.150, abs=5e-4)  # Wilson, 2 of 4
    assert (row.masks, figure(row, "Masks per image").value) == (3, 3)
    assert figure(row, "Active seconds per mask").value == 5  # only the mask that somebody drew
    ada, bob = effort.table(works, [], effort.by_person)
    assert figure(ada, "Proposals rejected").n == 3
    assert (figure(bob, "Proposals corrected").value, bob.masks) == (1, 1)


def test_masks_that_nobody_decides_on_count_where_they_are_piled() -> None:
    piles = [Pile("i", "fully_automatic", "v3", 90), Pile("j", "fully_automatic", "v3", 110)]
    (row,) = effort.table([], piles, effort.by_stage)
    assert (row.images, row.masks, figure(row, "Masks per image").value) == (2, 200, 100)
    assert figure(row, "Active seconds per mask").value is None
    assert figure(row, "Masks per image").paper == "about 100"


def test_pointing_is_counted_once_for_each_box_and_not_for_padding() -> None:
    prompts = [
        {"kind": "box", "x0": 1.0},
        {"kind": "point", "label": 1},
        {"kind": "point", "label": 0},
        {"kind": "point", "label": -1},
        {"kind": "point", "label": 2},
        {"kind": "mask"},
    ]
    assert effort.clicks(prompts) == 3


@st.composite
def histories(draw: st.DrawFn) -> list[Work]:
    """Masks by people, some edited again and again, some deleted in the end."""
    works: list[Work] = []
    for number in range(draw(st.integers(0, 8))):
        image, length = draw(st.sampled_from("ij")), draw(st.integers(1, 4))
        for step in range(length):
            last = step == length - 1
            state = draw(st.sampled_from(["accepted", "deleted"])) if last else "superseded"
            before = works[-1].id if step else None
            actor, seconds = draw(st.sampled_from(["ada", "bob"])), draw(st.integers(0, 50))
            works.append(person(f"{number}.{step}", image, actor, state, supersedes=before, active_seconds=seconds))
    return works


@given(histories(), st.randoms())
def test_groups_add_up_to_the_whole_whatever_the_order_of_rows(works: list[Work], rng: object) -> None:
    shuffled = list(works)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis' own Random
    standing = sum(work.state == "accepted" for work in works)
    for key in (effort.by_stage, effort.by_version, effort.by_person):
        rows = effort.table(works, [], key)
        assert effort.table(shuffled, [], key) == rows
        assert sum(row.masks for row in rows) == standing
        hours = sum(figure(row, "Active hours").value or 0 for row in rows)
        assert hours * 3600 == pytest.approx(sum(work.active_seconds for work in works))
