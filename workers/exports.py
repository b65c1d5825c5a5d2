"""`export`: build one immutable archive of a project's annotations."""

from __future__ import annotations

from typing import Any

from backend.services import exports
from backend.uow import UnitOfWork
from workers.job import JobContext, job


def _dead(uow: UnitOfWork, args: dict[str, Any], reason: str) -> None:
    exports.mark_failed(uow, args["export_id"], reason)


@job("export", queue="cpu", on_dead=_dead)
def export(work: JobContext, export_id: str) -> None:
    """The service builds and stores the archive, then commits its row."""
    exports.build(work, export_id)
