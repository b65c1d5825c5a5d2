"""The unit of work: the only door through which rows change, one commit around every request, job and command.

Events get their ids in the order of commits: on SQLite because there is one writer, on PostgreSQL because the writers
of events queue up for an advisory lock just before they commit. A reader that resumes after id N misses nothing.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from backend.db.models import Event, Job, new_id
from backend.db.session import insert_new
from backend.db.types import moment
from backend.engine.jobs import QUEUE_OF_KIND

_EVENT_LOCK = 0x6D61736B  # any fixed number; "mask"


class Wake(NamedTuple):
    """A message for a worker: this job waits in this queue."""

    queue: str
    job_id: str


class UnitOfWork:
    """A write transaction with its jobs and events; made by `Runtime.write`."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.wakes: list[Wake] = []
        self._events: list[Event] = []

    def now(self) -> dt.datetime:
        """The database's clock."""
        return self.session.execute(select(moment())).scalar_one()

    def enqueue(self, kind: str, key: str, project_id: str | None = None, **args: Any) -> Job:
        """The job with this key, made if it is new and woken again if it was cancelled; sent after the commit.

        Equal keys are one job, so enqueueing twice is harmless. A finished or dead job is left as it is.
        """
        queue = QUEUE_OF_KIND[kind]
        values = {"id": new_id(), "kind": kind, "key": key, "queue": queue, "project_id": project_id, "args": args}
        self.session.flush()
        new = insert_new(self.session, Job, {**values, "sent_at": moment(), "sent_count": 1}, ["key"])
        if not new:
            revive = update(Job).where(Job.key == key, Job.state == "cancelled")
            new = bool(
                self.session.execute(
                    revive.values(state="queued", attempts=0, run_after=moment(), sent_at=moment(), sent_count=1)
                    .returning(Job.id)
                    .execution_options(synchronize_session=False)
                ).first()
            )
        job = self.session.scalars(select(Job).where(Job.key == key).execution_options(populate_existing=True)).one()
        if new:
            self.wakes.append(Wake(queue, job.id))
        return job

    def emit(self, kind: str, project_id: str | None, subject_id: str | None, /, **payload: Any) -> Event:
        """Tell whoever listens, if this transaction commits. The event's id is there once it has."""
        event = Event(kind=kind, project_id=project_id, subject_id=subject_id, payload=payload)
        self._events.append(event)
        return event

    @property
    def emitted(self) -> bool:
        """Whether there are events to hear of."""
        return bool(self._events)

    def finish(self) -> None:
        """Write what was gathered; the last thing before the commit."""
        self.session.flush()
        if not self._events:
            return
        if self.session.get_bind().dialect.name == "postgresql":
            self.session.execute(select(func.pg_advisory_xact_lock(_EVENT_LOCK)))
        self.session.add_all(self._events)
        self.session.flush()


class WriteLock:
    """First come, first served. Threads of one process wait here instead of in SQLite's polling busy loop."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: deque[threading.Event] = deque()
        self._owner: int | None = None

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold the lock. A thread that already holds it gets RuntimeError: nested writes would never commit."""
        if self._owner == threading.get_ident():
            raise RuntimeError("a write transaction was opened inside another one")
        mine = threading.Event()
        with self._guard:
            self._waiting.append(mine)
            if self._waiting[0] is mine:
                mine.set()
        try:
            mine.wait()
            self._owner = threading.get_ident()
            yield
        finally:
            self._leave(mine)

    def _leave(self, mine: threading.Event) -> None:
        with self._guard:
            first = self._waiting[0] is mine
            if first:
                self._owner = None
            self._waiting.remove(mine)
            if first and self._waiting:
                self._waiting[0].set()
