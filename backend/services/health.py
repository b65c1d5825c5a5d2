"""Health: whether database, storage and workers answer."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Any

from sqlalchemy import text

from backend.errors import MaskmillError
from backend.runtime import Runtime
from backend.services import jobs

PROBE_KEY = "health/probe"


def report(runtime: Runtime) -> dict[str, Any]:
    """{"status": "ok"|"degraded", "version", "database", "storage", "worker": {"alive", "seen_at"}}; never raises."""
    worker: dict[str, Any] = {"alive": False, "seen_at": None}
    database = storage = True
    try:
        with runtime.read() as session:
            session.execute(text("SELECT 1"))
            worker = jobs.worker_health(session)
    except MaskmillError:
        database = False
    try:
        runtime.storage.exists(PROBE_KEY)
    except MaskmillError:
        storage = False
    status = "ok" if database and storage and worker["alive"] else "degraded"
    return {"status": status, "version": program_version(), "database": database, "storage": storage, "worker": worker}


def program_version() -> str:
    """Of the installed package; "0" when it runs from files that were never installed."""
    try:
        return version("maskmill")
    except PackageNotFoundError:
        return "0"
