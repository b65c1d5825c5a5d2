"""Messages and workers for real: a Celery worker process, Redis or files between, and what happens without them."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from PIL import Image as Picture
from sqlalchemy import select

from backend.db.models import Image, Job
from backend.doorbell import TASK, broker_address, socket_path
from backend.runtime import Runtime
from backend.services import accounts, jobs, projects
from backend.services import images as image_rows
from backend.settings import Settings
from tests import servers
from tests.faults.rig import environment


@contextmanager
def worker(settings: Settings, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker process of its own: `maskmill worker`, or the command given."""
    told = {"database_url": settings.database_url, "broker_url": settings.broker_url, "job_resend_seconds": "1.5"}
    log = settings.data_dir / "worker.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *(command or ("backend.main", "worker"))],
            env=environment(settings.data_dir, **told),
            stdout=output,
            stderr=output,
        )
    try:
        yield process
        assert process.poll() is None, log.read_text()[-3000:]
    finally:
        servers.stop(process)


def new_images(runtime: Runtime, count: int) -> list[str]:
    """Rows of small images whose `ingest` jobs wait; no model version, so nothing is embedded."""
    with runtime.write() as uow:
        actor, project = accounts.owner(uow), projects.create(uow, "Streets")
    files = []
    for number in range(count):
        path = runtime.settings.data_dir / f"{project.id}{number}.png"
        Picture.new("RGB", (8, 6), (number, 7, 9)).save(path)
        files.append(image_rows.LocalFile(path.name, path, 10**9))
    return image_rows.take(runtime, project.id, actor.id, files).accepted


def wait_done(runtime: Runtime, ids: list[str], timeout_seconds: float = 60) -> None:
    def ready() -> bool:
        with runtime.read() as session:
            states = session.scalars(select(Image.state).where(Image.id.in_(ids))).all()
        return states == ["ready"] * len(ids)

    servers.wait_until(ready, f"{len(ids)} images", timeout_seconds)


@pytest.fixture(params=["redis", "files"])
def connected(request: pytest.FixtureRequest, settings: Settings) -> Iterator[Runtime]:
    """A runtime that rings a real broker."""
    broker = request.getfixturevalue("redis_url") if request.param == "redis" else "filesystem://"
    runtime = Runtime.from_settings(settings.model_copy(update={"broker_url": broker}))
    yield runtime
    runtime.close()


def test_a_worker_does_what_is_rung_for(connected: Runtime) -> None:
    with worker(connected.settings):
        wait_done(connected, new_images(connected, 3))
        with connected.read() as session:
            assert jobs.worker_health(session)["alive"]
            assert list(session.scalars(select(Job.attempts))) == [1, 1, 1]


def test_the_documented_celery_command_works_too(redis_url: str, settings: Settings) -> None:
    runtime = Runtime.from_settings(settings.model_copy(update={"broker_url": redis_url}))
    ids = new_images(runtime, 4)
    options = ("-Q", "cpu,gpu", "--concurrency", "2", "--loglevel", "WARNING")
    with worker(runtime.settings, "celery", "-A", "workers.celery_app", "worker", *options):
        wait_done(runtime, ids)
    runtime.close()


def test_a_message_carries_only_the_jobs_id(redis_url: str, settings: Settings) -> None:
    runtime = Runtime.from_settings(settings.model_copy(update={"broker_url": redis_url}))
    new_images(runtime, 1)
    with redis.Redis.from_url(redis_url) as broker:
        servers.wait_until(lambda: broker.llen("cpu") == 1, "the message")
        message = json.loads(broker.lrange("cpu", 0, 0)[0])
    with runtime.read() as session:
        job_id = session.scalars(select(Job.id)).one()
    assert message["headers"]["task"] == TASK
    assert message["content-type"] == "application/json"
    assert message["headers"]["argsrepr"] == f"['{job_id}']"
    runtime.close()


def test_lost_messages_and_a_restarted_broker_lose_no_job(settings: Settings) -> None:
    port = servers.free_port()
    settings = settings.model_copy(update={"broker_url": f"redis://127.0.0.1:{port}/0"})
    runtime = Runtime.from_settings(settings)
    with servers.redis_broker(port) as url:
        ids = new_images(runtime, 3)
        time.sleep(1)
        with redis.Redis.from_url(url) as broker:
            broker.flushall()
        with worker(settings) as process:
            wait_done(runtime, ids)
            with redis.Redis.from_url(url) as broker:
                broker.shutdown(nosave=True)
            started = time.monotonic()
            ids = new_images(runtime, 3)
            assert time.monotonic() - started < 5, "an absent broker must not hold up those who enqueue"
            time.sleep(2)
            with servers.redis_broker(port):
                wait_done(runtime, ids)
                wait_done(runtime, new_images(runtime, 3))
            assert process.poll() is None
    runtime.close()


def test_addresses(tmp_path: Path) -> None:
    assert broker_address("redis://one:1/0", tmp_path)[0] == "redis://one:1/0"
    address, _ = broker_address("embedded", tmp_path)
    assert address in (f"redis+socket://{socket_path(tmp_path)}", "filesystem://")
    deep = tmp_path / ("long" * 30)
    assert len(str(socket_path(deep))) < 104
    assert socket_path(deep) == socket_path(deep) != socket_path(tmp_path / ("more" * 30))
    assert socket_path(deep).parent.stat().st_mode & 0o077 == 0
    for path in (deep, tmp_path / ("more" * 30)):
        socket_path(path).parent.rmdir()
