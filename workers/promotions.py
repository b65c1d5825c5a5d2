"""`withdraw`: take back what a version suggested that was rolled back, should the request itself not have got there."""

from __future__ import annotations

from backend.services import rollbacks
from workers.job import JobContext, job


@job("withdraw", queue="cpu")
def withdraw(work: JobContext, promotion_id: str) -> None:
    """Withdraw what is left; twice or at once is harmless, since only untouched proposals are taken."""
    rollbacks.withdraw_left(work.runtime, promotion_id, work.check)
