"""What every table is made of. ids are uuid strings; times come from the database clock."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import ForeignKey, MetaData, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from backend.db.types import JsonColumn, UtcTime, moment

Json = dict[str, Any]


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {dt.datetime: UtcTime, Json: JsonColumn, list[Json]: JsonColumn, str: Text}  # noqa: RUF012 - SQLAlchemy reads it from the class


class Timed:
    """Times that every row carries, set by the database."""

    created_at: Mapped[dt.datetime] = mapped_column(server_default=moment(), sort_order=90)
    changed_at: Mapped[dt.datetime] = mapped_column(server_default=moment(), onupdate=moment(), sort_order=91)


def new_id() -> str:
    """A random uuid as text."""
    return str(uuid.uuid4())


class Row(Timed, Base):
    """A table whose id is a random uuid."""

    __abstract__ = True
    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=new_id, sort_order=-1)


def points_to(target: str) -> Any:
    """An indexed column that refers to another table's id."""
    return mapped_column(String(36), ForeignKey(target), index=True)
