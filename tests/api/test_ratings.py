"""Blind ratings over HTTP and beneath: the mixed queue, its leases, and the report."""

import itertools
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select, update

from backend.db.models import Annotation, Project, Rating, RatingItem, RatingTask
from backend.errors import Conflict
from backend.runtime import Runtime
from backend.services import rating_reports, ratings
from segmenter import masks
from tests import make
from tests.web import Browser

SIDE = 30
SIZE = (60, 80)


def square(left: int, side: int = SIDE) -> dict[str, Any]:
    """Columns of an annotation that is a square of the image."""
    runs = masks.runs_within(make_window(side), (left, 5), SIZE)
    return {
        "counts": masks.compress(runs),
        "area": side * side,
        "box_x": left,
        "box_y": 5,
        "box_w": side,
        "box_h": side,
    }


def make_window(side: int) -> Any:
    return masks.pixels_of(masks.parse([side, side], [0, side * side], (side, side)), (side, side))


def project_with_masks(runtime: Runtime, images: int = 3) -> tuple[str, str]:
    """A project with a mask by a person and one by a machine on every image: (its id, the model version's)."""
    with runtime.write() as uow:
        project, version = make.project(uow), make.model_version(uow, name="starter", version="2")
        ada, machine = make.actor(uow), make.actor(uow, kind="model")
        for _ in range(images):
            image = make.image(uow, project)
            make.annotation(uow, image, ada, **square(3))
            fields = {"source": "automatic", "state": "proposed", "model_version_id": version.id}
            make.annotation(uow, image, machine, **fields, **square(9))
        make.annotation(uow, image, ada, **square(3, side=23))  # too small to judge
        return project.id, version.id


def started(runtime: Runtime, **fields: Any) -> str:
    project_id, version_id = project_with_masks(runtime, fields.pop("images", 3))
    draft = ratings.Draft(**{"name": "R", "kind": "stored", "sources": ("people", version_id), "masks": 50, **fields})
    with runtime.write() as uow:
        admin = make.actor(uow, name="admin").id
    return ratings.create(runtime, project_id, admin, draft)


def person(runtime: Runtime, name: str) -> str:
    with runtime.write() as uow:
        return make.actor(uow, name=name).id


def take(runtime: Runtime, task_id: str, actor_id: str) -> dict[str, Any] | None:
    with runtime.write() as uow:
        return ratings.next_mask(uow, task_id, actor_id)


def give(runtime: Runtime, item_id: str, actor_id: str, score: int) -> None:
    with runtime.write() as uow:
        ratings.rate(uow, item_id, actor_id, score, 20)


def test_from_the_task_to_the_report(browser: Browser) -> None:
    project_id, version_id = project_with_masks(browser.runtime)
    body = {"name": "First look", "kind": "stored", "sources": ["people", version_id], "masks": 2, "seed": 4}
    answer = browser.post(f"/api/projects/{project_id}/rating-tasks", json=body)
    assert answer.status_code == 201, answer.text
    task = answer.json()
    assert (task["state"], task["mask_count"], task["rating_count"], task["sources"]) == ("open", 4, 0, [])
    told = browser.get("/api/rating-guidelines").json()
    assert told["version"] == task["guidelines_version"] and len(told["scale"]) == 5
    for _ in range(4):
        entry = browser.post(f"/api/rating-tasks/{task['id']}/next").json()
        assert "automatic" not in json.dumps(entry) and version_id not in json.dumps(entry)
        assert entry["prompt"] is None and len(entry["views"]) == 5
        left = entry["bbox"][0]
        assert entry["bbox"] == [left, 5, SIDE, SIDE] and entry["views"][0]["crop"] == [0, 0, 80, 60]
        for _ in range(2):
            score = {"score": 9 if left == 3 else 6, "seconds": 30}
            assert browser.put(f"/api/rating-items/{entry['id']}/rating", json=score).status_code == 204
    assert browser.post(f"/api/rating-tasks/{task['id']}/next").status_code == 204
    report = browser.get(f"/api/rating-tasks/{task['id']}").json()
    assert [(source["name"], source["mean"]["value"], source["mean"]["n"]) for source in report["sources"]] == [
        ("People", 9, 2),
        ("starter 2", 6, 2),
    ]
    assert report["sources"][0]["histogram"] == [0] * 8 + [2, 0]
    assert report["comparisons"] == []  # stored masks of two sources show different objects
    assert report["figures"][1]["value"] == 30
    assert browser.get(f"/api/projects/{project_id}/rating-tasks").json()["rating_tasks"] == [report]
    assert browser.post(f"/api/rating-tasks/{task['id']}/close").json()["state"] == "closed"
    answer = browser.put(f"/api/rating-items/{entry['id']}/rating", json={"score": 1, "seconds": 1})
    assert (answer.status_code, answer.json()["error"]) == (409, "closed")


@pytest.mark.parametrize("score", [0, 11, 5.5, True, "7"])
def test_only_whole_scores_from_1_to_10_are_taken(browser: Browser, score: Any) -> None:
    task_id = started(browser.runtime)
    entry = browser.post(f"/api/rating-tasks/{task_id}/next").json()
    answer = browser.put(f"/api/rating-items/{entry['id']}/rating", json={"score": score, "seconds": 1})
    assert answer.status_code == 422


def test_sources_are_mixed_and_small_masks_left_out(runtime: Runtime) -> None:
    task_id = started(runtime, images=12)
    with runtime.read() as session:
        query = select(RatingItem).where(RatingItem.rating_task_id == task_id).order_by(RatingItem.position)
        items = session.scalars(query).all()
        areas = session.scalars(
            select(Annotation.area).where(Annotation.id.in_([i.annotation_id for i in items]))
        ).all()
    people = [item.source_name == "people" for item in items]
    assert people.count(True) == people.count(False) == 12
    assert 6 < sum(one != other for one, other in itertools.pairwise(people)) < 20
    assert min(areas) >= 24 * 24


def test_what_cannot_be_rated_is_refused(browser: Browser) -> None:
    project_id = browser.new_project()
    for sources, expected in ((["people"], (409, "nothing_to_rate")), ([make.models.new_id()], (404, "not_found"))):
        body = {"name": "R", "kind": "stored", "sources": sources, "masks": 5}
        answer = browser.post(f"/api/projects/{project_id}/rating-tasks", json=body)
        assert (answer.status_code, answer.json()["error"]) == expected


def test_a_lease_that_ran_out_goes_to_another_rater(runtime: Runtime) -> None:
    task_id = started(runtime, images=1, sources=("people",))
    ada, bob = person(runtime, "Ada"), person(runtime, "Bob")
    first = take(runtime, task_id, ada)
    again = take(runtime, task_id, ada)
    assert first and again and first["id"] == again["id"] and take(runtime, task_id, bob) is None
    with runtime.write() as uow:
        ratings.release(uow, first["id"], bob)
    assert take(runtime, task_id, bob) is None
    with runtime.write() as uow:
        uow.session.execute(update(RatingItem).values(lease_expires_at=make.long_ago()))
    second = take(runtime, task_id, bob)
    assert second is not None and second["id"] == first["id"]
    with pytest.raises(Conflict, match="not yours"):
        give(runtime, first["id"], ada, 3)
    give(runtime, first["id"], bob, 3)
    give(runtime, first["id"], bob, 4)  # one's own score may be changed
    with runtime.read() as session:
        assert [rating.score for rating in session.scalars(select(Rating))] == [4]
        assert session.get_one(RatingItem, first["id"]).rated_count == 1


def test_a_mask_given_back_is_free(runtime: Runtime) -> None:
    task_id = started(runtime, images=1, sources=("people",))
    ada, bob = person(runtime, "Ada"), person(runtime, "Bob")
    entry = take(runtime, task_id, ada)
    assert entry is not None
    with runtime.write() as uow:
        ratings.release(uow, entry["id"], ada)
    other = take(runtime, task_id, bob)
    assert other is not None and other["id"] == entry["id"]


def test_no_two_people_hold_one_mask_and_each_gets_as_many_ratings_as_asked(any_runtime: Runtime) -> None:
    task_id = started(any_runtime, images=6, raters_per_mask=3)
    held: set[str] = set()
    twice: list[str] = []
    guard = threading.Lock()

    def work(number: int) -> None:
        actor_id = person(any_runtime, f"person {number}")
        while entry := take(any_runtime, task_id, actor_id):
            with guard:
                twice.extend(held & {entry["id"]})
                held.add(entry["id"])
            time.sleep(0.005)
            with guard:
                held.discard(entry["id"])
            give(any_runtime, entry["id"], actor_id, 5 + number % 3)

    with ThreadPoolExecutor(6) as people:
        list(people.map(work, range(6)))
    while True:  # whoever found every mask held by somebody left early
        late = person(any_runtime, "late")
        if not (entry := take(any_runtime, task_id, late)):
            break
        give(any_runtime, entry["id"], late, 5)
    with any_runtime.read() as session:
        counts = session.scalars(select(RatingItem.rated_count)).all()
        report = rating_reports.report(session, task_id)
    assert not twice and counts == [3] * 12
    assert (report["mask_count"], report["rating_count"]) == (12, 36)
    assert [source["mean"]["n"] for source in report["sources"]] == [6, 6]
    assert report["figures"][0]["n"] == 12


def test_pairs_are_compared_with_the_papers_statistics(runtime: Runtime) -> None:
    """Differences 1, 2, 3, 4: mean 2.5, t = 3.873, p = 0.0305 (any table of Student's t)."""
    ada = person(runtime, "Ada")
    with runtime.write() as uow:
        project, version = make.project(uow), make.model_version(uow, name="starter", version="1")
        task = RatingTask(project_id=project.id, name="R", seed=1, kind="prompted", guidelines_version="1")
        task.settings = {"sources": ["people", version.id], "masks": 4}
        uow.session.add(task)
        uow.session.flush()
        image = make.image(uow, project)
        for number in range(8):
            source, key = ("people", version.id)[number % 2], f"object {number // 2}"
            item = RatingItem(rating_task_id=task.id, image_id=image.id, source_name=source, object_key=key)
            item.height, item.width, item.counts, item.position = 60, 80, "0l1Td4", number
            uow.session.add(item)
            uow.session.flush()
            score = 9 if source == "people" else 8 - number // 2
            uow.session.add(Rating(rating_item_id=item.id, actor_id=ada, score=score, seconds=5))
    with runtime.read() as session:
        (comparison,) = rating_reports.report(session, task.id)["comparisons"]
    sign = 1 if comparison["first"] == "people" else -1  # sources are compared in the order of their names
    assert comparison["difference"]["value"] == sign * 2.5
    assert comparison["difference"]["n"] == 4
    assert comparison["p_value"] == pytest.approx(0.0305, abs=5e-5)
    assert sorted((sign * comparison["bootstrap_low"], sign * comparison["bootstrap_high"])) == [1.25, 3.75]


def test_an_erased_image_is_not_shown_any_more(runtime: Runtime) -> None:
    task_id = started(runtime, images=1)
    with runtime.write() as uow:
        uow.session.execute(update(make.models.Image).values(state="erased"))
        assert uow.session.scalars(select(Project)).one()
    assert take(runtime, task_id, person(runtime, "Ada")) is None
