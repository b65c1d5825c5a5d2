"""Exports over HTTP: asked for, built by a real job, fetched, loaded by pycocotools."""

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO

from backend.storage import keys
from tests import make, pictures
from tests.web import Browser, draft, mask

UNKNOWN = "00000000-0000-4000-8000-000000000000"


def export(browser: Browser, project_id: str, with_images: bool) -> tuple[dict[str, Any], zipfile.ZipFile]:
    asked = browser.post(f"/api/projects/{project_id}/exports", json={"with_images": with_images})
    assert asked.status_code == 202 and asked.json()["state"] == "queued"
    assert browser.get(f"/api/exports/{asked.json()['id']}/archive").json()["error"] == "not_ready"
    make.work_off(browser.runtime)
    record = browser.get(f"/api/exports/{asked.json()['id']}").json()
    assert record["state"] == "ready", record
    answer = browser.get(f"/api/exports/{record['id']}/archive")
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/zip"
    assert hashlib.sha256(answer.content).hexdigest() == record["digest"]
    assert len(answer.content) == record["byte_size"] == int(answer.headers["content-length"])
    return record, zipfile.ZipFile(io.BytesIO(answer.content))


@pytest.fixture
def project(browser: Browser) -> dict[str, Any]:
    """Two annotated images and an empty one; one mask has a category, one was edited, one deleted."""
    project_id = browser.new_project("Streets & more")
    car = browser.post(f"/api/projects/{project_id}/categories", json={"name": "car", "supercategory": "road"}).json()
    images = [browser.new_image(project_id, seed) for seed in (1, 2, 3)]
    drafts = [draft(mask(top=2)), draft(mask(top=20, height=3), category_id=car["id"], attributes={"far": True})]
    for sent, image in zip(drafts, images[:2], strict=True):
        assert browser.post(f"/api/images/{image['id']}/annotations", json=sent).status_code == 201
    edited = draft(mask(left=30), supersedes_id=drafts[0]["id"])
    browser.post(f"/api/images/{images[0]['id']}/annotations", json=edited)
    gone = draft(mask(left=1))
    browser.post(f"/api/images/{images[1]['id']}/annotations", json=gone)
    browser.delete(f"/api/annotations/{gone['id']}")
    return {"id": project_id, "images": images, "masks": {edited["id"]: mask(left=30), drafts[1]["id"]: drafts[1]}}


@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")
def test_pycocotools_loads_the_export_and_agrees(browser: Browser, project: dict[str, Any], tmp_path: Path) -> None:
    record, archive = export(browser, project["id"], with_images=False)
    assert archive.namelist() == ["annotations.json", "manifest.json"]
    assert record["counts"] == {"images": 3, "annotations": 2, "categories": 2}
    path = tmp_path / "annotations.json"
    path.write_bytes(archive.read("annotations.json"))
    coco = COCO(str(path))
    assert len(coco.imgs) == 3 and len(coco.anns) == 2
    assert {category["name"]: category["supercategory"] for category in coco.cats.values()} == {
        "car": "road",
        "object": "",
    }
    for annotation in coco.anns.values():
        decoded = coco.annToMask(annotation)
        assert decoded.shape == (pictures.HEIGHT, pictures.WIDTH)
        assert annotation["area"] == decoded.sum() and annotation["iscrowd"] == 0
        ys, xs = np.nonzero(decoded)
        assert annotation["bbox"] == [xs.min(), ys.min(), xs.max() - xs.min() + 1, ys.max() - ys.min() + 1]
    edited = coco.anns[1]
    np.testing.assert_array_equal(coco.annToMask(edited).astype(bool), mask(left=30))
    assert coco.cats[edited["category_id"]]["name"] == "object"
    assert coco.cats[coco.anns[2]["category_id"]]["name"] == "car" and coco.anns[2]["attributes"] == {"far": True}


def test_the_archive_holds_upright_images_under_the_names_that_the_document_uses(browser: Browser) -> None:
    project_id = browser.new_project()
    turned = pictures.encoded(pictures.stored_turned(pictures.scene(), 6), "JPEG", exif=pictures.turned_exif(6))
    files = [
        ("a/x.jpg", turned),
        ("a/x.tif", pictures.encoded(pictures.scene(seed=1), "TIFF")),
        ("a/x.png", pictures.png(2)),
    ]
    browser.post(f"/api/projects/{project_id}/images", files=[("files", file) for file in files])
    make.work_off(browser.runtime)
    _, archive = export(browser, project_id, with_images=True)
    document = json.loads(archive.read("annotations.json"))
    names = [image["file_name"] for image in document["images"]]
    assert names == ["a/x.jpg", "a/x.png", "a/x-3.png"]
    assert [image["original_file_name"] for image in document["images"]] == ["a/x.jpg", "a/x.tif", "a/x.png"]
    for image in document["images"]:
        with Image.open(io.BytesIO(archive.read(f"images/{image['file_name']}"))) as picture:
            assert picture.size == (image["width"], image["height"]) == (pictures.WIDTH, pictures.HEIGHT)
            assert not picture.getexif()
    manifest = json.loads(archive.read("manifest.json"))
    assert manifest["counts"] == {"images": 3, "annotations": 0, "categories": 0}
    for name, digest in manifest["sha256"].items():
        assert hashlib.sha256(archive.read(name)).hexdigest() == digest
    assert set(manifest["sha256"]) == {"annotations.json", *(f"images/{name}" for name in names)}


def test_two_exports_of_the_same_rows_hold_the_same_document(browser: Browser, project: dict[str, Any]) -> None:
    first, one = export(browser, project["id"], with_images=True)
    second, two = export(browser, project["id"], with_images=True)
    assert one.namelist() == two.namelist()
    for name in one.namelist():
        if name != "manifest.json":
            assert one.read(name) == two.read(name)
    listed = browser.get(f"/api/projects/{project['id']}/exports").json()["exports"]
    assert [export["id"] for export in listed] == [second["id"], first["id"]]


def test_an_archive_does_not_change_when_the_project_does(browser: Browser, project: dict[str, Any]) -> None:
    record, _ = export(browser, project["id"], with_images=False)
    before = browser.get(f"/api/exports/{record['id']}/archive")
    browser.post(f"/api/images/{project['images'][2]['id']}/annotations", json=draft())
    make.work_off(browser.runtime)
    after = browser.get(f"/api/exports/{record['id']}/archive", headers={"If-None-Match": '*, W/"x"'})
    assert after.content == before.content and "immutable" in after.headers["cache-control"]
    assert after.headers["content-disposition"].startswith('attachment; filename="Streets-more-')


def test_pixels_that_are_lost_make_the_export_fail_with_the_reason(browser: Browser, project: dict[str, Any]) -> None:
    lost = project["images"][1]
    browser.runtime.storage.delete(keys.pixels_key(lost["pixel_digest"], "png"))
    asked = browser.post(f"/api/projects/{project['id']}/exports", json={"with_images": True}).json()
    with browser.runtime.write() as uow:
        for job in uow.session.query(make.models.Job).filter_by(kind="export"):
            job.attempts = 2
    make.work_off(browser.runtime)
    record = browser.get(f"/api/exports/{asked['id']}").json()
    assert record["state"] == "failed" and "missing from the storage" in record["failure"]
    jobs = browser.get(f"/api/projects/{project['id']}/jobs").json()["jobs"]
    dead = [job for job in jobs if job["kind"] == "export"]
    assert [job["state"] for job in dead] == ["dead"]
    assert browser.get(f"/api/jobs/{dead[0]['id']}").json() == dead[0]
    browser.runtime.storage.put(keys.pixels_key(lost["pixel_digest"], "png"), pictures.png(2))
    assert browser.post(f"/api/jobs/{dead[0]['id']}/retry").json()["state"] == "queued"
    make.work_off(browser.runtime)
    assert browser.get(f"/api/exports/{asked['id']}").json()["state"] == "ready"


def test_jobs_can_be_cancelled_but_not_twice_over(browser: Browser, project: dict[str, Any]) -> None:
    browser.post(f"/api/projects/{project['id']}/exports", json={})
    job = browser.get(f"/api/projects/{project['id']}/jobs").json()["jobs"][-1]
    assert (job["kind"], job["state"]) == ("export", "queued")
    assert browser.post(f"/api/jobs/{job['id']}/cancel").json()["state"] == "cancelled"
    make.work_off(browser.runtime)
    assert browser.get(f"/api/jobs/{job['id']}").json()["state"] == "cancelled"
    assert browser.post(f"/api/jobs/{job['id']}/retry").json()["state"] == "queued"
    make.work_off(browser.runtime)
    done = browser.post(f"/api/jobs/{job['id']}/cancel")
    assert (done.status_code, done.json()["error"]) == (409, "job_state")


@pytest.mark.parametrize("body", [{"format": "yolo"}, {"with_images": "yes"}, {"more": 1}, []])
def test_bad_exports_are_refused(browser: Browser, body: object) -> None:
    assert browser.post(f"/api/projects/{browser.new_project()}/exports", json=body).status_code == 422


@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("GET", "/api/exports/{}"),
        ("GET", "/api/exports/{}/archive"),
        ("GET", "/api/jobs/{}"),
        ("POST", "/api/jobs/{}/retry"),
        ("POST", "/api/jobs/{}/cancel"),
        ("GET", "/api/model-versions/{}"),
        ("GET", "/api/model-versions/{}/decoder.onnx"),
        ("DELETE", "/api/annotations/{}"),
        ("POST", "/api/annotations/{}/restore"),
    ],
)
def test_unknown_things_are_404(browser: Browser, method: str, address: str) -> None:
    answer = browser.request(method, address.format(UNKNOWN))
    assert (answer.status_code, answer.json()["error"]) == (404, "not_found")
