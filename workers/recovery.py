"""The recovery loop: announces jobs that nobody took, buries jobs whose workers keep dying, says that it lives.

Every worker runs one. They may overlap: a second message for a job finds it taken, and a row is buried by one only.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import signal
import socket
import threading
import time
import uuid
from typing import Final

from backend.db.models import Job
from backend.engine.jobs import MAX_ATTEMPTS
from backend.errors import MaskmillError
from backend.runtime import Runtime
from backend.services import events, jobs, rounds, stages

log = logging.getLogger(__name__)
_ALIVE_SECONDS: Final = 10.0
_TIDY_SECONDS: Final = 3600.0
_ROUNDS_SECONDS: Final = 20.0
DEAF_SECONDS: Final = 120.0
EVENTS_KEPT: Final = dt.timedelta(days=30)  # a page that was away for longer reloads anyway


def round_of(runtime: Runtime) -> tuple[int, int]:
    """One round; (jobs announced, jobs buried)."""
    with runtime.read() as session:
        wakes = jobs.unannounced(session, runtime.settings.job_resend_seconds)
        lost = jobs.worn_out(session)
    if wakes:
        with runtime.write() as uow:
            jobs.announced(uow, wakes)
    return len(wakes), sum(_bury(runtime, row) for row in lost)


def _bury(runtime: Runtime, row: Job) -> bool:
    try:
        with runtime.write() as uow:
            reason = f"the worker died or went silent in each of {MAX_ATTEMPTS} attempts"
            return jobs.bury(uow, row, reason, only_if=jobs.expired())
    except Exception:
        log.exception("job %s could not be given up", row.id)
        return False


class Recovery:
    """The loop, in a thread of a worker process."""

    def __init__(self, runtime: Runtime, queues: tuple[str, ...]) -> None:
        self._runtime = runtime
        self._queues = queues
        self._id = str(uuid.uuid4())
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="recovery", daemon=True)
        self._heard_at = time.monotonic()
        self._alive_at = 0.0
        self._tidied_at = 0.0
        self._rounds_at = 0.0

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join(5)

    def heard(self) -> None:
        """A message arrived: this worker is not deaf."""
        self._heard_at = time.monotonic()

    def _loop(self) -> None:
        pause = min(3.0, self._runtime.settings.job_resend_seconds / 3)
        while True:
            try:
                self._say_alive()
                round_of(self._runtime)
                self._tidy()
                self._start_rounds()
                self._leave_if_deaf()
            except MaskmillError as error:
                log.warning("recovery waits for the database: %s", error)
            except Exception:
                log.exception("a round of recovery failed")
            if self._over.wait(pause):
                return

    def _say_alive(self) -> None:
        now = time.monotonic()
        if self._alive_at and now - self._alive_at < _ALIVE_SECONDS:
            return
        with self._runtime.write() as uow:
            jobs.say_alive(uow, self._id, f"{socket.gethostname()}:{os.getpid()}", ",".join(self._queues))
        self._alive_at = now

    def _tidy(self) -> None:
        if self._tidied_at and time.monotonic() - self._tidied_at < _TIDY_SECONDS:
            return
        self._tidied_at = time.monotonic()
        with self._runtime.write() as uow:
            events.forget(uow, EVENTS_KEPT)

    def _start_rounds(self) -> None:
        """Rounds that a policy asks for, after so many masks or hours, and steps to the next stage."""
        if time.monotonic() - self._rounds_at >= _ROUNDS_SECONDS:
            self._rounds_at = time.monotonic()
            rounds.start_due(self._runtime)
            stages.advance_due(self._runtime)

    def _leave_if_deaf(self) -> None:
        """A consumer can stay connected and yet receive nothing; whoever supervises this process starts a new one."""
        if time.monotonic() - self._heard_at < DEAF_SECONDS:
            return
        with self._runtime.read() as session:
            ignored = jobs.ignored(session, self._queues, DEAF_SECONDS / 2)
        if ignored:
            log.error("%d jobs were announced but no message arrives here; this worker ends", ignored)
            os.kill(os.getpid(), signal.SIGTERM)
