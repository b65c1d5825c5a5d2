"""The Celery application: `celery -A workers.celery_app worker` and `maskmill worker` both run this.

A message carries only a job's id. It is acknowledged at once; what happens to the job is in its row.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
import warnings
from typing import Any

from celery import signals
from celery.platforms import SecurityWarning

from backend.doorbell import TASK, celery_app
from backend.engine.jobs import QUEUES
from backend.runtime import Runtime
from backend.services import jobs
from backend.settings import Settings
from workers.recovery import Recovery

settings = Settings()
app = celery_app(settings.broker_url, settings.data_dir)

_guard = threading.Lock()
_runtimes: dict[int, Runtime] = {}  # by process: a connection must not cross a fork
_recoveries: list[Recovery] = []


def runtime() -> Runtime:
    """This process's runtime, made at the first call."""
    with _guard:
        if os.getpid() not in _runtimes:
            _runtimes[os.getpid()] = Runtime.from_settings(settings)
        return _runtimes[os.getpid()]


@app.task(name=TASK, ignore_result=True)  # type: ignore[untyped-decorator]  # Celery is published without types
def run(job_id: str) -> str:
    """Perform one job; the answer is only for the log."""
    from workers import handlers, job

    assert handlers.__all__
    return job.perform(runtime(), job_id)


@signals.worker_ready.connect  # type: ignore[untyped-decorator]  # Celery is published without types
def _start_recovery(sender: Any = None, **_: Any) -> None:
    recovery = Recovery(runtime(), _queues(sender))
    _recoveries.append(recovery)
    recovery.start()


@signals.task_received.connect  # type: ignore[untyped-decorator]  # Celery is published without types
def _heard(**_: Any) -> None:
    """In the process that talks to the broker, whichever one runs the job."""
    for recovery in _recoveries:
        recovery.heard()


@signals.worker_shutdown.connect  # type: ignore[untyped-decorator]  # Celery is published without types
def _stop_recovery(**_: Any) -> None:
    while _recoveries:
        _recoveries.pop().stop()
    with _guard:
        mine = _runtimes.pop(os.getpid(), None)
    if mine:
        mine.close()


def _queues(sender: Any) -> tuple[str, ...]:
    """The queues that this worker consumes."""
    chosen = getattr(getattr(sender, "app", None), "amqp", None)
    return tuple(sorted(chosen.queues.consume_from)) if chosen else QUEUES


def work(queues: tuple[str, ...]) -> None:
    """Run a worker in this process until it is told to stop: one job at a time; start more processes for more."""
    # Celery warns of being root because pickled messages would be dangerous then; these are JSON that name a row.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    name = f"maskmill-{os.getpid()}@{socket.gethostname()}"
    # Gossip and mingle stay on: without them a worker can stay deaf after the broker restarted.
    worker = app.Worker(hostname=name, pool_cls="solo", queues=",".join(queues), loglevel="WARNING", quiet=True)
    worker.start()
    sys.exit(worker.exitcode)


def embedded_worker(queues: tuple[str, ...]) -> None:
    """A worker of an embedded server, the only one with these queues."""
    with runtime().write() as uow:
        # No other worker can hold a job of these queues, so whatever is still leased was cut off.
        jobs.release_all(uow, queues)
    work(queues)
