"""Automatic generation with a real, tiny model: run twice, at once, killed anywhere, it leaves the same proposals."""

import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture
from sqlalchemy import func, select, update

from backend.db.models import Annotation, Event, Generation, GenerationImage, Image, Job, Project
from backend.errors import Conflict, Invalid
from backend.runtime import Runtime
from backend.services import accounts, annotations, generations, jobs, model_versions, projects, proposals
from backend.services import images as image_rows
from backend.storage import keys
from segmenter import masks
from tests import make
from tests.releases import write_tiny_release
from workers import handlers, recovery
from workers.job import JobContext, perform

assert handlers.__all__  # registers every handler

# An untrained model is unsure of everything: all of its masks pass.
ALL = {"points_per_side": 3, "pred_iou_thresh": 0.0, "stability_score_thresh": 0.0, "min_mask_region_area": 0}
LOOSE = generations.Request(changes=ALL | {"box_nms_thresh": 0.9})


def take(runtime: Runtime, project: Project, folder: Path, count: int, seed: int = 0) -> list[str]:
    """Ids of images of 30 x 40 pixels, ready and embedded."""
    with runtime.write() as uow:
        actor = accounts.owner(uow)
    files = []
    for number in range(seed, seed + count):
        path = folder / f"{number}.png"
        pixels = np.random.default_rng(number).integers(0, 255, (5, 4, 3), dtype=np.uint8)
        Picture.fromarray(pixels).resize((40, 30), Picture.Resampling.NEAREST).save(path)
        files.append(image_rows.LocalFile(path.name, path, 10**9))
    return image_rows.take(runtime, project.id, actor.id, files).accepted


@pytest.fixture
def project(runtime: Runtime, tiny_release: Path, tmp_path: Path) -> Project:
    """A project with three images that are ready and embedded."""
    return project_in(runtime, tiny_release, tmp_path)


def project_in(runtime: Runtime, release: Path, folder: Path, count: int = 3) -> Project:
    model_versions.register_release(runtime, release)
    with runtime.write() as uow:
        project = projects.create(uow, "Streets")
    take(runtime, project, folder, count)
    make.work_off(runtime)
    return project


def start(runtime: Runtime, project: Project, request: generations.Request = LOOSE) -> Generation:
    with runtime.write() as uow:
        return generations.start(uow, project.id, accounts.owner(uow).id, request)


def row(runtime: Runtime, generation: Generation) -> Generation:
    with runtime.read() as session:
        return session.get_one(Generation, generation.id)


def left_behind(runtime: Runtime) -> dict[str, object]:
    """Proposals and what became of images, without times, the order of events and which jobs did it."""
    with runtime.read() as session:
        columns = (Annotation.id, Annotation.state, Annotation.counts, Annotation.predicted_iou, Annotation.prompts)
        found = session.execute(select(*columns).order_by(Annotation.id)).all()
        became = session.execute(
            select(GenerationImage.image_id, GenerationImage.state, GenerationImage.mask_count).order_by(
                GenerationImage.image_id
            )
        ).all()
        counts = (Generation.state, Generation.done_count, Generation.failed_count, Generation.mask_count)
        return {"annotations": found, "images": became, "generations": session.execute(select(*counts)).all()}


def waiting(runtime: Runtime) -> list[str]:
    with runtime.read() as session:
        return list(session.scalars(select(Job.id).where(Job.kind == "generate", Job.state == "queued")))


def test_every_image_gets_proposals_that_the_named_version_reproduces(runtime: Runtime, project: Project) -> None:
    generation = start(runtime, project)
    make.work_off(runtime)
    done = row(runtime, generation)
    with runtime.read() as session:
        found = session.scalars(select(Annotation)).all()
        version = model_versions.find(session, generation.model_version_id)
        images = session.scalars(select(Image)).all()
        told = session.scalars(select(Event.payload).where(Event.kind == "image.proposals")).all()
        view = generations.view(session, done)
        listed = generations.images_of(session, generation.id, "done", None, 100)["images"]
    assert (done.state, done.image_count, done.done_count, done.failed_count) == ("done", 3, 3, 0)
    assert done.mask_count == len(found) > 6
    assert sum(payload["count"] for payload in told) == len(found)
    assert {one["image_id"]: one["mask_count"] for one in listed} == {
        image.id: sum(mask.image_id == image.id for mask in found) for image in images
    }
    assert view["images_per_minute"] > 0 and view["seconds_left"] is None and view["waiting_count"] == 0

    from segmenter.predict import Embedding, decode
    from segmenter.prompts import Point, Prompt
    from workers import embeddings

    job = JobContext.__new__(JobContext)
    job.runtime = runtime
    model = embeddings.model_of(runtime, version)
    for mask in found:
        assert (mask.state, mask.source, mask.stage) == ("proposed", "automatic", "assisted_manual")
        assert (mask.generation_id, mask.model_version_id) == (generation.id, version.id)
        (image,) = (image for image in images if image.id == mask.image_id)
        embedding: Embedding = embeddings.embedding_of(job, version, image.pixel_digest or "")
        (prompt,) = mask.prompts
        answer = decode(model, embedding, [Prompt((Point(prompt["x"], prompt["y"], 1),))])[0]
        assert mask.chosen_candidate is not None
        again = masks.runs_of(answer.mask(mask.chosen_candidate))
        assert masks.iou(again, masks.parse((30, 40), mask.counts, (30, 40))) >= 0.98
        assert mask.predicted_iou == pytest.approx(float(answer.predicted_iou[mask.chosen_candidate]), abs=1e-5)


def test_again_by_the_same_version_changes_nothing(runtime: Runtime, project: Project) -> None:
    start(runtime, project)
    make.work_off(runtime)
    once = left_behind(runtime)["annotations"]
    again = start(runtime, project)
    make.work_off(runtime)
    assert left_behind(runtime)["annotations"] == once
    assert row(runtime, again).mask_count == len(once)  # type: ignore[arg-type]


def alike(one: Annotation, other: Annotation) -> bool:
    """Whether who decided about the one has decided about the other."""
    runs = [masks.parse((30, 40), mask.counts, (30, 40)) for mask in (one, other)]
    return one.image_id == other.image_id and masks.iou(*runs) >= proposals.SAME


def test_a_newer_version_replaces_only_what_nobody_touched(runtime: Runtime, project: Project, tmp_path: Path) -> None:
    start(runtime, project)
    make.work_off(runtime)
    newer = model_versions.register_release(runtime, write_tiny_release(tmp_path / "newer", seed=1))
    with runtime.write() as uow:
        person = accounts.owner(uow).id
        first = list(uow.session.scalars(select(Annotation).order_by(Annotation.id)))
        accepted, rejected, flagged = first[:3]
        others = [one for one in first[3:] if not alike(one, accepted) and not alike(one, rejected)]
        accepted.state, accepted.decided_by_id = "accepted", person
        annotations.delete(uow, rejected.id)
        flagged.flag = "two things in one"
    request = generations.Request(model_version_id=newer.id, changes=LOOSE.changes)
    start(runtime, project, request)
    make.work_off(runtime)
    with runtime.read() as session:
        state = {one.id: one.state for one in session.scalars(select(Annotation))}
        of_newer = list(session.scalars(select(Annotation).where(Annotation.model_version_id == newer.id)))
    assert [state[one.id] for one in first[:3]] == ["accepted", "rejected", "proposed"]
    assert {state[one.id] for one in first[3:]} == {"withdrawn"}
    assert of_newer and {one.state for one in of_newer} == {"proposed"}
    start(runtime, project)
    make.work_off(runtime)
    with runtime.read() as session:
        back = {one.id: one.state for one in session.scalars(select(Annotation))}
    assert others and {back[one.id] for one in others} == {"proposed"}
    assert {back[one.id] for one in of_newer} == {"withdrawn"}


def test_what_people_decided_is_not_proposed_again(runtime: Runtime, project: Project) -> None:
    start(runtime, project)
    make.work_off(runtime)
    with runtime.write() as uow:
        for number, one in enumerate(uow.session.scalars(select(Annotation)).all()):
            one.state = "rejected" if number % 2 else "accepted"
    start(runtime, project)
    make.work_off(runtime)
    with runtime.read() as session:
        assert not session.scalars(select(Annotation).where(Annotation.state == "proposed")).all()


@pytest.mark.parametrize("cut", ["step", "commit"])
def test_killed_anywhere_the_next_attempt_does_the_rest(
    runtime: Runtime, project: Project, monkeypatch: pytest.MonkeyPatch, cut: str
) -> None:
    expected = undisturbed(runtime, project)
    generation = start(runtime, project)
    for _ in range(3):
        for job_id in waiting(runtime):
            with monkeypatch.context() as patched:
                patched.setattr(JobContext, cut, _power_cut_after(getattr(JobContext, cut), 1 if cut == "step" else 0))
                with pytest.raises(KeyboardInterrupt):
                    while perform(runtime, job_id) == "done":
                        pass
                    raise KeyboardInterrupt  # a range without images has no step to die in
            with runtime.write() as uow:
                late = {"state": "queued", "lease_token": None, "lease_expires_at": None, "run_after": uow.now()}
                uow.session.execute(update(Job).where(Job.id == job_id, Job.state == "running").values(**late))
    with runtime.write() as uow:
        uow.session.execute(update(Job).where(Job.state == "queued").values(attempts=0))
    make.work_off(runtime)
    assert row(runtime, generation).state == "done"
    assert left_behind(runtime)["annotations"] == expected


def undisturbed(runtime: Runtime, project: Project) -> object:
    """The proposals of a generation that nothing disturbs; they are gone afterwards."""
    generation = start(runtime, project)
    make.work_off(runtime)
    found = left_behind(runtime)["annotations"]
    with runtime.write() as uow:
        uow.session.query(Annotation).delete()
        uow.session.query(GenerationImage).delete()
        uow.session.query(Generation).filter(Generation.id == generation.id).delete()
    return found


def _power_cut_after(method: object, times: int) -> object:
    left = [times]

    def cut(self: JobContext, *told: object) -> object:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        return method(self, *told)  # type: ignore[operator]

    return cut


def do_all(runtime: Runtime, ids: list[str]) -> None:
    for job_id in ids:
        perform(runtime, job_id)


def test_many_workers_at_once_do_every_image_once(any_runtime: Runtime, tiny_release: Path, tmp_path: Path) -> None:
    project = project_in(any_runtime, tiny_release, tmp_path, count=10)
    generation = start(any_runtime, project)
    for _ in range(6):
        ids = waiting(any_runtime)
        threads = [threading.Thread(target=do_all, args=(any_runtime, ids)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    done = row(any_runtime, generation)
    assert (done.state, done.done_count) == ("done", 10)
    with any_runtime.read() as session:
        assert session.scalar(select(func.count()).select_from(Annotation)) == done.mask_count


def test_pause_stops_resume_goes_on_and_cancel_ends(runtime: Runtime, project: Project) -> None:
    generation = start(runtime, project)
    first, *others = waiting(runtime)
    perform(runtime, first)
    before = row(runtime, generation).done_count
    with runtime.write() as uow:
        assert generations.act(uow, generation.id, "pause").state == "paused"
        assert generations.act(uow, generation.id, "pause").state == "paused"
    assert waiting(runtime) == []
    assert [perform(runtime, job_id) for job_id in others] == ["taken"] * len(others)
    assert row(runtime, generation).done_count == before
    with runtime.write() as uow:
        assert generations.act(uow, generation.id, "resume").state == "running"
    make.work_off(runtime)
    assert (row(runtime, generation).state, row(runtime, generation).done_count) == ("done", 3)
    with runtime.write() as uow, pytest.raises(Conflict, match="done"):
        generations.act(uow, generation.id, "cancel")
    second = start(runtime, project)
    with runtime.write() as uow:
        assert generations.act(uow, second.id, "cancel").state == "cancelled"
    assert make.work_off(runtime) == {}
    with runtime.write() as uow, pytest.raises(Conflict):
        generations.act(uow, second.id, "resume")


def test_pausing_under_a_worker_keeps_what_it_wrote_and_nothing_else(
    runtime: Runtime, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    generation = start(runtime, project)
    original = JobContext.step
    paused: list[bool] = []

    def step(self: JobContext, *told: object) -> object:
        if not paused:
            paused.append(True)
            with runtime.write() as uow:
                generations.act(uow, generation.id, "pause")
        return original(self, *told)  # type: ignore[arg-type]

    monkeypatch.setattr(JobContext, "step", step)
    outcomes = [perform(runtime, job_id) for job_id in waiting(runtime)]
    assert outcomes.count("lost") == 1
    assert left_behind(runtime)["annotations"] == []
    assert row(runtime, generation).state == "paused"


def test_an_image_that_cannot_be_done_is_listed_and_the_others_are_done(runtime: Runtime, project: Project) -> None:
    with runtime.read() as session:
        image = session.scalars(select(Image).order_by(Image.id)).first()
        version = model_versions.active(session)[0]
    assert image is not None and image.pixel_digest is not None
    key = keys.embedding_key(version.encoder_digest, image.pixel_digest)
    runtime.storage.delete(key)
    runtime.storage.put(key, b"not an embedding")
    generation = start(runtime, project)
    make.work_off(runtime)
    done = row(runtime, generation)
    assert (done.state, done.done_count, done.failed_count) == ("done", 2, 1)
    with runtime.read() as session:
        (failed,) = generations.images_of(session, generation.id, "failed", None, 10)["images"]
    assert failed["image_id"] == image.id and "not an embedding" in failed["failure"]
    runtime.storage.delete(key)
    with runtime.write() as uow:
        assert generations.act(uow, generation.id, "retry").state == "running"
    make.work_off(runtime)
    assert (row(runtime, generation).state, row(runtime, generation).failed_count) == ("done", 0)
    assert row(runtime, generation).done_count == 3, "the embedding was made again"
    with runtime.write() as uow, pytest.raises(Conflict, match="No image"):
        generations.act(uow, generation.id, "retry")


def test_an_image_that_kills_its_workers_fails_alone(runtime: Runtime, tiny_release: Path, tmp_path: Path) -> None:
    """The third worker dies on it too: the image has failed, the rest of its job goes on in another one."""
    project = project_in(runtime, tiny_release, tmp_path, count=12)
    generation = start(runtime, project)
    with runtime.write() as uow:
        lost = uow.session.scalars(select(Job).where(Job.kind == "generate").order_by(Job.key)).all()
        for job in lost:
            job.state, job.attempts, job.lease_token = "running", 3, "gone"
            job.lease_expires_at = make.long_ago()
    recovery.round_of(runtime)
    make.work_off(runtime)
    done = row(runtime, generation)
    with runtime.read() as session:
        failed = generations.images_of(session, generation.id, "failed", None, 10)["images"]
    assert done.state == "done" and done.failed_count == len(failed) and 1 <= len(failed) <= 4
    assert done.done_count == 12 - len(failed)
    assert all("died or went silent" in one["failure"] for one in failed)


def test_cancelling_one_of_its_jobs_pauses_it(runtime: Runtime, project: Project) -> None:
    generation = start(runtime, project)
    with runtime.write() as uow:
        jobs.cancel(uow, waiting(runtime)[0])
    assert row(runtime, generation).state == "paused" and waiting(runtime) == []


def test_images_that_people_hold_or_erased_are_passed_over(runtime: Runtime, project: Project) -> None:
    generation = start(runtime, project)
    with runtime.write() as uow:
        held, erased, _ = uow.session.scalars(select(Image).order_by(Image.id))
        erased.state = "erased"
        hold(uow, held.id)
    make.work_off(runtime)
    done = row(runtime, generation)
    assert (done.state, done.done_count, done.failed_count) == ("done", 1, 0)
    with runtime.read() as session:
        skipped = generations.images_of(session, generation.id, "skipped", None, 10)["images"]
    assert {one["image_id"]: one["failure"] for one in skipped} == {
        held.id: "somebody works on this image",
        erased.id: "the image was erased",
    }


def hold(uow: object, image_id: str) -> None:
    from backend.db.models import Assignment
    from backend.db.types import moment
    from backend.uow import UnitOfWork

    assert isinstance(uow, UnitOfWork)
    expires = uow.session.execute(select(moment(60))).scalar_one()
    actor = accounts.owner(uow).id
    uow.session.add(Assignment(image_id=image_id, actor_id=actor, state="leased", lease_expires_at=expires))


@pytest.mark.parametrize(
    ("request_", "error", "code"),
    [
        (generations.Request(changes={"points_per_side": 0}), Invalid, "bad_settings"),
        (generations.Request(changes={"nonsense": 1}), Invalid, "bad_settings"),
        (generations.Request(source="detector"), Conflict, "no_detector"),
    ],
)
def test_what_cannot_be_generated_is_refused_and_leaves_nothing(
    runtime: Runtime, project: Project, request_: generations.Request, error: type[Exception], code: str
) -> None:
    with pytest.raises(error) as refused:
        start(runtime, project, request_)
    assert getattr(refused.value, "code", None) == code
    assert left_behind(runtime)["generations"] == [] and waiting(runtime) == []


def test_one_at_a_time_for_each_source_and_only_images_without_masks(runtime: Runtime, project: Project) -> None:
    with runtime.write() as uow:
        image = uow.session.scalars(select(Image).order_by(Image.id)).first()
        assert image is not None
        make.annotation(uow, image, accounts.owner(uow), counts="")
    generation = start(runtime, project, generations.Request(images="empty", changes=LOOSE.changes))
    assert generation.image_count == 2
    with pytest.raises(Conflict, match="not ended"):
        start(runtime, project)
    make.work_off(runtime)
    assert row(runtime, generation).done_count == 2


def test_withdrawn_with_their_version(runtime: Runtime, project: Project) -> None:
    generation = start(runtime, project)
    make.work_off(runtime)
    with runtime.write() as uow:
        made = row(runtime, generation).mask_count
        assert proposals.withdraw(uow, project.id, generation.model_version_id, limit=2) == 2 < made
        assert proposals.withdraw(uow, project.id, generation.model_version_id, limit=10_000) == made - 2
        assert proposals.withdraw(uow, project.id, generation.model_version_id, limit=10_000) == 0
