"""Automatic generation over HTTP: start, follow, pause, look at what limits would leave, accept."""

from pathlib import Path
from typing import Any

import pytest

from backend.runtime import Runtime
from backend.services import model_versions
from tests import make
from tests.web import Browser

ALL = {"points_per_side": 3, "pred_iou_thresh": 0, "stability_score_thresh": 0, "min_mask_region_area": 0}


@pytest.fixture
def project_id(runtime: Runtime, browser: Browser, tiny_release: Path) -> str:
    """A project of two images that a real, untrained model serves."""
    model_versions.register_release(runtime, tiny_release)
    project_id = browser.new_project()
    for seed in (0, 1):
        browser.new_image(project_id, seed)
    return project_id


def start(browser: Browser, project_id: str, **body: Any) -> dict[str, Any]:
    answer = browser.post(f"/api/projects/{project_id}/generations", json={"settings": ALL, **body})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_from_start_to_accepted(runtime: Runtime, browser: Browser, project_id: str) -> None:
    started = start(browser, project_id)
    assert (started["state"], started["waiting_count"], started["images_per_minute"]) == ("queued", 2, None)
    assert started["settings"]["automask"]["points_per_side"] == 3
    make.work_off(runtime)
    done = browser.get(f"/api/generations/{started['id']}").json()
    assert (done["state"], done["done_count"], done["waiting_count"]) == ("done", 2, 0)
    assert browser.get(f"/api/projects/{project_id}/generations").json()["generations"] == [done]
    images = browser.get(f"/api/generations/{started['id']}/images?limit=1").json()
    assert [one["state"] for one in images["images"]] == ["done"] and images["next"]
    rest = browser.get(f"/api/generations/{started['id']}/images?after={images['next']}").json()
    assert len(rest["images"]) == 1 and rest["next"] is None

    preview = browser.get(f"/api/projects/{project_id}/proposals/preview?min_predicted_iou=0").json()
    assert preview["total"] == preview["kept"] == done["mask_count"] > 0
    scores = sorted(one["predicted_iou"] for image in preview["images"] for one in image["proposals"])
    limit = scores[len(scores) // 2]
    fewer = browser.get(f"/api/projects/{project_id}/proposals/preview?min_predicted_iou={limit}").json()
    assert fewer["kept"] == sum(score >= limit for score in scores) < fewer["total"] == len(scores)
    assert [image["image_id"] for image in fewer["images"]] == [image["image_id"] for image in preview["images"]]

    image_id = preview["images"][0]["image_id"]
    listed = browser.get(f"/api/images/{image_id}/proposals?min_predicted_iou={limit}").json()
    confident = [one["id"] for one in listed["proposals"] if one["confident"]]
    body = {"min_predicted_iou": limit}
    for count in (len(confident), 0):
        answer = browser.post(f"/api/images/{image_id}/proposals/accept", json=body)
        assert answer.json() == {"accepted": count}
    alive = browser.get(f"/api/images/{image_id}/annotations").json()["annotations"]
    assert {one["id"] for one in alive if one["state"] == "accepted"} == set(confident)
    left = browser.post(f"/api/images/{image_id}/proposals/accept", json={"all": True}).json()["accepted"]
    assert left == len(listed["proposals"]) - len(confident)


def test_the_limits_are_the_project_s_own_or_those_of_the_model_s_family(
    runtime: Runtime, browser: Browser, project_id: str
) -> None:
    image_id = browser.get(f"/api/projects/{project_id}/images").json()["images"][0]["id"]
    told = browser.get(f"/api/images/{image_id}/proposals").json()
    assert (told["source"], told["min_predicted_iou"], told["min_stability"]) == ("automatic", 0.42, 0.8)
    with runtime.write() as uow:
        from backend.db.models import Project

        confident = {"min_stability": 0.5, "source": "detector"}
        uow.session.get_one(Project, project_id).policy = {"confident": confident}
    told = browser.get(f"/api/images/{image_id}/proposals").json()
    assert (told["source"], told["min_predicted_iou"], told["min_stability"]) == ("detector", 0.42, 0.5)
    told = browser.get(f"/api/images/{image_id}/proposals?min_stability=0.1&source=automatic").json()
    assert (told["source"], told["min_predicted_iou"], told["min_stability"]) == ("automatic", None, 0.1)


def test_pause_resume_cancel_and_what_is_refused(browser: Browser, project_id: str) -> None:
    generation_id = start(browser, project_id)["id"]
    refused = browser.post(f"/api/projects/{project_id}/generations", json={})
    assert (refused.status_code, refused.json()["error"]) == (409, "generation_running")
    for action, state in (("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")):
        assert browser.post(f"/api/generations/{generation_id}/{action}").json()["state"] == state
    over = browser.post(f"/api/generations/{generation_id}/resume")
    assert (over.status_code, over.json()["error"]) == (409, "generation_state")
    assert browser.post(f"/api/generations/{generation_id}/explode").status_code == 422
    wrong = {"settings": {"points_per_side": 4, "crop_n_layers": 2, "nonsense": 1}}
    assert browser.post(f"/api/projects/{project_id}/generations", json=wrong).status_code == 422
    boxes = browser.post(f"/api/projects/{project_id}/generations", json={"source": "detector"})
    assert (boxes.status_code, boxes.json()["error"]) == (409, "no_detector")
    nothing = browser.post(f"/api/projects/{project_id}/detectors", json={})
    assert (nothing.status_code, nothing.json()["error"]) == (400, "no_masks")
    assert browser.get(f"/api/projects/{project_id}/detectors").json() == {"detectors": []}
