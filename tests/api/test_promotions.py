"""Promote, reject and roll back over HTTP."""

from typing import Any

import pytest

from backend.db import models
from tests import make
from tests.web import Browser


@pytest.fixture
def project_id(browser: Browser) -> str:
    with browser.runtime.write() as uow:
        make.model_version(uow)
    return browser.new_project()


def judged(browser: Browser, project_id: str, number: int = 1, **columns: Any) -> tuple[str, str]:
    with browser.runtime.write() as uow:
        base = uow.session.get_one(models.Project, project_id).active_version_id
        version = make.model_version(uow, state="candidate")
        known = {"project_id": project_id, "number": number, "state": "judged", "trigger": "admin", "policy": {}}
        known |= {"base_version_id": base, "candidate_version_id": version.id, "decision": "promote"}
        row = models.Round(**{**known, "gate_report": {"decision": "promote", "overridable": True}, **columns})
        uow.session.add(row)
        uow.session.flush()
        return row.id, version.id


def test_a_candidate_goes_in_and_back_out(browser: Browser, project_id: str) -> None:
    before = browser.get(f"/api/projects/{project_id}").json()
    round_id, candidate = judged(browser, project_id)
    promoted = browser.post(f"/api/rounds/{round_id}/promote", json={})
    assert promoted.status_code == 200
    assert (promoted.json()["kind"], promoted.json()["to_version"]["id"]) == ("promotion", candidate)
    assert promoted.json()["actor"]["name"] and promoted.json()["round_number"] == 1
    again = browser.post(f"/api/rounds/{round_id}/promote", json={})
    assert (again.status_code, again.json()["error"]) == (409, "not_judged")
    assert browser.get(f"/api/projects/{project_id}").json()["active_version_id"] == candidate
    back = browser.post(f"/api/projects/{project_id}/rollback", json={"reason": "worse", "seen_version_id": candidate})
    assert back.status_code == 200
    assert browser.get(f"/api/projects/{project_id}").json()["active_version_id"] == before["active_version_id"]
    late = browser.post(f"/api/projects/{project_id}/rollback", json={"reason": "worse", "seen_version_id": candidate})
    assert (late.status_code, late.json()["error"]) == (409, "nothing_before")
    log = browser.get(f"/api/projects/{project_id}/promotions").json()["promotions"]
    assert [line["kind"] for line in log] == ["rollback", "promotion"]
    assert log[0]["from_version_id"] == log[1]["to_version_id"] == candidate


def test_against_the_report_a_reason_is_needed(browser: Browser, project_id: str) -> None:
    weak = {"decision": "insufficient_evidence", "gate_report": {"decision": "x", "overridable": True}}
    round_id, candidate = judged(browser, project_id, **weak)
    refused = browser.post(f"/api/rounds/{round_id}/promote", json={})
    assert (refused.status_code, refused.json()["error"]) == (400, "reason_needed")
    promoted = browser.post(f"/api/rounds/{round_id}/promote", json={"reason": "I looked at them"})
    assert (promoted.json()["kind"], promoted.json()["to_version_id"]) == ("override", candidate)


def test_a_rejected_candidate_never_serves(browser: Browser, project_id: str) -> None:
    active = browser.get(f"/api/projects/{project_id}").json()["active_version_id"]
    round_id, candidate = judged(browser, project_id)
    assert browser.post(f"/api/rounds/{round_id}/reject", json={"reason": "misses handles"}).status_code == 204
    assert browser.post(f"/api/rounds/{round_id}/promote", json={"reason": "but"}).status_code == 409
    patched = browser.patch(f"/api/projects/{project_id}", json={"active_version_id": candidate})
    assert (patched.status_code, patched.json()["error"]) == (409, "rejected")
    assert browser.get(f"/api/projects/{project_id}").json()["active_version_id"] == active
    assert browser.get(f"/api/projects/{project_id}/promotions").json() == {"promotions": []}


def test_unknown_things_are_not_found(browser: Browser, project_id: str) -> None:
    nobody = "00000000-0000-4000-8000-000000000000"
    assert browser.post(f"/api/rounds/{nobody}/promote", json={}).status_code == 404
    assert browser.post(f"/api/rounds/{nobody}/reject", json={}).status_code == 404
    assert browser.get(f"/api/projects/{nobody}/promotions").status_code == 404
    assert browser.post(f"/api/projects/{nobody}/rollback", json={"reason": "x"}).status_code == 404
    nothing = browser.post(f"/api/projects/{project_id}/rollback", json={"reason": "x"})
    assert (nothing.status_code, nothing.json()["error"]) == (409, "nothing_before")


def test_a_first_release_for_projects_without_one_is_in_the_log(browser: Browser) -> None:
    from backend.services import promotions

    project_id = browser.new_project()
    with browser.runtime.write() as uow:
        version = make.model_version(uow)
        promotions.move(uow, project_id, None, version.id, "manual", None, "the first model version")
    (line,) = browser.get(f"/api/projects/{project_id}/promotions").json()["promotions"]
    assert (line["kind"], line["from_version"], line["actor"]) == ("manual", None, None)
