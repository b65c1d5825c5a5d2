"""Imports and the demo project: into the database by the same rules as over HTTP."""

import json
from pathlib import Path

import pytest
from sqlalchemy import select

from backend.db.models import Annotation, Category, Image, Job, Project
from backend.errors import Conflict, Invalid
from backend.runtime import Runtime
from backend.services import demo, exports, imports, projects
from segmenter import masks
from tests import make, pictures
from tests.web import mask


@pytest.fixture
def coco_folder(tmp_path: Path) -> Path:
    """Two images; three good masks, a crowd, and one that does not fit."""
    folder = tmp_path / "set"
    (folder / "images").mkdir(parents=True)
    (folder / "images" / "a.png").write_bytes(pictures.png(1))
    (folder / "images" / "b.png").write_bytes(pictures.png(2))
    good = dict(masks.encode(mask()))
    box = [[1, 1, 9, 1, 9, 9, 1, 9]]
    document = {
        "categories": [{"id": 1, "name": "car", "supercategory": "road"}, {"id": 2, "name": "object"}],
        "images": [{"id": n, "file_name": name, "height": 40, "width": 60} for n, name in ((1, "a.png"), (2, "b.png"))],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "segmentation": good},
            {"id": 2, "image_id": 1, "category_id": 2, "segmentation": box},
            {"id": 3, "image_id": 2, "category_id": 1, "segmentation": good},
            {"id": 4, "image_id": 2, "category_id": 1, "segmentation": good, "iscrowd": 1},
            {"id": 5, "image_id": 2, "category_id": 1, "segmentation": {"size": [60, 40], "counts": "0"}},
        ],
    }
    (folder / "annotations.json").write_text(json.dumps(document))
    return folder


def test_a_coco_folder_brings_its_masks(any_runtime: Runtime, coco_folder: Path, tmp_path: Path) -> None:
    heard: list[tuple[int, int]] = []
    report = imports.import_paths(any_runtime, "Cars", [coco_folder], lambda done, total: heard.append((done, total)))
    assert (report.images, report.duplicates, report.annotations) == (2, 0, 3)
    assert heard == [(1, 2), (2, 2)]
    assert len(report.left_out) == 2 and "crowd" in report.left_out[0] and "b.png" in report.left_out[1]
    with any_runtime.read() as session:
        rows = session.scalars(select(Annotation)).all()
        assert {(row.source, row.state, row.revision) for row in rows} == {("import", "accepted", 1)}
        assert sorted(row.category_id is None for row in rows) == [False, False, True]
        assert [row.name for row in session.scalars(select(Category))] == ["car"]
        assert {row.state for row in session.scalars(select(Image))} == {"ready"}
        assert session.scalars(select(Job).where(Job.kind == "ingest")).all() == []
    out = tmp_path / "out.json"
    counts = exports.write_file(any_runtime, "Cars", out, with_images=False)
    assert (counts.images, counts.annotations) == (2, 3)
    assert {a["segmentation"]["counts"] for a in json.loads(out.read_text())["annotations"]} >= {
        masks.encode(mask())["counts"]
    }


def test_importing_again_adds_nothing_and_brings_back_nothing_that_was_deleted(
    runtime: Runtime, coco_folder: Path
) -> None:
    project_id = imports.import_paths(runtime, "Cars", [coco_folder]).project_id
    with runtime.write() as uow:
        uow.session.scalars(select(Annotation)).first().state = "deleted"  # type: ignore[union-attr]
    again = imports.import_paths(runtime, project_id, [coco_folder])
    assert (again.project_id, again.images, again.duplicates, again.annotations) == (project_id, 0, 2, 0)
    with runtime.read() as session:
        states = [row.state for row in session.scalars(select(Annotation))]
    assert sorted(states) == ["accepted", "accepted", "deleted"]


def test_masks_come_later_to_images_that_are_there_already(runtime: Runtime, coco_folder: Path) -> None:
    first = imports.import_paths(runtime, "Cars", [coco_folder / "images"])
    assert (first.images, first.annotations) == (2, 0)
    second = imports.import_paths(runtime, "Cars", [coco_folder])
    assert (second.images, second.duplicates, second.annotations) == (0, 2, 3)
    assert make.work_off(runtime)["done"] >= 2
    with runtime.read() as session:
        assert {row.state for row in session.scalars(select(Image))} == {"ready"}


def test_files_and_folders_of_images(runtime: Runtime, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    (folder / "day" / ".thumbs").mkdir(parents=True)
    (folder / "day" / "a.PNG").write_bytes(pictures.png(1))
    (folder / "b.jpg").write_bytes(pictures.jpeg(2))
    (folder / "broken.jpg").write_bytes(b"nothing")
    (folder / "notes.txt").write_text("not an image")
    (folder / "day" / ".thumbs" / "c.png").write_bytes(pictures.png(3))
    single = tmp_path / "single.webp"
    single.write_bytes(pictures.encoded(pictures.scene(seed=4), "WEBP"))
    report = imports.import_paths(runtime, "Photos", [folder, single])
    assert (report.images, report.duplicates) == (3, 0)
    assert [line.partition(":")[0] for line in report.left_out] == ["broken.jpg"]
    with runtime.read() as session:
        names = session.scalars(select(Image.file_name).order_by(Image.position)).all()
    assert names == ["b.jpg", "day/a.PNG", "single.webp"]


def test_a_path_that_is_not_there_stops_before_anything_happens(runtime: Runtime, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="nowhere"):
        imports.import_paths(runtime, "Photos", [tmp_path / "nowhere"])
    with runtime.read() as session:
        assert session.scalars(select(Project)).all() == []


def test_an_ambiguous_name_is_refused(runtime: Runtime, coco_folder: Path) -> None:
    with runtime.write() as uow:
        projects.create(uow, "Cars")
        projects.create(uow, "Cars")
    with pytest.raises(Conflict, match="say its id"):
        imports.import_paths(runtime, "Cars", [coco_folder])


@pytest.mark.parametrize("name", ["out.json", "deep/er/out.zip"])
def test_a_file_of_an_export_appears_whole_or_not_at_all(
    runtime: Runtime, coco_folder: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    imports.import_paths(runtime, "Cars", [coco_folder])
    out = tmp_path / "exports" / name
    exports.write_file(runtime, "Cars", out, with_images=True)
    first = out.read_bytes()
    lost = next(iter(runtime.storage.keys("pixels/")))
    if name.endswith("zip"):
        runtime.storage.delete(lost)
        with pytest.raises(Conflict, match="missing from the storage"):
            exports.write_file(runtime, "Cars", out, with_images=True)
    assert out.read_bytes() == first
    assert [path.name for path in out.parent.iterdir()] == [out.name]


def test_the_demo_project_takes_the_way_of_every_upload(runtime: Runtime) -> None:
    project_id = demo.create(runtime)
    outcome = make.work_off(runtime)
    assert outcome == {"done": len(demo.PHOTOGRAPHS)}
    with runtime.read() as session:
        overview = projects.overview(session, project_id)
        names = session.scalars(select(Image.file_name).order_by(Image.position)).all()
    assert overview["image_count"] == 10 and overview["failed_image_count"] == overview["queued_image_count"] == 0
    assert names[:3] == ["astronaut.png", "cat.png", "coffee.png"]
    assert len(overview["categories"]) == 4 and len(overview["cover_image_ids"]) == 4
    assert demo.create(runtime) == project_id
    assert make.work_off(runtime) == {}
