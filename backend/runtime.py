"""The composition root: settings become a database, a storage and a way to wake workers. Tests pass other parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Self

from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from backend.db.session import engine_from_url, read_only, translated_errors
from backend.decoder import Decoder
from backend.doorbell import Doorbell
from backend.settings import Settings
from backend.storage.base import Storage, storage_from_url
from backend.uow import UnitOfWork, Wake, WriteLock

Send = Callable[[Sequence[Wake]], None]


@dataclass
class Runtime:
    """What a process needs to serve requests or jobs. Thread-safe; one per process and database.

    `listeners` are called, in the committing thread, after each commit of this process that emitted events; they must
    be quick. Events of other processes are only in the table.
    """

    settings: Settings
    engine: Engine
    storage: Storage
    send: Send
    doorbell: Doorbell | None = None  # behind `send`, unless a test passed its own
    listeners: list[Callable[[], None]] = field(default_factory=list)
    decoder: Decoder = field(init=False)
    _lock: WriteLock = field(default_factory=WriteLock)

    def __post_init__(self) -> None:
        self.decoder = Decoder(self.settings)
        # Services return rows after the commit, so a commit must not empty them.
        self._writes = sessionmaker(self.engine, expire_on_commit=False)
        self._reads = sessionmaker(read_only(self.engine), expire_on_commit=False, autoflush=False)

    @classmethod
    def from_settings(cls, settings: Settings, send: Send | None = None) -> Self:
        """Connects to nothing yet, but makes the directories of the embedded mode."""
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        engine, storage = engine_from_url(settings.database_url), storage_from_url(settings.storage_url)
        if send is not None:
            return cls(settings, engine, storage, send)
        doorbell = Doorbell(settings.broker_url, settings.data_dir)
        return cls(settings, engine, storage, doorbell.ring, doorbell)

    @contextmanager
    def write(self) -> Iterator[UnitOfWork]:
        """One write transaction: commits at the end of the block, then sends its jobs; on an error nothing happened.

        Open it late and leave it soon: on SQLite every other writer of this process waits.
        """
        turn = self._lock.turn() if self.engine.dialect.name == "sqlite" else nullcontext()
        with translated_errors(), turn, self._writes() as session, session.begin():
            uow = UnitOfWork(session)
            yield uow
            uow.finish()
        if uow.wakes:
            self.send(uow.wakes)
        if uow.emitted:
            for tell in tuple(self.listeners):
                tell()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """One read transaction: a consistent picture that cannot write and, on SQLite, waits for nobody."""
        with translated_errors(), self._reads() as session, session.begin():
            yield session

    def close(self) -> None:
        """Give messages that are under way a moment, then let go of every connection and child."""
        if self.doorbell:
            self.doorbell.close()
        self.decoder.close()
        self.engine.dispose()
