"""Jobs performed in this process, one by one: for commands and tests that are their own worker."""

from __future__ import annotations

import time
from collections import Counter

from sqlalchemy import func, select

from backend.db.models import Job
from backend.db.types import moment
from backend.runtime import Runtime
from workers import handlers, job
from workers.job import Outcome

_PAUSE_SECONDS = 0.2


def perform_due(runtime: Runtime) -> Counter[Outcome]:
    """Performs every job that is due, also those that these enqueue; how often each outcome came."""
    assert handlers.__all__  # they register when they are imported
    outcomes: Counter[Outcome] = Counter()
    while waiting := _due(runtime):
        outcomes.update(job.perform(runtime, job_id) for job_id in waiting)
    return outcomes


def perform_all(runtime: Runtime) -> Counter[Outcome]:
    """As :func:`perform_due`, and waits for jobs that failed and are to be tried again."""
    outcomes = perform_due(runtime)
    while _queued(runtime):
        time.sleep(_PAUSE_SECONDS)
        outcomes += perform_due(runtime)
    return outcomes


def _due(runtime: Runtime) -> list[str]:
    with runtime.read() as session:
        due = select(Job.id).where(Job.state == "queued", Job.run_after <= moment())
        return list(session.scalars(due.order_by(Job.created_at, Job.id)))


def _queued(runtime: Runtime) -> int:
    with runtime.read() as session:
        return session.scalar(select(func.count()).select_from(Job).where(Job.state == "queued")) or 0
