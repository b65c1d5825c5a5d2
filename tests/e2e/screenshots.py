"""Pictures of every page for the documents: `./run exec -- python -m tests.e2e.screenshots [FOLDER]`.

Takes the demo project, whose photographs may be published, in light and dark at 1280 x 720 and 2560 x 1440.
"""

import sys
import tempfile
from collections.abc import Callable
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
SIZES = {"": (1280, 720), "-large": (2560, 1440)}
Theme = Literal["light", "dark"]


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as data,
        serving(Path(data) / "data", "--demo") as server,
        sync_playwright() as run,
    ):
        browser = run.chromium.launch(executable_path=str(programs.chromium()), args=FLAGS)
        themes: tuple[Theme, ...] = ("light", "dark")
        for theme in themes:
            for suffix, size in SIZES.items():
                tour(
                    browser,
                    server,
                    theme,
                    size,
                    lambda page, name, end=f"{theme}{suffix}": keep(page, folder / f"{name}-{end}.webp"),
                )
        browser.close()


def keep(page: Page, path: Path) -> None:
    page.wait_for_timeout(400)  # transitions and fonts
    Image.open(BytesIO(page.screenshot())).save(path, quality=82, method=6)
    print(path)


def tour(
    browser: Browser, server: Server, theme: Theme, size: tuple[int, int], take: Callable[[Page, str], None]
) -> None:
    """Every page once, with something on it."""
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=theme)
    page = context.new_page()
    server.sign_in(page)
    expect(page.get_by_test_id("project-card").first).to_be_visible()
    take(page, "projects")
    page.get_by_test_id("new-project").first.click()
    take(page, "new-project")
    page.keyboard.press("Escape")

    page.get_by_test_id("project-card").first.click()
    cards = page.get_by_test_id("image-card")
    expect(cards.first).to_have_attribute("data-embedding", "ready", timeout=READY_MS)
    take(page, "images")
    project = page.url

    cards.first.click()
    editor = Editor(page)
    editor.wait_until_ready()
    annotate(editor, take)
    page.goto(project)
    page.get_by_test_id("export-button").first.click()
    take(page, "export")
    context.close()


def annotate(editor: Editor, take: Callable[[Page, str], None]) -> None:
    """Points on the astronaut of the demo project: face, suit, flag."""
    if not editor.rows().count():
        for x, y in ((225, 110), (150, 400)):
            editor.click(x, y)
            editor.accept()
        editor.wait_until_saved()
    take(editor.page, "editor")
    editor.hover(60, 200)
    editor.page.wait_for_timeout(600)
    take(editor.page, "editor-preview")
    editor.click(225, 110)
    take(editor.page, "editor-click")
    editor.click(330, 330, label=0)
    take(editor.page, "editor-correction")
    editor.page.keyboard.press("Escape")
    editor.page.keyboard.press("?")
    take(editor.page, "help")
    editor.page.keyboard.press("Escape")


if __name__ == "__main__":
    main()
