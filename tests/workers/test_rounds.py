"""A round through the real jobs, processes and storage, with a model that trains in seconds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import select

from backend.db.models import Detector, Embedding, Job, ModelVersion, Project, Round, Snapshot
from backend.runtime import Runtime
from backend.services import rounds
from tests import servers
from tests.annotated import annotated_project
from tests.faults.rig import children
from workers import handlers
from workers.job import perform
from workers.round_child import FAILURE, PLAN
from workers.rounds import folder_of

assert handlers.__all__
QUICK = {"training": {"minutes": 0.25, "held_out_share": 0.4, "mode": "decoder"}, "confident": {"source": "detector"}}


@pytest.fixture
def project(runtime: Runtime, tiny_release: Path, tmp_path: Path) -> Project:
    made = annotated_project(runtime, tiny_release, tmp_path, 10)
    with runtime.write() as uow:
        uow.session.get_one(Project, made.id).policy = QUICK
    return made


def begin(runtime: Runtime, project: Project, **options: object) -> Round:
    with runtime.write() as uow:
        return rounds.start(uow, project.id, None, **options)  # type: ignore[arg-type]


def now(runtime: Runtime, row: Round) -> Round:
    with runtime.read() as session:
        return session.get_one(Round, row.id)


def run(runtime: Runtime, kind: str) -> str:
    """Performs the newest job of a kind, at once even if it was to wait."""
    with runtime.write() as uow:
        newest = select(Job).where(Job.kind == kind).order_by(Job.created_at.desc())
        found = uow.session.scalars(newest).first()
        assert found is not None
        if found.state == "queued":
            found.run_after = uow.now()
    return perform(runtime, found.id)


def trainers() -> list[int]:
    return [child for child, line in children(os.getpid()).items() if "workers.round_child" in line]


@pytest.mark.slow
def test_a_round_whose_training_is_killed_goes_on_to_its_report(runtime: Runtime, project: Project) -> None:
    row = begin(runtime, project)
    assert run(runtime, "freeze") == "done"
    with runtime.read() as session:
        kept = len(session.scalars(select(Embedding)).all())
    outcomes: list[str] = []
    attempt = threading.Thread(target=lambda: outcomes.append(run(runtime, "train")))
    attempt.start()
    checkpoint = folder_of(runtime, row.id) / "run" / "checkpoint.pt"
    servers.wait_until(lambda: checkpoint.exists() or not attempt.is_alive(), "a checkpoint", 300)
    for child in trainers():
        os.kill(child, signal.SIGKILL)
    attempt.join()
    assert outcomes == ["queued"], "it is tried again"
    assert now(runtime, row).state == "training" and now(runtime, row).candidate_version_id is None
    assert run(runtime, "train") == "done"
    trained = now(runtime, row)
    assert (trained.state, trained.failure) == ("evaluating", None)
    with runtime.read() as session:
        base = session.get_one(ModelVersion, trained.base_version_id)
        candidate = session.get_one(ModelVersion, trained.candidate_version_id)
        snapshot = session.get_one(Snapshot, trained.snapshot_id)
    assert candidate.state == "candidate" and candidate.digest != base.digest
    assert candidate.encoder_digest == base.encoder_digest, "only the decoder learned"
    training = trained.figures["training"]
    assert training["snapshot_digest"] == snapshot.digest and training["mode"] == "decoder"
    assert training["done_steps"] > 0 and training["done_share"] == 1.0
    assert trained.figures["curve"][-1]["progress"] == 1.0
    assert trained.figures["counts"]["human_masks"] == training["masks"]["human"]

    assert run(runtime, "evaluate") == "done"
    judged = now(runtime, row)
    assert (judged.state, judged.decision) == ("judged", "insufficient_evidence"), judged.gate_report
    assert judged.gate_report is not None and judged.gate_report["overridable"]
    integrity = {gate["name"]: gate["passed"] for gate in judged.gate_report["gates"] if gate["kind"] == "integrity"}
    assert all(integrity.values()), integrity
    assert {"miou@1", "miou@1_ci", "noc@85"} <= judged.figures["held_out"]["candidate"].keys()
    with runtime.read() as session:
        assert session.get_one(Project, project.id).active_version_id == base.id, "nothing is promoted"
        assert len(session.scalars(select(Embedding)).all()) == kept, "and nothing embedded again"
        assert session.scalars(select(Detector.round_id)).all() == [row.id], "the round teaches the detector, too"

    for kind in ("freeze", "train", "evaluate"):  # a worker that was thought dead does the work again
        with runtime.write() as uow:
            for job in uow.session.scalars(select(Job).where(Job.kind == kind)):
                job.state, job.attempts = "queued", 0
        assert run(runtime, kind) == "done"
    again = now(runtime, row)
    assert (again.state, again.candidate_version_id) == ("judged", candidate.id)
    assert again.gate_report == judged.gate_report and again.ended_at == judged.ended_at


@pytest.mark.slow
def test_a_cancelled_round_ends_its_training_process(runtime: Runtime, project: Project) -> None:
    row = begin(runtime, project)
    run(runtime, "freeze")
    outcomes: list[str] = []
    attempt = threading.Thread(target=lambda: outcomes.append(run(runtime, "train")))
    attempt.start()
    servers.wait_until(lambda: bool(trainers()), "the training process", 60)
    with runtime.write() as uow:
        rounds.cancel(uow, row.id)
    attempt.join(60)
    assert outcomes == ["lost"] and not trainers()
    found = now(runtime, row)
    assert found.state == "cancelled" and found.candidate_version_id is None


def test_a_plan_that_cannot_work_says_why(tmp_path: Path) -> None:
    """Trying again would give the same, so the parent need not."""
    (tmp_path / PLAN).write_text('{"plan": "nothing"}')
    ended = subprocess.run([sys.executable, "-m", "workers.round_child", str(tmp_path)], check=False)
    assert ended.returncode == 3
    assert "JSONDecodeError" in (tmp_path / FAILURE).read_text()
