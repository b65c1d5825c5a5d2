"""A project's own box detector, with a real, tiny model: trained, killed, judged, and its boxes made proposals."""

from pathlib import Path

import pytest
from sqlalchemy import select, update

from backend.db.models import Annotation, Detector, Image, Job, Project, Round
from backend.errors import Conflict, Invalid
from backend.runtime import Runtime
from backend.services import accounts, detectors, generations, jobs
from tests import make
from tests.workers.test_generate import ALL, project_in
from workers import handlers
from workers.job import JobContext, perform

assert handlers.__all__

MOMENT = 0.02  # minutes
COUNT = 5


@pytest.fixture
def project(runtime: Runtime, tiny_release: Path, tmp_path: Path) -> Project:
    """Five images, each with two accepted boxes."""
    project = project_in(runtime, tiny_release, tmp_path, count=COUNT)
    with runtime.write() as uow:
        actor = accounts.owner(uow)
        for image in uow.session.scalars(select(Image)).all():
            for left in (2, 20):
                make.annotation(uow, image, actor, counts="", box_x=left, box_y=5, box_w=12, box_h=15, area=180)
    return project


def asked(runtime: Runtime, project: Project) -> Detector:
    with runtime.write() as uow:
        return detectors.request(uow, project.id, minutes=MOMENT)


def row(runtime: Runtime, detector: Detector) -> Detector:
    with runtime.read() as session:
        return session.get_one(Detector, detector.id)


def job_of(runtime: Runtime) -> str:
    with runtime.read() as session:
        return session.scalars(select(Job.id).where(Job.kind == "train_detector")).one()


def test_it_learns_from_accepted_masks_and_its_boxes_become_proposals(runtime: Runtime, project: Project) -> None:
    detector = asked(runtime, project)
    assert asked(runtime, project).id == detector.id, "it is trained already"
    with runtime.write() as uow, pytest.raises(Conflict, match="no detector"):
        generations.start(uow, project.id, None, generations.Request(source="detector"))
    make.work_off(runtime)
    ready = row(runtime, detector)
    assert ready.state == "ready" and ready.digest and ready.storage_key and runtime.storage.exists(ready.storage_key)
    assert set(ready.figures["held_out"]) == {"images", "objects", "ap50", "ap", "recall50"}
    assert not (runtime.settings.data_dir / "cache" / "detectors" / detector.id).exists()

    changes = {**ALL, "box_nms_thresh": 0.9}
    with runtime.write() as uow:
        uow.session.execute(update(Annotation).values(state="deleted"))
        request = generations.Request(source="detector", changes=changes, min_box_score=0.0)
        generation = generations.start(uow, project.id, None, request)
    make.work_off(runtime)
    with runtime.read() as session:
        done = generations.find(session, generation.id)
        found = session.scalars(select(Annotation).where(Annotation.state == "proposed")).all()
    assert (done.state, done.done_count, done.failed_count) == ("done", COUNT, 0)
    assert found and len(found) == done.mask_count
    for mask in found:
        (prompt,) = mask.prompts
        assert (mask.source, prompt["kind"]) == ("detector", "box")
        assert 0 <= prompt["x0"] < prompt["x1"] <= 40 and 0 <= mask.attributes["box_score"] <= 1


@pytest.mark.parametrize("cut", ["progress", "commit"])
def test_killed_anywhere_the_next_attempt_ends_it(
    runtime: Runtime, project: Project, monkeypatch: pytest.MonkeyPatch, cut: str
) -> None:
    detector = asked(runtime, project)
    job_id = job_of(runtime)
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(JobContext, cut, _power_cut)
        perform(runtime, job_id)
    assert row(runtime, detector).state == "training"
    for _ in range(2):  # the second time as if the first one's end had not been seen
        with runtime.write() as uow:
            late = {"state": "queued", "lease_token": None, "lease_expires_at": None, "run_after": uow.now()}
            uow.session.execute(update(Job).where(Job.id == job_id).values(**late, attempts=0))
        assert perform(runtime, job_id) == "done"
        assert row(runtime, detector).state == "ready"


def _power_cut(*_: object) -> None:
    raise KeyboardInterrupt


def test_given_up_and_tried_again(runtime: Runtime, project: Project) -> None:
    detector = asked(runtime, project)
    with runtime.write() as uow:
        jobs.cancel(uow, job_of(runtime))
    assert (row(runtime, detector).state, row(runtime, detector).failure) == ("failed", "cancelled")
    with runtime.write() as uow:
        jobs.retry(uow, job_of(runtime))
    assert row(runtime, detector).state == "training"


def test_without_masks_or_with_a_damaged_file_there_are_no_boxes(runtime: Runtime, project: Project) -> None:
    detector = asked(runtime, project)
    make.work_off(runtime)
    key = row(runtime, detector).storage_key
    assert key is not None
    runtime.storage.delete(key)
    runtime.storage.put(key, b"something else")
    with runtime.write() as uow:
        generation = generations.start(uow, project.id, None, generations.Request(source="detector"))
    make.work_off(runtime)
    with runtime.read() as session:
        ended = generations.find(session, generation.id)
        failed = generations.images_of(session, generation.id, "failed", None, 100)["images"]
    assert (ended.state, ended.done_count, ended.failed_count) == ("done", 0, COUNT)
    assert len(failed) == COUNT and all("damaged" in one["failure"] for one in failed)
    with runtime.write() as uow:
        uow.session.execute(update(Annotation).values(state="deleted"))
    with runtime.write() as uow, pytest.raises(Invalid, match="no accepted masks"):
        detectors.request(uow, project.id)


def test_a_round_trains_one_only_where_confident_masks_come_from_it(runtime: Runtime, project: Project) -> None:
    with runtime.write() as uow:
        candidate = make.model_version(uow, encoder_digest=make.digest("other encoder"))
        told = {"project_id": project.id, "trigger": "admin", "state": "trained", "candidate_version_id": candidate.id}
        plain = Round(**told, number=1, policy={})
        assert detectors.of_round(uow, plain) is None
        chosen = Round(**told, number=2, policy={"confident": {"source": "detector"}, "training": {"minutes": 1.5}})
        uow.session.add(chosen)
        uow.session.flush()
        made = detectors.of_round(uow, chosen)
        assert made is not None
        assert (made.round_id, made.encoder_digest) == (chosen.id, candidate.encoder_digest)
        args = uow.session.scalars(select(Job.args).where(Job.kind == "train_detector")).one()
    assert (args["model_version_id"], args["minutes"]) == (candidate.id, 1.5)
