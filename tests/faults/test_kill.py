"""SIGKILL in the middle of many embeddings loses nothing, on one machine and with shared servers."""

import io
import os
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend import embedding_file
from backend.db.models import Event, Image, Job
from backend.runtime import Runtime
from backend.settings import Settings
from backend.storage import keys
from tests import servers
from tests.faults.rig import Client, Process, environment, lives

COUNT = 100
SOON = {"job_lease_seconds": "6", "job_resend_seconds": "3"}

pytestmark = pytest.mark.slow


def pictures(count: int) -> dict[str, bytes]:
    """Small PNGs, no two alike."""
    made = {}
    for number in range(count):
        pixels = np.random.default_rng(number).integers(0, 255, (24, 32, 3), dtype=np.uint8)
        out = io.BytesIO()
        Picture.fromarray(pixels).save(out, "PNG")
        made[f"folder/{number:03}.png"] = out.getvalue()
    return made


class Embedded:
    """`serve` with its child worker, SQLite and files."""

    def __init__(self, folder: Path, release: Path) -> None:
        self.settings = Settings(data_dir=folder / "data")
        self._log = folder / "log"
        self._environment = environment(folder / "data", release_dir=str(release), **SOON)
        self.start_api()

    def start_api(self) -> None:
        self.api = Process(["serve", "--port", "0", "--no-browser", "--no-demo"], self._environment, self._log)

    def worker_id(self) -> int:
        return self.api.worker()

    def kill_worker(self) -> None:
        os.kill(self.api.worker(), signal.SIGKILL)

    def kill_everything(self) -> None:
        children = self.api.children()
        assert children, "no worker to lose"
        self.api.kill()
        servers.wait_until(lambda: not any(lives(child) for child in children), "the children's end", 5)

    def start_everything(self) -> None:
        self.start_api()

    def stop(self) -> None:
        children = self.api.children()
        self.api.stop()
        assert not any(lives(child) for child in children)


class Distributed:
    """`serve` and `worker` that share PostgreSQL and Redis."""

    def __init__(self, folder: Path, release: Path, database: str, broker: str) -> None:
        objects = (folder / "objects").as_uri()
        self.settings = Settings(data_dir=folder / "api", database_url=database, storage_url=objects, broker_url=broker)
        told = {"database_url": database, "storage_url": objects, "broker_url": broker}
        told |= {"release_dir": str(release), **SOON}
        self._folder = folder
        self._environments = {name: environment(folder / name, **told) for name in ("api", "worker")}
        self.start_everything()

    def start_api(self) -> None:
        arguments = ["serve", "--port", "0", "--no-browser", "--no-demo"]
        self.api = Process(arguments, self._environments["api"], self._folder / "api.log")

    def start_worker(self) -> None:
        self.worker = Process(["worker"], self._environments["worker"], self._folder / "worker.log")

    def worker_id(self) -> int:
        return self.worker.id

    def kill_worker(self) -> None:
        self.worker.kill()
        self.start_worker()

    def kill_everything(self) -> None:
        self.worker.kill()
        self.api.kill()

    def start_everything(self) -> None:
        self.start_api()
        servers.wait_until(lambda: "Maskmill is ready" in self.api.said() or not self.api.alive(), "the API", 60)
        assert self.api.alive(), self.api.said()[-3000:]
        self.start_worker()

    def stop(self) -> None:
        assert self.api.stop() == 0
        assert self.worker.stop() == 0


Installation = Embedded | Distributed
Mode = Callable[[Path, Path], AbstractContextManager[Installation]]


@contextmanager
def embedded(folder: Path, release: Path) -> Iterator[Embedded]:
    made = Embedded(folder, release)
    try:
        yield made
    finally:
        made.api.stop()


@contextmanager
def distributed(folder: Path, release: Path) -> Iterator[Distributed]:
    with ExitStack() as stack:
        try:
            database = stack.enter_context(servers.postgres()).database()
            broker = stack.enter_context(servers.redis_broker())
        except servers.Missing as missing:
            pytest.skip(str(missing))
        made = Distributed(folder, release, database, broker)
        try:
            yield made
        finally:
            made.worker.stop()
            made.api.stop()


@pytest.mark.parametrize("mode", [embedded, distributed])
def test_nothing_is_lost(mode: Mode, tmp_path: Path, tiny_release: Path) -> None:
    with mode(tmp_path, tiny_release) as installation:
        client = Client(installation.api)
        project = client.call("POST", "/api/projects", {"name": "many"})["id"]
        accepted = client.upload(project, pictures(COUNT))
        assert len(accepted) == COUNT
        client.wait_for(project, 5, 120)
        lost = freeze_in_a_job(installation)
        installation.kill_worker()
        client.wait_for(project, client.embedded(project) + 5, 120)
        freeze_in_a_job(installation, lost)
        before = client.embedded(project)
        assert 5 <= before < COUNT, f"the kill must come in the middle, not at {before}"
        installation.kill_everything()

        started = time.monotonic()
        installation.start_everything()
        client = Client(installation.api)
        print(f"\n{mode.__name__}: {before} of {COUNT} when killed, answers {time.monotonic() - started:.1f} s after")
        assert {image["id"] for image in client.images(project)} == {image["id"] for image in accepted}
        client.wait_for(project, COUNT, 240)
        print(f"all {COUNT} embedded {time.monotonic() - started:.1f} s after the restart")
        check_rows(installation.settings, project)
        installation.stop()
    check_database(installation.settings)


def freeze_in_a_job(installation: Installation, lost: str | None = None) -> str:
    """Stop the worker at a moment at which it has an embedding at hand, so that killing it interrupts one; that job.

    The job that a worker killed before had at hand, ``lost``, counts as running until its lease is over: not that one.
    """
    running = select(Job.id).where(Job.kind == "embed", Job.state == "running", Job.id != (lost or ""))
    at_hand: list[str] = []

    def caught() -> bool:
        os.kill(installation.worker_id(), signal.SIGSTOP)
        # The signal takes effect a moment later: until then the embedding could still be committed.
        servers.wait_until(lambda: stopped(installation.worker_id()), "the worker's standstill", 5)
        with runtime.read() as session:
            at_hand[:] = session.scalars(running)
        if not at_hand:
            os.kill(installation.worker_id(), signal.SIGCONT)
        return bool(at_hand)

    with closing(Runtime.from_settings(installation.settings, send=lambda wakes: None)) as runtime:
        servers.wait_until(caught, "an embedding at hand", 60)
    return at_hand[0]


def stopped(process: int) -> bool:
    """Whether all threads of a process stand still after SIGSTOP."""
    states = []
    for stat in Path(f"/proc/{process}/task").glob("*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread that ended meanwhile
            states.append(stat.read_text().rpartition(")")[2].split()[0])
    return all(state == "T" for state in states)


def check_rows(settings: Settings, project: str) -> None:
    """Every image once ready, every effect once, every file whole."""
    with closing(Runtime.from_settings(settings, send=lambda wakes: None)) as runtime:
        with runtime.read() as session:
            jobs = Counter(tuple(row) for row in session.execute(select(Job.kind, Job.state)))
            assert jobs == {("ingest", "done"): COUNT, ("embed", "done"): COUNT}
            attempts = session.scalar(select(func.sum(Job.attempts))) or 0
            events = select(Event.kind, Event.subject_id).where(Event.project_id == project)
            told = Counter(tuple(row) for row in session.execute(events))
            kinds = ("image.ready", "embedding.ready")
            ready = [told[kind, image] for kind in kinds for image in images_of(session, project)]
            assert ready == [1] * (2 * COUNT)
            pixels = session.scalars(select(Image.pixel_digest).where(Image.project_id == project)).all()
            encoder = session.scalars(select(Job.args).where(Job.kind == "embed")).all()[0]["encoder_digest"]
        print(f"{attempts} attempts for {2 * COUNT} jobs")
        assert attempts >= 2 * COUNT + 2, "two embeddings were interrupted"
        for digest in pixels:
            _, facts = embedding_file.read(runtime.storage.get(keys.embedding_key(encoder, digest)))
            assert (facts.encoder_digest, facts.pixel_digest, facts.size) == (encoder, digest, (24, 32))


def images_of(session: Session, project: str) -> list[str]:
    return list(session.scalars(select(Image.id).where(Image.project_id == project)))


def check_database(settings: Settings) -> None:
    if settings.database_url.startswith("sqlite"):
        with sqlite3.connect(settings.data_dir / "maskmill.db") as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        connection.close()
