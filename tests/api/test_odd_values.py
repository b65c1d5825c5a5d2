"""Values that are valid JSON and yet cannot be kept, a full disk, a database that is away."""

import json
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from backend.api import problems
from backend.api.events import first_seen
from backend.services.events import latest_id
from tests.web import Browser, draft

FULL = Path("/dev/full")


@pytest.mark.parametrize(
    "text", ['"\\ud83d"', '"\\u0000"', '["\\udc00x"]', '{"\\ud800": 1}', '{"deep": [{"x": "\\u0000"}]}']
)
def test_text_that_cannot_be_stored_is_refused_before_it_spoils_an_image(browser: Browser, text: str) -> None:
    image = browser.new_image(browser.new_project())
    sent = json.dumps(draft(attributes={"note": "?"})).replace('"?"', text)
    told = {"Content-Type": "application/json"}
    answer = browser.post(f"/api/images/{image['id']}/annotations", content=sent, headers=told)
    assert (answer.status_code, answer.json()["error"]) == (422, "invalid")
    assert "cannot be stored" in answer.json()["detail"]
    assert browser.get(f"/api/images/{image['id']}/annotations").json() == {"annotations": []}


def test_pairs_of_escapes_and_backslashes_are_ordinary_text(browser: Browser) -> None:
    image = browser.new_image(browser.new_project())
    attributes: dict[str, Any] = {"smile": "\U0001f600", "path": "\\u0000 \\ud800"}
    answer = browser.post(f"/api/images/{image['id']}/annotations", json=draft(attributes=attributes))
    assert answer.status_code == 201 and answer.json()["attributes"] == attributes


def test_a_revision_beyond_any_counter_is_refused(browser: Browser) -> None:
    image = browser.new_image(browser.new_project())
    saved = browser.post(f"/api/images/{image['id']}/annotations", json=draft()).json()
    for revision in (2**63, 0, -1):
        assert browser.patch(f"/api/annotations/{saved['id']}", json={"revision": revision}).status_code == 422


def test_a_page_that_saw_more_events_than_there_are_hears_the_next_one(browser: Browser) -> None:
    """As after the restore of a backup."""
    browser.new_project()
    with browser.runtime.read() as session:
        newest = latest_id(session)
    assert 0 < newest < 10_000
    assert first_seen(browser.runtime, None, "999999999999") == newest
    assert first_seen(browser.runtime, None, str(newest - 1)) == newest - 1


@pytest.mark.skipif(not FULL.exists(), reason="this system has no device that is always full")
def test_a_full_disk_is_called_by_its_name() -> None:
    app = FastAPI()
    problems.install(app)

    @app.post("/full")
    def full() -> None:
        with FULL.open("wb", buffering=0) as file:
            file.write(b"x")

    @app.post("/missing")
    def missing() -> None:
        FULL.joinpath("no", "folder").read_bytes()

    client = TestClient(app, raise_server_exceptions=False)
    answer = client.post("/full")
    assert (answer.status_code, answer.json()["error"]) == (507, "disk_full")
    assert client.post("/missing").status_code == 500


def test_a_database_that_is_away_is_asked_again_later(browser: Browser) -> None:
    browser.new_project()
    database = browser.runtime.settings.data_dir / "maskmill.db"
    browser.runtime.engine.dispose()
    database.rename(database.with_suffix(".away"))
    database.mkdir()
    answer = browser.get("/api/projects")
    assert (answer.status_code, answer.json()["error"]) == (503, "database_unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    database.rmdir()
    database.with_suffix(".away").rename(database)
    assert len(browser.get("/api/projects").json()) == 1
