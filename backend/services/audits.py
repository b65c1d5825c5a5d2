"""Audits: a random sample of automatic masks goes to people, who correct each to the pixel; the IoUs are the report.

What is handed in also becomes an annotation, see :mod:`backend.services.corrections`.

An entry is open, leased to one person, or done. Each step is one conditional UPDATE by the database's clock, so no two
people hold one entry; a lease that ran out goes to whoever asks next, and until then its holder may still hand it in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, case, func, or_, select, update
from sqlalchemy.orm import Session

from backend.db.models import Annotation, Audit, AuditItem, Generation, Image, new_id
from backend.db.types import moment
from backend.engine import audits, sampling
from backend.errors import Conflict, Invalid, NotFound
from backend.runtime import Runtime
from backend.services import corrections, projects
from backend.services.annotations import ALIVE, checked
from backend.uow import UnitOfWork
from segmenter import masks

LEASE_SECONDS: Final = 1800.0  # a correction to the pixel may take long; asking again renews it
SOURCES: Final = ("automatic", "detector")
_QUIET = {"synchronize_session": False}


def create(
    runtime: Runtime,
    project_id: str,
    actor_id: str,
    sample_size: int,
    seed: int | None = None,
    generation_id: str | None = None,
) -> str:
    """Draw a sample of the automatic masks that stand (all, if there are fewer); the audit's id.

    The seed is kept: with the same masks it draws the same sample. Raises NotFound, Conflict `nothing_to_audit`.
    """
    with runtime.read() as session:
        projects.find(session, project_id)
        _check_generation(session, project_id, generation_id)
        names = session.scalars(_population(project_id, generation_id)).all()
    audit_id = new_id()
    seed = sampling.seed_of(audit_id) if seed is None else seed
    sample = sampling.draw(seed, names, sample_size)
    if not sample:
        raise Conflict("There are no automatic masks to audit.", code="nothing_to_audit")
    audit = Audit(id=audit_id, project_id=project_id, generation_id=generation_id, seed=seed, sample_size=len(sample))
    audit.actor_id = actor_id
    with runtime.write() as uow:
        uow.session.add(audit)
        uow.session.flush()
        uow.session.add_all(
            AuditItem(audit_id=audit_id, annotation_id=name, position=position) for position, name in enumerate(sample)
        )
        _tell(uow, audit)
    return audit_id


def _check_generation(session: Session, project_id: str, generation_id: str | None) -> None:
    generation = session.get(Generation, generation_id) if generation_id is not None else None
    if generation_id is not None and (generation is None or generation.project_id != project_id):
        raise NotFound("This project has no such generation.")


def _population(project_id: str, generation_id: str | None) -> Any:
    query = (
        select(Annotation.id)
        .join(Image, Image.id == Annotation.image_id)
        .where(Annotation.project_id == project_id, Annotation.source.in_(SOURCES), Image.state == "ready")
        .where(Annotation.state.in_(ALIVE))
    )
    return query if generation_id is None else query.where(Annotation.generation_id == generation_id)


def find(session: Session, audit_id: str) -> Audit:
    """An audit of an active project; raises NotFound."""
    audit = session.get(Audit, audit_id)
    if audit is None:
        raise NotFound("There is no such audit.")
    projects.find(session, audit.project_id)
    return audit


# --- the queue ------------------------------------------------------------------------------------------------------


def next_entry(uow: UnitOfWork, audit_id: str, actor_id: str) -> dict[str, Any] | None:
    """The entry that this person corrects now, leased; None when nothing is left. Asking again renews the lease."""
    audit = find(uow.session, audit_id)
    if audit.state != "open":
        return None
    mine = and_(AuditItem.state == "leased", AuditItem.actor_id == actor_id)
    chosen = (
        select(AuditItem.id)
        .join(Annotation, Annotation.id == AuditItem.annotation_id)
        .join(Image, Image.id == Annotation.image_id)
        .where(AuditItem.audit_id == audit_id, or_(_free(), mine), Image.state == "ready")
        .order_by(case((mine, 0), else_=1), AuditItem.position)
        .limit(1)
        .with_for_update(skip_locked=True, of=AuditItem)
        .scalar_subquery()
    )
    taken = _step(
        uow, AuditItem.id == chosen, state="leased", actor_id=actor_id, lease_expires_at=moment(LEASE_SECONDS)
    )
    return None if taken is None else _view(uow.session, taken)


def _free() -> ColumnElement[bool]:
    expired = and_(AuditItem.state == "leased", AuditItem.lease_expires_at < moment())
    return or_(AuditItem.state == "open", expired)


def _view(session: Session, item: AuditItem) -> dict[str, Any]:
    annotation = session.get_one(Annotation, item.annotation_id)
    shown: dict[str, Any] = {"id": item.id, "audit_id": item.audit_id, "lease_expires_at": item.lease_expires_at}
    shown |= {"image_id": annotation.image_id, "size": [annotation.height, annotation.width]}
    shown |= {"counts": annotation.counts, "prompts": annotation.prompts}
    return shown | {"bbox": [annotation.box_x, annotation.box_y, annotation.box_w, annotation.box_h]}


def release(uow: UnitOfWork, item_id: str, actor_id: str) -> None:
    """Give an entry back to the queue. One that is not this person's stays as it is."""
    _item(uow.session, item_id)
    held = and_(AuditItem.id == item_id, AuditItem.state == "leased", AuditItem.actor_id == actor_id)
    _step(uow, held, state="open", actor_id=None, lease_expires_at=None)


def correct(runtime: Runtime, item_id: str, actor_id: str, counts: str | None, seconds: float) -> float:
    """Hand in the corrected mask; the IoU with the automatic one. None as counts: there is no object, IoU 0.

    In the same transaction it takes the automatic mask's place (:mod:`backend.services.corrections`). Handing in the
    same again changes nothing. Raises Invalid `invalid_mask`, NotFound, Conflict `lease_lost`, `done`.
    """
    with runtime.read() as session:
        item = _item(session, item_id)
        annotation = session.get_one(Annotation, item.annotation_id)
    iou, area = (0.0, 0) if counts is None else _overlap(annotation, counts)
    draft = corrections.draft_of(item, annotation, counts, seconds) if counts is not None and area else None
    now = checked(draft, (annotation.height, annotation.width)) if draft else None
    held = and_(AuditItem.id == item_id, AuditItem.state == "leased", AuditItem.actor_id == actor_id)
    with runtime.write() as uow:
        audit = find(uow.session, item.audit_id)
        values = {"corrected_counts": counts, "iou": iou, "seconds": seconds, "lease_expires_at": None}
        done = _step(uow, and_(held, _is_open(item.audit_id)), state="done", **values)
        if done is not None:
            corrections.take_effect(uow, done, draft, now)
            _tell(uow, audit)
            return iou
        return _known(uow.session, item_id, actor_id, counts)


def _is_open(audit_id: str) -> ColumnElement[bool]:
    return select(Audit.id).where(Audit.id == audit_id, Audit.state == "open").exists()


def _known(session: Session, item_id: str, actor_id: str, counts: str | None) -> float:
    item = session.get_one(AuditItem, item_id, populate_existing=True)
    if item.state == "done" and item.actor_id == actor_id and item.corrected_counts == counts:
        return item.iou or 0.0
    if item.state == "done":
        raise Conflict("This mask has been corrected already.", code="done")
    raise Conflict("This entry is not yours (any more): its lease ran out, or the audit is closed.", code="lease_lost")


def _overlap(annotation: Annotation, counts: str) -> tuple[float, int]:
    """The IoU of the two masks, and the pixels of the corrected one."""
    size = (annotation.height, annotation.width)
    try:
        corrected = masks.parse(list(size), counts, size)
    except masks.InvalidMask as error:
        raise Invalid(f"The mask is not valid: {error}", code="invalid_mask") from error
    return masks.iou(masks.parse(list(size), annotation.counts, size), corrected), masks.area(corrected)


def close(uow: UnitOfWork, audit_id: str) -> Audit:
    """No more corrections; what is done stays and the report is final. Closing twice is fine."""
    audit = find(uow.session, audit_id)
    if audit.state == "open":
        audit.state = "closed"
        _tell(uow, audit)
    return audit


# --- what a page shows ----------------------------------------------------------------------------------------------


def of_project(session: Session, project_id: str) -> list[dict[str, Any]]:
    """Reports of a project's audits, newest first."""
    projects.find(session, project_id)
    query = select(Audit).where(Audit.project_id == project_id).order_by(Audit.created_at.desc(), Audit.id)
    return [_report(session, audit) for audit in session.scalars(query)]


def report(session: Session, audit_id: str) -> dict[str, Any]:
    """The audit with its figures so far; raises NotFound."""
    return _report(session, find(session, audit_id))


def _report(session: Session, audit: Audit) -> dict[str, Any]:
    columns = ("id", "project_id", "generation_id", "seed", "sample_size", "state", "created_at")
    audited = _audited(session, audit.id)
    return {name: getattr(audit, name) for name in columns} | {
        "done_count": len(audited),
        "leased_count": _leased(session, audit.id),
        "bars": [asdict(bar) for bar in audits.bars(audited)],
        "figures": [asdict(figure) for figure in audits.figures(audited)],
        "sizes": [asdict(audits.of_size(audited, size)) for size in ("small", "medium", "large")],
    }


def _audited(session: Session, audit_id: str) -> Sequence[audits.Audited]:
    query = (
        select(AuditItem.iou, Annotation.area, AuditItem.seconds)
        .join(Annotation, Annotation.id == AuditItem.annotation_id)
        .where(AuditItem.audit_id == audit_id, AuditItem.state == "done")
        .order_by(AuditItem.position)
    )
    return [audits.Audited(iou or 0.0, area, seconds or 0.0) for iou, area, seconds in session.execute(query)]


def _leased(session: Session, audit_id: str) -> int:
    held = (AuditItem.state == "leased", AuditItem.lease_expires_at > moment())
    query = select(func.count()).select_from(AuditItem).where(AuditItem.audit_id == audit_id, *held)
    return session.scalar(query) or 0


def _item(session: Session, item_id: str) -> AuditItem:
    item = session.get(AuditItem, item_id)
    if item is None:
        raise NotFound("There is no such entry.")
    find(session, item.audit_id)
    return item


def _step(uow: UnitOfWork, condition: ColumnElement[bool], **values: Any) -> AuditItem | None:
    statement = update(AuditItem).where(condition).values(**values).returning(AuditItem)
    return uow.session.scalars(statement, execution_options={"populate_existing": True, **_QUIET}).one_or_none()


def _tell(uow: UnitOfWork, audit: Audit) -> None:
    uow.emit("audit.changed", audit.project_id, audit.id, state=audit.state)
