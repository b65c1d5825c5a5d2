"""`prepare_ratings` with a real, tiny model: what it puts into the queue, run twice, cut off, given up and taken up."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Picture
from sqlalchemy import select

from backend.api.engine_schemas import RatingEntry
from backend.db.models import Image, Job, ModelVersion, Project, RatingItem, RatingTask
from backend.runtime import Runtime
from backend.services import accounts, images, jobs, model_versions, projects, ratings
from segmenter import masks
from tests import make
from workers import embeddings, handlers
from workers.job import JobContext, perform

assert handlers.__all__  # registers every handler
SIZE = (90, 120)


@pytest.fixture
def project(runtime: Runtime, tiny_release: Path, tmp_path: Path) -> Project:
    """Two images with two masks of a person each."""
    model_versions.register_release(runtime, tiny_release)
    with runtime.write() as uow:
        made, owner = projects.create(uow, "Streets"), accounts.owner(uow)
    for number in range(2):
        path = tmp_path / f"{number}.png"
        rgb = np.random.default_rng(number).integers(0, 255, (*SIZE, 3), dtype=np.uint8)
        Picture.fromarray(rgb).save(path)
        images.take(runtime, made.id, owner.id, [images.LocalFile(path.name, path, 10**9)])
    for job in _queued(runtime, "ingest"):
        assert perform(runtime, job) == "done"
    with runtime.write() as uow:
        for image in uow.session.scalars(select(Image)):
            for left in (5, 60):
                window = np.ones((40, 30), np.bool_)
                counts = masks.compress(masks.runs_within(window, (left, 10), SIZE))
                make.annotation(uow, image, owner, counts=counts, area=1200)
    return made


def _queued(runtime: Runtime, kind: str) -> list[str]:
    with runtime.read() as session:
        return list(session.scalars(select(Job.id).where(Job.kind == kind, Job.state == "queued")))


def started(runtime: Runtime, project: Project) -> tuple[str, str]:
    """A prompted task of people and the tiny model: (its id, that of its job)."""
    with runtime.read() as session:
        version = session.scalars(select(ModelVersion)).one()
    with runtime.write() as uow:
        admin = accounts.owner(uow).id
    draft = ratings.Draft("Blind", "prompted", ("people", version.id), masks=3)
    task_id = ratings.create(runtime, project.id, admin, draft)
    (job_id,) = _queued(runtime, "prepare_ratings")
    return task_id, job_id


def items(runtime: Runtime, task_id: str) -> list[dict[str, Any]]:
    columns = ("source_name", "object_key", "annotation_id", "image_id", "counts", "prompt", "position")
    with runtime.read() as session:
        query = select(RatingItem).where(RatingItem.rating_task_id == task_id).order_by(RatingItem.position)
        return [{name: getattr(item, name) for name in columns} for item in session.scalars(query)]


def state(runtime: Runtime, task_id: str) -> tuple[str, str | None]:
    with runtime.read() as session:
        task = session.get_one(RatingTask, task_id)
        return task.state, task.failure


def again(runtime: Runtime, job_id: str) -> None:
    with runtime.write() as uow:
        job = uow.session.get_one(Job, job_id)
        job.state, job.lease_token, job.run_after = "queued", None, uow.now()


def test_each_object_is_shown_by_people_and_by_what_the_model_makes_of_one_point(
    runtime: Runtime, project: Project
) -> None:
    from segmenter.predict import decode
    from segmenter.prompts import Point, Prompt

    task_id, job_id = started(runtime, project)
    assert state(runtime, task_id) == ("preparing", None)
    with runtime.write() as uow:
        assert ratings.next_mask(uow, task_id, make.actor(uow).id) is None
    assert perform(runtime, job_id) == "done"
    assert state(runtime, task_id) == ("open", None)
    with runtime.write() as uow:
        entry = ratings.next_mask(uow, task_id, make.actor(uow).id)
    prompt = RatingEntry.model_validate(entry).prompt
    assert prompt is not None and prompt.kind == "point"
    found = items(runtime, task_id)
    assert len(found) == 6 and len({item["object_key"] for item in found}) == 3
    with runtime.read() as session:
        version = session.scalars(select(ModelVersion)).one()
        digests = {image.id: image.pixel_digest for image in session.scalars(select(Image))}
        job = session.get_one(Job, job_id)
    model = embeddings.model_of(runtime, version)
    job.lease_token = "x"
    for item in found:
        assert item["prompt"]["x"] in range(15, 95) and item["prompt"]["y"] in range(20, 41)
        mask = masks.pixels_of(masks.parse(list(SIZE), item["counts"], SIZE), SIZE)
        if item["source_name"] == "people":
            assert mask[int(item["prompt"]["y"]), int(item["prompt"]["x"])]
            continue
        embedding = embeddings.embedding_of(JobContext(runtime, job), version, str(digests[item["image_id"]]))
        (answer,) = decode(model, embedding, [Prompt((Point(item["prompt"]["x"], item["prompt"]["y"]),))])
        assert answer.chosen > 0  # of one point, the best of the three
        np.testing.assert_array_equal(mask, answer.mask(answer.chosen))


def test_twice_and_after_a_power_cut_the_queue_is_the_same(
    runtime: Runtime, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    task_id, job_id = started(runtime, project)
    with monkeypatch.context() as patched:
        patched.setattr(JobContext, "commit", _power_cut)
        with pytest.raises(KeyboardInterrupt):
            perform(runtime, job_id)
    assert items(runtime, task_id) == []
    again(runtime, job_id)
    assert perform(runtime, job_id) == "done"
    once = items(runtime, task_id)
    again(runtime, job_id)
    assert perform(runtime, job_id) == "done"
    assert items(runtime, task_id) == once and len(once) == 6


def _power_cut(work: JobContext) -> None:
    raise KeyboardInterrupt


def test_a_task_fails_with_its_job_and_waits_again_with_it(runtime: Runtime, project: Project) -> None:
    task_id, job_id = started(runtime, project)
    with runtime.write() as uow:
        jobs.cancel(uow, job_id)
    assert state(runtime, task_id) == ("failed", "cancelled")
    with runtime.write() as uow:
        jobs.retry(uow, job_id)
    assert state(runtime, task_id) == ("preparing", None)
    assert perform(runtime, job_id) == "done"
    assert len(items(runtime, task_id)) == 6


def test_a_task_that_was_closed_meanwhile_stays_empty(runtime: Runtime, project: Project) -> None:
    task_id, job_id = started(runtime, project)
    with runtime.write() as uow:
        ratings.close(uow, task_id)
    assert perform(runtime, job_id) == "done"
    assert state(runtime, task_id) == ("closed", None) and items(runtime, task_id) == []
