"""Rounds as rows: one at a time, begun by people or by a policy, cancelled, given up, taken up and compared again."""

from __future__ import annotations

import datetime as dt
import threading

import pytest
from sqlalchemy import select

from backend.db.models import Event, Job, ModelVersion, Project, Round
from backend.errors import Conflict, NotFound
from backend.runtime import Runtime
from backend.services import jobs, rounds
from backend.services.round_moves import move
from tests import make
from workers import handlers
from workers.job import JobContext, perform

assert handlers.__all__
FAMILY = {"config": {"family": "starter"}}


@pytest.fixture
def project(any_runtime: Runtime) -> Project:
    return annotated(any_runtime)


def annotated(runtime: Runtime, policy: dict[str, object] | None = None) -> Project:
    """A project with a served version and ten images with a mask each."""
    with runtime.write() as uow:
        version = make.model_version(uow, manifest=FAMILY)
        project = make.project(uow, active_version_id=version.id, policy=policy or {})
        actor = make.actor(uow)
        for number in range(10):
            make.annotation(uow, make.image(uow, project, group_key=f"group {number}"), actor)
    return project


def begin(runtime: Runtime, project: Project, **options: object) -> Round:
    with runtime.write() as uow:
        return rounds.start(uow, project.id, None, **options)  # type: ignore[arg-type]


def job_of(runtime: Runtime, kind: str) -> Job:
    with runtime.read() as session:
        return session.scalars(select(Job).where(Job.kind == kind).order_by(Job.created_at.desc())).first()  # type: ignore[return-value]


def state(runtime: Runtime, row: Round) -> str:
    with runtime.read() as session:
        return session.get_one(Round, row.id).state


def test_one_round_of_a_project_is_unfinished(any_runtime: Runtime, project: Project) -> None:
    outcomes: list[str] = []

    def attempt() -> None:
        try:
            begin(any_runtime, project)
            outcomes.append("begun")
        except Conflict as conflict:
            outcomes.append(conflict.code)

    threads = [threading.Thread(target=attempt) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["begun", *["round_unfinished"] * 3]
    with any_runtime.write() as uow:
        (row,) = uow.session.scalars(select(Round)).all()
        rounds.cancel(uow, row.id)
    assert begin(any_runtime, project).number == 2


def test_what_a_round_needs_to_begin(any_runtime: Runtime, project: Project) -> None:
    with any_runtime.write() as uow:
        bare = make.project(uow)
        served = make.project(uow, active_version_id=project.active_version_id)
    for where, code in ((bare, "no_model"), (served, "nothing_to_train")):
        with pytest.raises(Conflict) as refused:
            begin(any_runtime, where)
        assert refused.value.code == code
    with pytest.raises(Conflict, match="active one already"):
        begin(any_runtime, project, candidate_version_id=project.active_version_id)
    with pytest.raises(NotFound):
        begin(any_runtime, project, candidate_version_id="no such version")


def test_freezing_twice_and_cut_off_is_freezing_once(
    any_runtime: Runtime, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = begin(any_runtime, project)
    frozen = job_of(any_runtime, "freeze")
    with monkeypatch.context() as patched:
        patched.setattr(JobContext, "commit", _power_cut)
        with pytest.raises(KeyboardInterrupt):
            perform(any_runtime, frozen.id)
    assert state(any_runtime, row) == "frozen"
    for _ in range(2):
        with any_runtime.write() as uow:
            fresh = uow.session.get_one(Job, frozen.id)
            fresh.state, fresh.lease_token, fresh.run_after = "queued", None, uow.now()
        assert perform(any_runtime, frozen.id) == "done"
    with any_runtime.read() as session:
        found = session.get_one(Round, row.id)
        assert found.state == "training" and found.snapshot_id is not None
        counts = found.figures["counts"]
        assert counts["train_images"] + counts["held_out_images"] == 10
        assert len(session.scalars(select(Job).where(Job.kind == "train")).all()) == 1


def _power_cut(work: JobContext) -> None:
    raise KeyboardInterrupt


def test_a_choice_that_leaves_nothing_fails_at_once(any_runtime: Runtime) -> None:
    project = annotated(any_runtime, {"training": {"sources": "automatic"}})
    row = begin(any_runtime, project)
    assert perform(any_runtime, job_of(any_runtime, "freeze").id) == "done"
    with any_runtime.read() as session:
        found = session.get_one(Round, row.id)
        assert (found.state, found.failure) == ("failed", "There is no mask to train on.")
        assert found.ended_at is not None


def test_a_given_candidate_is_compared_without_training(any_runtime: Runtime, project: Project) -> None:
    with any_runtime.write() as uow:
        candidate = make.model_version(uow, state="candidate", manifest=FAMILY)
    row = begin(any_runtime, project, candidate_version_id=candidate.id)
    assert perform(any_runtime, job_of(any_runtime, "freeze").id) == "done"
    assert state(any_runtime, row) == "evaluating"
    assert job_of(any_runtime, "train") is None
    assert job_of(any_runtime, "evaluate").args["active_version_id"] == project.active_version_id


def test_a_round_rests_and_its_evaluation_is_asked_for(any_runtime: Runtime, project: Project) -> None:
    with any_runtime.write() as uow:
        candidate = make.model_version(uow, state="candidate", manifest=FAMILY)
    row = begin(any_runtime, project, candidate_version_id=candidate.id, steps="train")
    with any_runtime.write() as uow, pytest.raises(Conflict, match="frozen cannot be evaluated"):
        rounds.evaluate(uow, row.id)
    perform(any_runtime, job_of(any_runtime, "freeze").id)
    assert state(any_runtime, row) == "trained" and job_of(any_runtime, "evaluate") is None
    with any_runtime.write() as uow:
        rounds.evaluate(uow, row.id)
    first = job_of(any_runtime, "evaluate")
    with any_runtime.write() as uow:
        assert move(uow, row.id, "judge", decision="reject", gate_report={}) is not None
        assert move(uow, row.id, "judge") is None, "only once"
        rounds.evaluate(uow, row.id)
        again = uow.session.get_one(Round, row.id)
        assert again.state == "evaluating" and again.decision is None and again.ended_at is None
    assert job_of(any_runtime, "evaluate").key != first.key


def test_cancelling_stops_the_job_and_a_dead_job_fails_the_round(any_runtime: Runtime, project: Project) -> None:
    row = begin(any_runtime, project)
    waiting = job_of(any_runtime, "freeze")
    for _ in range(2):
        with any_runtime.write() as uow:
            assert rounds.cancel(uow, row.id).state == "cancelled"
    assert perform(any_runtime, waiting.id) == "taken"
    other = begin(any_runtime, project)
    frozen = job_of(any_runtime, "freeze")
    with any_runtime.write() as uow:
        claimed = jobs.claim(uow, frozen.id, 60)
        assert claimed is not None and jobs.bury(uow, claimed, "the disk is gone")
    with any_runtime.read() as session:
        failed = session.get_one(Round, other.id)
        assert (failed.state, failed.failure) == ("failed", "the disk is gone")
        progress = rounds.view(session, other.id)["progress"]
        assert progress["state"] == "dead" and progress["failure"] == "the disk is gone"
    with any_runtime.write() as uow:
        jobs.retry(uow, frozen.id)
    assert state(any_runtime, other) == "frozen"
    with any_runtime.write() as uow:
        move(uow, other.id, "fail")
        with pytest.raises(Conflict, match="failed already"):
            rounds.cancel(uow, other.id)


def test_a_failed_round_does_not_come_back_beside_another_one(any_runtime: Runtime, project: Project) -> None:
    row = begin(any_runtime, project)
    with any_runtime.write() as uow:
        move(uow, row.id, "fail", failure="x")
    begin(any_runtime, project)
    with any_runtime.write() as uow:
        assert move(uow, row.id, "retry", "freeze") is None
    assert state(any_runtime, row) == "failed"


def test_policies_begin_rounds(any_runtime: Runtime) -> None:
    project = annotated(any_runtime, {"trigger": {"every_masks": 10}})
    annotated(any_runtime)
    scheduled = annotated(any_runtime, {"trigger": {"schedule_hours": 24.0}})
    assert rounds.start_due(any_runtime) == 1
    assert rounds.start_due(any_runtime) == 0, "one is not finished"
    with any_runtime.write() as uow:
        (row,) = uow.session.scalars(select(Round)).all()
        assert (row.project_id, row.trigger) == (project.id, "masks")
        move(uow, row.id, "fail")
    assert rounds.start_due(any_runtime) == 0, "no new mask since"
    with any_runtime.write() as uow:
        uow.session.get_one(Project, scheduled.id).created_at = uow.now() - dt.timedelta(hours=25)
    assert rounds.start_due(any_runtime) == 1
    with any_runtime.read() as session:
        assert session.scalars(select(Round.trigger).where(Round.project_id == scheduled.id)).all() == ["schedule"]


def test_every_step_is_told(any_runtime: Runtime, project: Project) -> None:
    row = begin(any_runtime, project)
    perform(any_runtime, job_of(any_runtime, "freeze").id)
    with any_runtime.write() as uow:
        rounds.cancel(uow, row.id)
    with any_runtime.read() as session:
        told = session.scalars(select(Event).where(Event.kind == "round.changed").order_by(Event.id)).all()
    assert [event.payload["state"] for event in told] == ["frozen", "training", "cancelled"]
    assert {event.subject_id for event in told} == {row.id}


def test_what_the_page_reads(any_runtime: Runtime, project: Project) -> None:
    row = begin(any_runtime, project)
    with any_runtime.write() as uow:
        rounds.note(uow, row.id, curve=[{"step": 20, "loss": 1.0}], counts={"train_images": 7})
    with any_runtime.read() as session:
        (listed,) = rounds.of_project(session, project.id)
        detail = rounds.view(session, row.id)
        base = session.get_one(ModelVersion, project.active_version_id)
    assert "curve" not in listed["figures"] and listed["figures"]["counts"] == {"train_images": 7}
    assert listed["base_version"].id == base.id and listed["policy"]["training"]["human_weight"] == 10
    assert detail["curve"] == [{"step": 20, "loss": 1.0}] and detail["progress"]["kind"] == "freeze"
    counts, new = rounds.preview(any_runtime, project.id)
    assert counts.train_images + counts.held_out_images == 10 and new == 0


def test_long_curves_are_thinned_and_keep_their_end() -> None:
    curve = [{"step": number} for number in range(1001)]
    thin = rounds.thinned(curve)
    assert len(thin) <= rounds.CURVE_POINTS and thin[-1] == {"step": 1000}
    assert [point["step"] for point in thin] == sorted(point["step"] for point in thin)
    assert rounds.thinned(curve[:3]) == curve[:3]
