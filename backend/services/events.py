"""Events: what happened, in commit order, for pages that listen and resume."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from backend.db.models import Event
from backend.uow import UnitOfWork


def after(session: Session, last_id: int, project_id: str | None = None, limit: int = 200) -> Sequence[Event]:
    """Up to `limit` events later than `last_id`, oldest first; of one project, or of all when project_id is None."""
    query = select(Event).where(Event.id > last_id).order_by(Event.id).limit(limit)
    if project_id is not None:
        query = query.where(Event.project_id == project_id)
    return session.scalars(query).all()


def latest_id(session: Session) -> int:
    """The id of the newest event, 0 when there is none."""
    return session.scalar(select(func.max(Event.id))) or 0


def forget(uow: UnitOfWork, older_than: dt.timedelta) -> int:
    """Drop events that nobody resumes from any more; the number dropped. The newest stays, so ids go on from it."""
    newest = latest_id(uow.session)
    old = delete(Event).where(Event.created_at < uow.now() - older_than, Event.id < newest)
    return len(uow.session.execute(old.returning(Event.id)).all())
