"""What follows a move of the active version, should the process that moved it not have got there.

`withdraw`: take back what a version suggested that was rolled back. `follow`: embeddings by another encoder.
"""

from __future__ import annotations

from backend.services import promotions, rollbacks
from workers.job import JobContext, job


@job("withdraw", queue="cpu")
def withdraw(work: JobContext, promotion_id: str) -> None:
    """Withdraw what is left; twice or at once is harmless, since only untouched proposals are taken."""
    rollbacks.withdraw_left(work.runtime, promotion_id, work.check)


@job("follow", queue="cpu")
def follow(work: JobContext, promotion_id: str) -> None:
    """Ask for the embeddings that are missing; twice or at once is harmless, since each is a job of its own."""
    promotions.follow(work.runtime, promotion_id)
