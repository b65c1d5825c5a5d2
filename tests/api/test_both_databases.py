"""The same story on SQLite and on PostgreSQL: what the services ask of a database holds on both."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from backend.runtime import Runtime
from tests import make, pictures
from tests.web import Browser, draft, mask


def statuses(count: int, call: Any) -> list[int]:
    with ThreadPoolExecutor(count) as pool:
        return sorted(answer.status_code for answer in pool.map(call, range(count)))


def test_a_day_of_work(any_runtime: Runtime) -> None:
    with Browser(any_runtime) as browser:
        browser.sign_in()
        project_id = browser.new_project("Streets")
        images = [browser.new_image(project_id, seed) for seed in (1, 2, 3)]
        address = f"/api/images/{images[0]['id']}/annotations"

        sent = draft()
        assert statuses(12, lambda _: browser.post(address, json=sent)) == [200] * 11 + [201]
        edits = [draft(mask(left=left), supersedes_id=sent["id"]) for left in range(8)]
        assert statuses(8, lambda n: browser.post(address, json=edits[n])) == [201] + [409] * 7
        [alive] = browser.get(address).json()["annotations"]
        change = f"/api/annotations/{alive['id']}"
        assert statuses(8, lambda n: browser.patch(change, json={"revision": 1, "attributes": {"n": n}})) == (
            [200] + [409] * 7
        )
        assert statuses(6, lambda _: browser.delete(change)) == [204] * 6
        assert browser.post(f"/api/annotations/{sent['id']}/restore").json()["state"] == "accepted"

        categories = f"/api/projects/{project_id}/categories"
        assert statuses(6, lambda _: browser.post(categories, json={"name": "car"})) == [201] + [409] * 5
        assert statuses(4, lambda n: browser.post(categories, json={"name": f"c{n}"})) == [201] * 4
        listed = browser.get(categories).json()["categories"]
        assert sorted(category["colour"] for category in listed) == [0, 1, 2, 3, 4]
        assert sorted(category["position"] for category in listed) == [0, 1, 2, 3, 4]
        renames = [f"/api/categories/{category['id']}" for category in listed[:4]]
        assert statuses(4, lambda n: browser.patch(renames[n], json={"name": "bus"})) == [200] + [409] * 3
        assert statuses(6, lambda _: _complete(browser, images[1]["id"])) == [200] * 6

        same = pictures.png(9)
        parts = [("files", ("same.png", same))]
        assert statuses(5, lambda _: browser.post(f"/api/projects/{project_id}/images", files=parts)) == [200] * 5
        make.work_off(any_runtime)
        page = browser.get(f"/api/projects/{project_id}/images", params={"limit": 2}).json()
        rest = browser.get(f"/api/projects/{project_id}/images", params={"limit": 2, "after": page["next"]}).json()
        assert (page["total"], len(page["images"]), len(rest["images"]), rest["next"]) == (4, 2, 2, None)
        for state, count in (("ready", 4), ("annotated", 1), ("complete", 1), ("empty", 2), ("queued", 0)):
            found = browser.get(f"/api/projects/{project_id}/images", params={"state": state}).json()
            assert found["total"] == len(found["images"]) == count, state

        project = browser.get("/api/projects").json()["projects"][0]
        names = ("image_count", "annotation_count", "annotated_image_count", "complete_image_count")
        assert [project[name] for name in names] == [4, 1, 1, 1]
        assert project["cover_image_ids"][0] == images[0]["id"] and len(project["cover_image_ids"]) == 4

        asked = browser.post(f"/api/projects/{project_id}/exports", json={"with_images": True}).json()
        make.work_off(any_runtime)
        record = browser.get(f"/api/exports/{asked['id']}").json()
        assert record["state"] == "ready" and record["counts"] == {"images": 4, "annotations": 1, "categories": 6}
        assert browser.delete(f"/api/images/{images[2]['id']}").status_code == 204
        assert browser.get(f"/api/projects/{project_id}").json()["image_count"] == 3


def _complete(browser: Browser, image_id: str) -> Any:
    return browser.put(f"/api/images/{image_id}/complete", json={"complete": True})
