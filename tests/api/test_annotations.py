"""Annotations over HTTP: saved once, superseded, changed, deleted, restored; never overwritten unseen."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from segmenter import masks
from tests import make, pictures
from tests.web import Browser, draft, mask


@pytest.fixture
def image(browser: Browser) -> dict[str, Any]:
    return browser.new_image(browser.new_project())


def save(browser: Browser, image: dict[str, Any], **fields: Any) -> dict[str, Any]:
    answer = browser.post(f"/api/images/{image['id']}/annotations", json=draft(**fields))
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def listed(browser: Browser, image: dict[str, Any]) -> dict[str, str]:
    """States by id."""
    found = browser.get(f"/api/images/{image['id']}/annotations").json()["annotations"]
    return {annotation["id"]: annotation["state"] for annotation in found}


def test_a_saved_mask_comes_back_as_it_was_with_area_and_box(browser: Browser, image: dict[str, Any]) -> None:
    sent = draft(
        attributes={"occluded": True},
        active_seconds=3.5,
        wall_seconds=9,
        brush_edits=2,
        stability=0.97,
        prompts=[
            {"kind": "box", "x0": 10.0, "y0": 5.0, "x1": 60.0, "y1": 13.5, "at_ms": 0.0},
            {"kind": "point", "x": 1.0, "y": 2.0, "label": 2, "at_ms": 800},
            {"kind": "point", "x": 9.0, "y": 8.0, "label": 3, "at_ms": 810},
            {"kind": "point", "x": 0.0, "y": 0.0, "label": -1, "at_ms": 811},
            {"kind": "point", "x": 59.9, "y": 0.0, "label": 0, "at_ms": 812.5, "candidate": 3},
            {"kind": "mask", "at_ms": 900.0},
        ],
    )
    answer = browser.post(f"/api/images/{image['id']}/annotations", json=sent)
    assert answer.status_code == 201
    saved = answer.json()
    assert {name: saved[name] for name in sent if name != "prompts"} == {n: sent[n] for n in sent if n != "prompts"}
    prompts = [{name: value for name, value in p.items() if value is not None} for p in saved["prompts"]]
    assert prompts == sent["prompts"]
    assert (saved["area"], saved["bbox"]) == (8 * 12, [10, 5, 12, 8])
    assert (saved["state"], saved["revision"], saved["image_id"]) == ("accepted", 1, image["id"])
    assert saved["actor_id"] == browser.get("/api/me").json()["id"]
    found = browser.get(f"/api/images/{image['id']}/annotations").json()["annotations"]
    assert found == [saved]
    np.testing.assert_array_equal(masks.decode(found[0], (pictures.HEIGHT, pictures.WIDTH)), mask())


def test_the_same_again_gives_the_same_answer(browser: Browser, image: dict[str, Any]) -> None:
    sent = draft()
    first = browser.post(f"/api/images/{image['id']}/annotations", json=sent)
    second = browser.post(f"/api/images/{image['id']}/annotations", json=sent)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert len(listed(browser, image)) == 1


def test_the_same_again_is_still_the_same_after_a_change_or_a_deletion(browser: Browser, image: dict[str, Any]) -> None:
    sent = draft()
    address = f"/api/images/{image['id']}/annotations"
    browser.post(address, json=sent)
    browser.patch(f"/api/annotations/{sent['id']}", json={"attributes": {"a": 1}, "revision": 1})
    assert browser.post(address, json=sent).json()["attributes"] == {"a": 1}
    browser.delete(f"/api/annotations/{sent['id']}")
    assert browser.post(address, json=sent).json()["state"] == "deleted"
    assert listed(browser, image) == {}


def test_another_mask_under_the_same_id_is_a_conflict(browser: Browser, image: dict[str, Any]) -> None:
    sent = draft()
    address = f"/api/images/{image['id']}/annotations"
    browser.post(address, json=sent)
    for other in (draft(mask(top=1)), draft(source="brush"), draft(attributes={"a": 1}), draft(chosen_candidate=0)):
        answer = browser.post(address, json={**other, "id": sent["id"]})
        assert (answer.status_code, answer.json()["error"]) == (409, "id_taken")
    elsewhere = browser.new_image(browser.new_project(), seed=5)
    answer = browser.post(f"/api/images/{elsewhere['id']}/annotations", json=sent)
    assert (answer.status_code, answer.json()["error"]) == (409, "id_taken")


def test_sixteen_senders_of_one_annotation_make_one_row(browser: Browser, image: dict[str, Any]) -> None:
    sent = draft()

    def post(_: int) -> int:
        return int(browser.post(f"/api/images/{image['id']}/annotations", json=sent).status_code)

    with ThreadPoolExecutor(16) as pool:
        statuses = sorted(pool.map(post, range(16)))
    assert statuses == [200] * 15 + [201]
    assert len(listed(browser, image)) == 1


def test_an_edit_supersedes_and_the_old_one_leaves_the_list(browser: Browser, image: dict[str, Any]) -> None:
    old = save(browser, image)
    new = save(browser, image, supersedes_id=old["id"])
    assert listed(browser, image) == {new["id"]: "accepted"}
    assert new["supersedes_id"] == old["id"]
    late = browser.post(f"/api/images/{image['id']}/annotations", json=draft(supersedes_id=old["id"]))
    assert (late.status_code, late.json()["error"]) == (409, "superseded")
    assert listed(browser, image) == {new["id"]: "accepted"}


def test_of_eight_edits_of_one_annotation_one_wins(browser: Browser, image: dict[str, Any]) -> None:
    old = save(browser, image)

    def edit(_: int) -> int:
        answer = browser.post(f"/api/images/{image['id']}/annotations", json=draft(supersedes_id=old["id"]))
        return int(answer.status_code)

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(edit, range(8))) == [201] + [409] * 7
    assert len(listed(browser, image)) == 1


def test_what_was_deleted_cannot_be_superseded(browser: Browser, image: dict[str, Any]) -> None:
    old = save(browser, image)
    browser.delete(f"/api/annotations/{old['id']}")
    answer = browser.post(f"/api/images/{image['id']}/annotations", json=draft(supersedes_id=old["id"]))
    assert (answer.status_code, answer.json()["error"]) == (409, "superseded")


def test_undo_and_redo_of_an_edit(browser: Browser, image: dict[str, Any]) -> None:
    old = save(browser, image)
    new = save(browser, image, supersedes_id=old["id"])
    too_early = browser.post(f"/api/annotations/{old['id']}/restore")
    assert (too_early.status_code, too_early.json()["error"]) == (409, "superseded")
    for _ in range(2):  # undo, redo, undo, redo
        assert browser.delete(f"/api/annotations/{new['id']}").status_code == 204
        assert browser.post(f"/api/annotations/{old['id']}/restore").json()["state"] == "accepted"
        assert listed(browser, image) == {old["id"]: "accepted"}
        assert browser.post(f"/api/annotations/{new['id']}/restore").json()["state"] == "accepted"
        assert listed(browser, image) == {new["id"]: "accepted"}
    browser.delete(f"/api/annotations/{new['id']}")
    browser.post(f"/api/annotations/{old['id']}/restore")
    other = save(browser, image, supersedes_id=old["id"])
    late = browser.post(f"/api/annotations/{new['id']}/restore")
    assert (late.status_code, late.json()["error"]) == (409, "superseded")
    assert listed(browser, image) == {other["id"]: "accepted"}


def test_two_edits_of_one_mask_never_come_back_together(browser: Browser, image: dict[str, Any]) -> None:
    old = save(browser, image)
    first = save(browser, image, supersedes_id=old["id"])
    browser.delete(f"/api/annotations/{first['id']}")
    browser.post(f"/api/annotations/{old['id']}/restore")
    second = save(browser, image, supersedes_id=old["id"])
    third = save(browser, image, supersedes_id=second["id"])
    answer = browser.post(f"/api/annotations/{first['id']}/restore")
    assert (answer.status_code, answer.json()["error"]) == (409, "superseded")
    assert listed(browser, image) == {third["id"]: "accepted"}


def test_delete_and_restore_may_be_repeated(browser: Browser, image: dict[str, Any]) -> None:
    saved = save(browser, image)
    for _ in range(2):
        assert browser.delete(f"/api/annotations/{saved['id']}").status_code == 204
        assert listed(browser, image) == {}
    for _ in range(2):
        restored = browser.post(f"/api/annotations/{saved['id']}/restore")
        assert (restored.status_code, restored.json()["state"]) == (200, "accepted")
    assert listed(browser, image) == {saved["id"]: "accepted"}
    new = save(browser, image, supersedes_id=saved["id"])
    answer = browser.delete(f"/api/annotations/{saved['id']}")
    assert (answer.status_code, answer.json()["error"]) == (409, "superseded")
    assert listed(browser, image) == {new["id"]: "accepted"}


def test_a_proposal_is_rejected_and_comes_back_as_a_proposal(browser: Browser, image: dict[str, Any]) -> None:
    saved = save(browser, image)
    with browser.runtime.write() as uow:
        uow.session.get_one(make.models.Annotation, saved["id"]).state = "proposed"
    assert listed(browser, image) == {saved["id"]: "proposed"}
    browser.delete(f"/api/annotations/{saved['id']}")
    assert listed(browser, image) == {}
    assert browser.post(f"/api/annotations/{saved['id']}/restore").json()["state"] == "proposed"


def test_category_and_attributes_change_with_the_revision(browser: Browser, image: dict[str, Any]) -> None:
    category = browser.post(f"/api/projects/{image['project_id']}/categories", json={"name": "car"}).json()
    saved = save(browser, image)
    address = f"/api/annotations/{saved['id']}"
    changed = browser.patch(address, json={"category_id": category["id"], "revision": 1})
    assert (changed.json()["category_id"], changed.json()["revision"]) == (category["id"], 2)
    kept = browser.patch(address, json={"attributes": {"a": [1]}, "revision": 2}).json()
    assert (kept["category_id"], kept["attributes"]) == (category["id"], {"a": [1]})
    taken_away = browser.patch(address, json={"category_id": None, "revision": 3}).json()
    assert (taken_away["category_id"], taken_away["attributes"], taken_away["revision"]) == (None, {"a": [1]}, 4)
    stale = browser.patch(address, json={"category_id": category["id"], "revision": 3})
    assert (stale.status_code, stale.json()["error"]) == (409, "stale_revision")


def test_a_dead_annotation_cannot_be_changed(browser: Browser, image: dict[str, Any]) -> None:
    saved = save(browser, image)
    browser.delete(f"/api/annotations/{saved['id']}")
    answer = browser.patch(f"/api/annotations/{saved['id']}", json={"attributes": {}, "revision": 2})
    assert (answer.status_code, answer.json()["error"]) == (409, "deleted")


def test_categories_of_other_projects_and_retired_ones(browser: Browser, image: dict[str, Any]) -> None:
    foreign = browser.post(f"/api/projects/{browser.new_project('B')}/categories", json={"name": "car"}).json()
    own = browser.post(f"/api/projects/{image['project_id']}/categories", json={"name": "car"}).json()
    address = f"/api/images/{image['id']}/annotations"
    answer = browser.post(address, json=draft(category_id=foreign["id"]))
    assert (answer.status_code, answer.json()["error"]) == (400, "bad_reference")
    browser.delete(f"/api/categories/{own['id']}")
    late = save(browser, image, category_id=own["id"])  # drawn while it could be chosen: work is not lost
    other = save(browser, image)
    refused = browser.patch(f"/api/annotations/{other['id']}", json={"category_id": own["id"], "revision": 1})
    assert (refused.status_code, refused.json()["error"]) == (400, "bad_reference")
    assert set(listed(browser, image)) == {late["id"], other["id"]}


@pytest.mark.parametrize("field", ["parent_id", "supersedes_id", "model_version_id", "category_id"])
def test_references_must_exist_on_this_image(browser: Browser, image: dict[str, Any], field: str) -> None:
    elsewhere = browser.new_image(browser.new_project("B"), seed=4)
    other = save(browser, elsewhere)
    for wrong in (str(uuid.uuid4()), other["id"]):
        answer = browser.post(f"/api/images/{image['id']}/annotations", json=draft(**{field: wrong}))
        assert (answer.status_code, answer.json()["error"]) == (400, "bad_reference")
    assert listed(browser, image) == {}
    assert listed(browser, elsewhere) == {other["id"]: "accepted"}


def test_a_part_names_its_whole_and_a_mask_its_model(browser: Browser, image: dict[str, Any]) -> None:
    with browser.runtime.write() as uow:
        version = make.model_version(uow)
    whole = save(browser, image, model_version_id=version.id)
    part = save(browser, image, parent_id=whole["id"])
    assert (part["parent_id"], whole["model_version_id"]) == (whole["id"], version.id)


def rle(pixels: Any) -> dict[str, Any]:
    return dict(masks.encode(pixels))


@pytest.mark.parametrize(
    "changed",
    [
        {"size": [pictures.WIDTH, pictures.HEIGHT]},
        {"size": [100_000, 100_000]},
        {"size": [0, 0]},
        {"size": [-40, -60]},
        {"counts": "garbage"},
        {"counts": "0"},
        {"counts": rle(mask())["counts"][:-1]},
        {"counts": rle(mask())["counts"] + "0"},
        {"counts": "é" * 5},
        rle(np.zeros((40, 60), np.bool_)),
        rle(np.ones((41, 60), np.bool_)),
    ],
)
def test_masks_that_do_not_fit_are_refused(browser: Browser, image: dict[str, Any], changed: dict[str, Any]) -> None:
    answer = browser.post(f"/api/images/{image['id']}/annotations", json=draft(**changed))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_mask")
    assert listed(browser, image) == {}


POINT = {"kind": "point", "x": 1.0, "y": 1.0, "label": 1, "at_ms": 0}
BOX = {"kind": "box", "x0": 1.0, "y0": 1.0, "x1": 5.0, "y1": 5.0, "at_ms": 0}


@pytest.mark.parametrize(
    "prompt",
    [
        {**POINT, "x": float(pictures.WIDTH)},
        {**POINT, "y": float(pictures.HEIGHT)},
        {**POINT, "x": -0.5},
        {**POINT, "x": "1"},
        {**POINT, "x": True},
        {**POINT, "x": None},
        {**POINT, "label": -2},
        {**POINT, "label": 4},
        {**POINT, "label": True},
        {**POINT, "kind": "scribble"},
        {**POINT, "more": 1},
        {**BOX, "x1": 1.0},
        {**BOX, "x1": 0.5},
        {**BOX, "y1": 40.5},
        {"kind": "box", "x0": 1.0},
        {},
        "point",
    ],
)
def test_prompts_outside_of_the_image_or_malformed_are_refused(
    browser: Browser, image: dict[str, Any], prompt: object
) -> None:
    answer = browser.post(f"/api/images/{image['id']}/annotations", json=draft(prompts=[prompt]))
    assert answer.status_code in (400, 422)
    assert answer.json()["error"] in ("bad_prompt", "invalid")


@pytest.mark.parametrize(
    "text",
    [
        '{"x": NaN}',
        '{"x": Infinity}',
        '{"x": -Infinity}',
        '{"x": 1e999}',
        '{"x": 1, "x": 2}',
        "[" * 100_000,
        '{"x": ' + "9" * 10_000 + "}",
        '{"x": "\udcff"}',
        "{",
        "",
    ],
)
def test_json_beside_the_standard_is_refused(browser: Browser, image: dict[str, Any], text: str) -> None:
    body = text.encode("utf-8", "surrogateescape")
    answer = browser.post(
        f"/api/images/{image['id']}/annotations", content=body, headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()["error"]) == (422, "invalid")


@pytest.mark.parametrize(
    "fields",
    [
        {"id": "1"},
        {"id": str(uuid.uuid4()).upper()},
        {"source": "magic"},
        {"state": "accepted"},
        {"actor_id": "someone"},
        {"chosen_candidate": 4},
        {"chosen_candidate": True},
        {"active_seconds": -1},
        {"brush_edits": 1.5},
        {"size": ["40", "60"]},
        {"size": [40]},
        {"size": [40, 60, 3]},
        {"counts": 7},
        {"counts": ""},
        {"prompts": [POINT] * 65},
        {"attributes": []},
    ],
)
def test_malformed_annotations_are_refused(browser: Browser, image: dict[str, Any], fields: dict[str, Any]) -> None:
    answer = browser.post(f"/api/images/{image['id']}/annotations", json=draft(**fields))
    assert (answer.status_code, answer.json()["error"]) == (422, "invalid")
    assert listed(browser, image) == {}


def test_the_form_of_the_body_must_be_json(browser: Browser, image: dict[str, Any]) -> None:
    address = f"/api/images/{image['id']}/annotations"
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"):
        answer = browser.post(address, content=json.dumps(draft()).encode(), headers={"Content-Type": kind})
        assert answer.status_code == 422
    assert listed(browser, image) == {}


def test_attributes_stay_small_and_bodies_bounded(browser: Browser, image: dict[str, Any]) -> None:
    address = f"/api/images/{image['id']}/annotations"
    answer = browser.post(address, json=draft(attributes={"note": "x" * 17_000}))
    assert (answer.status_code, answer.json()["error"]) == (400, "too_large")
    saved = save(browser, image)
    change = browser.patch(f"/api/annotations/{saved['id']}", json={"attributes": {"n": "x" * 17_000}, "revision": 1})
    assert change.status_code == 400
    body = json.dumps(draft(counts="1" * (17 * 1024 * 1024))).encode()
    answer = browser.post(address, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error"]) == (413, "too_large")
    answer = browser.post("/api/projects", json={"name": "a", "description": "x" * (2 * 1024 * 1024)})
    assert (answer.status_code, answer.json()["error"]) == (413, "too_large")


def test_an_image_that_is_not_read_yet_takes_no_masks(browser: Browser) -> None:
    waiting = browser.upload(browser.new_project(), a_png=pictures.png())["accepted"][0]
    answer = browser.post(f"/api/images/{waiting['id']}/annotations", json=draft())
    assert (answer.status_code, answer.json()["error"]) == (404, "not_ready")
