"""The box tool and the category keys, by mouse and keyboard, down to what the server holds."""

from collections.abc import Callable

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.e2e.pages import Editor, Grid, create_project
from tests.e2e.photographs import Photograph
from tests.e2e.serving import Server

pytestmark = pytest.mark.e2e

CATEGORIES = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def test_a_box_and_every_category_key(
    embedded: Server, new_page: Callable[..., Page], some_photographs: list[Photograph]
) -> None:
    photograph, page = some_photographs[0], new_page()
    embedded.sign_in(page)
    project_id = create_project(page, "Boxes and keys")
    Grid(page).upload([photograph.path])
    Grid(page).wait_until_embedded([photograph.path.name])
    editor = Grid(page).open(photograph.path.name)
    for name in CATEGORIES:
        page.keyboard.press("/")
        page.keyboard.type(name)
        page.keyboard.press("Enter")
        expect(page.get_by_test_id("category-option").filter(has_text=name)).to_have_attribute("aria-selected", "true")

    page.keyboard.press("r")
    expect(page.get_by_test_id("tool-box")).to_have_attribute("aria-pressed", "true")
    box = box_around(photograph)
    editor.drag(*box)
    assert share_inside(editor, box) > 0.5
    page.keyboard.press("7")
    editor.accept()
    row = editor.rows().first
    expect(row).to_contain_text("seven")

    editor.select(row)
    for number, name in enumerate(CATEGORIES, 1):
        page.keyboard.press(str(number))
        expect(row).to_contain_text(name)
    page.keyboard.press("0")
    expect(row).to_contain_text("no category")
    page.keyboard.press("3")
    editor.wait_until_saved()
    check_saved(page, embedded, project_id, box)
    refine_and_complete(page, embedded, project_id, photograph)


def refine_and_complete(page: Page, server: Server, project_id: str, photograph: Photograph) -> None:
    """A mask that is named while it is refined keeps the new name; Ctrl+Enter accepts it and completes the image."""
    editor = Editor(page)
    page.keyboard.press("c")
    editor.select(editor.rows().first)
    editor.click(*photograph.points[0])
    page.keyboard.press("5")
    page.keyboard.press("Control+Enter")
    expect(editor.rows().first).to_contain_text("five")
    expect(page.get_by_text("Every image is complete")).to_be_visible()
    editor.wait_until_saved()
    image = page.request.get(f"{server.home}/api/projects/{project_id}/images").json()["images"][0]
    assert (image["complete"], image["annotation_count"]) == (True, 1)


def box_around(photograph: Photograph) -> tuple[int, int, int, int]:
    """(x0, y0, x1, y1): a sixth of the image to each side of its first point, inside the image."""
    with Image.open(photograph.path) as opened:
        width, height = opened.size
    x, y = photograph.points[0]
    return (
        max(x - width // 6, 2),
        max(y - height // 6, 2),
        min(x + width // 6, width - 3),
        min(y + height // 6, height - 3),
    )


def share_inside(editor: Editor, box: tuple[int, int, int, int]) -> float:
    """How much of the painted mask lies in the box."""
    painted = editor.draft()
    x0, y0, x1, y1 = box
    return float(painted[y0:y1, x0:x1].sum() / max(painted.sum(), 1))


def check_saved(page: Page, server: Server, project_id: str, box: tuple[int, int, int, int]) -> None:
    categories = page.request.get(f"{server.home}/api/projects/{project_id}/categories").json()["categories"]
    names = {category["id"]: category["name"] for category in categories}
    image = page.request.get(f"{server.home}/api/projects/{project_id}/images").json()["images"][0]
    (saved,) = page.request.get(f"{server.home}/api/images/{image['id']}/annotations").json()["annotations"]
    assert (saved["source"], names[saved["category_id"]]) == ("box", "three")
    (prompt,) = saved["prompts"]
    assert prompt["kind"] == "box"
    drawn = [prompt["x0"], prompt["y0"], prompt["x1"], prompt["y1"]]
    assert all(abs(one - other) <= 1.5 for one, other in zip(drawn, box, strict=True)), (drawn, box)
