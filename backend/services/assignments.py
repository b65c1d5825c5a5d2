"""Assignments: who works on an image now. A lease by the database's clock, so that no two people do so unknowingly.

A person's row for an image is open, leased, done or skipped; the database itself allows one leased row an image. Who
takes or leaves an image waits for a turn in its project, so of two who ask at the same moment each gets another image,
or one of them a Conflict. A lease that ran out is nobody's: it is cleared by whoever takes the image next.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import ColumnElement, and_, case, exists, not_, or_, select, tuple_, update
from sqlalchemy.orm import Session

from backend.db.models import Actor, Assignment, Image, Project, new_id
from backend.db.session import insert_new
from backend.db.types import moment
from backend.errors import Conflict
from backend.services import images, projects
from backend.uow import UnitOfWork

LEASE_SECONDS: Final = 180.0  # the page renews it every minute while somebody looks at the image
_QUIET = {"synchronize_session": False}
_AT_REST = case((Assignment.complete, "done"), else_="open")  # what a row is when nobody holds the image


def of_image(session: Session, image_id: str, actor_id: str) -> dict[str, Any]:
    """Who holds the image, whether that is `actor_id`, and until when; raises NotFound."""
    images.find(session, image_id)
    held = session.execute(
        select(Actor.id, Actor.name, Assignment.lease_expires_at)
        .join(Actor, Actor.id == Assignment.actor_id)
        .where(Assignment.image_id == image_id, _live())
    ).first()
    if held is None:
        return {"image_id": image_id, "holder": None, "mine": False, "lease_expires_at": None}
    holder = {"actor_id": held[0], "name": held[1]}
    return {"image_id": image_id, "holder": holder, "mine": held[0] == actor_id, "lease_expires_at": held[2]}


def take(uow: UnitOfWork, image_id: str, actor_id: str, take_over: bool = False) -> dict[str, Any]:
    """Take the image or renew the lease on it; `take_over` takes it from whoever holds it.

    Conflict `held` while somebody else does, `not_ready` when there are no pixels to work on. Raises NotFound.
    """
    image = images.find(uow.session, image_id)
    if image.state != "ready":
        raise Conflict("This image has no pixels (yet).", code="not_ready")
    _turn(uow.session, image.project_id)
    now = of_image(uow.session, image_id, actor_id)
    if now["holder"] is not None and not now["mine"] and not take_over:
        raise Conflict(f"{now['holder']['name']} is working on this image.", code="held")
    _lease(uow, image_id, actor_id)
    if not now["mine"]:
        _tell(uow, image.project_id, image_id, actor_id)
    return of_image(uow.session, image_id, actor_id)


def release(uow: UnitOfWork, image_id: str, actor_id: str, skip: bool = False) -> None:
    """Give the image back; with `skip` it is not offered to this person again. Without a lease this is fine."""
    image = images.find(uow.session, image_id)
    _turn(uow.session, image.project_id)
    if skip:
        _own_row(uow, image_id, actor_id)
    mine = (Assignment.image_id == image_id, Assignment.actor_id == actor_id)
    states = ("leased", "open") if skip else ("leased",)
    held = uow.session.scalar(select(Assignment.id).where(*mine, _live()))
    left = update(Assignment).where(*mine, Assignment.state.in_(states))
    uow.session.execute(
        left.values(state="skipped" if skip else _AT_REST, lease_expires_at=None), execution_options=_QUIET
    )
    if held is not None:
        _tell(uow, image.project_id, image_id, None)


def next_image(
    uow: UnitOfWork, project_id: str, actor_id: str, after: str | None = None, skip: bool = False
) -> dict[str, Any] | None:
    """Leave `after` and lease the first image behind it that nobody works on; from the front again after the last.

    Left out are images that are complete, that are held, and that this person skipped (`skip` skips `after`). None
    when there is none. Raises NotFound.
    """
    projects.find(uow.session, project_id)
    _turn(uow.session, project_id)
    place: Image | None = None
    if after is not None:
        place = images.find(uow.session, after)
        release(uow, after, actor_id, skip)
    image_id = _first_free(uow.session, project_id, actor_id, place)
    if image_id is None:
        return None
    _lease(uow, image_id, actor_id)
    _tell(uow, project_id, image_id, actor_id)
    return of_image(uow.session, image_id, actor_id)


def _first_free(session: Session, project_id: str, actor_id: str, after: Image | None) -> str | None:
    waiting = (
        select(Image.id)
        .where(Image.project_id == project_id, Image.state == "ready", not_(_taken(actor_id)))
        .order_by(Image.position, Image.id)
        .limit(1)
    )
    if after is None:
        return session.scalar(waiting)
    behind = tuple_(Image.position, Image.id) > (after.position, after.id)
    return session.scalar(waiting.where(behind)) or session.scalar(waiting.where(Image.id != after.id))


def _taken(actor_id: str) -> ColumnElement[bool]:
    mine_skipped = and_(Assignment.actor_id == actor_id, Assignment.state == "skipped")
    return exists().where(Assignment.image_id == Image.id, or_(Assignment.complete, _live(), mine_skipped))


def _live() -> ColumnElement[bool]:
    return and_(Assignment.state == "leased", Assignment.lease_expires_at > moment())


def _turn(session: Session, project_id: str) -> None:
    """Wait for others who take or leave images of this project; on SQLite the one writer has the turn already."""
    session.execute(select(Project.id).where(Project.id == project_id).with_for_update(key_share=True))


def _lease(uow: UnitOfWork, image_id: str, actor_id: str) -> None:
    """The caller has the turn."""
    others = (Assignment.image_id == image_id, Assignment.actor_id != actor_id, Assignment.state == "leased")
    cleared = update(Assignment).where(*others).values(state=_AT_REST, lease_expires_at=None)
    uow.session.execute(cleared, execution_options=_QUIET)
    _own_row(uow, image_id, actor_id)
    mine = update(Assignment).where(Assignment.image_id == image_id, Assignment.actor_id == actor_id)
    taken = mine.values(state="leased", lease_expires_at=moment(LEASE_SECONDS))
    uow.session.execute(taken, execution_options=_QUIET)


def _own_row(uow: UnitOfWork, image_id: str, actor_id: str) -> None:
    values = {"id": new_id(), "image_id": image_id, "actor_id": actor_id, "state": "open", "complete": False}
    insert_new(uow.session, Assignment, values, ["image_id", "actor_id"])


def _tell(uow: UnitOfWork, project_id: str, image_id: str, holder_id: str | None) -> None:
    uow.emit("assignment.changed", project_id, image_id, holder_id=holder_id)
