"""Pictures of every page for the documents: `python -m tests.e2e.screenshots [FOLDER [WIDTHxHEIGHT]]`.

Takes the demo project, whose photographs may be published, in light and dark; 1280x720 unless another size is named.
"""

import sys
import tempfile
from io import BytesIO
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests import programs
from tests.e2e import engine_scenes, scenes
from tests.e2e.conftest import FLAGS
from tests.e2e.pages import READY_MS
from tests.e2e.serving import serving

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
SIZE = "1280x720"
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


class Album:
    """Pictures of one theme, kept under the names of the scenes."""

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
        serving(Path(data) / "data", "--demo", LOGNAME="Ada") as server,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=str(programs.chromium()), args=FLAGS)
        files = scenes.prepare(server, browser, Path(data))
        for theme in THEMES:
            context = browser.new_context(viewport={"width": int(width), "height": int(height)}, color_scheme=theme)
            page, album = context.new_page(), Album(folder, theme)
            page.set_default_timeout(READY_MS)
            scenes.visit(server, page, scenes.DEMO, files, album.take)
            engine_scenes.visit(server, page, album.take)
            context.close()
        browser.close()


if __name__ == "__main__":
    main()
