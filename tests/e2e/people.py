"""Several people at several pages at the same time: each does one thing, then it is the next one's turn."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from playwright.sync_api import Page, Response

from tests.e2e.pages import READY_MS, Editor

Turn = Generator[None, None, None]
PAUSE = 0.05  # seconds between two looks: looking takes time from what is looked at

# What the page measures of itself, kept from the first moment on.
RECORD = """
window.decodes = [];
new PerformanceObserver((list) => {
  for (const { name, detail } of list.getEntries())
    if (name === "maskmill:decode" || name === "maskmill:preview") window.decodes.push({ name, ...detail });
}).observe({ type: "measure" });
"""


@dataclass
class Person:
    """One person: previews, clicks, accepts, goes to the next image. `eager` ones take a newer version at once."""

    page: Page
    eager: bool
    places: Sequence[tuple[float, float]]
    chance: random.Random
    going_on: bool = True
    saved: int = 0
    troubles: list[str] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    @property
    def editor(self) -> Editor:
        return Editor(self.page)

    def work(self) -> Turn:
        """Until nobody wants more of it; ends with everything saved."""
        self.page.on("response", self.hear)
        self.page.on("pageerror", lambda error: self.troubles.append(f"error in the page: {error}"))
        while self.going_on:
            yield from self.until(self.is_ready, "an image that answers")
            for _ in range(self.chance.randint(1, 2)):
                yield from self.mask()
            yield from self.next_image()
        yield from self.until(self.is_saved, "everything saved")

    def mask(self) -> Turn:
        """Hover, one or two clicks, accept; the eager one changes the version before, in the middle or after."""
        change_at = self.chance.randint(0, 2)
        yield from self.maybe_change(change_at == 0)
        yield from self.until(self.is_ready, "an image that answers")
        places = self.chance.sample(self.places, self.chance.randint(1, 2))  # two clicks on one place fit the image
        self.editor.hover(*places[0])
        yield
        for prompts, place in enumerate(places, 1):
            self.page.mouse.click(*self.editor.position(*place))
            yield from self.until(lambda wanted=prompts: self.attribute("prompts") == str(wanted), "a prompt")
            yield from self.maybe_change(change_at == 1)
            if self.attribute("prompts") == "0":
                self.saved += 1  # taking the newer version has accepted the mask
                return
        self.page.keyboard.press("Enter")
        yield from self.until(lambda: self.attribute("prompts") == "0", "an accepted mask")
        self.saved += 1
        yield from self.maybe_change(change_at == 2)

    def maybe_change(self, now: bool) -> Turn:
        """Take the newer version, if there is one. Another may come meanwhile: then the line stays."""
        button = self.page.get_by_test_id("use-newer")
        # In one step, because the button goes when the version in use becomes the active one again.
        if not (self.eager and now and button.evaluate_all("found => found.map((one) => one.click()).length")):
            return
        yield from self.until(lambda: self.attribute("prompts") == "0", "an accepted mask")
        yield from self.until(self.is_ready, "the newer version")

    def next_image(self) -> Turn:
        """The queue's next; where no image waits the person goes on with this one."""
        before, asked = self.attribute("image-id"), len(self.answers)
        self.page.keyboard.press("Control+Enter")
        yield from self.until(lambda: len(self.answers) > asked, "an answer of the queue")
        if self.answers[-1] == HTTPStatus.OK:
            yield from self.until(lambda: self.attribute("image-id") != before, "the next image")

    def until(self, holds: Callable[[], bool], what: str) -> Turn:
        deadline = time.monotonic() + 2 * READY_MS / 1000
        while not holds():
            assert time.monotonic() < deadline, f"waited for {what}: {self.seen()}"
            self.listen()
            yield
            time.sleep(PAUSE)

    def hear(self, response: Response) -> None:
        """What the queue says to who asks for the next image."""
        if response.url.endswith("/assignments/next"):
            self.answers.append(response.status)

    def listen(self) -> None:
        """Whatever the page complains about."""
        for words in self.page.locator('[data-testid="toast"].negative .text').all_inner_texts():
            if words not in self.troubles:
                self.troubles.append(words)

    def seen(self) -> str:
        return f"{self.editor.root.evaluate('root => JSON.stringify(root.dataset)')} {self.troubles}"

    def attribute(self, name: str) -> str:
        return self.editor.root.get_attribute(f"data-{name}") or ""

    def is_ready(self) -> bool:
        return self.attribute("ready") == "true"

    def is_saved(self) -> bool:
        return self.page.get_by_test_id("save-chip").get_attribute("data-state") == "saved"

    def decodes(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.page.evaluate("() => window.decodes")
        return found


def together(people: Sequence[Person], enough: Callable[[], bool]) -> None:
    """All of them work until it is enough and each has come to an end."""
    turns = {id(person): person.work() for person in people}
    while turns:
        if enough():
            for person in people:
                person.going_on = False
        for key, turn in list(turns.items()):
            if next(turn, turns) is turns:
                del turns[key]
