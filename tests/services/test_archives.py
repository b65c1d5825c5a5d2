"""Archives of exports: workers that lost their lease, images of one name, names that lead nowhere else."""

import hashlib
import io
import json
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some
from PIL import Image as Picture
from sqlalchemy import select

from backend.db.models import Job
from backend.runtime import Runtime
from backend.services import accounts, exports, images, jobs, projects
from tests import make, pictures
from workers.job import JobContext, LeaseLost


def project_with(runtime: Runtime, folder: Path, *names: str) -> str:
    """A project of ready images with these names; the n-th is the n-th of tests.pictures."""
    files = []
    for seed, name in enumerate(names):
        path = folder / str(seed)
        path.write_bytes(pictures.png(seed))
        files.append(images.LocalFile(name, path, 10**9))
    with runtime.write() as uow:
        project_id, actor_id = projects.create(uow, "Streets").id, accounts.owner(uow).id
    images.take(runtime, project_id, actor_id, files)
    make.work_off(runtime)
    return project_id


def claimed(runtime: Runtime, export_id: str, lease_seconds: float) -> JobContext:
    with runtime.write() as uow:
        job_id = uow.session.scalars(select(Job.id).where(Job.key == f"export:{export_id}")).one()
        row = jobs.claim(uow, job_id, lease_seconds)
    assert row is not None
    return JobContext(runtime, row)


def test_a_worker_that_lost_its_lease_does_not_touch_the_archive_of_the_one_that_has_it(
    runtime: Runtime, tmp_path: Path
) -> None:
    project_id = project_with(runtime, tmp_path, "one.png")
    with runtime.write() as uow:
        export_id = exports.request_export(uow, project_id, None, with_images=True).id
    late = claimed(runtime, export_id, lease_seconds=-1)
    exports.build(claimed(runtime, export_id, lease_seconds=60), export_id)
    with runtime.write() as uow:
        projects.change(uow, project_id, {"name": "Renamed"})
    with pytest.raises(LeaseLost):
        exports.build(late, export_id)
    with runtime.read() as session:
        archive = exports.archive(session, export_id)
    assert hashlib.sha256(runtime.storage.get(archive.key)).hexdigest() == archive.digest


def test_every_image_has_a_file_of_its_own_in_the_archive(runtime: Runtime, tmp_path: Path) -> None:
    names = ["a-3.png", "a.png", "A.PNG", "a.png"]
    path = tmp_path / "out.zip"
    exports.write_file(runtime, project_with(runtime, tmp_path, *names), path, with_images=True)
    with zipfile.ZipFile(path) as archive:
        described = json.loads(archive.read("annotations.json"))["images"]
        for seed, image in enumerate(described):
            with Picture.open(io.BytesIO(archive.read(f"images/{image['file_name']}"))) as shown:
                assert shown.tobytes() == Picture.open(io.BytesIO(pictures.png(seed))).tobytes()
    assert [image["original_file_name"] for image in described] == names
    assert len({image["file_name"].casefold() for image in described}) == len(names)


@given(some.lists(some.text("a. /\\:", max_size=130), max_size=8))
def test_no_file_name_leads_out_of_its_folder(parts: list[str]) -> None:
    name = images.clean_name("/".join(parts))
    assert 0 < len(name) <= images.MAX_NAME
    assert not {"", ".", ".."} & set(name.split("/"))


def test_the_end_of_a_long_name_does_not_become_a_way_up() -> None:
    rest = "/".join(["b" * 98, "b" * 98, "b" * 98, "b" * 100])  # with `../` before it: as long as a name may be
    assert images.clean_name(f"aaa../{rest}") == rest
