"""Model versions, decoders and embeddings over HTTP, with a real release and a real `embed` job."""

import hashlib
import json
from pathlib import Path

import pytest

from backend.db import models
from backend.errors import Invalid
from backend.services import embeddings, model_versions
from tests import make, releases
from tests.web import Browser


@pytest.fixture
def release(tmp_path: Path) -> Path:
    return releases.write_tiny_release(tmp_path / "release")


def test_a_release_is_registered_once_and_served_whole(browser: Browser, release: Path) -> None:
    version_id = model_versions.register_release(browser.runtime, release).id
    assert model_versions.register_release(browser.runtime, release).id == version_id
    listed = browser.get("/api/model-versions").json()["model_versions"]
    assert [version["id"] for version in listed] == [version_id]
    manifest = json.loads((release / "release.json").read_text())
    version = browser.get(f"/api/model-versions/{version_id}").json()
    assert version["manifest"] == manifest
    assert (version["digest"], version["encoder_digest"]) == (manifest["digest"], manifest["encoder_digest"])
    decoder = browser.get(f"/api/model-versions/{version_id}/decoder.onnx")
    assert hashlib.sha256(decoder.content).hexdigest() == manifest["files"]["decoder.onnx"]["digest"]
    assert decoder.headers["maskmill-encoder-digest"] == manifest["encoder_digest"]
    assert "immutable" in decoder.headers["cache-control"]
    again = browser.get(decoder.url.path, headers={"If-None-Match": decoder.headers["etag"]})
    assert again.status_code == 304 and again.headers["maskmill-encoder-digest"] == manifest["encoder_digest"]


def test_a_release_whose_files_are_not_its_own_is_refused(browser: Browser, release: Path, tmp_path: Path) -> None:
    (release / "decoder.onnx").write_bytes(b"another decoder")
    with pytest.raises(Invalid, match="digest differs"):
        model_versions.register_release(browser.runtime, release)
    with pytest.raises(Invalid, match="holds no"):
        model_versions.register_release(browser.runtime, tmp_path)
    assert browser.get("/api/model-versions").json()["model_versions"] == []


def test_an_imported_official_model_is_served_too(browser: Browser, tmp_path: Path) -> None:
    """It has no encoder graph, and its embedding is one tensor."""
    from segmenter.config import ModelConfig, SamConfig

    sizes = SamConfig(embed_dim=32, depth=1, num_heads=2, global_attention_blocks=(0,), window_size=2)
    folder = releases.write_tiny_release(tmp_path / "sam", config=ModelConfig("sam", 64, 16, sam=sizes))
    version = model_versions.register_release(browser.runtime, folder)
    image = browser.new_image(browser.new_project())
    assert image["embedding"] == {"encoder_digest": version.encoder_digest, "state": "ready"}
    content = browser.get(f"/api/embeddings/{version.encoder_digest}/{image['pixel_digest']}").content
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    assert [name for name in header if name != "__metadata__"] == ["image_embeddings"]
    assert header["image_embeddings"]["shape"][-3:] == [256, 4, 4]


def test_an_uploaded_image_gets_its_embedding(browser: Browser, release: Path) -> None:
    version = model_versions.register_release(browser.runtime, release)
    image = browser.new_image(browser.new_project())
    assert image["embedding"] == {"encoder_digest": version.encoder_digest, "state": "ready"}
    answer = browser.get(f"/api/embeddings/{version.encoder_digest}/{image['pixel_digest']}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["maskmill-encoder-digest"] == version.encoder_digest
    assert "immutable" in answer.headers["cache-control"]
    header = json.loads(answer.content[8 : 8 + int.from_bytes(answer.content[:8], "little")])
    assert header["__metadata__"]["encoder_digest"] == version.encoder_digest
    assert header["__metadata__"]["pixel_digest"] == image["pixel_digest"]
    assert header["__metadata__"]["size"] == "[40, 60]" or header["__metadata__"]["size"] == "[40,60]"
    project = browser.get(f"/api/projects/{image['project_id']}").json()
    assert project["embedded_image_count"] == 1


def test_a_project_made_before_any_model_gets_the_first_one(browser: Browser, release: Path) -> None:
    project_id = browser.new_project()
    image = browser.new_image(project_id)
    version = model_versions.register_release(browser.runtime, release)
    assert browser.get(f"/api/projects/{project_id}").json()["active_version_id"] == version.id
    make.work_off(browser.runtime)
    assert browser.get(f"/api/images/{image['id']}").json()["embedding"]["state"] == "ready"


def test_many_images_are_asked_for_in_batches_and_a_start_asks_for_the_rest(
    browser: Browser, release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embeddings, "BATCH", 3)
    with browser.runtime.write() as uow:
        project = make.project(uow)
        for _ in range(8):
            make.image(uow, project)
    version = model_versions.register_release(browser.runtime, release)
    assert embeddings.request_missing(browser.runtime, project.id) == 0
    with browser.runtime.write() as uow:
        assert uow.session.query(models.Job).filter_by(kind="embed").count() == 8
        late = make.image(uow, project)
    model_versions.register_release(browser.runtime, release)
    image = browser.get(f"/api/images/{late.id}").json()
    assert image["embedding"] == {"encoder_digest": version.encoder_digest, "state": "queued"}


def test_erasing_takes_the_embedding_along_and_uploading_makes_it_anew(browser: Browser, release: Path) -> None:
    version = model_versions.register_release(browser.runtime, release)
    project_id = browser.new_project()
    image = browser.new_image(project_id)
    address = f"/api/embeddings/{version.encoder_digest}/{image['pixel_digest']}"
    assert browser.get(address).status_code == 200
    browser.delete(f"/api/images/{image['id']}")
    assert browser.get(address).status_code == 404
    browser.new_image(project_id)
    assert browser.get(address).status_code == 200


def test_missing_and_malformed_embeddings(browser: Browser) -> None:
    absent = browser.get(f"/api/embeddings/{make.digest('e')}/{make.digest('p')}")
    assert (absent.status_code, absent.json()["error"]) == (404, "not_found")
    for wrong in ("x", "A" * 64, "..", "0" * 63, "0" * 65):
        assert browser.get(f"/api/embeddings/{wrong}/{make.digest('p')}").status_code in (404, 422)
