"""Policies, stages and their history, over HTTP and by the rule, on both databases where people meet."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from backend.db.models import Audit, AuditItem, Generation, Project, Promotion
from backend.runtime import Runtime
from backend.services import stages
from backend.uow import UnitOfWork
from tests import make
from tests.web import Browser
from workers.recovery import Recovery

EASY = {"stages": {"assisted_manual": {"masks": 2, "rounds": None}, "semi_automatic": {"acceptance": 0.5}}}


def kinds(browser: Browser) -> list[str]:
    from backend.services import events

    with browser.runtime.read() as session:
        return [event.kind for event in events.after(session, 0)]


def stage_of(browser: Browser, project_id: str) -> dict[str, Any]:
    return dict(browser.get(f"/api/projects/{project_id}/stage").json())


def add_masks(runtime: Runtime, project_id: str, count: int, **columns: Any) -> None:
    with runtime.write() as uow:
        image = make.image(uow, uow.session.get_one(Project, project_id))
        actor = make.actor(uow)
        for _ in range(count):
            make.annotation(uow, image, actor, **columns)


def test_a_policy_is_read_changed_and_refused(browser: Browser) -> None:
    address = f"/api/projects/{browser.new_project()}/policy"
    by_default = browser.get(address).json()
    assert by_default["training"]["human_weight"] == 10 and by_default["trigger"]["every_masks"] is None

    told = browser.put(address, json={"policy": {"trigger": {"every_masks": 200}, "promotion": "automatic"}})
    assert told.status_code == 200 and told.json()["trigger"]["every_masks"] == 200
    assert (
        browser.get(address).json()
        == told.json()
        == by_default
        | {
            "trigger": {"every_masks": 200, "schedule_hours": None},
            "promotion": "automatic",
        }
    )
    assert browser.put(address, json={"policy": told.json()}).json() == told.json()
    assert kinds(browser).count("policy.changed") == 1, "the same again is no change"

    nothing = dict.fromkeys(("masks", "rounds", "acceptance", "audit"))
    asks_nothing = {"stages": {"assisted_manual": nothing, "semi_automatic": nothing}}
    assert browser.put(address, json={"policy": asks_nothing}).json()["stages"]["semi_automatic"] == nothing
    assert browser.put(address, json={"policy": told.json()}).json() == told.json()

    refused = browser.put(address, json={"policy": {"trigger": {"every_masks": 0}}})
    assert refused.status_code == 400 and refused.json()["error"] == "bad_policy"
    assert "trigger.every_masks" in refused.json()["detail"]
    assert browser.get(address).json() == told.json()
    assert browser.put(address, json={"policy": {}}).json() == by_default
    assert browser.get("/api/projects/none/policy").status_code == 404


def test_a_person_goes_forward_and_back_with_a_reason(browser: Browser) -> None:
    project_id = browser.new_project()
    address = f"/api/projects/{project_id}/stage"
    bare = browser.post(address, json={"to": "semi_automatic"})
    assert (bare.status_code, bare.json()["error"]) == (400, "reason_needed")
    far = browser.post(address, json={"to": "fully_automatic", "reason": "in a hurry"})
    assert (far.status_code, far.json()["error"]) == (409, "stage")

    moved = browser.post(address, json={"to": "semi_automatic", "reason": " The model is good enough. "})
    assert moved.status_code == 200 and moved.json()["stage"] == "semi_automatic"
    assert browser.post(address, json={"to": "semi_automatic", "reason": "again"}).status_code == 409
    back = browser.post(address, json={"to": "assisted_manual", "reason": "Too many wrong masks."})
    assert back.json()["stage"] == "assisted_manual"

    changes = browser.get(f"{address}/history").json()["changes"]
    assert [change["reason"] for change in changes] == ["Too many wrong masks.", "The model is good enough."]
    assert {change["cause"] for change in changes} == {"admin"} and changes[0]["actor_name"]
    assert changes[0]["numbers"]["masks"] == 0
    assert kinds(browser).count("stage.changed") == 2
    project = browser.get(f"/api/projects/{project_id}").json()
    assert (project["stage"], project["revision"]) == ("assisted_manual", 3)


def test_the_rule_counts_what_was_done_in_the_stage(browser: Browser) -> None:
    project_id = browser.new_project()
    browser.put(f"/api/projects/{project_id}/policy", json={"policy": EASY})
    add_masks(browser.runtime, project_id, 1)
    add_masks(browser.runtime, project_id, 1, state="deleted")
    add_masks(browser.runtime, project_id, 1, stage="semi_automatic", source="automatic")
    before = stage_of(browser, project_id)
    assert before["rule"] == {
        "to_stage": "semi_automatic",
        "conditions": [{"name": "masks", "now": 1, "needed": 2, "met": False}],
        "due": False,
    }
    assert before["since_last_round"] == {
        "round_number": None,
        "began_at": None,
        "human_masks": 1,
        "automatic_masks": 1,
        "images": 2,
    }
    add_masks(browser.runtime, project_id, 1)
    assert stage_of(browser, project_id)["rule"]["due"]
    moved = browser.post(f"/api/projects/{project_id}/stage", json={"to": "semi_automatic"})
    assert moved.status_code == 200, "the rule asks for it: no reason is needed"
    assert moved.json()["numbers"]["masks"] == 1


def decide(uow: UnitOfWork, project_id: str, states: list[str]) -> None:
    """Proposals of a generation, decided on in these ways."""
    project = uow.session.get_one(Project, project_id)
    image, actor = make.image(uow, project), make.actor(uow, kind="model")
    generation = Generation(project_id=project_id, model_version_id=make.model_version(uow).id)
    uow.session.add(generation)
    uow.session.flush()
    for state in states:
        fields = {"source": "automatic", "generation_id": generation.id, "state": state, "stage": project.stage}
        decided_at = None if state in ("superseded", "proposed") else uow.now()
        make.annotation(uow, image, actor, decided_at=decided_at, **fields)


def test_acceptance_rounds_and_audits_lead_out_of_the_second_stage(any_runtime: Runtime) -> None:
    needs = {"masks": None, "rounds": 1, "acceptance": 0.75, "audit": 0.9}
    with any_runtime.write() as uow:
        policy = {"stages": {"semi_automatic": needs, "advance": "automatic"}}
        project = make.project(uow, stage="semi_automatic", policy=policy)
        project_id, version_id = project.id, make.model_version(uow).id
        decide(uow, project_id, ["accepted"] * 15 + ["rejected"] * 3 + ["superseded", "deleted", "proposed"])
        uow.session.add(Promotion(project_id=project_id, to_version_id=version_id, revision=2, kind="rollback"))
    with any_runtime.read() as session:
        seen = stages.view(session, project_id)
    assert seen["acceptance"] == 0.75 and seen["numbers"]["decided"] == 20
    assert [(line["name"], line["now"], line["met"]) for line in seen["rule"]["conditions"]] == [
        ("rounds", 0, False),
        ("acceptance", 0.75, True),
        ("audit", None, False),
    ]
    assert stages.advance_due(any_runtime) == 0

    with any_runtime.write() as uow:
        uow.session.add(Promotion(project_id=project_id, to_version_id=version_id, revision=3, kind="promotion"))
        audit = Audit(project_id=project_id, seed=1, sample_size=20, state="closed")
        uow.session.add(audit)
        uow.session.flush()
        image, actor = make.image(uow, uow.session.get_one(Project, project_id)), make.actor(uow)
        for place, iou in enumerate([0.95] * 18 + [0.9, 0.2]):
            item = AuditItem(audit_id=audit.id, annotation_id=make.annotation(uow, image, actor).id, position=place)
            item.state, item.iou = "done", iou
            uow.session.add(item)
    with ThreadPoolExecutor(4) as workers:
        taken = list(workers.map(lambda _: stages.advance_due(any_runtime), range(4)))
    assert sum(taken) == 1
    with any_runtime.read() as session:
        [change] = stages.history(session, project_id)
        assert (change["cause"], change["to_stage"], change["actor_id"]) == ("rule", "fully_automatic", None)
        assert change["numbers"] == {
            "masks": 15,
            "rounds": 1,
            "decided": 20,
            "accepted": 15,
            "audited": 20,
            "above": 18,
        }
    assert stages.advance_due(any_runtime) == 0


def test_a_step_is_taken_once_however_many_ask(any_runtime: Runtime) -> None:
    with Browser(any_runtime) as browser:
        browser.sign_in()
        project_id = browser.new_project()
        step = {"to": "semi_automatic", "reason": "All of us at once."}
        with ThreadPoolExecutor(6) as people:
            answers = people.map(lambda _: browser.post(f"/api/projects/{project_id}/stage", json=step), range(6))
        assert sorted(answer.status_code for answer in answers) == [200] + [409] * 5
        assert len(browser.get(f"/api/projects/{project_id}/stage/history").json()["changes"]) == 1
        assert browser.get(f"/api/projects/{project_id}").json()["revision"] == 2


def test_a_manual_project_never_moves_by_itself(runtime: Runtime) -> None:
    with runtime.write() as uow:
        project = make.project(uow, policy={"stages": {"assisted_manual": {"masks": 0, "rounds": None}}})
        archived = make.project(uow, state="archived", policy={"stages": {"advance": "automatic"}})
        ids = (project.id, archived.id)
    assert stages.advance_due(runtime) == 0
    with runtime.read() as session:
        assert {session.get_one(Project, key).stage for key in ids} == {"assisted_manual"}


def test_the_recovery_loop_takes_a_step_that_is_due(runtime: Runtime) -> None:
    asks_nothing = {"advance": "automatic", "assisted_manual": {"masks": 0, "rounds": None}}
    with runtime.write() as uow:
        project_id = make.project(uow, policy={"stages": asks_nothing}).id
    loop = Recovery(runtime, ("cpu",))
    loop.start()
    try:
        for _ in range(200):
            with runtime.read() as session:
                taken = stages.history(session, project_id)
            if taken:
                break
            time.sleep(0.1)
    finally:
        loop.stop()
    assert [(step["cause"], step["to_stage"]) for step in taken] == [("rule", "semi_automatic")]
