"""The database's history. `upgrade` is safe to call from several processes at once: one migrates, the others wait."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect, text

from backend.db.session import translated_errors
from backend.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alembic.config import Config

HEAD = "0004"  # tests/migrations holds this to be the newest revision
_LOCK = 0x6D61736C


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the database to `revision`; all of it or nothing. Quick when there is nothing to do.

    Raises Unavailable `newer_database` when a newer version of the program has migrated it.
    """
    now_at = current(engine)
    if revision in ("head", HEAD) and now_at == HEAD:
        return
    if now_at is not None and not any((Path(__file__).parent / "versions").glob(f"{now_at}_*.py")):
        told = f"a newer Maskmill has migrated this database (to {now_at}); this one knows up to {HEAD}"
        raise Unavailable(told, code="newer_database")
    from alembic import command

    with _alone(engine) as connection:
        command.upgrade(_config(connection), revision)


def downgrade(engine: Engine, revision: str) -> None:
    """Go back to `revision` (`base` = empty)."""
    from alembic import command

    with _alone(engine) as connection:
        command.downgrade(_config(connection), revision)


def current(engine: Engine) -> str | None:
    """The revision that the database is at, None when it is empty."""
    with translated_errors(), engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _config(connection: Connection) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


@contextmanager
def _alone(engine: Engine) -> Iterator[Connection]:
    """A transaction that no other migration shares."""
    with translated_errors(), engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            with _foreign_keys_off(connection), connection.begin():  # BEGIN IMMEDIATE is the lock
                yield connection
                _check_foreign_keys(connection)
            return
        with connection.begin():
            connection.execute(text("SET LOCAL lock_timeout = '60s'"))
            connection.execute(text("SET LOCAL statement_timeout = '600s'"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            connection.execute(text("SET LOCAL lock_timeout = '4s'"))  # rather fail than block everybody's queries
            yield connection


@contextmanager
def _foreign_keys_off(connection: Connection) -> Iterator[None]:
    """SQLite changes a table by making a new one, which foreign keys would forbid; they are checked at the end."""
    raw = connection.connection.dbapi_connection
    assert raw is not None
    raw.cursor().execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        raw.cursor().execute("PRAGMA foreign_keys=ON")


def _check_foreign_keys(connection: Connection) -> None:
    broken = connection.execute(text("PRAGMA foreign_key_check")).all()
    if broken:
        raise RuntimeError(f"the migration broke {len(broken)} references, first in table {broken[0][0]}")
