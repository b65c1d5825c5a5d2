"""Many requests at the same moment."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from tests.web import Browser


def test_changes_at_the_same_moment_wait_for_each_other(browser: Browser) -> None:
    """More of them than the server has threads: none is refused, and none keeps the one that writes from going on."""
    with ThreadPoolExecutor(50) as people:
        made = people.map(lambda number: browser.post("/api/projects", json={"name": f"P{number}"}), range(50))
    assert Counter(answer.status_code for answer in made) == {201: 50}
    assert len(browser.get("/api/projects").json()["projects"]) == 50
