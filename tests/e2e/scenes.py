"""Every page and every state of it that somebody meets, one after the other; what is done there is the caller's."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import skimage.data
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.e2e.pages import READY_MS, Grid, create_project
from tests.e2e.serving import Server

Look = Callable[[Page, str], None]
EMPTY, BROKEN = "Street scenes", "Scanned slides"


@dataclass(frozen=True)
class Thing:
    """A point (x, y) on something in the image that is annotated, and the key of its category."""

    point: tuple[int, int]
    key: str


@dataclass(frozen=True)
class Setting:
    """Where the scenes play: a project with an image on which two things are annotated and a third is clicked."""

    project: str
    file_name: str
    things: tuple[Thing, ...]
    click: tuple[int, int]
    correction: tuple[int, int]
    box: tuple[int, int, int, int]


DEMO = Setting(
    "Demo photographs",
    "astronaut.png",
    (Thing((225, 110), "1"), Thing((440, 200), "3")),
    click=(180, 440),
    correction=(30, 160),
    box=(285, 345, 508, 508),
)


def prepare(server: Server, browser: Browser, folder: Path) -> list[Path]:
    """The projects that some scenes need; files for one of them: a good one, one that ends too early, no image."""
    whole, cut, other = (folder / name for name in ("slide-012.jpg", "slide-014.jpg", "notes.pdf"))
    Image.fromarray(skimage.data.coffee()).save(whole)
    cut.write_bytes(whole.read_bytes()[:20_000])
    other.write_bytes(b"%PDF-1.7")
    page = browser.new_page()
    server.sign_in(page)
    for name in (BROKEN, EMPTY):
        create_project(page, name)
        page.goto(server.home)
    page.context.close()
    return [whole, cut, other]


def visit(server: Server, page: Page, setting: Setting, files: list[Path], look: Look) -> None:
    """All scenes, in the order in which a newcomer meets them."""
    outside(server, page, look)
    server.sign_in(page)
    wait_until_prepared(page, setting)
    lists(server, page, look)
    broken(server, page, files, look)
    dialogs(server, page, setting, look)
    editor(page, setting, look)
    export(page, look)


def outside(server: Server, page: Page, look: Look) -> None:
    """Without a session."""
    page.goto(server.home)
    expect(page.get_by_test_id("sign-in")).to_be_visible()
    look(page, "sign-in")
    page.goto(f"{server.home}/login?token=used-before")
    expect(page.get_by_role("heading", name="This sign-in link no longer works")).to_be_visible()
    assert page.url == f"{server.home}/"  # the used link is no longer in the address
    look(page, "link-used")


def open_project(server: Server, page: Page, name: str) -> None:
    page.goto(server.home)
    page.get_by_test_id("project-card").filter(has_text=name).click()
    expect(page.get_by_test_id("images-page")).to_be_visible()


def wait_until_prepared(page: Page, setting: Setting) -> None:
    page.get_by_test_id("project-card").filter(has_text=setting.project).click()
    cards = page.get_by_test_id("image-card")
    expect(cards.first).to_be_visible()
    for card in cards.all():
        expect(card).to_have_attribute("data-embedding", "ready", timeout=READY_MS)


def lists(server: Server, page: Page, look: Look) -> None:
    page.goto(f"{server.home}/nothing-here")
    expect(page.get_by_test_id("not-found")).to_be_visible()
    look(page, "not-found")
    page.goto(server.home)
    expect(page.get_by_test_id("project-card").first).to_be_visible()
    look(page, "projects")
    page.get_by_test_id("new-project").first.click()
    look(page, "new-project")
    page.keyboard.press("Escape")
    open_project(server, page, EMPTY)
    expect(page.get_by_test_id("empty-state")).to_be_visible()
    look(page, "empty-project")


def broken(server: Server, page: Page, files: list[Path], look: Look) -> None:
    """Beside a good file one that cannot be read and one that is not taken at all."""
    open_project(server, page, BROKEN)
    Grid(page).upload(files)
    expect(page.get_by_test_id("upload-refusal").first).to_be_visible()
    failed = page.locator('[data-testid="image-card"][data-state="failed"]')
    expect(failed).to_be_visible(timeout=READY_MS)
    Grid(page).wait_until_embedded([files[0].name])
    look(page, "failed-image")
    for card in page.get_by_test_id("image-card").all():  # so that the next visit meets the same
        page.request.delete(f"{server.home}/api/images/{card.get_attribute('data-image-id')}")


def dialogs(server: Server, page: Page, setting: Setting, look: Look) -> None:
    """The images of a project and what can be opened there; ends on the images."""
    open_project(server, page, setting.project)
    expect(page.get_by_test_id("image-card").first).to_be_visible()
    page.mouse.move(0, 0)  # the pointer is not on an image
    look(page, "images")
    page.get_by_test_id("categories-button").click()
    look(page, "categories")
    page.keyboard.press("Escape")
    page.get_by_test_id("account-button").click()
    look(page, "account")
    page.keyboard.press("Escape")


def editor(page: Page, setting: Setting, look: Look) -> None:
    """Accepted masks, the preview, a click with its candidates, a correction, a box, strokes, the list of keys."""
    opened = Grid(page).open(setting.file_name)
    if not opened.rows().count():
        for thing in setting.things:
            opened.click(*thing.point)
            page.keyboard.press(thing.key)
            opened.accept()
        opened.wait_until_saved()
    look(page, "editor")
    opened.hover(*setting.click)
    page.wait_for_timeout(1000)  # for the preview, which comes when the decoder has nothing else to do
    look(page, "editor-preview")
    opened.click(*setting.click)
    look(page, "editor-click")
    opened.click(*setting.correction, label=0)
    look(page, "editor-correction")
    page.keyboard.press("Escape")
    page.get_by_test_id("tool-box").click()
    opened.drag(*setting.box)
    look(page, "editor-box")
    page.keyboard.press("Escape")
    opened.select(opened.rows().first)
    look(page, "editor-selected")
    page.keyboard.press("b")
    opened.stroke(setting.click, (setting.click[0] + 60, setting.click[1] - 40))
    look(page, "editor-brush")
    page.keyboard.press("Control+z")
    page.keyboard.press("v")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_test_id("help")).to_be_visible()
    look(page, "keys")
    page.keyboard.press("Escape")


def export(page: Page, look: Look) -> None:
    """An export of the project whose editor is open."""
    page.goto(page.url.partition("/images/")[0])
    page.get_by_test_id("export-button").first.click()
    if not page.get_by_test_id("export-download").count():
        page.get_by_test_id("start-export").click()
    expect(page.get_by_test_id("export-download").first).to_be_visible(timeout=READY_MS)
    look(page, "export")
