"""The pointer to the active model version: one way to move it, exactly one of two at once, and back within seconds."""

import threading
import time
from typing import Any

import pytest
from sqlalchemy import insert, select

from backend.db import models
from backend.errors import Conflict, Invalid, MaskmillError, NotFound
from backend.runtime import Runtime
from backend.services import model_versions, projects, promotions, rollbacks
from backend.uow import UnitOfWork
from tests import make


class Scene:
    """A project served by version a, with candidates from rounds."""

    def __init__(self, uow: UnitOfWork) -> None:
        self.first = make.model_version(uow).id
        self.person = make.actor(uow).id
        self.project = make.project(uow, active_version_id=self.first).id
        self.numbers = 0

    def judged(self, uow: UnitOfWork, **columns: Any) -> tuple[str, str]:
        """A judged round and its candidate; by default everything speaks for it."""
        self.numbers += 1
        version = make.model_version(uow, state="candidate", **columns.pop("version", {}))
        known = {"project_id": self.project, "number": self.numbers, "state": "judged", "trigger": "admin"}
        known |= {"policy": {}, "base_version_id": self.first, "candidate_version_id": version.id}
        known |= {"decision": "promote", "gate_report": {"decision": "promote", "overridable": True}, **columns}
        row = models.Round(**known)
        uow.session.add(row)
        uow.session.flush()
        return row.id, version.id


@pytest.fixture
def scene(runtime: Runtime) -> Scene:
    with runtime.write() as uow:
        return Scene(uow)


def active(runtime: Runtime, project_id: str) -> str | None:
    with runtime.read() as session:
        return session.get_one(models.Project, project_id).active_version_id


def test_a_promotion_moves_the_pointer_and_is_logged(runtime: Runtime, scene: Scene) -> None:
    with runtime.write() as uow:
        round_id, candidate = scene.judged(uow)
    with runtime.write() as uow:
        promotions.promote(uow, round_id, scene.person)
    assert active(runtime, scene.project) == candidate
    with runtime.read() as session:
        row = session.get_one(models.Round, round_id)
        assert (row.state, row.decided_by) == ("promoted", scene.person)
        assert session.get_one(models.ModelVersion, candidate).state == "active"
        (line,) = promotions.history(session, scene.project)
        told = session.scalars(select(models.Event).where(models.Event.kind == "version.promoted")).one()
    assert (line["kind"], line["from_version_id"], line["to_version_id"]) == ("promotion", scene.first, candidate)
    assert (line["round_number"], line["trained_from_id"], line["actor"].id) == (1, scene.first, scene.person)
    assert (told.payload["from_version_id"], told.payload["to_version_id"]) == (scene.first, candidate)


def test_a_round_is_decided_once(runtime: Runtime, scene: Scene) -> None:
    with runtime.write() as uow:
        round_id, candidate = scene.judged(uow)
        other, rejected = scene.judged(uow)
    with runtime.write() as uow:
        promotions.promote(uow, round_id, scene.person)
        promotions.reject(uow, other, scene.person, "too slow")
    for act in (promotions.promote, promotions.reject):
        for decided in (round_id, other):
            with pytest.raises(Conflict) as refused, runtime.write() as uow:
                act(uow, decided, scene.person, "again")
            assert refused.value.code == "not_judged"
    assert active(runtime, scene.project) == candidate
    with pytest.raises(Conflict) as refused, runtime.write() as uow:
        promotions.move(uow, scene.project, candidate, rejected, "override", scene.person)
    assert refused.value.code == "rejected"


@pytest.mark.parametrize("state", ["frozen", "training", "trained", "evaluating", "failed", "cancelled"])
def test_what_was_not_judged_is_not_promoted(runtime: Runtime, scene: Scene, state: str) -> None:
    with runtime.write() as uow:
        round_id, _ = scene.judged(uow, state=state)
    with pytest.raises(Conflict) as refused, runtime.write() as uow:
        promotions.promote(uow, round_id, scene.person, "I insist")
    assert refused.value.code == "not_judged"
    assert active(runtime, scene.project) == scene.first


def test_against_the_report_only_with_a_reason_and_never_for_a_broken_one(runtime: Runtime, scene: Scene) -> None:
    reports = {
        decision: {"decision": decision, "overridable": True} for decision in ("reject", "insufficient_evidence")
    }
    with runtime.write() as uow:
        weak, candidate = scene.judged(
            uow, decision="insufficient_evidence", gate_report=reports["insufficient_evidence"]
        )
        broken, _ = scene.judged(uow, decision="reject", gate_report={"decision": "reject", "overridable": False})
    with pytest.raises(Invalid, match="say why"), runtime.write() as uow:
        promotions.promote(uow, weak, scene.person)
    with pytest.raises(Conflict) as refused, runtime.write() as uow:
        promotions.promote(uow, broken, scene.person, "I insist")
    assert refused.value.code == "not_overridable"
    assert active(runtime, scene.project) == scene.first
    with runtime.write() as uow:
        promotions.promote(uow, weak, scene.person, "looked at 30 masks by eye")
    with runtime.read() as session:
        line = promotions.history(session, scene.project)[0]
        assert session.get_one(models.Round, weak).reason == "looked at 30 masks by eye"
    assert (line["kind"], line["reason"], line["to_version_id"]) == (
        "override",
        "looked at 30 masks by eye",
        candidate,
    )


def test_of_two_promotions_at_once_exactly_one_wins(any_runtime: Runtime) -> None:
    with any_runtime.write() as uow:
        scene = Scene(uow)
        rounds = [scene.judged(uow) for _ in range(2)]
    outcomes: list[str] = []
    together = threading.Barrier(2)

    def promote(round_id: str) -> None:
        together.wait()
        try:
            with any_runtime.write() as uow:
                promotions.promote(uow, round_id, scene.person)
            outcomes.append(round_id)
        except Conflict as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=promote, args=(round_id,)) for round_id, _ in rounds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = [round_id for round_id, _ in rounds if round_id in outcomes]
    assert sorted(outcomes) == sorted([winner, "moved"])
    assert active(any_runtime, scene.project) == dict(rounds)[winner]
    with any_runtime.read() as session:
        states = {row.id: row.state for row in session.scalars(select(models.Round))}
        assert sorted(states.values()) == ["judged", "promoted"] and states[winner] == "promoted"
        assert len(promotions.history(session, scene.project)) == 1


def test_the_other_one_needs_a_look_at_the_version_that_won(runtime: Runtime, scene: Scene) -> None:
    with runtime.write() as uow:
        (first, winner), (second, other) = scene.judged(uow), scene.judged(uow)
        promotions.promote(uow, first, scene.person)
    with pytest.raises(Conflict) as refused, runtime.write() as uow:
        promotions.promote(uow, second, scene.person, "I insist", seen_version_id=winner)
    assert refused.value.code == "moved", "its report compares it with a version that is not the active one"
    assert active(runtime, scene.project) == winner != other


def test_the_policy_may_promote_what_passes_every_gate_and_nothing_else(runtime: Runtime, scene: Scene) -> None:
    automatic = {"promotion": "automatic"}
    with runtime.write() as uow:
        manual, _ = scene.judged(uow)
        weak, _ = scene.judged(uow, policy=automatic, decision="insufficient_evidence")
        good, candidate = scene.judged(uow, policy=automatic)
        late, _ = scene.judged(uow, policy=automatic)
        assert promotions.promote_automatically(uow, manual) is None
        assert promotions.promote_automatically(uow, weak) is None
        moved = promotions.promote_automatically(uow, good)
        assert moved is not None and (moved.kind, moved.actor_id) == ("promotion", None)
        assert promotions.promote_automatically(uow, late) is None, "it was compared with another version"
    assert active(runtime, scene.project) == candidate


def test_a_candidate_becomes_active_by_its_round_alone(runtime: Runtime, scene: Scene) -> None:
    with runtime.write() as uow:
        _, candidate = scene.judged(uow)
    for act in (
        lambda uow: projects.change(uow, scene.project, {"active_version_id": candidate}, scene.person),
        lambda uow: rollbacks.rollback(uow, scene.project, scene.person, "why not", to_version_id=candidate),
    ):
        with pytest.raises(Conflict) as refused, runtime.write() as uow:
            act(uow)
        assert refused.value.code in ("not_promoted", "never_active")
    with runtime.write() as uow:
        withdrawn = make.model_version(uow, state="withdrawn").id
    with pytest.raises(Conflict, match="withdrawn"), runtime.write() as uow:
        projects.change(uow, scene.project, {"active_version_id": withdrawn})
    with pytest.raises(NotFound), runtime.write() as uow:
        projects.change(uow, scene.project, {"active_version_id": "nobody"})
    assert active(runtime, scene.project) == scene.first


def test_a_change_of_the_project_is_the_same_move(runtime: Runtime, scene: Scene) -> None:
    with runtime.write() as uow:
        other = make.model_version(uow).id
        project = projects.change(uow, scene.project, {"active_version_id": other, "name": "Both"}, scene.person)
        assert (project.name, project.active_version_id, project.revision) == ("Both", other, 2)
    with runtime.read() as session:
        (line,) = promotions.history(session, scene.project)
        assert session.get_one(models.Project, scene.project).name == "Both"
    assert (line["kind"], line["from_version_id"], line["actor"].id) == ("manual", scene.first, scene.person)


def test_a_version_of_a_round_serves_new_projects_only_where_nothing_else_does(runtime: Runtime, scene: Scene) -> None:
    with runtime.write() as uow:
        round_id, candidate = scene.judged(uow)
        promotions.promote(uow, round_id, scene.person)
    with runtime.write() as uow:
        newest = model_versions.newest(uow.session)
        assert newest is not None and newest.id == scene.first != candidate


def test_embeddings_are_asked_for_only_where_the_encoder_changed(runtime: Runtime, scene: Scene) -> None:
    with runtime.write() as uow:
        project = uow.session.get_one(models.Project, scene.project)
        make.image(uow, project)
        (decoder_only, same) = scene.judged(uow)
        moved = promotions.promote(uow, decoder_only, scene.person)
    assert promotions.follow(runtime, moved.id) == 0
    with runtime.write() as uow:
        other, _ = scene.judged(uow, base_version_id=same, version={"encoder_digest": make.digest("another")})
        moved = promotions.promote(uow, other, scene.person)
    assert promotions.follow(runtime, moved.id) == 1
    assert promotions.follow(runtime, moved.id) == 0, "again is harmless"


# --- the way back ---------------------------------------------------------------------------------------------------


def test_a_rollback_undoes_promotions_one_by_one(runtime: Runtime, scene: Scene) -> None:
    with runtime.write() as uow:
        first, one = scene.judged(uow)
        promotions.promote(uow, first, scene.person)
        second, two = scene.judged(uow, base_version_id=one)
        promotions.promote(uow, second, scene.person)
    for expected in (one, scene.first):
        with runtime.write() as uow:
            rollbacks.rollback(uow, scene.project, scene.person, "worse on cups")
        assert active(runtime, scene.project) == expected
    with pytest.raises(Conflict) as refused, runtime.write() as uow:
        rollbacks.rollback(uow, scene.project, scene.person, "worse on cups")
    assert refused.value.code == "nothing_before"
    with runtime.write() as uow:
        rollbacks.rollback(uow, scene.project, scene.person, "it was better", to_version_id=two)
    with runtime.read() as session:
        kinds = [line["kind"] for line in promotions.history(session, scene.project)]
    assert kinds == ["rollback", "rollback", "rollback", "promotion", "promotion"]


def test_a_rollback_needs_a_reason_and_the_version_that_was_seen(runtime: Runtime, scene: Scene) -> None:
    with runtime.write() as uow:
        round_id, _ = scene.judged(uow)
        promotions.promote(uow, round_id, scene.person)
    with pytest.raises(Invalid, match="Say why"), runtime.write() as uow:
        rollbacks.rollback(uow, scene.project, scene.person, " ")
    with pytest.raises(Conflict), runtime.write() as uow:
        rollbacks.rollback(uow, scene.project, scene.person, "late", seen_version_id=scene.first)
    stranger = make.digest("never")[:36]
    with pytest.raises(Conflict) as refused, runtime.write() as uow:
        rollbacks.rollback(uow, scene.project, scene.person, "odd", to_version_id=stranger)
    assert refused.value.code == "never_active"


def test_only_untouched_proposals_of_the_left_version_are_withdrawn(runtime: Runtime, scene: Scene) -> None:
    with runtime.write() as uow:
        round_id, candidate = scene.judged(uow)
        promotions.promote(uow, round_id, scene.person)
        image = make.image(uow, uow.session.get_one(models.Project, scene.project))
        person = uow.session.get_one(models.Actor, scene.person)

        def proposal(**columns: Any) -> str:
            made = {"state": "proposed", "source": "automatic", "model_version_id": candidate, **columns}
            return make.annotation(uow, image, person, **made).id

        untouched = proposal()
        kept = {
            proposal(state="accepted"): "accepted",
            proposal(flag="wrong outline"): "proposed",
            proposal(model_version_id=scene.first): "proposed",
            proposal(state="rejected"): "rejected",
        }
        generation = models.Generation(project_id=scene.project, model_version_id=candidate, state="running")
        generation.settings = {"source": "automatic"}
        uow.session.add(generation)
    with runtime.write() as uow:
        rollbacks.rollback(uow, scene.project, scene.person, "worse")
    assert make.work_off(runtime) == {"done": 1}
    with runtime.read() as session:
        states = {row.id: row.state for row in session.scalars(select(models.Annotation))}
        assert session.get_one(models.Generation, generation.id).state == "cancelled"
    assert states == kept | {untouched: "withdrawn"}


def test_proposals_of_a_version_that_serves_again_stay(runtime: Runtime, scene: Scene) -> None:
    with runtime.write() as uow:
        round_id, candidate = scene.judged(uow)
        promotions.promote(uow, round_id, scene.person)
        image = make.image(uow, uow.session.get_one(models.Project, scene.project))
        person = uow.session.get_one(models.Actor, scene.person)
        columns = {"state": "proposed", "source": "automatic", "model_version_id": candidate}
        mask = make.annotation(uow, image, person, **columns).id
    with runtime.write() as uow:
        back = rollbacks.rollback(uow, scene.project, scene.person, "worse")
        rollbacks.rollback(uow, scene.project, scene.person, "it was not", to_version_id=candidate)
    assert rollbacks.withdraw_left(runtime, back.id) == 0
    assert make.work_off(runtime) == {"done": 2}
    with runtime.read() as session:
        assert session.get_one(models.Annotation, mask).state == "proposed"


IMAGES, PROPOSALS = 10_000, 3


def test_a_rollback_of_ten_thousand_images_takes_less_than_five_seconds(runtime: Runtime, scene: Scene) -> None:
    """The left version has another encoder and ten proposals on every image; the one before has its embeddings."""
    with runtime.write() as uow:
        round_id, candidate = scene.judged(uow, version={"encoder_digest": make.digest("another")})
        promotions.promote(uow, round_id, scene.person)
        _many(uow, scene, candidate)
    started, cpu = time.monotonic(), time.process_time()
    with runtime.write() as uow:
        moved = rollbacks.rollback(uow, scene.project, scene.person, "worse")
    pointer_seconds = time.monotonic() - started
    assert pointer_seconds < 5
    assert active(runtime, scene.project) == scene.first
    assert promotions.follow(runtime, moved.id) == 0, "nothing is embedded anew"
    assert rollbacks.withdraw_left(runtime, moved.id) == IMAGES * PROPOSALS
    assert rollbacks.withdraw_left(runtime, moved.id) == 0, "again is harmless"
    seconds = time.process_time() - cpu
    print(f"pointer {pointer_seconds:.3f} s, proposals {seconds:.2f} CPU seconds")
    assert seconds < 5, "of this process: how long people wait depends on who else is on the machine"


def _many(uow: UnitOfWork, scene: Scene, version_id: str) -> None:
    digests = [make.digest(f"many {number}") for number in range(IMAGES)]
    shared = {"project_id": scene.project, "media_type": "image/png", "byte_size": 1, "height": 60, "width": 80}
    images = [
        {"id": models.new_id(), "file_name": "x", "file_digest": one, "pixel_digest": one, "group_key": one, **shared}
        | {"position": number, "state": "ready"}
        for number, one in enumerate(digests)
    ]
    uow.session.execute(insert(models.Image), images)
    known = [
        {"id": models.new_id(), "encoder_digest": make.digest("e"), "pixel_digest": d, "state": "ready"}
        for d in digests
    ]
    uow.session.execute(insert(models.Embedding), known)
    mask = {"project_id": scene.project, "actor_id": scene.person, "model_version_id": version_id, "counts": "0l1Td4"}
    mask |= {"source": "automatic", "state": "proposed", "stage": "semi_automatic", "height": 60, "width": 80}
    mask |= {"area": 60, "box_x": 0, "box_y": 0, "box_w": 1, "box_h": 60, "prompts": [], "attributes": {}}
    rows = [{"id": models.new_id(), "image_id": image["id"], **mask} for image in images for _ in range(PROPOSALS)]
    uow.session.execute(insert(models.Annotation), rows)


def test_the_pointer_always_names_a_version_that_may_serve(runtime: Runtime, scene: Scene) -> None:
    """A hundred promotions and rollbacks from four threads: the log is one chain, and its end is the pointer."""
    with runtime.write() as uow:
        rounds = [scene.judged(uow)[0] for _ in range(20)]

    def work(mine: list[str]) -> None:
        for round_id in mine:
            for act in (
                lambda uow, round_id=round_id: promotions.promote(uow, round_id, scene.person),
                lambda uow: rollbacks.rollback(uow, scene.project, scene.person, "back"),
            ):
                try:
                    with runtime.write() as uow:
                        act(uow)
                except MaskmillError as error:
                    assert error.code in ("moved", "nothing_before")

    threads = [threading.Thread(target=work, args=(rounds[start::4],)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with runtime.read() as session:
        log = promotions.moves(session, scene.project)
        states = set(
            session.scalars(
                select(models.ModelVersion.state).where(models.ModelVersion.id.in_(row.to_version_id for row in log))
            )
        )
    assert len(log) >= 2 and states == {"active"}
    assert [row.from_version_id for row in log] == [scene.first, *(row.to_version_id for row in log[:-1])]
    assert active(runtime, scene.project) == log[-1].to_version_id
