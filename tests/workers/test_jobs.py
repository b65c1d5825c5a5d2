"""Job rows: claim once, fence, retry, give up, cancel; on both databases."""

import datetime as dt
import threading
import time
from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from backend.db.models import Category, Event, Export, Job
from backend.errors import Conflict
from backend.runtime import Runtime
from backend.services import events, jobs
from backend.uow import UnitOfWork, Wake
from tests import make
from workers import job as job_module
from workers import recovery
from workers.job import Handler, JobContext, LeaseLost, perform

Run = Callable[[JobContext], None]


@pytest.fixture
def handle(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Put a handler of the test's own in the place of `export`'s."""

    def put(run: Run) -> None:
        monkeypatch.setitem(job_module.HANDLERS, "export", Handler("export", lambda work, export_id: run(work)))

    return put


def enqueue(runtime: Runtime, key: str = "export:1") -> str:
    with runtime.write() as uow:
        return enqueue_in(uow, key)


def enqueue_in(uow: UnitOfWork, key: str) -> str:
    """A job with a row to work on, the same one for the same key."""
    known = uow.session.scalar(select(Job.args).where(Job.key == key))
    export_id = known["export_id"] if known else make.export(uow, make.project(uow)).id
    return uow.enqueue("export", key, export_id=export_id).id


def row(runtime: Runtime, job_id: str) -> Job:
    with runtime.read() as session:
        return jobs.get(session, job_id)


def due_now(runtime: Runtime, job_id: str) -> None:
    """Skip the wait before the next attempt."""
    with runtime.write() as uow:
        jobs.get(uow.session, job_id).run_after = uow.now()


def expire(runtime: Runtime, job_id: str) -> None:
    """Let the lease run out, as if the worker had been silent."""
    with runtime.write() as uow:
        jobs.get(uow.session, job_id).lease_expires_at = make.long_ago()


def silent_for(runtime: Runtime, job_id: str, seconds: float) -> None:
    """As if the last message for the job had been sent so long ago."""
    with runtime.write() as uow:
        jobs.get(uow.session, job_id).sent_at = uow.now() - dt.timedelta(seconds=seconds)


def test_enqueue_once_per_key_and_send_after_commit(any_runtime: Runtime, sent: list[Wake]) -> None:
    with any_runtime.write() as uow:
        first = uow.enqueue("ingest", "ingest:1", image_id="1")
        again = uow.enqueue("ingest", "ingest:1", image_id="1")
        assert not sent
    assert first.id == again.id
    assert sent == [Wake("cpu", first.id)]
    with any_runtime.write() as uow:
        assert uow.enqueue("ingest", "ingest:1", image_id="1").id == first.id
    assert len(sent) == 1


def test_a_rolled_back_job_is_neither_stored_nor_sent(any_runtime: Runtime, sent: list[Wake]) -> None:
    with pytest.raises(ZeroDivisionError), any_runtime.write() as uow:
        uow.enqueue("ingest", "ingest:1", image_id="1")
        uow.emit("image.ready", None, "1")
        raise ZeroDivisionError
    assert not sent
    with any_runtime.read() as session:
        assert session.scalars(select(Job)).all() == []
        assert events.latest_id(session) == 0


def test_a_finished_job_is_not_done_again(any_runtime: Runtime, handle: Callable[..., None]) -> None:
    ran = []
    handle(lambda work: ran.append(work.job.id))
    job_id = enqueue(any_runtime)
    assert [perform(any_runtime, job_id) for _ in range(3)] == ["done", "taken", "taken"]
    assert enqueue(any_runtime) == job_id
    assert perform(any_runtime, job_id) == "taken"
    assert ran == [job_id]
    assert row(any_runtime, job_id).state == "done"


def test_many_messages_for_one_job_make_one_effect(any_runtime: Runtime, handle: Callable[..., None]) -> None:
    with any_runtime.write() as uow:
        project_id = make.project(uow).id

    def run(work: JobContext) -> None:
        time.sleep(0.05)
        with work.commit() as uow:
            uow.session.add(Category(project_id=project_id, name=work.job.id))

    handle(run)
    ids = [enqueue(any_runtime, f"export:{number}") for number in range(10)]
    outcomes: list[str] = []
    threads = [
        threading.Thread(target=lambda: outcomes.extend(perform(any_runtime, job_id) for job_id in ids))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["done"] * 10 + ["taken"] * 30
    with any_runtime.read() as session:
        assert session.scalar(select(func.count()).select_from(Category)) == 10
        assert session.scalar(select(func.sum(Job.attempts))) == 10


def test_three_failures_then_dead_with_the_reason_then_retry(
    any_runtime: Runtime, handle: Callable[..., None], sent: list[Wake]
) -> None:
    def fail(work: JobContext) -> None:
        raise RuntimeError("no paper")

    handle(fail)
    job_id = enqueue(any_runtime)
    for expected in ("queued", "queued", "dead"):
        assert perform(any_runtime, job_id) == expected
        assert perform(any_runtime, job_id) == "taken", "a failed job waits before its next attempt"
        if expected == "queued":
            due_now(any_runtime, job_id)
    dead = row(any_runtime, job_id)
    assert (dead.state, dead.attempts, dead.failure) == ("dead", 3, "RuntimeError: no paper")
    with any_runtime.read() as session:
        told = [(event.kind, event.subject_id) for event in session.scalars(select(Event).order_by(Event.id))]
        assert ("job.dead", job_id) in told
        export = session.scalars(select(Export)).one()
        assert (export.state, export.failure) == ("failed", "RuntimeError: no paper")
        assert ("export.failed", export.id) in told

    handle(lambda work: None)
    sent.clear()
    with any_runtime.write() as uow:
        jobs.retry(uow, job_id)
        export = uow.session.scalars(select(Export)).one()
        assert (export.state, export.failure) == ("queued", None)
    assert sent == [Wake("cpu", job_id)]
    assert perform(any_runtime, job_id) == "done"
    with pytest.raises(Conflict), any_runtime.write() as uow:
        jobs.retry(uow, job_id)


def test_a_worker_that_lost_its_lease_cannot_commit(any_runtime: Runtime, handle: Callable[..., None]) -> None:
    with any_runtime.write() as uow:
        project_id = make.project(uow).id
    inner: list[str] = []

    def slow(work: JobContext) -> None:
        if not inner:
            inner.append("first worker is asleep")
            expire(any_runtime, work.job.id)
            inner.append(perform(any_runtime, work.job.id))
        with work.commit() as uow:
            uow.session.add(Category(project_id=project_id, name=f"by attempt {work.job.attempts}"))

    handle(slow)
    job_id = enqueue(any_runtime)
    assert perform(any_runtime, job_id) == "lost"
    assert inner[1] == "done"
    with any_runtime.read() as session:
        assert session.scalars(select(Category.name)).all() == ["by attempt 2"]
    assert row(any_runtime, job_id).state == "done"


def test_a_lost_worker_cannot_fail_or_report_either(any_runtime: Runtime) -> None:
    job_id = enqueue(any_runtime)
    with any_runtime.write() as uow:
        old = jobs.claim(uow, job_id, 60)
        assert old is not None
        uow.session.expunge(old)  # what the old worker remembers
    old_token = old.lease_token or ""
    expire(any_runtime, job_id)
    with any_runtime.write() as uow:
        new = jobs.claim(uow, job_id, 60)
        assert new is not None
        assert new.lease_token != old_token
        assert not jobs.renew(uow, job_id, old_token, 60)
        assert not jobs.progress(uow, job_id, old_token, 1, 2, "")
        assert not jobs.finish(uow, job_id, old_token)
        assert jobs.fail(uow, old, "late") is None
    assert row(any_runtime, job_id).state == "running"


def test_a_cancelled_job_writes_nothing_and_can_be_enqueued_again(
    any_runtime: Runtime, handle: Callable[..., None], sent: list[Wake]
) -> None:
    with any_runtime.write() as uow:
        project_id = make.project(uow).id

    def cancelled_meanwhile(work: JobContext) -> None:
        with any_runtime.write() as uow:
            jobs.cancel(uow, work.job.id)
        with work.commit() as uow:
            uow.session.add(Category(project_id=project_id, name="too late"))

    handle(cancelled_meanwhile)
    job_id = enqueue(any_runtime)
    assert perform(any_runtime, job_id) == "lost"
    assert row(any_runtime, job_id).state == "cancelled"
    with any_runtime.read() as session:
        export = session.scalars(select(Export)).one()
        assert (export.state, export.failure) == ("failed", "cancelled")
    with any_runtime.read() as session:
        assert session.scalars(select(Category)).all() == []
    sent.clear()
    assert enqueue(any_runtime) == job_id
    assert sent == [Wake("cpu", job_id)]
    handle(lambda work: None)
    assert perform(any_runtime, job_id) == "done"
    with pytest.raises(Conflict), any_runtime.write() as uow:
        jobs.cancel(uow, job_id)


def test_progress_is_seen_and_stops_a_lost_worker(any_runtime: Runtime, handle: Callable[..., None]) -> None:
    seen = []

    def run(work: JobContext) -> None:
        work.progress(2, 2, "two of two")
        now = row(any_runtime, work.job.id)
        seen.append((now.done_count, now.total_count, now.message))
        with any_runtime.write() as uow:
            jobs.cancel(uow, work.job.id)
        with pytest.raises(LeaseLost):
            work.progress(2, 2)

    handle(run)
    assert perform(any_runtime, enqueue(any_runtime)) == "lost"
    assert seen == [(2, 2, "two of two")]


def test_the_lease_outlives_slow_work(any_runtime: Runtime, handle: Callable[..., None]) -> None:
    object.__setattr__(any_runtime.settings, "job_lease_seconds", 4.0)
    taken: list[str] = []

    def slow(work: JobContext) -> None:
        for _ in range(3):
            time.sleep(2)
            taken.append(perform(any_runtime, work.job.id))

    handle(slow)
    assert perform(any_runtime, enqueue(any_runtime)) == "done"
    assert taken == ["taken"] * 3


def test_recovery_announces_with_back_off_and_buries(any_runtime: Runtime, sent: list[Wake]) -> None:
    base = any_runtime.settings.job_resend_seconds
    job_id = enqueue(any_runtime)
    sent.clear()
    assert recovery.round_of(any_runtime) == (0, 0), "it was sent just now"
    for times_sent in range(1, 5):
        silent = base * 2 ** (times_sent - 1)
        silent_for(any_runtime, job_id, 0.7 * silent)
        assert recovery.round_of(any_runtime) == (0, 0), "each time it waits twice as long"
        silent_for(any_runtime, job_id, 1.1 * silent)
        assert recovery.round_of(any_runtime) == (1, 0)
    assert sent == [Wake("cpu", job_id)] * 4
    for _ in range(3):
        with any_runtime.write() as uow:
            assert jobs.claim(uow, job_id, 60)
        expire(any_runtime, job_id)
    assert recovery.round_of(any_runtime) == (0, 1)
    assert recovery.round_of(any_runtime) == (0, 0)
    dead = row(any_runtime, job_id)
    assert dead.state == "dead"
    assert "3 attempts" in (dead.failure or "")


def test_a_slow_worker_that_renews_in_time_is_not_buried(any_runtime: Runtime) -> None:
    job_id = enqueue(any_runtime)
    for _ in range(3):
        if row(any_runtime, job_id).state == "running":
            expire(any_runtime, job_id)
        with any_runtime.write() as uow:
            claimed = jobs.claim(uow, job_id, 60)
    assert claimed is not None
    with any_runtime.write() as uow:
        assert not jobs.bury(uow, claimed, "thought dead", only_if=jobs.expired())
    assert row(any_runtime, job_id).state == "running"
    expire(any_runtime, job_id)
    with any_runtime.write() as uow:
        assert jobs.bury(uow, claimed, "dead", only_if=jobs.expired())


def test_one_row_that_cannot_be_buried_does_not_keep_the_others(any_runtime: Runtime) -> None:
    ids = [enqueue(any_runtime, f"export:{number}") for number in range(2)]
    with any_runtime.write() as uow:
        jobs.get(uow.session, ids[0]).args = {"export_id": "there is no such row"}
    for job_id in ids:
        for _ in range(3):
            with any_runtime.write() as uow:
                assert jobs.claim(uow, job_id, 60)
            expire(any_runtime, job_id)
    assert recovery.round_of(any_runtime) == (0, 1)
    assert row(any_runtime, ids[1]).state == "dead"


def test_an_embedded_start_takes_every_job_up_again(runtime: Runtime, sent: list[Wake]) -> None:
    ids = [enqueue(runtime, f"export:{number}") for number in range(3)]
    with runtime.write() as uow:
        assert jobs.claim(uow, ids[0], 60)
    sent.clear()
    with runtime.write() as uow:
        assert jobs.release_all(uow, ("cpu",)) == 1
    assert recovery.round_of(runtime) == (3, 0)
    assert {wake.job_id for wake in sent} == set(ids)


def test_a_deaf_worker_is_noticed(any_runtime: Runtime) -> None:
    job_id = enqueue(any_runtime)
    with any_runtime.write() as uow:
        waiting = jobs.get(uow.session, job_id)
        waiting.sent_at = waiting.run_after = make.long_ago()
        waiting.sent_count = 2
    with any_runtime.read() as session:
        assert jobs.ignored(session, ["cpu"], 60) == 1
        assert jobs.ignored(session, ["gpu"], 60) == 0
    enqueue(any_runtime, "export:2")
    with any_runtime.write() as uow:
        assert jobs.claim(uow, enqueue_in(uow, "export:3"), 60)
    with any_runtime.read() as session:
        assert jobs.ignored(session, ["cpu"], 60) == 0, "a worker of this queue is busy"


def test_workers_are_heard(any_runtime: Runtime) -> None:
    with any_runtime.read() as session:
        assert jobs.worker_health(session) == {"alive": False, "seen_at": None}
    with any_runtime.write() as uow:
        jobs.say_alive(uow, "one", "here:1", "cpu")
        jobs.say_alive(uow, "one", "here:1", "cpu")
    with any_runtime.read() as session:
        health = jobs.worker_health(session)
    assert health["alive"]
    assert abs((dt.datetime.now(dt.UTC) - health["seen_at"]).total_seconds()) < 60
