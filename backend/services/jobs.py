"""Jobs: claim by one conditional UPDATE, lease, fence, retry, give up with the reason.

A claim hands out a fresh lease token. Everything a worker writes afterwards is conditional on that token, so a worker
that lost its lease (it was thought dead, or somebody cancelled) changes nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, and_, delete, func, or_, select, true, update
from sqlalchemy.orm import Session

from backend.db.models import Job, Worker
from backend.db.types import moment
from backend.engine.jobs import MAX_ATTEMPTS, resend_seconds, retry_seconds
from backend.errors import Conflict, NotFound
from backend.services import job_subjects
from backend.uow import UnitOfWork, Wake

WORKER_SILENT_SECONDS = 30.0
_QUIET = {"synchronize_session": False}
_ALWAYS = true()


def get(session: Session, job_id: str) -> Job:
    job = session.get(Job, job_id)
    if job is None:
        raise NotFound("there is no such job")
    return job


def of_project(session: Session, project_id: str, limit: int = 500) -> Sequence[Job]:
    """Unfinished and dead jobs, oldest first: what a person may want to know or act on."""
    query = select(Job).where(Job.project_id == project_id, Job.state.in_(["queued", "running", "dead"]))
    return session.scalars(query.order_by(Job.created_at, Job.id).limit(limit)).all()


def claim(uow: UnitOfWork, job_id: str, lease_seconds: float) -> Job | None:
    """The job, running under a new lease token, or None when it is taken, finished, early or worn out."""
    claimable = or_(
        and_(Job.state == "queued", Job.run_after <= moment()),
        and_(Job.state == "running", expired()),
    )
    statement = update(Job).where(Job.id == job_id, claimable, Job.attempts < MAX_ATTEMPTS)
    taken = statement.values(
        state="running",
        attempts=Job.attempts + 1,
        lease_token=str(uuid.uuid4()),
        lease_expires_at=moment(lease_seconds),
        failure=None,
    ).returning(Job)
    return uow.session.scalars(taken, execution_options={"populate_existing": True}).one_or_none()


def renew(uow: UnitOfWork, job_id: str, token: str, lease_seconds: float) -> bool:
    """Prolong the lease. False: it is not ours any more."""
    return _mine(uow, job_id, token, lease_expires_at=moment(lease_seconds))


def progress(uow: UnitOfWork, job_id: str, token: str, done: int, total: int, message: str) -> bool:
    """Say how far the work is. False: the lease is not ours any more."""
    return _mine(uow, job_id, token, done_count=done, total_count=total, message=message)


def finish(uow: UnitOfWork, job_id: str, token: str) -> bool:
    """Mark the job done, in the transaction of its effects. False: the lease is lost; roll the effects back."""
    return _mine(uow, job_id, token, state="done", lease_token=None, lease_expires_at=None, failure=None)


def fail(uow: UnitOfWork, job: Job, reason: str) -> str | None:
    """Queue the job for another try, or bury it after the last one. The new state; None if the lease was lost."""
    if job.attempts < MAX_ATTEMPTS:
        wait = moment(retry_seconds(job.attempts))
        left = {"lease_token": None, "lease_expires_at": None, "sent_at": None, "sent_count": 0}
        assert job.lease_token is not None
        again = _mine(uow, job.id, job.lease_token, state="queued", run_after=wait, failure=reason, **left)
        return "queued" if again else None
    return "dead" if bury(uow, job, reason) else None


def bury(uow: UnitOfWork, job: Job, reason: str, only_if: ColumnElement[bool] = _ALWAYS) -> bool:
    """State `dead` with the reason for the job and what it works on, if the row's lease is still the latest one.

    Recovery adds `only_if=expired()`, since a slow worker may have renewed meanwhile.
    """
    held = update(Job).where(Job.id == job.id, Job.state == "running", Job.lease_token == job.lease_token, only_if)
    gone = {"state": "dead", "failure": reason, "lease_token": None, "lease_expires_at": None}
    if not _changed(uow, held.values(**gone)):
        return False
    job_subjects.given_up(uow, job, reason)
    uow.emit("job.dead", job.project_id, job.id, kind=job.kind, failure=reason)
    return True


def retry(uow: UnitOfWork, job_id: str) -> Job:
    """Start a dead or cancelled job again with a fresh count of attempts."""
    fresh = {"attempts": 0, "failure": None, "run_after": moment(), "sent_at": moment(), "sent_count": 1}
    again = update(Job).where(Job.id == job_id, Job.state.in_(["dead", "cancelled"]))
    if not _changed(uow, again.values(state="queued", done_count=0, message="", **fresh)):
        state = get(uow.session, job_id).state
        raise Conflict(f"only dead or cancelled jobs can be retried; this one is {state}", code="job_state")
    job = _fresh(uow, job_id)
    job_subjects.taken_up(uow, job)
    uow.wakes.append(Wake(job.queue, job.id))
    return job


def cancel(uow: UnitOfWork, job_id: str) -> Job:
    """Stop a job that has not finished; what a running worker still does for it will not be written."""
    stop = update(Job).where(Job.id == job_id, Job.state.in_(["queued", "running"]))
    if _changed(uow, stop.values(state="cancelled", lease_token=None, lease_expires_at=None)):
        job = _fresh(uow, job_id)
        job_subjects.given_up(uow, job, "cancelled")
        return job
    job = get(uow.session, job_id)
    if job.state != "cancelled":
        raise Conflict(f"this job is already {job.state}", code="job_state")
    return job


def expired() -> ColumnElement[bool]:
    """The lease of a running job has run out."""
    return Job.lease_expires_at < moment()


def worn_out(session: Session, limit: int = 100) -> Sequence[Job]:
    """Running jobs whose last permitted attempt lost its worker."""
    lost = and_(Job.state == "running", expired(), Job.attempts >= MAX_ATTEMPTS)
    return session.scalars(select(Job).where(lost).limit(limit)).all()


def unannounced(session: Session, base_seconds: float, limit: int = 200) -> list[Wake]:
    """Jobs that a worker could take but that none was told of lately, oldest first."""
    due = or_(
        and_(Job.state == "queued", Job.run_after <= moment()),
        and_(Job.state == "running", expired(), Job.attempts < MAX_ATTEMPTS),
    )
    silent = or_(
        Job.sent_at.is_(None),
        *[
            and_(_as_step(count), Job.sent_at < moment(-resend_seconds(count, base_seconds)))
            for count in range(_STEPS + 1)
        ],
    )
    query = select(Job.queue, Job.id).where(due, silent).order_by(Job.created_at, Job.id).limit(limit)
    return [Wake(queue, job_id) for queue, job_id in session.execute(query)]


def announced(uow: UnitOfWork, wakes: Sequence[Wake]) -> None:
    """Remember that these were sent just now, so that the next announcement waits longer; sends after the commit."""
    ids = [wake.job_id for wake in wakes]
    _changed(uow, update(Job).where(Job.id.in_(ids)).values(sent_at=moment(), sent_count=Job.sent_count + 1))
    uow.wakes.extend(wakes)


def ignored(session: Session, queues: Sequence[str], seconds: float) -> int:
    """How many waiting jobs of these queues were announced more than once and `seconds` ago while none of them runs."""
    running = select(Job.id).where(Job.state == "running", Job.queue.in_(queues), Job.lease_expires_at > moment())
    waiting = select(func.count()).select_from(Job).where(Job.state == "queued", Job.queue.in_(queues))
    old = waiting.where(Job.sent_count > 1, Job.sent_at < moment(-seconds), Job.run_after < moment(-seconds))
    return 0 if session.scalar(running.limit(1)) else session.scalar(old) or 0


def release_all(uow: UnitOfWork, queues: Sequence[str]) -> int:
    """End every lease in these queues at once; only for the one worker of an embedded start that serves them."""
    mine = Job.queue.in_(queues)
    ended = update(Job).where(Job.state == "running", mine)
    ended = ended.values(lease_expires_at=moment(-1), sent_at=None, sent_count=0)
    waiting = update(Job).where(Job.state == "queued", mine).values(sent_at=None, sent_count=0)
    _changed(uow, waiting)
    return _changed(uow, ended)


def say_alive(uow: UnitOfWork, worker_id: str, name: str, queues: str) -> None:
    """A worker's sign of life; forgets workers that have been silent for a day."""
    worker = uow.session.get(Worker, worker_id)
    if worker is None:
        uow.session.add(Worker(id=worker_id, name=name, queues=queues))
        uow.session.execute(delete(Worker).where(Worker.seen_at < moment(-86_400)))
    else:
        _changed(uow, update(Worker).where(Worker.id == worker_id).values(seen_at=moment()))


def worker_health(session: Session) -> dict[str, Any]:
    """{"alive": bool, "seen_at": datetime | None} of the worker that was heard last."""
    seen = session.scalar(select(func.max(Worker.seen_at)))
    alive = select(Worker.id).where(Worker.seen_at > moment(-WORKER_SILENT_SECONDS)).limit(1)
    return {"alive": session.scalar(alive) is not None, "seen_at": seen}


_STEPS = 7  # resend_seconds stops growing here


def _as_step(count: int) -> ColumnElement[bool]:
    return Job.sent_count >= count if count == _STEPS else Job.sent_count == count


def _fresh(uow: UnitOfWork, job_id: str) -> Job:
    return uow.session.scalars(select(Job).where(Job.id == job_id), execution_options={"populate_existing": True}).one()


def _mine(uow: UnitOfWork, job_id: str, token: str, **values: Any) -> bool:
    held = update(Job).where(Job.id == job_id, Job.state == "running", Job.lease_token == token)
    return _changed(uow, held.values(**values)) == 1


def _changed(uow: UnitOfWork, statement: Any) -> int:
    done = uow.session.execute(statement, execution_options=_QUIET)
    assert isinstance(done, CursorResult)
    return done.rowcount
