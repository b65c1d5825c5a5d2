"""Column types that mean the same on SQLite and PostgreSQL."""

from __future__ import annotations

import datetime as dt
from typing import Any, get_args

from sqlalchemy import JSON, BigInteger, CheckConstraint, DateTime, Dialect, Integer, literal
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

JsonColumn = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
# SQLite only counts up by itself in a column whose type is spelled INTEGER.
SerialColumn = BigInteger().with_variant(Integer(), "sqlite")


class UtcTime(TypeDecorator[dt.datetime]):
    """Aware UTC datetimes: `timestamptz` on PostgreSQL, text 'YYYY-MM-DD HH:MM:SS.ffffff' on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a time zone cannot be stored")
        value = value.astimezone(dt.UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


class moment(FunctionElement[dt.datetime]):
    """The database's clock in UTC, plus `seconds`; the only clock that leases and row times go by."""

    type = UtcTime()
    inherit_cache = True

    def __init__(self, seconds: float = 0.0) -> None:
        super().__init__(*([literal(f"{seconds:+.3f} seconds")] if seconds else []))


@compiles(moment, "sqlite")
def _moment_sqlite(element: moment, compiler: SQLCompiler, **options: Any) -> str:
    # Six digits, as SQLAlchemy writes bound times: texts of unequal length would not sort by time.
    shift = "".join(f", {compiler.process(clause, **options)}" for clause in element.clauses)
    return f"(strftime('%Y-%m-%d %H:%M:%f', 'now'{shift}) || '000')"


@compiles(moment, "postgresql")
def _moment_postgresql(element: moment, compiler: SQLCompiler, **options: Any) -> str:
    shift = "".join(f" + CAST({compiler.process(clause, **options)} AS interval)" for clause in element.clauses)
    return f"(clock_timestamp(){shift})" if shift else "clock_timestamp()"


def one_of(column: str, choices: Any) -> CheckConstraint:
    """A check that `column` holds one of the strings of a `Literal[...]` type (or is null where that is allowed)."""
    listed = ", ".join(f"'{choice}'" for choice in get_args(choices))
    return CheckConstraint(f"{column} IN ({listed})", name=column)
