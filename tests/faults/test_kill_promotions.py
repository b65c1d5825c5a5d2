"""SIGKILL while the active model version moves: the pointer names a whole version, and the log is the way it went."""

import hashlib
import itertools
import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, update

from backend.db.models import Annotation, Embedding, Event, Image, Job, ModelVersion, Project, Promotion, Round
from backend.runtime import Runtime
from backend.services import promotions
from backend.storage import keys
from segmenter.manifest import WEIGHTS
from tests import make
from tests.faults.promoter import KILLED, When, in_a_process, promote, roll_back, start, to_and_fro
from workers.job import perform


class Scene:
    """A project served by a stored version, with an image whose proposals each version made."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime, self.numbers = runtime, itertools.count(1)
        self.first = self._stored("active")
        with runtime.write() as uow:
            self.project = make.project(uow, active_version_id=self.first).id
            self.image = make.image(uow, uow.session.get_one(Project, self.project)).id
            self.person = make.actor(uow).id

    def _stored(self, state: str, **columns: Any) -> str:
        content = f"weights {next(self.numbers)}".encode()
        digest = hashlib.sha256(content).hexdigest()
        self.runtime.storage.put(keys.release_key(digest, WEIGHTS), content)
        with self.runtime.write() as uow:
            manifest = {"files": {WEIGHTS: {"digest": digest, "bytes": len(content)}}}
            return make.model_version(uow, digest=digest, manifest=manifest, state=state, **columns).id

    def judged(self, base: str | None = None, **version: Any) -> str:
        """A round whose candidate passed every gate beside the active version, and a proposal by it."""
        candidate = self._stored("candidate", **version)
        with self.runtime.write() as uow:
            known: dict[str, Any] = {"project_id": self.project, "number": next(self.numbers), "trigger": "admin"}
            known |= {"state": "judged", "policy": {}, "candidate_version_id": candidate, "decision": "promote"}
            known |= {"base_version_id": base or uow.session.get_one(Project, self.project).active_version_id}
            row = Round(**known, gate_report={"decision": "promote", "overridable": True})
            uow.session.add(row)
            image, person = uow.session.get_one(Image, self.image), uow.session.get_one(make.models.Actor, self.person)
            proposed = {"state": "proposed", "source": "automatic", "model_version_id": candidate}
            make.annotation(uow, image, person, **proposed)
            uow.session.flush()
            return row.id

    def moves(self) -> list[Promotion]:
        with self.runtime.read() as session:
            return list(promotions.moves(session, self.project))

    def check(self) -> None:
        """Pointer, log, events and rounds agree, and the version that serves is whole."""
        log = self.moves()
        with self.runtime.read() as session:
            project = session.get_one(Project, self.project)
            version = session.get_one(ModelVersion, project.active_version_id)
            heard = session.scalars(select(Event).where(Event.kind == "version.promoted").order_by(Event.id)).all()
            promoted = session.scalars(select(Round.id).where(Round.state == "promoted")).all()
        path = [self.first, *(row.to_version_id for row in log)]
        assert [row.from_version_id for row in log] == path[:-1] and version.id == path[-1]
        assert [row.revision for row in log] == list(range(2, len(log) + 2)) and project.revision == len(log) + 1
        told = [(one.payload["from_version_id"], one.payload["to_version_id"], one.payload["kind"]) for one in heard]
        assert told == [(row.from_version_id, row.to_version_id, row.kind) for row in log]
        once = Counter(row.round_id for row in log if row.kind == "promotion")
        assert once == Counter(promoted), "every promoted round moved the pointer exactly once"
        assert version.state == "active"
        for name, file in version.manifest["files"].items():
            stored = self.runtime.storage.get(keys.release_key(version.digest, name))
            assert hashlib.sha256(stored).hexdigest() == file["digest"]

    def recover(self) -> None:
        """What the next worker does once leases are over: every job ends, and rolled back versions propose nothing."""
        with self.runtime.write() as uow:
            uow.session.execute(update(Job).where(Job.state == "running").values(lease_expires_at=make.long_ago()))
            unfinished = uow.session.scalars(select(Job.id).where(Job.state != "done")).all()
        assert {perform(self.runtime, job_id) for job_id in unfinished} <= {"done"}
        make.work_off(self.runtime)
        left = {row.from_version_id for row in self.moves() if row.kind == "rollback"}
        with self.runtime.read() as session:
            assert set(session.scalars(select(Job.state))) <= {"done"}
            query = select(Annotation.state).where(Annotation.model_version_id.in_(left))
            assert set(session.scalars(query)) <= {"withdrawn"}


@pytest.mark.slow
@pytest.mark.parametrize("act", [promote, roll_back])
def test_killed_at_any_statement_a_move_happens_wholly_or_not_at_all(
    any_runtime: Runtime, act: Callable[..., None]
) -> None:
    scene = Scene(any_runtime)
    outcomes: list[int] = []
    for count in itertools.count(1):
        subject = scene.judged()
        if act is roll_back:
            promote(any_runtime, subject)
            subject = scene.project
        before = len(scene.moves())
        status = in_a_process(any_runtime.settings, act, count, subject)
        scene.check()
        outcomes.append(len(scene.moves()) - before)
        if not outcomes[-1]:
            act(any_runtime, subject)  # the person asks again
        assert len(scene.moves()) == before + 1
        scene.recover()
        scene.check()
        if status == 0:
            break
        assert status == KILLED
    assert sorted(outcomes) == outcomes and set(outcomes) == {0, 1}, "first none of it was written, then all"
    assert len(outcomes) > 10


@pytest.mark.parametrize("moment", ["at the commit", "after"])
def test_killed_after_a_move_to_another_encoder_its_embeddings_are_asked_for(runtime: Runtime, moment: When) -> None:
    scene, encoder = Scene(runtime), make.digest("another encoder")
    round_id = scene.judged(encoder_digest=encoder)
    assert in_a_process(runtime.settings, promote, ("INSERT INTO promotion", moment), round_id) == KILLED
    scene.check()
    with runtime.read() as session:
        waiting = session.scalars(select(Job.id).where(Job.kind == "follow", Job.state == "queued")).all()
        assert session.scalars(select(Embedding)).all() == []
    assert len(waiting) == len(scene.moves()) == (1 if moment == "after" else 0)
    for job_id in waiting:
        assert perform(runtime, job_id) == "done"
    with runtime.read() as session:
        asked = session.scalars(select(Embedding.encoder_digest)).all()
    assert asked == [encoder] * len(waiting)


def until_all_are_decided(scene: Scene, count: int, kill: Callable[[list[str]], bool]) -> int:
    """Promotes and rolls back ``count`` rounds in processes that ``kill`` ends; how many it killed."""
    round_ids = [scene.judged(scene.first) for _ in range(count)]
    killed = 0
    while True:
        died = kill(round_ids)
        killed += died
        scene.check()
        if not died:
            break
        if scene.moves() and scene.moves()[-1].kind == "promotion":
            roll_back(scene.runtime, scene.project)  # else the next round was compared with another version
        scene.recover()
    scene.recover()
    assert len(scene.moves()) == 2 * count
    return killed


@pytest.mark.slow
def test_processes_that_die_at_random_leave_a_pointer_that_is_right(any_runtime: Runtime) -> None:
    scene, chance = Scene(any_runtime), random.Random(6)
    limits = iter([*(chance.randrange(1, 120) for _ in range(12)), None])

    def kill(round_ids: list[str]) -> bool:
        return in_a_process(any_runtime.settings, to_and_fro, next(limits), scene.project, round_ids) == KILLED

    assert until_all_are_decided(scene, 16, kill) >= 5


@pytest.mark.nightly
@pytest.mark.timeout(3600)
def test_a_hundred_promotions_and_rollbacks_under_sigkill(any_runtime: Runtime) -> None:
    """Reliability A4: the signal comes from outside, at any moment, also within a commit."""
    scene, chance, kills = Scene(any_runtime), random.Random(7), itertools.count(1)

    def kill(round_ids: list[str]) -> bool:
        process = start(any_runtime.settings, to_and_fro, None, scene.project, round_ids)
        if next(kills) <= 100:
            time.sleep(chance.uniform(0.05, 0.6))
            process.kill()
        process.join()
        assert process.exitcode in (0, KILLED)
        return bool(process.exitcode == KILLED)

    print(until_all_are_decided(scene, 100, kill), "processes were killed")
