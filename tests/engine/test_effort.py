"""The cost of masks, from rows: edits, deletions, proposals, and who did it."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.engine import effort
from backend.engine.effort import ALIVE, Decision, Edit, Key, Pile, Portion, Row
from backend.engine.intervals import Figure
from tests.engine import effort_oracle
from tests.engine.effort_oracle import Work

Value = float | None


def person(name: str, image: str = "i", actor: str = "ada", state: str = "accepted", **fields: object) -> Work:
    return replace(Work(name, image, True, actor, state, stage="assisted_manual", version="v1"), **fields)  # type: ignore[arg-type]  # a test's shorthand


def proposal(name: str, state: str, decider: str | None = None, image: str = "i") -> Work:
    return Work(name, image, False, "model", state, decider=decider, stage="semi_automatic", version="v2")


def table(works: Sequence[Work], piles: Sequence[Pile], key: Key) -> list[Row]:
    """Of annotations one by one, as the database would sum them."""
    by_id = {work.id: work for work in works}
    persons = [work for work in works if work.by_person]
    portions = [
        Portion(
            *(work.image_id, work.stage, work.version, work.actor, work.active_seconds, work.wall_seconds),
            *(work.clicks, work.brush_edits, 1, int(work.supersedes is None and work.state in ALIVE)),
        )
        for work in persons
    ]
    edits = [
        Edit(
            *(work.id, work.state, work.image_id, work.stage, work.version, work.actor, before.id),
            *("person" if before.by_person else "machine", before.state, before.stage, before.version, before.actor),
        )
        for work in persons
        if work.supersedes and (before := by_id[work.supersedes])
    ]
    decisions = [
        Decision(work.image_id, work.stage, work.version, work.decider, work.state)
        for work in works
        if not work.by_person and work.decider and work.state in ("accepted", "rejected")
    ]
    mine, theirs = [*portions, *effort.begun(edits)], [*decisions, *effort.corrected(edits)]
    return effort.table(mine, theirs, piles, key)


def figure(row: Row, name: str) -> Figure:
    return next(found for found in row.figures if found.name == name)


def test_an_edit_adds_its_time_to_the_mask_it_replaces() -> None:
    works = [
        person("a", state="superseded", active_seconds=10, wall_seconds=30, clicks=2),
        person("b", supersedes="a", active_seconds=4, wall_seconds=5, clicks=1, brush_edits=3),
    ]
    (row,) = table(works, [], effort.by_stage)
    assert (row.key, row.images, row.masks) == ("assisted_manual", 1, 1)
    assert figure(row, "Active seconds per mask").value == 14
    assert figure(row, "Wall seconds per mask").value == 35
    assert figure(row, "Clicks per mask").value == 3
    assert figure(row, "Brush edits per mask").value == 3
    assert figure(row, "Active seconds per mask").paper == "34 s at first, 14 s at the end"


def test_time_spent_on_a_deleted_mask_counts_and_the_mask_does_not() -> None:
    works = [person("a", active_seconds=10), person("b", state="deleted", active_seconds=6)]
    (row,) = table(works, [], effort.by_stage)
    assert row.masks == 1
    assert figure(row, "Active seconds per mask").value == 16
    (row,) = table(works[1:], [], effort.by_stage)
    assert figure(row, "Active seconds per mask").value is None
    assert figure(row, "Active hours").value == pytest.approx(6 / 3600)


def test_a_mask_belongs_to_who_began_it_and_time_to_who_spent_it() -> None:
    works = [
        person("a", actor="ada", state="superseded", active_seconds=10),
        person("b", actor="bob", supersedes="a", active_seconds=4),
        person("c", actor="bob", active_seconds=2),
    ]
    ada, bob = table(works, [], effort.by_person)
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
    (row,) = table(works, [], effort.by_stage)
    shares = [figure(row, f"Proposals {what}") for what in ("accepted as they are", "corrected", "rejected")]
    assert [(share.value, share.n) for share in shares] == [(0.5, 4), (0.25, 4), (0.25, 4)]
    assert shares[0].low == pytest.approx(0.150, abs=5e-4)  # Wilson, 2 of 4
    assert (row.masks, figure(row, "Masks per image").value) == (3, 3)
    assert figure(row, "Active seconds per mask").value == 5  # only the mask that somebody drew
    ada, bob = table(works, [], effort.by_person)
    assert figure(ada, "Proposals rejected").n == 3
    assert (figure(bob, "Proposals corrected").value, bob.masks) == (1, 1)


def test_masks_that_nobody_decides_on_count_where_they_are_piled() -> None:
    piles = [Pile("i", "fully_automatic", "v3", 90), Pile("j", "fully_automatic", "v3", 110)]
    (row,) = table([], piles, effort.by_stage)
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
    """Masks by people and proposals of machines, some edited again and again, some undone or deleted in the end."""
    works: list[Work] = []
    some = {"stage": st.sampled_from(["assisted_manual", "semi_automatic", "fully_automatic"])}
    some |= {"version": st.sampled_from([None, "v1", "v2"]), "actor": st.sampled_from(["ada", "bob"])}
    for number in range(draw(st.integers(0, 8))):
        image, before = draw(st.sampled_from("ij")), None
        if draw(st.booleans()):
            state = draw(st.sampled_from(["proposed", "accepted", "rejected", "superseded", "withdrawn", "deleted"]))
            decider = draw(some["actor"]) if state in ("accepted", "rejected") else None
            before = f"{number}.p"
            fields = {"stage": draw(some["stage"]), "version": draw(some["version"]), "decider": decider}
            works.append(Work(before, image, False, "model", state, **fields))
            if state != "superseded":
                before = None
        for step in range(draw(st.integers(0 if before else 1, 4))):
            state = draw(st.sampled_from(["accepted", "deleted", "superseded", "superseded"]))
            fields = {name: draw(values) for name, values in some.items()}
            fields |= {"active_seconds": draw(st.integers(0, 50)), "clicks": draw(st.integers(0, 5))}
            works.append(person(f"{number}.{step}", image, state=state, supersedes=before, **fields))
            before = works[-1].id
    return works


KEYS = ("by_stage", "by_version", "by_person")


@given(histories(), st.randoms())
def test_the_sums_say_what_the_annotations_say_one_by_one_whatever_their_order(works: list[Work], rng: object) -> None:
    piles = [Pile("i", "fully_automatic", "v2", 3)]
    shuffled = list(works)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis' own Random
    for key in KEYS:
        rows = table(shuffled, piles if key != "by_person" else [], getattr(effort, key))
        assert rows == effort_oracle.table(works, piles if key != "by_person" else [], getattr(effort_oracle, key))
        hours = sum(figure(row, "Active hours").value or 0 for row in rows)
        assert hours * 3600 == pytest.approx(sum(work.active_seconds for work in works))
