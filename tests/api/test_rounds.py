"""Rounds over HTTP: begun, read, cancelled; what is refused, and how."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from backend.db.models import Project, Round
from backend.services.round_moves import move
from tests import make
from tests.web import Browser, draft

UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def project_id(browser: Browser) -> str:
    """A project with a mask, served by a version that nobody runs here."""
    made = browser.new_project()
    image = browser.new_image(made)
    assert browser.post(f"/api/images/{image['id']}/annotations", json=draft()).status_code == 201
    with browser.runtime.write() as uow:
        version = make.model_version(uow, manifest={"config": {"family": "starter"}})
        uow.session.get_one(Project, made).active_version_id = version.id
    return made


def test_a_round_is_begun_read_and_cancelled(browser: Browser, project_id: str) -> None:
    preview = browser.get(f"/api/projects/{project_id}/rounds/preview").json()
    assert preview["new_masks"] == 1
    assert preview["counts"]["human_masks"] + preview["counts"]["held_out_masks"] == 1
    begun = browser.post(f"/api/projects/{project_id}/rounds", json={})
    assert begun.status_code == 202, begun.text
    row = begun.json()
    assert (row["number"], row["state"], row["trigger"], row["steps"]) == (1, "frozen", "admin", "all")
    assert row["progress"]["kind"] == "freeze" and row["progress"]["state"] == "queued" and row["curve"] == []
    assert row["base_version"]["name"] == "tiny" and row["candidate_version"] is None
    second = browser.post(f"/api/projects/{project_id}/rounds", json={"steps": "train"})
    assert (second.status_code, second.json()["error"]) == (409, "round_unfinished")
    assert browser.post(f"/api/rounds/{row['id']}/evaluate").json()["error"] == "round_state"
    cancelled = browser.post(f"/api/rounds/{row['id']}/cancel")
    assert cancelled.json()["state"] == "cancelled" and cancelled.json()["progress"] is None
    assert browser.get(f"/api/rounds/{row['id']}").json() == cancelled.json()
    (listed,) = browser.get(f"/api/projects/{project_id}/rounds").json()["rounds"]
    assert listed["id"] == row["id"] and "curve" not in listed


def test_a_judged_round_is_compared_again(browser: Browser, project_id: str) -> None:
    with browser.runtime.write() as uow:
        candidate = make.model_version(uow, state="candidate")
    asked = {"candidate_version_id": candidate.id, "steps": "train"}
    row = browser.post(f"/api/projects/{project_id}/rounds", json=asked).json()
    with browser.runtime.write() as uow:
        for action in ("finish_training", "evaluate", "judge"):
            assert move(uow, row["id"], action) is not None  # type: ignore[arg-type]
    again = browser.post(f"/api/rounds/{row['id']}/evaluate")
    assert again.status_code == 202 and again.json()["state"] == "evaluating"
    assert again.json()["progress"]["kind"] == "evaluate"


def test_what_is_refused(browser: Browser, stranger: Browser, project_id: str) -> None:
    assert stranger.post(f"/api/projects/{project_id}/rounds", json={}).status_code == 401
    assert browser.post(f"/api/projects/{UNKNOWN}/rounds", json={}).status_code == 404
    assert browser.get(f"/api/rounds/{UNKNOWN}").status_code == 404
    assert browser.post(f"/api/projects/{project_id}/rounds", json={"steps": "half"}).status_code == 422
    asked = browser.post(f"/api/projects/{project_id}/rounds", json={"candidate_version_id": UNKNOWN})
    assert asked.status_code == 404
    empty = browser.new_project("Empty")
    assert browser.post(f"/api/projects/{empty}/rounds", json={}).json()["error"] == "nothing_to_train"
    with browser.runtime.read() as session:
        assert session.scalars(select(Round)).all() == []
