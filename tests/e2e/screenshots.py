"""Pictures of every page for the documents: `./run exec -- python -m tests.e2e.screenshots [FOLDER [WIDTHxHEIGHT]]`.

Takes the demo project, whose photographs may be published, in light and dark; 1280x720 unless another size is named.
"""

import sys
import tempfile
from io import BytesIO
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests import programs
from tests.e2e.conftest import FLAGS
from tests.e2e.pages import READY_MS, Editor
from tests.e2e.serving import Server, serving

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
SIZE = "1280x720"
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
# On the first demo photograph: a point on a thing, and the key of its category.
THINGS = (((225, 110), "1"), ((180, 440), "4"))


class Album:
    """Pictures of one theme, kept under the names of the pages."""

    def __init__(self, folder: Path, theme: str) -> None:
        self.folder, self.theme = folder, theme

    def take(self, page: Page, name: str) -> None:
        page.wait_for_timeout(400)  # transitions
        path = self.folder / f"{name}-{self.theme}.webp"
        Image.open(BytesIO(page.screenshot())).save(path, quality=82, method=6)
        print(path)


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    width, height = (sys.argv[2] if len(sys.argv) > 2 else SIZE).split("x")
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as data,
        serving(Path(data) / "data", "--demo") as server,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=str(programs.chromium()), args=FLAGS)
        for theme in THEMES:
            page = signed_in(browser, server, theme, int(width), int(height))
            album = Album(folder, theme)
            lists(page, album)
            editor(page, album)
            export(page, album)
            page.context.close()
        browser.close()


def signed_in(browser: Browser, server: Server, theme: Literal["light", "dark"], width: int, height: int) -> Page:
    page = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme).new_page()
    server.sign_in(page)
    page.get_by_test_id("project-card").first.click()
    cards = page.get_by_test_id("image-card")
    expect(cards.first).to_be_visible()
    for card in cards.all():
        expect(card).to_have_attribute("data-embedding", "ready", timeout=READY_MS)
    page.goto(server.home)
    return page


def lists(page: Page, album: Album) -> None:
    """The projects and the images of one, with their dialogs; ends on the images."""
    expect(page.get_by_test_id("project-card").first).to_be_visible()
    album.take(page, "projects")
    page.get_by_test_id("new-project").first.click()
    album.take(page, "new-project")
    page.keyboard.press("Escape")
    page.get_by_test_id("project-card").first.click()
    expect(page.get_by_test_id("image-card").first).to_be_visible()
    album.take(page, "images")


def editor(page: Page, album: Album) -> None:
    """Masks that were accepted, the preview, a click with its candidates, a correction, the list of keys."""
    page.get_by_test_id("image-card").first.click()
    opened = Editor(page)
    opened.wait_until_ready()
    if not opened.rows().count():
        for point, category in THINGS:
            opened.click(*point)
            page.keyboard.press(category)
            opened.accept()
        opened.wait_until_saved()
    album.take(page, "editor")
    opened.hover(430, 90)
    page.wait_for_timeout(1000)  # for the preview, which comes when the decoder has nothing else to do
    album.take(page, "editor-preview")
    opened.click(430, 90)
    album.take(page, "editor-click")
    opened.click(300, 60, label=0)
    album.take(page, "editor-correction")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    album.take(page, "keys")
    page.keyboard.press("Escape")


def export(page: Page, album: Album) -> None:
    """An export of the project whose editor is open."""
    page.goto(page.url.partition("/images/")[0])
    page.get_by_test_id("export-button").first.click()
    page.get_by_test_id("start-export").click()
    expect(page.get_by_test_id("export-download").first).to_be_visible(timeout=READY_MS)
    album.take(page, "export")


if __name__ == "__main__":
    main()
