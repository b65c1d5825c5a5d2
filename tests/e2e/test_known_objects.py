"""Twenty things that a person outlined, clicked on in the page: at least half are reached within five clicks."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from segmenter.prompts import Bitmap, first_click, next_click
from tests.e2e import photographs
from tests.e2e.pages import Editor, Grid, create_project
from tests.e2e.serving import Server

pytestmark = pytest.mark.e2e

CLICKS = 5
ENOUGH = 0.5
OBJECTS = 20


def test_half_of_the_known_objects_are_reached_in_five_clicks(embedded: Server, new_page: Callable[..., Page]) -> None:
    if not photographs.have_shared():
        pytest.skip(photographs.FALLBACK)
    objects = photographs.known_objects()
    assert len(objects) == OBJECTS
    page = new_page()
    embedded.sign_in(page)
    create_project(page, "Known objects")
    project, grid = page.url, Grid(page)
    grid.upload([known.path for known in objects])
    grid.wait_until_embedded([known.path.name for known in objects])

    reached = {}
    for known in objects:
        page.goto(project)
        reached[known.name] = clicks_needed(grid.open(known.path.name), known.truth)
    for name, clicks in reached.items():
        print(f"{name}: {f'{clicks} clicks' if clicks else 'not reached'}")
    assert sum(clicks is not None for clicks in reached.values()) >= OBJECTS / 2


def clicks_needed(editor: Editor, truth: Bitmap) -> int | None:
    """Click where the mask on the screen is most wrong, as a careful person does, until it is good enough."""
    click = first_click(truth)
    for number in range(1, CLICKS + 1):
        editor.click(click.x, click.y, click.label)
        drawn = editor.draft()
        if (drawn & truth).sum() / (drawn | truth).sum() >= ENOUGH:
            return number
        following = next_click(drawn, truth)
        assert following is not None
        click = following
    return None
