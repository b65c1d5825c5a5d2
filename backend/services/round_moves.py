"""Steps of a round's state: each is one conditional UPDATE, so of two that cannot both be only one happens."""

from __future__ import annotations

from typing import Any

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from backend.db.models import Round
from backend.db.types import moment
from backend.engine.rounds import BEFORE, Action, after
from backend.uow import UnitOfWork

ENDS = ("judged", "promoted", "rejected", "failed", "cancelled")


def move(uow: UnitOfWork, round_id: str, action: Action, kind: str = "", **values: Any) -> Round | None:
    """The round after an action, or None where it was not in a state that allows it. ``values`` are written with it.

    None also where a round would go on while another one of its project is unfinished.
    """
    state = after(BEFORE[action][0], action, kind)
    values |= {"state": state, "ended_at": moment() if state in ENDS else None}
    statement = update(Round).where(Round.id == round_id, Round.state.in_(BEFORE[action])).values(**values)
    options = {"populate_existing": True, "synchronize_session": False}
    try:
        with uow.session.begin_nested():
            moved = uow.session.scalars(statement.returning(Round), execution_options=options).one_or_none()
    except IntegrityError:
        return None
    if moved is not None:
        tell(uow, moved)
    return moved


def tell(uow: UnitOfWork, row: Round) -> None:
    """The page hears of it."""
    uow.emit("round.changed", row.project_id, row.id, number=row.number, state=row.state)


def given_up(uow: UnitOfWork, round_id: str, reason: str) -> None:
    """The job of a round was cancelled by somebody, or failed for the last time."""
    if reason == "cancelled":
        move(uow, round_id, "cancel")
    else:
        move(uow, round_id, "fail", failure=reason)


def taken_up(uow: UnitOfWork, round_id: str, kind: str) -> None:
    """The job of a round that had failed or was cancelled waits again."""
    move(uow, round_id, "retry", kind, failure=None)
