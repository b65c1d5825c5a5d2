"""Back to a version that served before: the same move of the pointer, and an end to what the left version suggested."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.db.models import Generation, Project, Promotion
from backend.engine.promotion import Move, version_before
from backend.errors import Conflict, Invalid
from backend.runtime import Runtime
from backend.services import generations, projects, promotions, proposals
from backend.uow import UnitOfWork

BATCH: Final = 5000  # proposals withdrawn in one transaction: some tenths of a second


def rollback(
    uow: UnitOfWork,
    project_id: str,
    actor_id: str | None,
    reason: str,
    to_version_id: str | None = None,
    seen_version_id: str | None = None,
) -> Promotion:
    """Make an earlier version active again, by default the one before; cancels automatic generation by the left one.

    Call :func:`promotions.follow` and :func:`withdraw_left` after the commit. Nothing is computed anew: embeddings are
    kept by encoder; new proposals are made as after any move (:mod:`backend.services.renewals`). Raises Invalid
    (`reason_needed`) and Conflict (`nothing_before`, `never_active`, `moved`).
    """
    if not reason.strip():
        raise Invalid("Say why the version is rolled back.", code="reason_needed")
    left = seen_version_id or projects.find(uow.session, project_id).active_version_id
    target = to_version_id or _before(uow.session, project_id)
    if to_version_id is not None and to_version_id not in _served(uow.session, project_id):
        raise Conflict("This model version never served this project.", code="never_active")
    row = promotions.move(uow, project_id, left, target, "rollback", actor_id, reason)
    if left is not None:
        _cancel_generations(uow, project_id, left)
        uow.enqueue("withdraw", f"withdraw:{row.id}", project_id, promotion_id=row.id)
    return row


def withdraw_left(runtime: Runtime, promotion_id: str, check: Callable[[], None] = lambda: None) -> int:
    """Withdraw the untouched proposals of the version that a committed rollback left; how many there were.

    What people accepted, changed or flagged stays. In batches, each a transaction of its own, so that other writers get
    their turn; whatever a crash leaves is done by the job `withdraw`, which calls this as well. A version that became
    active again meanwhile keeps its proposals. ``check`` is called before each batch.
    """
    count = 0
    while True:
        check()
        with runtime.write() as uow:
            row = uow.session.get_one(Promotion, promotion_id)
            project = uow.session.get_one(Project, row.project_id)
            if row.from_version_id is None or project.active_version_id == row.from_version_id:
                return count
            done = proposals.withdraw(uow, project.id, row.from_version_id, BATCH)
        count += done
        if done < BATCH:
            return count


def _before(session: Session, project_id: str) -> str:
    log = [Move(row.kind, row.from_version_id, row.to_version_id) for row in promotions.moves(session, project_id)]
    target = version_before(log)
    if target is None:
        raise Conflict("No other model version served this project before.", code="nothing_before")
    return target


def _served(session: Session, project_id: str) -> set[str | None]:
    return {
        version_id
        for row in promotions.moves(session, project_id)
        for version_id in (row.from_version_id, row.to_version_id)
    }


def _cancel_generations(uow: UnitOfWork, project_id: str, version_id: str) -> None:
    running = select(Generation.id).where(
        Generation.project_id == project_id,
        Generation.model_version_id == version_id,
        Generation.state.in_(["queued", "running", "paused"]),
    )
    for generation_id in uow.session.scalars(running).all():
        generations.act(uow, generation_id, "cancel", "its model version was rolled back")
