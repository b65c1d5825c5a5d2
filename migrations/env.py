"""Alembic's entry: migrates on the connection that `migrations.upgrade` opened and locked."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from backend.db.models import Base

connection = context.config.attributes.get("connection")
if not isinstance(connection, Connection):
    raise SystemExit("run migrations with `maskmill migrate`")
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=True,
    transactional_ddl=True,  # SQLite can, when it is told to begin
    compare_server_default=False,
)
context.run_migrations()
