"""Audits over HTTP and beneath: the queue, its leases, and the report."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select, update

from backend.db.models import Audit, AuditItem, Generation, Image
from backend.errors import Conflict
from backend.runtime import Runtime
from backend.services import audits
from segmenter import masks
from tests import make
from tests.web import Browser

EMPTY = masks.compress(masks.runs_of(masks.pixels_of(masks.parse([60, 80], "0l1Td4", (60, 80)), (60, 80)) & False))


def automatic(runtime: Runtime, count: int, **columns: Any) -> tuple[str, list[str]]:
    """A project with automatic masks, one on each image: (its id, ids of the masks)."""
    with runtime.write() as uow:
        project, machine = make.project(uow), make.actor(uow, kind="model", name="tiny 1")
        fields = {"source": "automatic", "state": "proposed", **columns}
        images = [make.image(uow, project) for _ in range(count)]
        return project.id, [make.annotation(uow, image, machine, **fields).id for image in images]


def person(runtime: Runtime, name: str) -> str:
    with runtime.write() as uow:
        return make.actor(uow, name=name).id


def take(runtime: Runtime, audit_id: str, actor_id: str) -> dict[str, Any] | None:
    with runtime.write() as uow:
        return audits.next_entry(uow, audit_id, actor_id)


def columns_of(count: int) -> str:
    """A mask of the image's first columns."""
    pixels = masks.pixels_of(masks.parse([60, 80], "0l1Td4", (60, 80)), (60, 80)).copy()
    pixels[:, :count] = True
    return masks.compress(masks.runs_of(pixels))


def test_from_the_sample_to_the_report(browser: Browser) -> None:
    project_id, _ = automatic(browser.runtime, 5)
    answer = browser.post(f"/api/projects/{project_id}/audits", json={"sample_size": 3, "seed": 7})
    assert answer.status_code == 201, answer.text
    audit = answer.json()
    assert (audit["sample_size"], audit["done_count"], audit["state"]) == (3, 0, "open")
    assert audit["bars"][0]["share"] == {
        "name": "Masks with IoU > 0.90",
        "value": None,
        "n": 0,
        "unit": "share",
        "low": None,
        "high": None,
        "paper": "94 %",
    }
    for counts in ("0l1Td4", columns_of(2), None):
        entry = browser.post(f"/api/audits/{audit['id']}/next").json()
        assert (entry["size"], entry["counts"], entry["bbox"]) == ([60, 80], "0l1Td4", [0, 0, 1, 60])
        address = f"/api/audit-items/{entry['id']}/correction"
        for _ in range(2):
            answer = browser.put(address, json={"counts": counts, "seconds": 12.5})
            assert answer.status_code == 200, answer.text
        assert answer.json()["iou"] == {"0l1Td4": 1.0, None: 0.0}.get(counts, 0.5)
    assert browser.post(f"/api/audits/{audit['id']}/next").status_code == 204
    report = browser.get(f"/api/audits/{audit['id']}").json()
    shares = [bar["share"] for bar in report["bars"]]
    assert [(share["value"], share["n"]) for share in shares] == [(1 / 3, 3), (1 / 3, 3)]
    assert shares[0]["low"] == pytest.approx(0.0615, abs=5e-4)  # Wilson, 1 of 3
    assert [bar["reaches_published"] for bar in report["bars"]] == [False, False]
    assert [figure["value"] for figure in report["figures"]] == [0.5, 12.5]
    assert [figure["n"] for figure in report["sizes"]] == [3, 0, 0]
    assert browser.get(f"/api/projects/{project_id}/audits").json()["audits"] == [report]


def test_the_same_seed_draws_the_same_sample_and_only_masks_that_stand(runtime: Runtime) -> None:
    project_id, names = automatic(runtime, 12)
    ada = person(runtime, "Ada")
    with runtime.write() as uow:
        image = uow.session.scalars(select(Image)).first()
        assert image is not None
        project = uow.session.get_one(make.models.Project, project_id)
        other = make.image(uow, project)
        make.annotation(uow, other, make.actor(uow))  # a person's
        machine = make.actor(uow, kind="model")
        for state in ("rejected", "superseded", "withdrawn", "deleted"):
            make.annotation(uow, other, machine, source="automatic", state=state)
        make.annotation(uow, make.image(uow, project, state="erased"), machine, source="automatic", state="proposed")
    drawn = []
    for _ in range(2):
        audit_id = audits.create(runtime, project_id, ada, 100, seed=5)
        with runtime.read() as session:
            query = select(AuditItem.annotation_id).where(AuditItem.audit_id == audit_id).order_by(AuditItem.position)
            drawn.append(session.scalars(query).all())
    assert drawn[0] == drawn[1] and sorted(drawn[0]) == sorted(names) and drawn[0] != sorted(names)


def test_a_sample_of_one_generation_holds_its_masks_only(runtime: Runtime) -> None:
    project_id, names = automatic(runtime, 4)
    ada = person(runtime, "Ada")
    with runtime.write() as uow:
        version = make.model_version(uow)
        generation = Generation(project_id=project_id, model_version_id=version.id)
        uow.session.add(generation)
        uow.session.flush()
        mine = make.models.Annotation
        uow.session.execute(update(mine).where(mine.id == names[0]).values(generation_id=generation.id))
    audit_id = audits.create(runtime, project_id, ada, 10, generation_id=generation.id)
    with runtime.read() as session:
        assert session.scalars(select(AuditItem.annotation_id).where(AuditItem.audit_id == audit_id)).all() == names[:1]
        assert session.get_one(Audit, audit_id).sample_size == 1
    with runtime.write() as uow:
        other = make.project(uow).id
    with pytest.raises(audits.NotFound):
        audits.create(runtime, other, ada, 10, generation_id=generation.id)


def test_there_is_nothing_to_audit_without_automatic_masks(browser: Browser) -> None:
    project_id = browser.new_project()
    answer = browser.post(f"/api/projects/{project_id}/audits", json={"sample_size": 3})
    assert (answer.status_code, answer.json()["error"]) == (409, "nothing_to_audit")


def test_a_lease_that_ran_out_goes_to_the_next_person_and_only_one_hands_in(runtime: Runtime) -> None:
    project_id, _ = automatic(runtime, 1)
    ada, bob = person(runtime, "Ada"), person(runtime, "Bob")
    audit_id = audits.create(runtime, project_id, ada, 1)
    first = take(runtime, audit_id, ada)
    assert first is not None and take(runtime, audit_id, bob) is None
    with runtime.write() as uow:
        uow.session.execute(update(AuditItem).values(lease_expires_at=make.long_ago()))
    second = take(runtime, audit_id, bob)
    assert second is not None and second["id"] == first["id"]
    with pytest.raises(Conflict, match="not yours"):
        audits.correct(runtime, first["id"], ada, "0l1Td4", 1)
    assert audits.correct(runtime, first["id"], bob, "0l1Td4", 1) == 1
    with pytest.raises(Conflict, match="already"):
        audits.correct(runtime, first["id"], ada, "0l1Td4", 1)


def test_a_lease_that_ran_out_is_handed_in_while_nobody_else_has_it(runtime: Runtime) -> None:
    project_id, _ = automatic(runtime, 1)
    ada = person(runtime, "Ada")
    audit_id = audits.create(runtime, project_id, ada, 1)
    entry = take(runtime, audit_id, ada)
    assert entry is not None
    with runtime.write() as uow:
        uow.session.execute(update(AuditItem).values(lease_expires_at=make.long_ago()))
    assert audits.correct(runtime, entry["id"], ada, None, 1) == 0


def test_an_entry_given_back_is_free_and_a_closed_audit_takes_nothing(runtime: Runtime) -> None:
    project_id, _ = automatic(runtime, 2)
    ada, bob = person(runtime, "Ada"), person(runtime, "Bob")
    audit_id = audits.create(runtime, project_id, ada, 2)
    first = take(runtime, audit_id, ada)
    assert first is not None
    for actor_id, expected in ((bob, "leased"), (ada, "open"), (ada, "open")):
        with runtime.write() as uow:
            audits.release(uow, first["id"], actor_id)
            assert uow.session.get_one(AuditItem, first["id"], populate_existing=True).state == expected
    again = take(runtime, audit_id, bob)
    assert again is not None and again["id"] == first["id"]
    with runtime.write() as uow:
        audits.close(uow, audit_id)
        audits.close(uow, audit_id)
    assert take(runtime, audit_id, ada) is None
    with pytest.raises(Conflict, match="closed"):
        audits.correct(runtime, first["id"], bob, "0l1Td4", 1)


def test_a_mask_of_another_size_is_refused_and_the_entry_stays(browser: Browser) -> None:
    project_id, _ = automatic(browser.runtime, 1)
    audit = browser.post(f"/api/projects/{project_id}/audits", json={"sample_size": 1}).json()
    entry = browser.post(f"/api/audits/{audit['id']}/next").json()
    answer = browser.put(f"/api/audit-items/{entry['id']}/correction", json={"counts": "11", "seconds": 1})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_mask")
    assert browser.post(f"/api/audits/{audit['id']}/next").json()["id"] == entry["id"]
    answer = browser.put(f"/api/audit-items/{entry['id']}/correction", json={"counts": EMPTY, "seconds": 1})
    assert answer.json() == {"iou": 0}
    assert browser.delete(f"/api/audit-items/{entry['id']}/lease").status_code == 204
    assert browser.get(f"/api/audits/{audit['id']}").json()["done_count"] == 1


def test_no_two_people_hold_one_entry(any_runtime: Runtime) -> None:
    project_id, names = automatic(any_runtime, 40)
    audit_id = audits.create(any_runtime, project_id, person(any_runtime, "admin"), 40)
    holders: dict[str, str] = {}
    twice: list[str] = []
    guard = threading.Lock()

    def work(number: int) -> None:
        actor_id = person(any_runtime, f"person {number}")
        while entry := take(any_runtime, audit_id, actor_id):
            with guard:
                if holders.setdefault(entry["id"], actor_id) != actor_id:
                    twice.append(entry["id"])
            audits.correct(any_runtime, entry["id"], actor_id, "0l1Td4", 1)

    with ThreadPoolExecutor(8) as people:
        list(people.map(work, range(8)))
    assert not twice and len(holders) == len(names)
    with any_runtime.read() as session:
        report = audits.report(session, audit_id)
    assert (report["done_count"], report["leased_count"]) == (40, 0)
    assert [bar["reaches_published"] for bar in report["bars"]] == [
        None,
        None,
    ]  # 40 of 40: the interval reaches to 91 %
