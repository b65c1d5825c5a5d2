"""Proposals over HTTP: accepted, rejected, mended, flagged; who decided stands beside the model that proposed."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from backend.db.models import Annotation, Image
from backend.runtime import Runtime
from segmenter import masks
from tests import make
from tests.web import Browser, draft, mask


@pytest.fixture
def image(browser: Browser) -> dict[str, Any]:
    return browser.new_image(browser.new_project())


def propose(runtime: Runtime, image: dict[str, Any], **columns: Any) -> str:
    """A model's proposal for this image; its id."""
    rle = masks.encode(mask())
    with runtime.write() as uow:
        row = uow.session.get_one(Image, image["id"])
        model = make.actor(uow, kind="model", name="tiny 1")
        known = {"source": "automatic", "state": "proposed", "counts": rle["counts"], **columns}
        return make.annotation(uow, row, model, height=rle["size"][0], width=rle["size"][1], **known).id


def row(runtime: Runtime, annotation_id: str) -> Annotation:
    with runtime.read() as session:
        return session.get_one(Annotation, annotation_id)


def test_accepting_keeps_the_maker_and_names_who_decided(
    browser: Browser, runtime: Runtime, image: dict[str, Any]
) -> None:
    proposal = propose(runtime, image)
    maker = row(runtime, proposal).actor_id
    answers = [browser.post(f"/api/annotations/{proposal}/accept") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    accepted = answers[1].json()
    me = browser.get("/api/me").json()["id"]
    assert (accepted["state"], accepted["actor_id"], accepted["decided_by_id"]) == ("accepted", maker, me)
    assert accepted["decided_at"] is not None
    assert accepted["revision"] == 2

    back = browser.delete(f"/api/annotations/{proposal}/accept").json()
    assert (back["state"], back["decided_by_id"], back["decided_at"]) == ("proposed", None, None)
    assert browser.delete(f"/api/annotations/{proposal}/accept").json()["revision"] == back["revision"]


def test_rejecting_names_who_decided_and_can_be_taken_back(
    browser: Browser, runtime: Runtime, image: dict[str, Any]
) -> None:
    proposal = propose(runtime, image)
    assert browser.delete(f"/api/annotations/{proposal}").status_code == 204
    gone = row(runtime, proposal)
    assert (gone.state, gone.decided_by_id) == ("rejected", browser.get("/api/me").json()["id"])
    answer = browser.post(f"/api/annotations/{proposal}/accept")
    assert (answer.status_code, answer.json()["error"]) == (409, "rejected")
    back = browser.post(f"/api/annotations/{proposal}/restore").json()
    assert (back["state"], back["decided_by_id"], back["decided_at"]) == ("proposed", None, None)


def test_undoing_an_edit_of_a_proposal_leaves_it_proposed(
    browser: Browser, runtime: Runtime, image: dict[str, Any]
) -> None:
    for accepted_before, state in ((False, "proposed"), (True, "accepted")):
        proposal = propose(runtime, image)
        if accepted_before:
            browser.post(f"/api/annotations/{proposal}/accept")
        edit = draft(supersedes_id=proposal, source="brush", brush_edits=3)
        assert browser.post(f"/api/images/{image['id']}/annotations", json=edit).status_code == 201
        assert row(runtime, proposal).state == "superseded"
        browser.delete(f"/api/annotations/{edit['id']}")
        assert browser.post(f"/api/annotations/{proposal}/restore").json()["state"] == state


def test_what_a_person_made_cannot_be_proposed_and_what_was_withdrawn_stays_away(
    browser: Browser, runtime: Runtime, image: dict[str, Any]
) -> None:
    made = browser.post(f"/api/images/{image['id']}/annotations", json=draft()).json()
    answer = browser.delete(f"/api/annotations/{made['id']}/accept")
    assert (answer.status_code, answer.json()["error"]) == (409, "accepted")
    withdrawn = propose(runtime, image, state="withdrawn")
    for method, path in (("POST", "accept"), ("DELETE", "accept"), ("POST", "restore")):
        answer = browser.request(method, f"/api/annotations/{withdrawn}/{path}")
        assert (answer.status_code, answer.json()["error"]) == (409, "withdrawn")
    assert row(runtime, withdrawn).revision == 1


def test_a_flag_says_what_is_wrong_until_it_is_taken_away(
    browser: Browser, runtime: Runtime, image: dict[str, Any]
) -> None:
    address = f"/api/annotations/{propose(runtime, image)}"
    flagged = browser.patch(address, json={"revision": 1, "flag": "Two cups in one mask"})
    assert flagged.json()["flag"] == "Two cups in one mask"
    assert browser.patch(address, json={"revision": 2, "category_id": None}).json()["flag"] == "Two cups in one mask"
    assert browser.patch(address, json={"revision": 3, "flag": None}).json()["flag"] is None
    for wrong in ("", "x" * 501, "a\x00b", 7):
        assert browser.patch(address, json={"revision": 4, "flag": wrong}).status_code == 422


def test_of_people_who_decide_at_once_one_decides(browser: Browser, runtime: Runtime, image: dict[str, Any]) -> None:
    for _ in range(5):
        proposal = propose(runtime, image)
        edit = draft(supersedes_id=proposal)
        asked = [
            lambda p=proposal: browser.post(f"/api/annotations/{p}/accept").status_code,
            lambda p=proposal: browser.delete(f"/api/annotations/{p}").status_code,
            lambda e=edit: browser.post(f"/api/images/{image['id']}/annotations", json=e).status_code,
        ]
        with ThreadPoolExecutor(3) as pool:
            codes = list(pool.map(lambda ask: ask(), asked))
        decided = row(runtime, proposal)
        # Whoever came last of those that may follow another decided; nothing is both replaced and accepted.
        assert (decided.state == "superseded") == (codes[2] == 201)
        assert decided.state in {"rejected", "superseded", "deleted"}
        assert set(codes) <= {200, 201, 204, 409}
