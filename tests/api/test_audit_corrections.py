"""What people correct in an audit becomes an annotation: what it replaces, what it leaves alone, and that it is one."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select, update

from backend.db.models import Annotation, Event, Image, Project
from backend.errors import Conflict
from backend.runtime import Runtime
from backend.services import annotations, audits, snapshots, stages
from tests import make
from tests.api.test_audits import EMPTY, automatic, columns_of, person, take

WIDER, FAR = columns_of(2), columns_of(9)
SAME = "0l1Td4"


class Scene:
    """An audit of one automatic mask, held by Ada."""

    def __init__(self, runtime: Runtime, **columns: Any) -> None:
        self.runtime = runtime
        self.project, (self.mask,) = automatic(runtime, 1, **columns)
        self.ada, self.bob = person(runtime, "Ada"), person(runtime, "Bob")
        self.audit = audits.create(runtime, self.project, self.ada, 1)
        entry = take(runtime, self.audit, self.ada)
        assert entry is not None
        self.entry, self.image = entry["id"], entry["image_id"]

    def correct(self, counts: str | None) -> float:
        return audits.correct(self.runtime, self.entry, self.ada, counts, 12.5)

    def rows(self) -> dict[str, Annotation]:
        with self.runtime.read() as session:
            return {row.id: row for row in session.scalars(select(Annotation))}

    def made(self) -> Annotation:
        (row,) = (row for row in self.rows().values() if row.actor_id == self.ada)
        return row

    def edit(self, supersedes: str | None) -> str:
        """Bob draws a mask of his own, over another one or not; its id."""
        draft = annotations.Draft(make.models.new_id(), [60, 80], FAR, "click", supersedes_id=supersedes)
        return str(annotations.save(self.runtime, self.image, self.bob, draft)[0]["id"])


@pytest.mark.parametrize("state", ["proposed", "accepted"])
def test_a_changed_mask_takes_the_place_of_the_automatic_one_once(runtime: Runtime, state: str) -> None:
    scene = Scene(runtime, state=state)
    with runtime.write() as uow:
        project = uow.session.get_one(Project, scene.project)
        cup = make.category(uow, project).id
        annotations.change(uow, scene.mask, 1, {"category_id": cup})
    for _ in range(2):
        assert scene.correct(WIDER) == 0.5
    made = scene.made()
    assert len(scene.rows()) == 2 and scene.rows()[scene.mask].state == "superseded"
    assert (made.state, made.source, made.counts, made.supersedes_id) == ("accepted", "brush", WIDER, scene.mask)
    assert (made.category_id, made.active_seconds, made.area) == (cup, 12.5, 120)
    with runtime.read() as session:
        report = audits.report(session, scene.audit)
        kinds = session.scalars(select(Event.kind).where(Event.subject_id.in_([scene.mask, made.id]))).all()
    assert kinds.count("annotation.created") == 1 and kinds.count("annotation.changed") == 2
    assert (report["done_count"], report["figures"][0]["value"], report["sizes"][0]["n"]) == (1, 0.5, 1)


def test_a_mask_left_as_it_is_counts_as_accepted_by_the_auditor(runtime: Runtime) -> None:
    scene = Scene(runtime)
    assert scene.correct(SAME) == 1
    (row,) = scene.rows().values()
    assert (row.state, row.source, row.decided_by_id) == ("accepted", "automatic", scene.ada)


@pytest.mark.parametrize("none", [None, EMPTY])
def test_where_there_is_no_object_the_mask_is_rejected_and_can_come_back(runtime: Runtime, none: str | None) -> None:
    scene = Scene(runtime)
    assert scene.correct(none) == 0
    (row,) = scene.rows().values()
    assert (row.state, row.decided_by_id) == ("rejected", scene.ada)
    with runtime.write() as uow:
        assert annotations.restore(uow, scene.mask).state == "proposed"
    accepted = Scene(runtime, state="accepted")
    accepted.correct(none)
    assert accepted.rows()[accepted.mask].state == "deleted"


@pytest.mark.parametrize("counts", [WIDER, SAME, None])
def test_what_a_person_decided_meanwhile_stays_and_the_correction_is_in_the_audit(
    runtime: Runtime, counts: str | None
) -> None:
    replaced, rejected = Scene(runtime), Scene(runtime)
    over = replaced.edit(replaced.mask)
    with runtime.write() as uow:
        annotations.delete(uow, rejected.mask, rejected.bob)
    before = replaced.rows()
    for scene in (replaced, rejected):
        scene.correct(counts)
    after = replaced.rows()
    assert {name: row.state for name, row in after.items()} == {name: row.state for name, row in before.items()}
    assert after[over].state == "accepted" and after[rejected.mask].state == "rejected"
    with runtime.read() as session:
        for scene in (replaced, rejected):
            item = session.get_one(make.models.AuditItem, scene.entry)
            assert (item.state, item.corrected_counts) == ("done", counts)


def test_after_a_newer_version_withdrew_the_mask_the_correction_is_added_unless_people_said_it(
    runtime: Runtime,
) -> None:
    alone, said, empty = Scene(runtime), Scene(runtime), Scene(runtime)
    said.edit(None)
    with runtime.write() as uow:
        uow.session.execute(update(Annotation).where(Annotation.source == "automatic").values(state="withdrawn"))
    alone.correct(FAR)
    said.correct(FAR)
    empty.correct(None)
    made = alone.made()
    assert (made.state, made.source, made.supersedes_id, made.counts) == ("accepted", "brush", None, FAR)
    rows = alone.rows()
    assert {rows[one.mask].state for one in (alone, said, empty)} == {"withdrawn"}
    assert not [row for row in rows.values() if row.actor_id in (said.ada, empty.ada)]


def test_the_image_was_erased_meanwhile(runtime: Runtime) -> None:
    scene = Scene(runtime)
    with runtime.write() as uow:
        uow.session.get_one(Image, scene.image).state = "erased"
    assert scene.correct(WIDER) == 0.5
    assert len(scene.rows()) == 1 and scene.rows()[scene.mask].state == "proposed"


def test_of_an_edit_and_a_correction_at_once_one_replaces_the_mask(any_runtime: Runtime) -> None:
    for _ in range(5):
        scene = Scene(any_runtime)

        def edit(scene: Scene = scene) -> str | None:
            try:
                return scene.edit(scene.mask)
            except Conflict as error:
                assert error.code == "superseded"
                return None

        with ThreadPoolExecutor(2) as both:
            edited, corrected = both.submit(edit), both.submit(scene.correct, WIDER)
            edited_id, _ = edited.result(), corrected.result()
        heirs = [row for row in scene.rows().values() if row.supersedes_id == scene.mask]
        assert len(heirs) == 1 and scene.rows()[scene.mask].state == "superseded"
        assert (heirs[0].actor_id == scene.bob) == (edited_id is not None)
        with any_runtime.read() as session:
            assert audits.report(session, scene.audit)["done_count"] == 1


def test_the_next_snapshot_sees_a_mask_of_a_person(runtime: Runtime) -> None:
    scene = Scene(runtime)
    scene.correct(WIDER)
    frozen = snapshots.freeze(runtime, scene.project, snapshots.Choice(sources="human"), 0.01)
    content = runtime.storage.get(frozen.key).decode()
    assert scene.made().id in content and scene.mask not in content


def test_the_share_of_accepted_proposals_does_not_fall_by_an_audit(runtime: Runtime) -> None:
    scene = Scene(runtime)
    with runtime.write() as uow:
        image = uow.session.get_one(Image, scene.image)
        machine = make.actor(uow, kind="model")
        other = make.annotation(uow, image, machine, source="automatic", state="proposed").id
    with runtime.write() as uow:
        annotations.accept(uow, other, scene.ada)
    scene.correct(None)  # a rejected proposal, had it not been an audit
    with runtime.read() as session:
        numbers = stages.view(session, scene.project)["numbers"]
    assert (numbers["decided"], numbers["accepted"]) == (1, 1)
