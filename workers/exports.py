"""`export`: build one immutable archive of a project's annotations."""

from __future__ import annotations

from backend.services import exports
from workers.job import JobContext, job


@job("export", queue="cpu")
def export(work: JobContext, export_id: str) -> None:
    """The service builds and stores the archive, then commits its row."""
    exports.build(work, export_id)
