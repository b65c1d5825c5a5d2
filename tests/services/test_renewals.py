"""New proposals by themselves: which move, stage, detector or image asks for a generation, of what, and only once."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select, update

from backend.db import models
from backend.engine.generations import UNFINISHED
from backend.runtime import Runtime
from backend.services import detectors, generations, images, promotions, renewals, rollbacks, stages
from backend.uow import UnitOfWork
from tests import make
from workers import handlers
from workers.job import perform

assert handlers.__all__  # registers every handler

FAMILY = {"config": {"family": "sam"}}


class Scene:
    """A semi-automatic project of three images, one of them complete, with two versions; the first one serves it."""

    def __init__(self, runtime: Runtime, stage: str = "semi_automatic", **policy: Any) -> None:
        self.runtime = runtime
        with runtime.write() as uow:
            self.first = make.model_version(uow, manifest=FAMILY).id
            self.second = make.model_version(uow, manifest=FAMILY, name="better", version="2").id
            self.person = make.actor(uow).id
            project = make.project(uow, active_version_id=self.first, stage=stage, policy=policy)
            self.project = project.id
            self.images = [make.image(uow, project).id for _ in range(3)]
            done = {"image_id": self.images[0], "actor_id": self.person, "state": "done", "complete": True}
            uow.session.add(models.Assignment(**done))

    def move(self, seen: str, to: str) -> str:
        with self.runtime.write() as uow:
            return promotions.move(uow, self.project, seen, to, "manual", self.person).id

    def jobs(self) -> list[str]:
        with self.runtime.read() as session:
            waiting = select(models.Job.id).where(models.Job.kind == "renew", models.Job.state == "queued")
            return list(session.scalars(waiting.order_by(models.Job.created_at)))

    def settle(self) -> None:
        """Perform what asks for new proposals, and not the making of them."""
        for job_id in self.jobs():
            assert perform(self.runtime, job_id) == "done"

    def made(self) -> list[models.Generation]:
        with self.runtime.read() as session:
            query = select(models.Generation).where(models.Generation.actor_id.is_(None))
            return list(session.scalars(query.order_by(models.Generation.created_at)))

    def asked(self, uow: UnitOfWork, *taken: str, **columns: Any) -> models.Generation:
        """A generation that somebody started before, with the images that it took."""
        known = {"project_id": self.project, "model_version_id": self.first, "state": "running", **columns}
        row = models.Generation(settings={"source": "automatic"}, actor_id=self.person, **known)
        row.image_count = len(taken)
        uow.session.add(row)
        uow.session.flush()
        state = "queued" if row.state in UNFINISHED else "done"
        uow.session.add_all(models.GenerationImage(generation_id=row.id, image_id=one, state=state) for one in taken)
        return row

    def upload(self) -> str:
        """An image that a worker has read."""
        with self.runtime.write() as uow:
            image = make.image(uow, uow.session.get_one(models.Project, self.project), state="queued")
            images.mark_ready(uow, image.id, make.digest(image.id), 30, 40)
            return image.id

    def taken(self, generation_id: str) -> list[str]:
        with self.runtime.read() as session:
            mine = models.GenerationImage.generation_id == generation_id
            return sorted(session.scalars(select(models.GenerationImage.image_id).where(mine)))


def test_a_move_starts_one_generation_by_the_new_version_on_what_is_not_finished(runtime: Runtime) -> None:
    policy = {"confident": {"min_predicted_iou": 0.5}, "proposals": {"points_per_side": 7}}
    scene = Scene(runtime, **policy)
    scene.move(scene.first, scene.second)
    scene.settle()
    (made,) = scene.made()
    assert (made.model_version_id, made.image_count, made.state) == (scene.second, 2, "queued")
    with runtime.read() as session:
        taken = session.scalars(select(models.GenerationImage.image_id)).all()
    assert sorted(taken) == sorted(scene.images[1:])
    automask = made.settings["automask"]
    assert (made.settings["source"], automask["points_per_side"], automask["pred_iou_thresh"]) == ("automatic", 7, 0.5)
    assert automask["stability_score_thresh"] == 0.95, "the family's own, which is lower than what is confident"


def test_whatever_runs_by_another_version_ends_with_the_reason_and_the_same_version_goes_on(runtime: Runtime) -> None:
    scene = Scene(runtime)
    with runtime.write() as uow:
        older = [scene.asked(uow, state=state).id for state in ("running", "paused")]
        done = scene.asked(uow, state="done").id
    scene.move(scene.first, scene.second)
    scene.settle()
    with runtime.read() as session:
        ended = [session.get_one(models.Generation, one) for one in older]
        assert session.get_one(models.Generation, done).state == "done"
        told = session.scalars(select(models.Event.payload).where(models.Event.kind == "generation.changed")).all()
    assert [(one.state, one.reason) for one in ended] == [("cancelled", "better 2 serves this project now")] * 2
    assert [one["state"] for one in told] == ["cancelled", "cancelled", "queued"]
    assert [one.model_version_id for one in scene.made()] == [scene.second]


def test_a_generation_that_somebody_began_by_the_new_version_is_enough(runtime: Runtime) -> None:
    scene = Scene(runtime)
    with runtime.write() as uow:
        mine = scene.asked(uow, model_version_id=scene.second).id
    scene.move(scene.first, scene.second)
    scene.settle()
    with runtime.read() as session:
        assert session.get_one(models.Generation, mine).state == "running"
    assert scene.made() == []


@pytest.mark.parametrize(
    "known",
    [
        {"stage": "assisted_manual"},
        {"proposals": {"by_itself": False}},
        {"confident": {"source": "detector"}},  # there is no detector
    ],
)
def test_nothing_begins_and_nothing_ends_where_it_is_not_wanted(runtime: Runtime, known: dict[str, Any]) -> None:
    scene = Scene(runtime, **known)
    with runtime.write() as uow:
        older = scene.asked(uow).id
    scene.move(scene.first, scene.second)
    scene.settle()
    with runtime.read() as session:
        assert session.get_one(models.Generation, older).state == "running"
    assert scene.made() == []


def test_nothing_begins_where_every_image_is_complete_or_the_project_is_archived(runtime: Runtime) -> None:
    scenes = [Scene(runtime), Scene(runtime)]
    for scene in scenes:
        scene.move(scene.first, scene.second)
    with runtime.write() as uow:
        for image_id in scenes[0].images[1:]:
            done = {"image_id": image_id, "actor_id": scenes[0].person, "state": "done", "complete": True}
            uow.session.add(models.Assignment(**done))
        uow.session.get_one(models.Project, scenes[1].project).state = "archived"
    scenes[0].settle()
    assert scenes[0].made() == []


def test_run_twice_and_at_once_a_move_starts_it_once(any_runtime: Runtime) -> None:
    scene = Scene(any_runtime)
    moved = scene.move(scene.first, scene.second)
    (job_id,) = scene.jobs()
    with ThreadPoolExecutor(4) as workers:
        outcomes = list(workers.map(lambda _: perform(any_runtime, job_id), range(4)))
    assert sorted(outcomes) == ["done", "taken", "taken", "taken"]
    (made,) = scene.made()
    with any_runtime.write() as uow:  # as if the job's end had not been seen, and nothing of it ran any more
        generations.act(uow, made.id, "cancel")
        again = {"state": "queued", "attempts": 0, "run_after": uow.now()}
        uow.session.execute(update(models.Job).where(models.Job.id == job_id).values(**again))
    assert perform(any_runtime, job_id) == "done"
    with any_runtime.write() as uow:
        assert renewals.renew(uow, scene.project, "move", moved) is None
    assert [one.state for one in scene.made()] == ["cancelled"], "what somebody cancelled does not come back"


def test_killed_before_its_end_is_written_nothing_is_there_and_the_next_attempt_does_it(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = Scene(runtime)
    scene.move(scene.first, scene.second)
    (job_id,) = scene.jobs()
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(UnitOfWork, "finish", _power_cut_at(job_id))
        perform(runtime, job_id)
    assert scene.made() == []
    with runtime.write() as uow:
        late = {"state": "queued", "lease_token": None, "lease_expires_at": None}
        uow.session.execute(update(models.Job).where(models.Job.id == job_id).values(**late))
    scene.settle()
    assert len(scene.made()) == 1


def _power_cut_at(job_id: str) -> object:
    """At the commit that ends the job."""
    finish = UnitOfWork.finish

    def cut(self: UnitOfWork) -> None:
        finish(self)
        if self.session.get_one(models.Job, job_id, populate_existing=True).state == "done":
            raise KeyboardInterrupt

    return cut


def test_of_two_moves_in_a_row_the_last_one_counts(runtime: Runtime) -> None:
    scene = Scene(runtime)
    scene.move(scene.first, scene.second)
    scene.move(scene.second, scene.first)
    assert len(scene.jobs()) == 2
    scene.settle()
    (made,) = scene.made()
    assert made.model_version_id == scene.first
    scene.move(scene.first, scene.second)
    scene.settle()
    assert [one.state for one in scene.made()] == ["cancelled", "queued"]


def test_a_rollback_proposes_anew_by_the_version_that_serves_again(runtime: Runtime) -> None:
    scene = Scene(runtime)
    scene.move(scene.first, scene.second)
    scene.settle()
    with runtime.write() as uow:
        rollbacks.rollback(uow, scene.project, scene.person, "worse on cups")
    scene.settle()
    left, back = scene.made()
    assert (left.state, left.reason) == ("cancelled", "its model version was rolled back")
    assert (back.state, back.model_version_id) == ("queued", scene.first)


def test_the_semi_automatic_stage_begins_with_proposals_where_there_were_none(runtime: Runtime) -> None:
    fresh, half, known = (Scene(runtime, stage="assisted_manual") for _ in range(3))
    with runtime.write() as uow:
        half.asked(uow, half.images[1], state="done")
        known.asked(uow, *known.images, state="cancelled")
        for scene in (fresh, half, known):
            stages.change(uow, scene.project, "semi_automatic", scene.person, "enough masks")
    fresh.settle()
    made = {one.project_id: (one.model_version_id, one.image_count) for one in fresh.made()}
    assert made == {fresh.project: (fresh.first, 2), half.project: (half.first, 1)}
    with runtime.write() as uow:
        stages.change(uow, fresh.project, "assisted_manual", fresh.person, "not yet")
    fresh.upload()
    assert fresh.jobs() == [], "nobody works with proposals there"


def test_images_that_come_later_get_proposals_in_one_generation_while_it_runs(any_runtime: Runtime) -> None:
    scene = Scene(any_runtime)
    with any_runtime.write() as uow:
        before = scene.asked(uow, *scene.images[1:], state="done")
    uploaded = [scene.upload() for _ in range(3)]
    scene.settle()
    (made,) = scene.made()
    assert (made.image_count, scene.taken(made.id)) == (3, sorted(uploaded)), "and none that was taken before"
    uploaded.append(scene.upload())
    scene.settle()
    (joined,) = scene.made()
    assert (joined.image_count, scene.taken(made.id)) == (4, sorted(uploaded))
    with any_runtime.read() as session:
        asked = select(models.Job.args).where(models.Job.kind == "generate").order_by(models.Job.created_at)
        last = session.scalars(asked).all()[-1]
        found = generations.chunk(session, made.id, last["after"], last["until"])
    assert found is not None and uploaded[-1] in [image.id for image in found.images]
    with any_runtime.write() as uow:
        generations.act(uow, made.id, "cancel")
    uploaded.append(scene.upload())
    scene.settle()
    assert [scene.taken(one.id) for one in scene.made()][1:] == [uploaded[-1:]], "what was cancelled stays so"
    assert scene.taken(before.id) == sorted(scene.images[1:])


def test_an_image_joins_a_paused_generation_and_ends_none_of_another_version(runtime: Runtime) -> None:
    paused, other = Scene(runtime), Scene(runtime)
    with runtime.write() as uow:
        mine = paused.asked(uow, state="paused").id
        theirs = other.asked(uow, model_version_id=other.second).id
    uploaded = paused.upload()
    other.upload()
    paused.settle()
    assert paused.made() == [] and uploaded in paused.taken(mine) and other.taken(theirs) == []
    with runtime.read() as session:
        states = [session.get_one(models.Generation, one).state for one in (mine, theirs)]
        jobs = session.scalars(select(models.Job.id).where(models.Job.kind == "generate")).all()
    assert states == ["paused", "running"] and jobs == []
    with runtime.write() as uow:
        generations.act(uow, theirs, "cancel")
    other.upload()
    other.settle()
    assert [one.image_count for one in other.made()] == [4], "the one that had to wait among them"


def test_proposals_that_wait_for_a_detector_begin_when_it_is_ready(runtime: Runtime) -> None:
    scene = Scene(runtime, confident={"source": "detector"}, proposals={"min_box_score": 0.2})
    with runtime.write() as uow:
        version = uow.session.get_one(models.ModelVersion, scene.second)
        told = {"project_id": scene.project, "encoder_digest": version.encoder_digest}
        rows = [models.Detector(**told) for _ in range(2)]
        uow.session.add_all(rows)
    scene.move(scene.first, scene.second)
    scene.settle()
    assert scene.made() == []
    for row in rows:
        for _ in range(2):
            with runtime.write() as uow:
                detectors.mark_ready(uow, row.id, make.digest(row.id), "somewhere", {})
        scene.settle()
    (made,) = scene.made()
    assert (made.model_version_id, made.settings["source"]) == (scene.second, "detector")
    assert (made.settings["detector_id"], made.settings["min_box_score"]) == (rows[0].id, 0.2)
