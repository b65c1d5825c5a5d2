"""The page as a person uses it: by mouse and keyboard, looking only at what is on the screen.

The exception is `Editor.draft`: a person sees the mask; a test asks the page for the run lengths of what it paints.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from playwright.sync_api import Locator, Page, expect

from segmenter import masks
from segmenter.prompts import Bitmap

READY_MS = 240_000  # the worker of a fresh server loads torch first, and machines may be busy


def create_project(page: Page, name: str) -> str:
    """From the list of projects: make one, arrive in it; its id."""
    page.get_by_test_id("new-project").first.click()
    page.get_by_test_id("project-name").fill(name)
    page.get_by_test_id("save-project").click()
    page.wait_for_url(re.compile(r"/projects/[0-9a-f-]{36}$"))
    return page.url.rpartition("/")[2]


@dataclass(frozen=True)
class Grid:
    """The images of one project."""

    page: Page

    def upload(self, paths: Sequence[Path]) -> None:
        self.page.get_by_test_id("upload-input").first.set_input_files([str(path) for path in paths])

    def card(self, file_name: str) -> Locator:
        return self.page.locator(f'[data-testid="image-card"][data-file-name="{file_name}"]')

    def wait_until_embedded(self, file_names: Sequence[str]) -> None:
        for file_name in file_names:
            expect(self.card(file_name)).to_have_attribute("data-embedding", "ready", timeout=READY_MS)

    def open(self, file_name: str) -> "Editor":
        self.card(file_name).click()
        editor = Editor(self.page)
        editor.wait_until_ready()
        return editor


@dataclass(frozen=True)
class Editor:
    """One image, open for clicking. Points are (x, y) in pixels of the image."""

    page: Page

    @property
    def root(self) -> Locator:
        return self.page.get_by_test_id("editor")

    def wait_until_ready(self) -> None:
        expect(self.root).to_have_attribute("data-ready", "true", timeout=READY_MS)

    @property
    def threads(self) -> int:
        return int(self.root.get_attribute("data-threads") or 0)

    def position(self, x: float, y: float) -> tuple[float, float]:
        """Where the middle of an image pixel is on the screen."""
        canvas = self.page.get_by_test_id("canvas")
        viewport, box = json.loads(canvas.get_attribute("data-viewport") or "{}"), canvas.bounding_box()
        assert box is not None
        return (
            box["x"] + viewport["x"] + (x + 0.5) * viewport["scale"],
            box["y"] + viewport["y"] + (y + 0.5) * viewport["scale"],
        )

    def hover(self, x: float, y: float) -> None:
        self.page.mouse.move(*self.position(x, y))

    def click(self, x: float, y: float, label: int = 1) -> None:
        """Left button: add; right button: subtract. Returns when the mask for it is painted."""
        before = int(self.root.get_attribute("data-prompts") or 0)
        self.page.mouse.click(*self.position(x, y), button="left" if label else "right")
        self.wait_for_mask(before + 1)

    def drag(self, x0: float, y0: float, x1: float, y1: float) -> None:
        before = int(self.root.get_attribute("data-prompts") or 0)
        self.page.mouse.move(*self.position(x0, y0))
        self.page.mouse.down()
        self.page.mouse.move(*self.position((x0 + x1) / 2, (y0 + y1) / 2))
        self.page.mouse.move(*self.position(x1, y1))
        self.page.mouse.up()
        self.wait_for_mask(before + 1)

    def stroke(self, *points: tuple[float, float], button: Literal["left", "right"] = "left") -> None:
        """Press at the first point, go straight to each of the others, let go. For brush and eraser."""
        self.hover(*points[0])
        self.page.mouse.down(button=button)
        for point in points[1:]:
            self.hover(*point)
        self.page.mouse.up(button=button)

    def wait_for_mask(self, prompts: int) -> None:
        expect(self.root).to_have_attribute("data-prompts", str(prompts))
        expect(self.root).to_have_attribute("data-busy", "false")

    def draft(self) -> Bitmap:
        """The mask that is painted for the prompts so far."""
        shown: dict[str, Any] | None = self.page.evaluate("() => window.maskmill.draft()")
        assert shown is not None, "nothing is painted"
        return np.asarray(masks.decode(shown, tuple(shown["size"])))

    def candidates(self) -> Locator:
        return self.page.get_by_test_id("candidate")

    def selected_candidate(self) -> int:
        return int(
            self.page.locator('[data-testid="candidate"][data-selected="true"]').get_attribute("data-index") or -1
        )

    def rows(self) -> Locator:
        return self.page.get_by_test_id("mask-row")

    def select(self, row: Locator) -> None:
        if row.get_attribute("data-selected") != "true":
            row.click()
        expect(row).to_have_attribute("data-selected", "true")

    def accept(self) -> None:
        self.page.keyboard.press("Enter")
        expect(self.root).to_have_attribute("data-prompts", "0")

    def wait_until_saved(self) -> None:
        expect(self.page.get_by_test_id("save-chip")).to_have_attribute("data-state", "saved")
