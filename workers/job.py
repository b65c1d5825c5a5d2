"""How a job runs: claim the row, keep its lease, do the slow work, commit the effects only if the lease still holds.

A handler is a function of a `JobContext` and the job's arguments. It works outside any transaction, then writes its
effects in `with work.commit() as uow:`, which also marks the job done: both happen or neither. A worker that lost its
lease (it was thought dead, or somebody cancelled) gets LeaseLost there and changes nothing. Handlers must be
idempotent: what they store is named by content, what they write to rows does not depend on how often they ran.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Literal

from backend.db.models import Job
from backend.engine.jobs import QUEUE_OF_KIND
from backend.errors import MaskmillError
from backend.runtime import Runtime
from backend.services import jobs
from backend.uow import UnitOfWork

log = logging.getLogger(__name__)

Outcome = Literal["done", "taken", "lost", "queued", "dead"]
Run = Callable[..., None]
_PROGRESS_SECONDS: Final = 0.5


class LeaseLost(Exception):
    """Another worker has this job now, or it was cancelled: whatever this one did must not be written."""


@dataclass(frozen=True)
class Handler:
    """What to do for one kind of job."""

    kind: str
    run: Run


HANDLERS: Final[dict[str, Handler]] = {}


def job(kind: str, queue: str) -> Callable[[Run], Run]:
    """Register a handler."""
    if QUEUE_OF_KIND.get(kind) != queue:
        raise ValueError(f"backend.engine.jobs puts {kind!r} in queue {QUEUE_OF_KIND.get(kind)!r}, not {queue!r}")

    def register(run: Run) -> Run:
        HANDLERS[kind] = Handler(kind, run)
        return run

    return register


class JobContext:
    """One attempt at one job."""

    def __init__(self, runtime: Runtime, row: Job) -> None:
        assert row.lease_token is not None
        self.runtime = runtime
        self.job = row
        self.token: str = row.lease_token
        self.finished = False
        self._lost = threading.Event()
        self._told_at = 0.0

    def check(self) -> None:
        """Raise LeaseLost if the lease is known to be lost: a place to stop for work that takes long."""
        if self._lost.is_set():
            raise LeaseLost(self.job.id)

    def progress(self, done: int, total: int, message: str = "") -> None:
        """Tell how far the work is; written at most twice a second, except for the last step."""
        self.check()
        now = time.monotonic()
        if done < total and now - self._told_at < _PROGRESS_SECONDS:
            return
        self._told_at = now
        with self.runtime.write() as uow:
            if not jobs.progress(uow, self.job.id, self.token, done, total, message):
                self._lost.set()
        self.check()

    @contextmanager
    def commit(self) -> Iterator[UnitOfWork]:
        """The transaction of the effects, fenced: raises LeaseLost, before any effect, when the lease is not ours."""
        with self.runtime.write() as uow:
            if not jobs.finish(uow, self.job.id, self.token):
                self._lost.set()
                raise LeaseLost(self.job.id)
            yield uow
        self.finished = True

    @contextmanager
    def step(self, done: int, total: int, message: str = "") -> Iterator[UnitOfWork]:
        """The transaction of a part of the effects, fenced as :meth:`commit`; the job goes on.

        For work whose parts count alone: what was written stays, and a later attempt does the rest.
        """
        with self.runtime.write() as uow:
            if not jobs.progress(uow, self.job.id, self.token, done, total, message):
                self._lost.set()
                raise LeaseLost(self.job.id)
            yield uow

    @contextmanager
    def lease_kept(self) -> Iterator[None]:
        """Renew the lease from another thread while the block runs, so that slow work does not look like a dead one."""
        over = threading.Event()
        keeper = threading.Thread(target=self._keep, args=(over,), name=f"lease-{self.job.id[:8]}", daemon=True)
        keeper.start()
        try:
            yield
        finally:
            over.set()
            keeper.join()

    def _keep(self, over: threading.Event) -> None:
        seconds = self.runtime.settings.job_lease_seconds
        while not over.wait(seconds / 3) and not self._lost.is_set():
            try:
                with self.runtime.write() as uow:
                    held = jobs.renew(uow, self.job.id, self.token, seconds)
            except MaskmillError as error:
                log.warning("the lease of job %s was not renewed: %s", self.job.id, error)
                continue  # The commit is fenced in any case; the next round may work.
            if not held and not over.is_set():
                self._lost.set()


def perform(runtime: Runtime, job_id: str) -> Outcome:
    """Run one job if it can be had. Only an unreachable database raises; then the lease runs out and others retry."""
    with runtime.write() as uow:
        row = jobs.claim(uow, job_id, runtime.settings.job_lease_seconds)
    if row is None:
        return "taken"
    work = JobContext(runtime, row)
    started = time.monotonic()
    with work.lease_kept():
        try:
            HANDLERS[row.kind].run(work, **row.args)
            if not work.finished:
                with work.commit():
                    pass
        except LeaseLost:
            log.warning("job %s (%s) was taken over or cancelled; its effects were not written", row.id, row.kind)
            return "lost"
        except Exception as error:
            log.warning("job %s (%s) failed, attempt %d", row.id, row.kind, row.attempts, exc_info=True)
            return _failed(work, _reason(error))
    log.info("job %s (%s) done in %.2f s", row.id, row.kind, time.monotonic() - started)
    return "done"


def _failed(work: JobContext, reason: str) -> Outcome:
    with work.runtime.write() as uow:
        state = jobs.fail(uow, work.job, reason)
    return "lost" if state is None else "dead" if state == "dead" else "queued"


def _reason(error: Exception) -> str:
    """One line for people: our own errors speak for themselves, others with their kind."""
    text = str(error) if isinstance(error, MaskmillError) else f"{type(error).__name__}: {error}"
    return text.strip().splitlines()[0][:500] if text.strip() else type(error).__name__
