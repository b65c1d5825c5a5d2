"""Next image, leases and taking over, over HTTP: no two people hold one image, on either database."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from sqlalchemy import select, update

from backend.db.models import Assignment, Project
from backend.runtime import Runtime
from backend.services import accounts, assignments, events
from tests import make
from tests.web import Browser


@contextmanager
def person(runtime: Runtime, name: str) -> Iterator[Browser]:
    """The browser of somebody who is not the owner."""
    with Browser(runtime) as browser:
        with runtime.write() as uow:
            token = accounts.issue_login(uow, make.actor(uow, name=name).id)
        browser.get("/login", params={"token": token})
        yield browser


def images_of(runtime: Runtime, project_id: str, count: int) -> list[str]:
    with runtime.write() as uow:
        project = uow.session.get_one(Project, project_id)
        return [make.image(uow, project, position=place).id for place in range(count)]


def following(browser: Browser, project_id: str, **body: Any) -> Any:
    answer = browser.post(f"/api/projects/{project_id}/assignments/next", json=body)
    return answer.json()["image_id"] if answer.status_code == 200 else answer.status_code


def test_next_goes_through_the_images_and_says_when_none_is_left(browser: Browser) -> None:
    project_id = browser.new_project()
    first, second, third = images_of(browser.runtime, project_id, 3)
    assert following(browser, project_id) == first
    assert following(browser, project_id, after=first) == second
    browser.put(f"/api/images/{second}/complete", json={"complete": True})
    assert following(browser, project_id, after=second) == third
    assert following(browser, project_id, after=third, skip=True) == first, "from the front again"
    browser.put(f"/api/images/{first}/complete", json={"complete": True})
    assert following(browser, project_id, after=first) == 204
    browser.post(f"/api/images/{third}/assignment", json={})
    browser.delete(f"/api/images/{third}/assignment")
    assert following(browser, project_id) == third, "opened on purpose, so not skipped any more"
    assert following(browser, "nowhere") == 404
    assert following(browser, project_id, after="nowhere") == 422


def test_another_person_sees_the_holder_and_may_take_over(browser: Browser) -> None:
    project_id = browser.new_project()
    [image_id] = images_of(browser.runtime, project_id, 1)
    address = f"/api/images/{image_id}/assignment"
    assert browser.get(address).json()["holder"] is None
    taken = browser.post(address, json={}).json()
    assert taken["mine"] and taken["lease_expires_at"]
    with person(browser.runtime, "Bob") as bob:
        seen = bob.get(address).json()
        assert not seen["mine"] and seen["holder"]["name"] == browser.get("/api/me").json()["name"]
        refused = bob.post(address, json={})
        assert (refused.status_code, refused.json()["error"]) == (409, "held")
        assert seen["holder"]["name"] in refused.json()["detail"]
        assert following(bob, project_id) == 204
        assert bob.delete(address).status_code == 204 and browser.get(address).json()["mine"]
        assert bob.post(address, json={"take_over": True}).json()["mine"]
        assert browser.get(address).json()["holder"]["name"] == "Bob"
        assert browser.post(address, json={}).status_code == 409
    with browser.runtime.read() as session:
        told = [event for event in events.after(session, 0) if event.kind == "assignment.changed"]
        names = [row.actor_id for row in session.scalars(select(Assignment).order_by(Assignment.created_at))]
    assert [event.payload["holder_id"] for event in told] == names


def test_a_lease_is_renewed_and_runs_out(browser: Browser) -> None:
    project_id = browser.new_project()
    [image_id] = images_of(browser.runtime, project_id, 1)
    address = f"/api/images/{image_id}/assignment"
    until = browser.post(address, json={}).json()["lease_expires_at"]
    assert browser.post(address, json={}).json()["lease_expires_at"] > until
    with browser.runtime.write() as uow:
        uow.session.execute(update(Assignment).values(lease_expires_at=make.long_ago()))
    assert browser.get(address).json()["holder"] is None
    with person(browser.runtime, "Bob") as bob:
        assert following(bob, project_id) == image_id
        assert browser.post(address, json={}).status_code == 409


def test_an_image_without_pixels_cannot_be_taken(browser: Browser) -> None:
    project_id = browser.new_project()
    with browser.runtime.write() as uow:
        project = uow.session.get_one(Project, project_id)
        image_id = make.image(uow, project, state="queued").id
    assert browser.post(f"/api/images/{image_id}/assignment", json={}).json()["error"] == "not_ready"
    assert following(browser, project_id) == 204
    assert browser.get("/api/images/nowhere/assignment").status_code == 404


def test_completing_an_image_gives_it_back(browser: Browser) -> None:
    project_id = browser.new_project()
    [image_id] = images_of(browser.runtime, project_id, 1)
    address = f"/api/images/{image_id}/assignment"
    browser.post(address, json={})
    browser.put(f"/api/images/{image_id}/complete", json={"complete": True})
    assert browser.get(address).json()["holder"] is None
    browser.post(address, json={})
    browser.put(f"/api/images/{image_id}/complete", json={"complete": False})
    assert browser.get(address).json()["mine"], "who opens it again goes on working on it"


def test_many_who_ask_at_once_all_get_another_image(any_runtime: Runtime) -> None:
    """More people than images, at the same moment, several times over: nobody shares, nobody is left out wrongly."""
    people, count = 8, 6
    with any_runtime.write() as uow:
        project = make.project(uow)
        project_id = project.id
        for place in range(count):
            make.image(uow, project, position=place)
        actors = [make.actor(uow, name=f"P{number}").id for number in range(people)]
    held: dict[str, str | None] = dict.fromkeys(actors)
    for _ in range(4):
        start = threading.Barrier(people)

        def ask(actor_id: str, start: threading.Barrier = start, held: dict[str, str | None] = held) -> str | None:
            start.wait()
            with any_runtime.write() as uow:
                told = assignments.next_image(uow, project_id, actor_id, held[actor_id])
            return told["image_id"] if told else None

        with ThreadPoolExecutor(people) as crowd:
            held = dict(zip(actors, crowd.map(ask, actors), strict=True))
        given = [image for image in held.values() if image is not None]
        assert len(given) == len(set(given)) >= count - 1, "who leaves the only free image does not get it back"
        with any_runtime.read() as session:
            rows = session.scalars(select(Assignment).where(Assignment.state == "leased")).all()
        assert {(row.actor_id, row.image_id) for row in rows} == {pair for pair in held.items() if pair[1]}


def test_of_many_who_take_one_image_one_has_it(any_runtime: Runtime) -> None:
    with any_runtime.write() as uow:
        image_id = make.image(uow, make.project(uow)).id
        actors = [make.actor(uow, name=f"P{number}").id for number in range(8)]

    def take(actor_id: str) -> str:
        from backend.errors import Conflict

        try:
            with any_runtime.write() as uow:
                assignments.take(uow, image_id, actor_id)
        except Conflict as refusal:
            return refusal.code
        return "taken"

    with ThreadPoolExecutor(8) as crowd:
        assert sorted(crowd.map(take, actors)) == ["held"] * 7 + ["taken"]
