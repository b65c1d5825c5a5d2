"""Engines by URL. SQLite: deferred reads, immediate writes, WAL, synchronous FULL. PostgreSQL: plain transactions."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DataError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.pool import ConnectionPoolEntry

from backend.errors import DiskFull, Invalid, Unavailable

BUSY_MILLISECONDS = 10_000
_READ_ONLY = "maskmill_read_only"


def engine_from_url(url: str) -> Engine:
    """The engine for writes. SQLite begins with BEGIN IMMEDIATE; use `read_only` for reads."""
    if make_url(url).get_backend_name() == "sqlite":
        return _sqlite_engine(url)
    return create_engine(
        url,
        pool_size=10,
        max_overflow=20,
        pool_pre_ping=True,
        connect_args={
            "connect_timeout": 5,
            "options": "-c statement_timeout=30s -c lock_timeout=10s -c idle_in_transaction_session_timeout=60s",
        },
    )


def read_only(engine: Engine) -> Engine:
    """The same pool, but its transactions cannot write, see one state of the database from their first query to their
    last and, on SQLite, never wait for a writer."""
    options: dict[str, Any] = {_READ_ONLY: True}
    if engine.dialect.name == "postgresql":  # SQLite's transactions are like that anyway
        options |= {"postgresql_readonly": True, "isolation_level": "REPEATABLE READ"}
    return engine.execution_options(**options)


@contextmanager
def translated_errors() -> Iterator[None]:
    """Our errors for the driver's: Unavailable (database away or locked), DiskFull, Invalid (bad values)."""
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeout) as error:
        if _no_room(error):
            raise DiskFull from error
        reason = str(getattr(error, "orig", error)).strip()[:200]
        raise Unavailable(f"the database does not answer: {reason}", code="database_unavailable") from error
    except DataError as error:  # PostgreSQL: text with a NUL, a number beyond its column
        raise Invalid("A value is not one that the database can hold.", code="bad_value") from error


def _no_room(error: Exception) -> bool:
    """Whether the database says that its disk is full: SQLite by its error number, PostgreSQL by its SQLSTATE."""
    told = getattr(error, "orig", error)
    return getattr(told, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL or getattr(told, "sqlstate", "") == "53100"


def insert_new(session: Session, model: type[DeclarativeBase], values: Mapping[str, Any], unique: list[str]) -> bool:
    """INSERT ... ON CONFLICT (unique) DO NOTHING. True if the row is new; safe against two writers at once."""
    dialect = session.get_bind().dialect.name
    insert = sqlite.insert if dialect == "sqlite" else postgresql.insert
    statement = insert(model).values(**values).on_conflict_do_nothing(index_elements=unique)
    return session.execute(statement.returning(*inspect(model).primary_key)).first() is not None


def _sqlite_engine(url: str) -> Engine:
    database = make_url(url).database
    if database and database != ":memory:":
        Path(database).parent.mkdir(parents=True, exist_ok=True)
    # One connection for each of the web server's threads; they are only file handles.
    engine = create_engine(url, pool_size=40, max_overflow=24, connect_args={"timeout": BUSY_MILLISECONDS / 1000})
    event.listen(engine, "connect", _sqlite_connect)
    event.listen(engine, "begin", _sqlite_begin)
    return engine


def _sqlite_connect(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # The driver must not begin transactions of its own: `begin` below does.
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        f"busy_timeout={BUSY_MILLISECONDS}",
        "foreign_keys=ON",
        "trusted_schema=OFF",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _sqlite_begin(connection: Connection) -> None:
    reading = connection.get_execution_options().get(_READ_ONLY, False)
    connection.exec_driver_sql(f"PRAGMA query_only={'ON' if reading else 'OFF'}")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
