"""Projects and categories over HTTP."""

import pytest

from tests import make
from tests.web import Browser, draft


def test_a_new_project_is_listed_with_its_counts(browser: Browser) -> None:
    created = browser.post("/api/projects", json={"name": "  Streets ", "description": "From the bus"})
    assert created.status_code == 201
    project = created.json()
    assert project["name"] == "Streets" and project["description"] == "From the bus"
    assert project["stage"] == "assisted_manual" and project["revision"] == 1
    counts = ("image_count", "annotated_image_count", "annotation_count", "complete_image_count")
    assert [project[name] for name in counts] == [0, 0, 0, 0]
    assert browser.get("/api/projects").json()["projects"] == [project]
    assert browser.get(f"/api/projects/{project['id']}").json() == project


def test_the_newest_active_model_version_serves_a_new_project(browser: Browser) -> None:
    with browser.runtime.write() as uow:
        make.model_version(uow, state="withdrawn", created_at=make.long_ago())
        newest = make.model_version(uow)
    project = browser.post("/api/projects", json={"name": "A"}).json()
    assert project["active_version_id"] == newest.id


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "   "},
        {"name": "a" * 201},
        {"name": "a\0b"},
        {"name": 5},
        {"name": None},
        {"name": "a", "stage": "fully_automatic"},
        {"name": "a", "id": "00000000-0000-4000-8000-000000000000"},
        [],
        "text",
    ],
)
def test_bad_projects_are_refused(browser: Browser, body: object) -> None:
    answer = browser.post("/api/projects", json=body)
    assert answer.status_code == 422
    assert answer.json()["error"] == "invalid" and answer.json()["detail"]
    assert browser.get("/api/projects").json()["projects"] == []


def test_changes_count_the_revision_and_stale_ones_are_refused(browser: Browser) -> None:
    project_id = browser.new_project("Old")
    changed = browser.patch(f"/api/projects/{project_id}", json={"name": "New", "revision": 1})
    assert changed.status_code == 200
    assert (changed.json()["name"], changed.json()["revision"]) == ("New", 2)
    stale = browser.patch(f"/api/projects/{project_id}", json={"name": "Newer", "revision": 1})
    assert (stale.status_code, stale.json()["error"]) == (409, "stale_revision")
    assert browser.get(f"/api/projects/{project_id}").json()["name"] == "New"


def test_another_model_version_asks_for_its_embeddings(browser: Browser) -> None:
    project_id = browser.new_project()
    image = browser.new_image(project_id)
    assert image["embedding"] == {"encoder_digest": None, "state": "none"}
    with browser.runtime.write() as uow:
        version = make.model_version(uow)
    answer = browser.patch(f"/api/projects/{project_id}", json={"active_version_id": version.id})
    assert answer.json()["active_version_id"] == version.id
    image = browser.get(f"/api/images/{image['id']}").json()
    assert image["embedding"] == {"encoder_digest": version.encoder_digest, "state": "queued"}
    unknown = browser.patch(
        f"/api/projects/{project_id}", json={"active_version_id": "00000000-0000-4000-8000-000000000000"}
    )
    assert unknown.status_code == 404


def test_an_archived_project_is_gone_with_all_its_addresses(browser: Browser) -> None:
    project_id = browser.new_project()
    image = browser.new_image(project_id)
    saved = browser.post(f"/api/images/{image['id']}/annotations", json=draft()).json()
    assert browser.delete(f"/api/projects/{project_id}").status_code == 204
    assert browser.delete(f"/api/projects/{project_id}").status_code == 204
    assert browser.get("/api/projects").json()["projects"] == []
    for address in ("", "/images", "/categories", "/exports", "/jobs"):
        assert browser.get(f"/api/projects/{project_id}{address}").status_code == 404
    for address in ("", "/annotations", "/pixels", "/thumbnail"):
        assert browser.get(f"/api/images/{image['id']}{address}").status_code == 404
    assert browser.post(f"/api/annotations/{saved['id']}/restore").status_code == 404


def test_counts_follow_what_happens(browser: Browser) -> None:
    project_id = browser.new_project()
    first, second = browser.new_image(project_id, 1), browser.new_image(project_id, 2)
    browser.upload(project_id, waits_png=b"\x89PNG\r\n\x1a\n")
    browser.post(f"/api/images/{first['id']}/annotations", json=draft())
    browser.post(f"/api/images/{first['id']}/annotations", json=draft())
    browser.put(f"/api/images/{second['id']}/complete", json={"complete": True})
    project = browser.get(f"/api/projects/{project_id}").json()
    names = ("image_count", "annotated_image_count", "annotation_count", "complete_image_count", "queued_image_count")
    assert [project[name] for name in names] == [2, 1, 2, 1, 0]
    assert project["cover_image_ids"] == [first["id"], second["id"]]


def test_categories_come_in_order_with_colours_of_their_own(browser: Browser) -> None:
    project_id = browser.new_project()
    address = f"/api/projects/{project_id}/categories"
    for name in ("car", "person", "tree"):
        created = browser.post(address, json={"name": name, "supercategory": "street"})
        assert created.status_code == 201
    listed = browser.get(address).json()["categories"]
    assert [category["name"] for category in listed] == ["car", "person", "tree"]
    assert [category["position"] for category in listed] == [0, 1, 2]
    assert len({category["colour"] for category in listed}) == 3
    assert browser.get(f"/api/projects/{project_id}").json()["categories"] == listed


def test_thirteen_categories_share_twelve_colours(browser: Browser) -> None:
    address = f"/api/projects/{browser.new_project()}/categories"
    colours = [browser.post(address, json={"name": f"c{n}"}).json()["colour"] for n in range(13)]
    assert sorted(colours[:12]) == list(range(12)) and colours[12] == 0


def test_a_name_is_taken_once_and_comes_back_after_retirement(browser: Browser) -> None:
    address = f"/api/projects/{browser.new_project()}/categories"
    first = browser.post(address, json={"name": "car"}).json()
    taken = browser.post(address, json={"name": "car"})
    assert (taken.status_code, taken.json()["error"]) == (409, "name_taken")
    assert browser.delete(f"/api/categories/{first['id']}").status_code == 204
    assert browser.delete(f"/api/categories/{first['id']}").status_code == 204
    assert browser.get(address).json()["categories"] == []
    assert browser.patch(f"/api/categories/{first['id']}", json={"name": "x"}).status_code == 404
    again = browser.post(address, json={"name": "car", "colour": 7}).json()
    assert (again["id"], again["colour"]) == (first["id"], 7)


def test_categories_can_be_renamed_but_not_to_a_taken_name(browser: Browser) -> None:
    address = f"/api/projects/{browser.new_project()}/categories"
    car = browser.post(address, json={"name": "car"}).json()
    browser.post(address, json={"name": "bus"})
    renamed = browser.patch(f"/api/categories/{car['id']}", json={"name": "taxi", "colour": 3, "position": 9})
    assert renamed.status_code == 200
    assert (renamed.json()["name"], renamed.json()["colour"], renamed.json()["position"]) == ("taxi", 3, 9)
    assert browser.patch(f"/api/categories/{car['id']}", json={"name": "bus"}).status_code == 409
    for colour in (-1, 12, True, "3", 1.5):
        assert browser.patch(f"/api/categories/{car['id']}", json={"colour": colour}).status_code == 422


@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("GET", "/api/projects/{}"),
        ("PATCH", "/api/projects/{}"),
        ("DELETE", "/api/projects/{}"),
        ("GET", "/api/projects/{}/categories"),
        ("POST", "/api/projects/{}/categories"),
        ("GET", "/api/projects/{}/images"),
        ("GET", "/api/projects/{}/exports"),
        ("POST", "/api/projects/{}/exports"),
        ("GET", "/api/projects/{}/jobs"),
        ("PATCH", "/api/categories/{}"),
        ("DELETE", "/api/categories/{}"),
    ],
)
@pytest.mark.parametrize("missing", ["00000000-0000-4000-8000-000000000000", "nothing", "%00", "..", "'"])
def test_what_is_not_there_is_404(browser: Browser, method: str, address: str, missing: str) -> None:
    body = {"name": "a"} if "categories" in address or method == "PATCH" else {}
    answer = browser.request(method, address.format(missing), json=body if method in ("POST", "PATCH") else None)
    assert answer.status_code in ((404,) if missing != ".." else (404, 405))
    assert set(answer.json()) == {"error", "detail"}
