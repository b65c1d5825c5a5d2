"""Proposals by single keys, an image that somebody else holds, a model version that changes while an image is open."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from backend.db.models import Actor, Annotation, Assignment, Image, ModelVersion, Project
from backend.runtime import Runtime
from backend.storage import keys
from segmenter import masks
from tests import make
from tests.e2e.pages import Editor, Grid, create_project
from tests.e2e.photographs import Photograph
from tests.e2e.serving import Server

pytestmark = pytest.mark.e2e


def test_proposals_people_and_versions(
    embedded: Server, new_page: Callable[..., Page], some_photographs: list[Photograph]
) -> None:
    page, names = new_page(), [photograph.path.name for photograph in some_photographs[:2]]
    embedded.sign_in(page)
    project_id = create_project(page, "Proposals")
    Grid(page).upload([photograph.path for photograph in some_photographs[:2]])
    Grid(page).wait_until_embedded(names)
    first = Grid(page).card(names[0]).get_attribute("data-image-id") or ""
    second = Grid(page).card(names[1]).get_attribute("data-image-id") or ""
    with embedded.behind() as runtime:
        propose(runtime, first, 4)
        hold(runtime, second)
        decide(page, Grid(page).open(names[0]), embedded, first)
        change_version(runtime, page, Editor(page), project_id, some_photographs[0])
        held_by_another(page, Editor(page), names[1])


def propose(runtime: Runtime, image_id: str, count: int) -> None:
    """Boxes in a row, as a model would propose them; the surest first."""
    with runtime.write() as uow:
        image = uow.session.get_one(Image, image_id)
        model = make.actor(uow, kind="model", name="starter 1")
        assert image.height and image.width
        for number in range(count):
            pixels = np.zeros((image.height, image.width), np.bool_)
            pixels[10:40, 10 + 50 * number : 50 + 50 * number] = True
            score = 0.9 - 0.1 * number
            columns = {"state": "proposed", "source": "automatic", "predicted_iou": score, "stability": 0.9}
            counts = masks.encode(pixels)["counts"]
            box = {"area": 1200, "box_x": 10 + 50 * number, "box_y": 10, "box_w": 40, "box_h": 30}
            make.annotation(uow, image, model, counts=counts, **columns, **box)


def hold(runtime: Runtime, image_id: str) -> None:
    """Bob works on the image."""
    with runtime.write() as uow:
        until = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=10)
        bob = make.actor(uow, name="Bob")
        uow.session.add(Assignment(image_id=image_id, actor_id=bob.id, state="leased", lease_expires_at=until))


def decide(page: Page, editor: Editor, server: Server, image_id: str) -> None:
    """Accept, reject and flag by one key each; a proposal that was mended is a mask of the person's own."""
    page.get_by_label("Order of the masks").select_option("score")
    expect(editor.rows()).to_have_count(4)
    page.keyboard.press("n")
    page.keyboard.press("a")
    page.keyboard.press("x")
    page.keyboard.press("g")
    page.keyboard.press("n")
    page.keyboard.press("b")
    editor.stroke((200, 60), (220, 60))
    page.keyboard.press("Enter")
    editor.wait_until_saved()
    found = states(page, server, image_id)
    assert found == {("accepted", 0.9), ("proposed", 0.7), ("accepted", None)}
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    editor.wait_until_saved()
    assert states(page, server, image_id) == {("proposed", score) for score in (0.9, 0.8, 0.7, 0.6)}


def states(page: Page, server: Server, image_id: str) -> set[tuple[str, Any]]:
    listed = page.request.get(f"{server.home}/api/images/{image_id}/annotations").json()["annotations"]
    scores = [one["predicted_iou"] for one in listed]
    return {(one["state"], score and round(score, 1)) for one, score in zip(listed, scores, strict=True)}


def change_version(runtime: Runtime, page: Page, editor: Editor, project_id: str, photograph: Photograph) -> None:
    """The open image keeps its version, and masks say so, until the person takes the new one."""
    with runtime.write() as uow:
        project = uow.session.get_one(Project, project_id)
        old = uow.session.get_one(ModelVersion, project.active_version_id)
        # Not the newest one: projects of other tests begin with a version whose files are all there.
        new = make.model_version(
            uow,
            name=old.name,
            version="two",
            encoder_digest=old.encoder_digest,
            manifest=old.manifest,
            created_at=make.long_ago(),
        )
        old_key, new_key = (keys.release_key(version.digest, "decoder.onnx") for version in (old, new))
        runtime.storage.put(new_key, runtime.storage.get(old_key))
        project.active_version_id = new.id
        uow.emit("version.promoted", project_id, project_id)
        before, after = old.id, new.id
    expect(page.get_by_test_id("newer-version")).to_contain_text("Model version two is active now")
    page.keyboard.press("c")
    editor.click(*photograph.points[0])
    editor.accept()
    editor.wait_until_saved()
    assert clicked(runtime) == [before]
    page.get_by_test_id("use-newer").click()
    expect(page.get_by_test_id("newer-version")).to_be_hidden()
    editor.wait_until_ready()
    editor.click(*photograph.points[1])
    editor.accept()
    editor.wait_until_saved()
    assert clicked(runtime) == [before, after]


def clicked(runtime: Runtime) -> list[str | None]:
    """Model versions of the masks made with clicks on images with proposals, oldest first."""
    with runtime.read() as session:
        images = select(Annotation.image_id).join(Actor, Actor.id == Annotation.actor_id).where(Actor.kind == "model")
        made = select(Annotation.model_version_id).where(Annotation.source == "click", Annotation.image_id.in_(images))
        return list(session.scalars(made.order_by(Annotation.created_at)))


def held_by_another(page: Page, editor: Editor, name: str) -> None:
    """Completing an image does not lead to the one that Bob holds; opened by hand it says so, and can be taken over."""
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("No image is waiting")).to_be_visible()
    editor.wait_until_saved()
    page.get_by_test_id("next-image").click()
    expect(page.get_by_role("heading", name=name)).to_be_attached()
    expect(page.get_by_test_id("held")).to_contain_text("Bob is working on this image")
    page.get_by_test_id("take-over").click()
    expect(page.get_by_test_id("held")).to_be_hidden()
