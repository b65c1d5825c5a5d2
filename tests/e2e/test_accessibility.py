"""Every page in every state, light and dark, by axe-core: no serious and no critical violation of WCAG 2.2 AA."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest
import skimage.data
from PIL import Image
from playwright.sync_api import Browser, Page

from tests.e2e import scenes
from tests.e2e.pages import Grid, create_project
from tests.e2e.serving import Server

pytestmark = pytest.mark.e2e

AXE = Path(__file__).parents[2] / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
EXPECTED = {
    *("sign-in", "link-used", "not-found", "projects", "new-project", "empty-project", "failed-image", "images"),
    *("categories", "account", "editor", "editor-preview", "editor-click", "editor-correction", "editor-box"),
    *("editor-selected", "editor-brush", "keys", "export"),
}


@pytest.fixture
def setting(embedded: Server, browser: Browser, tmp_path: Path) -> scenes.Setting:
    """A project with the one photograph and its categories."""
    path = tmp_path / scenes.DEMO.file_name
    Image.fromarray(skimage.data.astronaut()).save(path)
    page = browser.new_page()
    embedded.sign_in(page)
    name = "Readable for everybody"
    project_id = create_project(page, name)
    for number, category in enumerate(("person", "animal", "vehicle", "thing")):
        body = {"name": category, "colour": number}
        answer = page.request.post(f"{embedded.home}/api/projects/{project_id}/categories", data=body)
        assert answer.ok, answer.text()
    Grid(page).upload([path])
    Grid(page).wait_until_embedded([path.name])
    page.context.close()
    return replace(scenes.DEMO, project=name)


def test_every_page_can_be_used_by_everybody(
    embedded: Server, browser: Browser, new_page: Callable[..., Page], setting: scenes.Setting, tmp_path: Path
) -> None:
    program = AXE.read_text(encoding="utf-8")
    seen: set[str] = set()
    found: list[str] = []

    def look(page: Page, scene: str) -> None:
        seen.add(scene)
        for theme in THEMES:
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            page.wait_for_timeout(250)  # transitions of colours
            page.evaluate(program)
            told = page.evaluate("tags => axe.run(document, { runOnly: tags, resultTypes: ['violations'] })", TAGS)
            found.extend(f"{scene}, {theme}: {line}" for line in described(told["violations"]))

    files = scenes.prepare(embedded, browser, tmp_path)
    scenes.visit(embedded, new_page(), setting, files, look)
    assert seen == EXPECTED
    assert not found, "\n".join(found)


def described(violations: list[dict[str, Any]]) -> list[str]:
    """One line for each place where something serious is wrong."""
    return [
        f"{violation['id']} ({violation['impact']}): {node['html'][:160]} {node['failureSummary'][-200:]}"
        for violation in violations
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]
