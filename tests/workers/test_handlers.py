"""The handlers with a real, tiny model: run twice or cut off before the commit, they leave the same rows and files."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture
from sqlalchemy import select

from backend import embedding_file, images
from backend.db.models import Embedding, Event, Export, Image, Job, ModelVersion, Project
from backend.errors import Invalid
from backend.runtime import Runtime
from backend.services import accounts, exports, model_versions, projects
from backend.services import images as image_rows
from backend.settings import Settings
from backend.storage import keys
from tests import make
from workers import embeddings, handlers
from workers import job as job_module
from workers.job import JobContext, perform
from workers.model_cache import ModelCache, fetch

assert handlers.__all__  # registers every handler


@pytest.fixture
def project(runtime: Runtime, tiny_release: Path) -> Project:
    """A project that the tiny release serves."""
    return project_in(runtime, tiny_release)


def project_in(runtime: Runtime, release: Path) -> Project:
    model_versions.register_release(runtime, release)
    with runtime.write() as uow:
        return projects.create(uow, "Streets")


def picture(folder: Path, name: str = "one.png", seed: int = 0) -> Path:
    """A PNG of 30 x 40 pixels."""
    path = folder / name
    Picture.fromarray(np.random.default_rng(seed).integers(0, 255, (30, 40, 3), dtype=np.uint8)).save(path)
    return path


def take(runtime: Runtime, project: Project, path: Path) -> str:
    """The id of the image row of a file."""
    with runtime.write() as uow:
        actor = accounts.owner(uow)
    return image_rows.take(runtime, project.id, actor.id, [image_rows.LocalFile(path.name, path, 10**9)]).accepted[0]


def jobs_of(runtime: Runtime, kind: str) -> list[Job]:
    with runtime.read() as session:
        return list(session.scalars(select(Job).where(Job.kind == kind).order_by(Job.created_at)))


def again(runtime: Runtime, row: Job) -> None:
    """As if the first attempt's worker had been thought dead just before its commit was seen."""
    with runtime.write() as uow:
        fresh = uow.session.get_one(Job, row.id)
        fresh.state, fresh.lease_token, fresh.run_after = "queued", None, uow.now()


def everything(runtime: Runtime) -> dict[str, object]:
    """What jobs left behind, without times."""
    with runtime.read() as session:
        image_columns = (Image.id, Image.state, Image.pixel_digest, Image.height, Image.width, Image.failure)
        rows = {
            "images": session.execute(select(*image_columns)).all(),
            "embeddings": session.execute(select(Embedding.pixel_digest, Embedding.state, Embedding.byte_size)).all(),
            "exports": session.execute(select(Export.id, Export.state, Export.digest, Export.byte_size)).all(),
            "jobs": sorted(session.execute(select(Job.kind, Job.state)).all()),
        }
    stored = runtime.storage.keys()
    return {**rows, "files": {key: hashlib.sha256(runtime.storage.get(key)).hexdigest() for key in stored}}


def test_from_upload_to_embedding(runtime: Runtime, project: Project, tmp_path: Path) -> None:
    path = picture(tmp_path)
    image_id = take(runtime, project, path)
    assert make.work_off(runtime) == {"done": 2}
    rgb = np.asarray(Picture.open(path))
    digest = images.pixel_digest(rgb)
    with runtime.read() as session:
        image = session.get_one(Image, image_id)
        assert (image.state, image.pixel_digest, image.height, image.width) == ("ready", digest, 30, 40)
        version = session.scalars(select(ModelVersion)).one()
        kinds = list(session.scalars(select(Event.kind).where(Event.subject_id == image_id).order_by(Event.id)))
    assert kinds == ["image.ready", "embedding.ready"]
    content = runtime.storage.get(keys.embedding_key(version.encoder_digest, digest))
    tensors, facts = embedding_file.read(content)
    assert (facts.size, facts.input_size, facts.frame) == ((30, 40), (48, 64), 64)
    assert {name: list(tensor.shape) for name, tensor in tensors.items()} == version.manifest["embedding"]
    assert all(tensor.dtype == np.float16 and tensor.any() for tensor in tensors.values())

    from segmenter.predict import embed

    release = embeddings._models.get(runtime, version)
    expected = embed(release.model, rgb).tensors
    for name, tensor in tensors.items():
        np.testing.assert_allclose(tensor, np.asarray(expected[name])[0], rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("kind", ["ingest", "embed", "export"])
def test_twice_is_as_good_as_once(runtime: Runtime, project: Project, tmp_path: Path, kind: str) -> None:
    take(runtime, project, picture(tmp_path))
    make.work_off(runtime)
    with runtime.write() as uow:
        exports.request_export(uow, project.id, None, with_images=True)
    make.work_off(runtime)
    once = everything(runtime)
    (row,) = jobs_of(runtime, kind)
    again(runtime, row)
    assert perform(runtime, row.id) == "done"
    assert everything(runtime) == once
    make.work_off(runtime)
    assert everything(runtime) == once


@pytest.mark.parametrize("kind", ["ingest", "embed", "export"])
def test_an_attempt_that_died_before_its_commit_does_no_harm(
    runtime: Runtime, project: Project, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every file is stored, then the worker dies: the next attempt finds them and finishes."""
    take(runtime, project, picture(tmp_path))
    if kind == "embed":
        perform(runtime, jobs_of(runtime, "ingest")[0].id)
    if kind == "export":
        make.work_off(runtime)
        with runtime.write() as uow:
            exports.request_export(uow, project.id, None, with_images=True)
    (row,) = jobs_of(runtime, kind)

    with monkeypatch.context() as patched:
        patched.setattr(JobContext, "commit", _power_cut)
        with pytest.raises(KeyboardInterrupt):
            perform(runtime, row.id)
    again(runtime, row)
    make.work_off(runtime)
    found = jobs_of(runtime, kind)
    assert [(job.state, job.attempts) for job in found] == [("done", 2)]
    with runtime.read() as session:
        assert session.scalars(select(Image.state)).all() == ["ready"]
        assert session.scalars(select(Embedding.state)).all() == ["ready"]


def _power_cut(work: JobContext) -> None:
    raise KeyboardInterrupt


def test_a_broken_file_fails_at_once_with_the_reason(runtime: Runtime, project: Project, tmp_path: Path) -> None:
    path = picture(tmp_path)
    path.write_bytes(path.read_bytes()[:-400])
    image_id = take(runtime, project, path)
    assert make.work_off(runtime) == {"done": 1}
    with runtime.read() as session:
        image = session.get_one(Image, image_id)
        assert image.state == "failed"
        assert image.failure
        assert list(session.scalars(select(Event.kind).where(Event.subject_id == image_id))) == ["image.failed"]


def test_lost_bytes_end_in_a_dead_job_and_a_failed_image(runtime: Runtime, project: Project, tmp_path: Path) -> None:
    image_id = take(runtime, project, picture(tmp_path))
    with runtime.read() as session:
        file_digest = session.get_one(Image, image_id).file_digest
    runtime.storage.delete(keys.file_key(file_digest))
    (row,) = jobs_of(runtime, "ingest")
    for _ in range(3):
        perform(runtime, row.id)
        with runtime.write() as uow:
            uow.session.get_one(Job, row.id).run_after = uow.now()
    (row,) = jobs_of(runtime, "ingest")
    assert (row.state, row.attempts) == ("dead", 3)
    with runtime.read() as session:
        assert session.get_one(Image, image_id).state == "failed"


def test_equal_pixels_are_embedded_once(runtime: Runtime, project: Project, tmp_path: Path) -> None:
    with runtime.write() as uow:
        other = projects.create(uow, "Elsewhere")
    path = picture(tmp_path)
    ids = {take(runtime, project, path), take(runtime, other, path)}
    make.work_off(runtime)
    assert len(jobs_of(runtime, "embed")) == 1
    with runtime.read() as session:
        told = session.scalars(select(Event.subject_id).where(Event.kind == "embedding.ready")).all()
    assert set(told) == ids


def test_a_damaged_release_is_refused(runtime: Runtime, project: Project, tmp_path: Path) -> None:
    with runtime.read() as session:
        version = session.scalars(select(ModelVersion)).one()
    key = keys.release_key(version.digest, "model.safetensors")
    content = bytearray(runtime.storage.get(key))
    content[-1] ^= 1
    runtime.storage.delete(key)
    runtime.storage.put(key, bytes(content))
    with pytest.raises(Invalid, match="damaged"):
        fetch(runtime.storage, version, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_the_cache_keeps_what_is_used(runtime: Runtime, project: Project, tmp_path: Path) -> None:
    from tests.releases import write_tiny_release

    versions = []
    for seed in range(3):
        folder = write_tiny_release(tmp_path / f"release{seed}", seed)
        versions.append(model_versions.register_release(runtime, folder))
    cache = ModelCache(limit=2)
    first = cache.get(runtime, versions[0])
    second = cache.get(runtime, versions[1])
    assert cache.get(runtime, versions[0]) is first
    cache.get(runtime, versions[2])
    assert cache.get(runtime, versions[0]) is first, "used lately"
    assert cache.get(runtime, versions[1]) is not second, "the longest unused one went"


def test_the_same_work_with_shared_servers(
    postgres_url: str, s3_url: str, tmp_path: Path, tiny_release: Path, sent: list[object]
) -> None:
    settings = Settings(data_dir=tmp_path / "api", database_url=postgres_url, storage_url=s3_url)
    shared = Runtime.from_settings(settings, send=lambda wakes: sent.extend(wakes))
    project = project_in(shared, tiny_release)
    take(shared, project, picture(tmp_path))
    elsewhere = Runtime.from_settings(
        settings.model_copy(update={"data_dir": tmp_path / "worker"}), send=lambda _: None
    )
    assert make.work_off(elsewhere) == {"done": 2}
    with shared.write() as uow:
        exports.request_export(uow, project.id, None, with_images=True)
    assert make.work_off(elsewhere) == {"done": 1}
    with shared.read() as session:
        assert session.scalars(select(Embedding.state)).all() == ["ready"]
        assert session.scalars(select(Export.state)).all() == ["ready"]
    elsewhere.close()
    shared.close()


def test_a_queue_that_does_not_fit_is_a_defect() -> None:
    with pytest.raises(ValueError, match="puts"):
        job_module.job("embed", queue="cpu")


def test_embedding_files_refuse_what_they_did_not_write() -> None:
    facts = embedding_file.EmbeddingFacts("e", "p", (3, 4), (48, 64), 64)
    content = embedding_file.write({"level": np.full((2, 2), 1e9)}, facts)
    tensors, again = embedding_file.read(content)
    assert again == facts
    assert tensors["level"].max() == 65504
    for broken in (b"", content[:20], content[:-1], content.replace(b"maskmill-embedding/1", b"something-embedded/1")):
        with pytest.raises(Invalid):
            embedding_file.read(broken)
    with pytest.raises(Invalid, match="not numbers"):
        embedding_file.write({"level": np.full((2, 2), np.nan)}, facts)
