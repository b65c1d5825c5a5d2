"""Brush and eraser by mouse and keyboard: what the server holds is, pixel for pixel, what the strokes covered."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from segmenter import masks
from segmenter.prompts import Bitmap
from tests.e2e.pages import Editor, Grid, create_project
from tests.e2e.photographs import Photograph
from tests.e2e.serving import Server
from tests.golden.make_golden import painted, stroke

pytestmark = pytest.mark.e2e


def test_strokes_are_saved_as_they_were_painted(
    embedded: Server, new_page: Callable[..., Page], some_photographs: list[Photograph]
) -> None:
    photograph, page = some_photographs[0], new_page()
    embedded.sign_in(page)
    create_project(page, "Brush and eraser")
    Grid(page).upload([photograph.path])
    Grid(page).wait_until_embedded([photograph.path.name])
    editor = Grid(page).open(photograph.path.name)
    editor.click(*photograph.points[0])
    clicked = editor.draft()
    with Image.open(photograph.path) as image:
        width, height = image.size

    page.keyboard.press("b")  # accepts the clicks, and goes on with their mask
    expect(editor.rows()).to_have_count(1)
    diameter = odd_brush(page)
    ways = [[(20, 30), (width - 30, 40)], [(20, 60), (60, height - 20)], [(width // 2, 10), (width // 2, height - 10)]]
    editor.stroke(*ways[0])
    editor.stroke(*ways[1])
    page.keyboard.press("Control+z")
    editor.stroke(*ways[2], button="right")
    expect(editor.root).to_have_attribute("data-strokes", "2")
    page.keyboard.press("Enter")
    editor.wait_until_saved()

    strokes = [
        stroke([(x + 0.5, y + 0.5) for x, y in way], diameter, value)
        for way, value in [(ways[0], True), (ways[2], False)]
    ]
    saved = annotations(page, embedded)
    assert [(one["source"], one["brush_edits"]) for one in saved] == [("brush", 2)]
    np.testing.assert_array_equal(mask_of(saved[0]), painted(clicked, strokes))

    page.keyboard.press("Control+z")
    editor.wait_until_saved()
    back = annotations(page, embedded)
    assert back[0]["id"] == saved[0]["supersedes_id"]
    np.testing.assert_array_equal(mask_of(back[0]), clicked)
    wipe_away(page, editor, photograph)


def odd_brush(page: Page) -> int:
    """Makes the brush larger until its width is odd: it then stands on the middle of pixels, as the mouse does here."""
    for _ in range(20):
        page.keyboard.press("]")
        diameter = int(page.locator(".editor-size output").inner_text().split()[0])
        if diameter % 2:
            return diameter
    raise AssertionError("no odd size among twenty")


def wipe_away(page: Page, editor: Editor, photograph: Photograph) -> None:
    """The eraser takes the mask under it; discarded strokes leave it as it was, and can be had back."""
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    x, y = photograph.points[0]
    editor.stroke((x, y), (x + 5, y + 5))
    expect(editor.root).to_have_attribute("data-strokes", "1")
    page.keyboard.press("Escape")
    expect(editor.root).to_have_attribute("data-strokes", "0")
    page.get_by_test_id("toast").get_by_text("Undo").last.click()
    expect(editor.root).to_have_attribute("data-strokes", "1")
    page.keyboard.press("c")  # another tool saves the strokes
    editor.wait_until_saved()
    expect(editor.rows()).to_have_count(1)


def annotations(page: Page, server: Server) -> list[dict[str, Any]]:
    image_id = page.url.rpartition("/")[2]
    listed: list[dict[str, Any]] = page.request.get(f"{server.home}/api/images/{image_id}/annotations").json()[
        "annotations"
    ]
    return listed


def mask_of(annotation: dict[str, Any]) -> Bitmap:
    return np.asarray(masks.decode(annotation, tuple(annotation["size"])))
