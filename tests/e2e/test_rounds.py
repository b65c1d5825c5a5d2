"""The pages of the engine as an admin walks through them: a round and its decision, stages, automatic masks, queues."""

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
from PIL import Image
from playwright.sync_api import Page, expect

from segmenter import masks
from tests.e2e.pages import READY_MS, Grid, create_project
from tests.e2e.serving import Server

pytestmark = pytest.mark.e2e

PICTURES = ("astronaut", "chelsea", "coffee")
SIZE = (192, 256)
ROUND_MS = 2 * READY_MS  # seconds on a machine at rest; a trainer starts, trains, exports and compares


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Small photographs, two of them held out by their digests: tested is the way through the pages, not the model."""
    folder = tmp_path_factory.mktemp("pictures")
    for name in PICTURES:
        picture = Image.fromarray(getattr(skimage.data, name)()).convert("RGB")
        picture.resize((SIZE[1], SIZE[0])).save(folder / f"{name}.png")
    return [folder / f"{name}.png" for name in PICTURES]


def project_with_masks(server: Server, page: Page, name: str, pictures: list[Path]) -> str:
    """A project whose images are ready and have two masks by a person each; its id."""
    server.sign_in(page)
    project = create_project(page, name)
    Grid(page).upload(pictures)
    Grid(page).wait_until_embedded([picture.name for picture in pictures])
    for image in page.request.get(f"{server.home}/api/projects/{project}/images").json()["images"]:
        for left in (20, 140):
            answer = page.request.post(f"{server.home}/api/images/{image['id']}/annotations", data=body_of(left))
            assert answer.ok, answer.text()
    return project


def body_of(left: int) -> dict[str, Any]:
    bitmap = np.zeros(SIZE, bool)
    bitmap[40:140, left : left + 80] = True
    point = {"kind": "point", "x": left + 40, "y": 90, "label": 1, "at_ms": 0}
    counts = masks.encode(bitmap)["counts"]
    return {"id": str(uuid.uuid4()), "size": list(SIZE), "counts": counts, "source": "click", "prompts": [point]}


def give_reason(page: Page, reason: str) -> None:
    page.get_by_test_id("reason").fill(reason)
    page.get_by_test_id("confirm-reason").click()
    expect(page.get_by_test_id("reason-dialog")).to_have_count(0)


def test_a_round_from_its_start_to_the_way_back(
    embedded: Server, new_page: Callable[..., Page], pictures: list[Path]
) -> None:
    """Too few images are held out, so the candidate is promoted against the report, with a reason; then rolled back."""
    page = new_page()
    project_with_masks(embedded, page, "Rounds", pictures)
    page.get_by_test_id("tab-rounds").click()
    expect(page.get_by_test_id("new-masks")).to_have_text("6")
    page.get_by_test_id("policy-button").click()
    page.get_by_test_id("training.minutes").fill("0.1")
    page.get_by_test_id("save-policy").click()
    expect(page.get_by_test_id("policy-dialog")).to_have_count(0)
    before = page.get_by_test_id("version-card").get_attribute("data-version-id")

    page.get_by_test_id("start-round").click()
    card = page.get_by_test_id("round-card")
    expect(card).to_have_attribute("data-round", "1")
    expect(page.get_by_test_id("start-round")).to_be_disabled()
    expect(card).to_have_attribute("data-state", "judged", timeout=ROUND_MS)
    expect(page.get_by_test_id("gate-report")).to_have_attribute("data-decision", "insufficient_evidence")
    expect(page.locator('[data-gate="evidence"]')).to_have_attribute("data-passed", "false")

    page.get_by_test_id("override").click()
    page.get_by_test_id("confirm-reason").click()
    expect(page.get_by_text("Say why in a few words")).to_be_visible()
    give_reason(page, "Only to see how it goes")
    expect(card).to_have_attribute("data-state", "promoted")
    expect(page.get_by_test_id("version-card")).not_to_have_attribute("data-version-id", before or "")
    row = page.locator('[data-testid="history-row"][data-round="1"]')
    expect(row).to_have_attribute("data-rail", "active")
    expect(row).to_contain_text("Only to see how it goes")

    page.get_by_test_id("roll-back").click()
    give_reason(page, "It was only to see")
    expect(page.get_by_test_id("version-card")).to_have_attribute("data-version-id", before or "")
    expect(page.locator('[data-testid="history-row"][data-state="rollback"]')).to_have_attribute("data-rail", "active")
    expect(row).to_have_attribute("data-rail", "past")


def test_stages_automatic_masks_and_the_queues(
    embedded: Server, new_page: Callable[..., Page], pictures: list[Path]
) -> None:
    page = new_page()
    project_with_masks(embedded, page, "Queues", pictures[:1])
    page.get_by_test_id("tab-rounds").click()
    page.get_by_test_id("advance-stage").click()
    give_reason(page, "To see proposals")
    expect(page.get_by_test_id("stage-card")).to_have_attribute("data-stage", "semi_automatic")

    page.get_by_test_id("tab-automatic").click()
    make_masks(page)
    move_the_limits(page)
    page.get_by_test_id("tab-quality").click()
    expect(page.get_by_test_id("effort-row").first).to_contain_text("Assisted manual")
    audit_one(page)
    rate_one(page)


def make_masks(page: Page) -> None:
    page.get_by_test_id("points-per-side").fill("4")
    page.get_by_test_id("start-generation").click()
    expect(page.get_by_test_id("generation")).to_have_attribute("data-state", "done", timeout=READY_MS)
    expect(page.get_by_test_id("images-done")).to_have_text("1")


def move_the_limits(page: Page) -> None:
    """Nothing asked: all stay; everything asked: none does. What is used is the policy from then on."""
    for name in ("min_predicted_iou", "min_stability"):
        page.get_by_test_id(name).fill("0")
    kept = page.get_by_test_id("kept")
    expect(kept).not_to_have_attribute("data-kept", "0")
    page.get_by_test_id("min_predicted_iou").fill("1")
    expect(kept).to_have_attribute("data-kept", "0")
    page.get_by_test_id("min_predicted_iou").fill("0.25")
    page.get_by_test_id("save-limits").click()
    expect(page.get_by_text("These are the limits for confident masks now.")).to_be_visible()
    page.reload()
    expect(page.get_by_test_id("min_predicted_iou")).to_have_value("0.25")


def audit_one(page: Page) -> None:
    """The only mask of a sample of one: a stroke takes some of it away, and the report says so."""
    page.get_by_test_id("new-audit").click()
    page.get_by_test_id("sample-size").fill("1")
    page.get_by_test_id("start-audit").click()
    pad = page.get_by_test_id("pad")
    expect(pad).to_be_visible()
    box = pad.bounding_box()
    assert box is not None
    for key in ("e", *"]" * 12):
        page.keyboard.press(key)
    page.mouse.move(box["x"] + box["width"] / 3, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 2 * box["width"] / 3, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    page.keyboard.press("b")
    page.mouse.down()
    page.mouse.up()
    expect(page.get_by_test_id("overlap")).not_to_have_text("100.0 %")
    page.keyboard.press("Enter")
    page.get_by_test_id("to-quality").click()
    expect(page.get_by_test_id("audit")).to_contain_text("1 corrected")


def rate_one(page: Page) -> None:
    page.get_by_test_id("new-ratings").click()
    page.get_by_test_id("rating-name").fill("People's masks")
    page.get_by_test_id("rating-masks").fill("1")
    page.get_by_test_id("start-ratings").click()
    page.get_by_test_id("open-ratings").click()
    expect(page.locator(".view canvas")).to_have_count(5)
    page.keyboard.press("8")
    page.get_by_test_id("hand-in").click()
    page.get_by_test_id("to-quality").click()
    expect(page.get_by_test_id("rated-source")).to_contain_text("8.00")
