"""Snapshots from rows: what is frozen, what is held out for ever, what excluding and erasing do."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from backend.db.models import Actor, Annotation, Image, Project
from backend.engine.generations import Thresholds
from backend.errors import Conflict
from backend.runtime import Runtime
from backend.services import snapshots
from backend.services.snapshots import Choice, History, part_of
from backend.storage import keys
from segmenter.training.entries import Erased, SnapshotImage
from segmenter.training.freezing import is_held_out
from segmenter.training.snapshot import open_snapshot
from tests import make

SHARE = 0.3
EVERYTHING = Choice()


class Made:
    """A project with images whose groups are known, and people who annotate."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        with runtime.write() as uow:
            self.project: Project = make.project(uow)
            self.ada: Actor = make.actor(uow)
            self.bob: Actor = make.actor(uow, name="Bob")

    def image(self, group: str, masks: int = 1, **columns: object) -> Image:
        with self.runtime.write() as uow:
            image = make.image(uow, self.project, group_key=group, **columns)
            for _ in range(masks):
                make.annotation(uow, image, self.ada)
        return image

    def mask(self, image: Image, actor: Actor | None = None, **columns: object) -> Annotation:
        with self.runtime.write() as uow:
            return make.annotation(uow, image, actor or self.ada, **columns)

    def freeze(self, choice: Choice = EVERYTHING) -> snapshots.Frozen:
        """Frozen and recorded."""
        frozen = snapshots.freeze(self.runtime, self.project.id, choice, SHARE)
        with self.runtime.write() as uow:
            snapshots.record(uow, self.project.id, frozen)
        return frozen

    def lines(self, frozen: snapshots.Frozen) -> dict[str, dict[str, object]]:
        content = self.runtime.storage.get(frozen.key).decode().splitlines()[1:]
        return {line["pixel_digest"]: line for line in map(json.loads, content)}


@pytest.fixture
def made(runtime: Runtime) -> Made:
    return Made(runtime)


def groups(held_out: bool, count: int) -> list[str]:
    found = (f"group {number}" for number in range(1000))
    return [group for group in found if is_held_out(group, SHARE) == held_out][:count]


def test_what_is_frozen_and_laid_out_again(made: Made, tmp_path: Path) -> None:
    trained, judged = made.image(groups(False, 1)[0], masks=2), made.image(groups(True, 1)[0])
    made.image(groups(False, 2)[1], masks=0)
    for image in (trained, judged):
        made.runtime.storage.put(keys.pixels_key(str(image.pixel_digest), "png"), b"pixels")
    frozen = made.freeze()
    assert dataclasses.astuple(frozen.counts) == (1, 2, 0, 1, 1) and frozen.held_out_share == SHARE
    with made.runtime.read() as session:
        (row,) = snapshots.of_project(session, made.project.id)
    for _ in range(2):
        laid_out = snapshots.lay_out(made.runtime, row, tmp_path / "out", "train")
    assert laid_out.digest == frozen.digest == open_snapshot(tmp_path / "out").digest
    ((image, place),) = laid_out.images("train")
    assert image.pixel_digest == trained.pixel_digest and len(image.masks) == 2 and place.read() == b"pixels"
    assert image.masks[0].annotator == made.ada.id
    assert list(laid_out.images("held_out")) == [], "its pictures were not asked for"
    assert snapshots.members(made.runtime.storage, row, "held_out") == [judged.pixel_digest]
    none = snapshots.lay_out(made.runtime, row, tmp_path / "none", "held_out", ())
    assert list(none.images("held_out")) == [] and none.digest == frozen.digest
    some = snapshots.lay_out(made.runtime, row, tmp_path / "some", "held_out", [str(judged.pixel_digest)])
    assert len(list(some.images("held_out"))) == 1


def test_freezing_twice_is_one_snapshot_and_rows_decide_the_digest(made: Made) -> None:
    image = made.image(groups(False, 1)[0])
    first, again = made.freeze(), made.freeze()
    assert first.digest == again.digest
    made.mask(image)
    assert made.freeze().digest != first.digest
    with made.runtime.read() as session:
        assert len(snapshots.of_project(session, made.project.id)) == 2


def test_what_was_held_out_stays_so_and_groups_never_cross() -> None:
    (kept,), (out,) = groups(False, 1), groups(True, 1)
    assert part_of("p", kept, SHARE, History(), set()) == "train"
    assert part_of("p", out, SHARE, History(), set()) == "held_out"
    earlier = History(frozenset({"p", kept}), frozenset({"q"}))
    assert part_of("p", kept, SHARE, earlier, set()) == "held_out"
    assert part_of("q", out, SHARE, earlier, set()) is None, "trained on before its group was held out"
    assert part_of("p", "other" if not is_held_out("other", SHARE) else kept + "x", SHARE, History(), {"p"}) is None


def test_a_group_that_changes_its_name_is_not_trained_on(made: Made) -> None:
    judged = made.image(groups(True, 1)[0])
    trained = made.image(groups(False, 1)[0])
    first = made.freeze()
    with made.runtime.write() as uow:
        uow.session.get_one(Image, judged.id).group_key = groups(False, 2)[1]
        uow.session.get_one(Image, trained.id).group_key = groups(True, 2)[1]
    made.image(groups(False, 3)[2])
    second = made.freeze()
    assert made.lines(first)[str(judged.pixel_digest)]["held_out"] is True
    assert set(made.lines(second)) & {judged.pixel_digest, trained.pixel_digest} == set()
    assert second.counts.train_images == 1


def test_the_share_of_the_first_round_stays(made: Made) -> None:
    for group in groups(False, 3) + groups(True, 2):
        made.image(group)
    made.freeze()
    later = snapshots.freeze(made.runtime, made.project.id, Choice(), 0.9)
    assert later.held_out_share == SHARE and later.counts.train_images == 3


def test_people_sources_and_older_masks_can_be_left_out(made: Made) -> None:
    image = made.image(groups(False, 1)[0])
    judged = made.image(groups(True, 1)[0])
    made.mask(image, made.bob)
    made.mask(image, source="automatic")
    made.mask(image, source="automatic", state="proposed", predicted_iou=0.9, stability=0.9)
    made.mask(image, flag="half of it is missing")
    made.mask(judged, source="automatic")
    choices = {
        Choice(): (2, 1),
        Choice(exclude_actors=frozenset({made.bob.id})): (1, 1),
        Choice("human"): (2, 0),
        Choice("automatic", confident=Thresholds(0.8, 0.8)): (0, 2),
        Choice(confident=Thresholds(0.95)): (2, 1),
    }
    for choice, (human, automatic) in choices.items():
        found = snapshots.counts(made.runtime, made.project.id, choice, SHARE)
        assert (found.human_masks, found.automatic_masks, found.held_out_masks) == (human, automatic, 1), choice
        assert snapshots.freeze(made.runtime, made.project.id, choice, SHARE).counts == found
    with made.runtime.write() as uow:
        since = uow.now()
    assert snapshots.counts(made.runtime, made.project.id, Choice(since=since), SHARE).train_images == 0
    with pytest.raises(Conflict, match="no mask to train on"):
        made.freeze(Choice(since=since))
    made.mask(image)
    assert snapshots.counts(made.runtime, made.project.id, Choice(since=since), SHARE).human_masks == 1


def test_an_erased_image_leaves_the_snapshot_its_digest(made: Made, tmp_path: Path) -> None:
    images = [made.image(group) for group in groups(False, 2)]
    frozen = made.freeze()
    with made.runtime.write() as uow:
        uow.session.get_one(Image, images[0].id).state = "erased"
    with made.runtime.read() as session:
        (row,) = snapshots.of_project(session, made.project.id)
    laid_out = snapshots.lay_out(made.runtime, row, tmp_path / "out", "train")
    assert laid_out.digest == frozen.digest
    kinds = {entry.pixel_digest: type(entry) for entry, _ in laid_out.entries()}
    assert kinds == {images[0].pixel_digest: Erased, images[1].pixel_digest: SnapshotImage}


def test_rows_that_changed_are_noticed(made: Made, tmp_path: Path) -> None:
    image = made.image(groups(False, 1)[0])
    made.freeze()
    with made.runtime.write() as uow:
        row = uow.session.query(Annotation).where(Annotation.image_id == image.id).one()
        row.source = "polygon"
    with made.runtime.read() as session:
        (stored,) = snapshots.of_project(session, made.project.id)
    with pytest.raises(Conflict, match="not those that were frozen"):
        snapshots.lay_out(made.runtime, stored, tmp_path / "out", "train")
