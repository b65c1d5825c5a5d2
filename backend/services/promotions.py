"""The pointer to a project's active model version: one way to move it, always logged.

A move is one conditional UPDATE that names the version it was decided against, so of two promotions at once exactly one
happens. What follows from a move: embeddings of another encoder, asked for after the commit (:func:`follow`), and new
proposals (:mod:`backend.services.renewals`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from backend.db.models import Actor, ModelVersion, Project, Promotion, Round
from backend.engine import policy, promotion
from backend.errors import Conflict, Invalid, NotFound
from backend.runtime import Runtime
from backend.services import embeddings, round_moves
from backend.uow import UnitOfWork

_FRESH = {"populate_existing": True, "synchronize_session": False}


def move(
    uow: UnitOfWork,
    project_id: str,
    seen_version_id: str | None,
    to_version_id: str,
    kind: promotion.Kind,
    actor_id: str | None,
    reason: str = "",
    round_id: str | None = None,
) -> Promotion:
    """Make a version the active one, if the active one still is the one that was seen.

    Raises NotFound, and Conflict: `moved` (somebody was faster), `already_active`, or why this version may not serve.
    """
    version = uow.session.get(ModelVersion, to_version_id, populate_existing=True)
    if version is None:
        raise NotFound("There is no such model version.")
    try:
        promotion.check_version(version.state, kind)
    except promotion.Refused as refused:
        raise Conflict(str(refused), code=refused.code) from None
    if to_version_id == seen_version_id:
        raise Conflict("This model version is the active one already.", code="already_active")
    project = _moved(uow, project_id, seen_version_id, to_version_id)
    if version.state == "candidate":
        version.state = "active"
    found = {"project_id": project_id, "revision": project.revision, "round_id": round_id, "actor_id": actor_id}
    found |= {"from_version_id": seen_version_id, "to_version_id": to_version_id, "kind": kind, "reason": reason}
    row = Promotion(**found)
    uow.session.add(row)
    uow.session.flush()
    told = {"from_version_id": seen_version_id, "to_version_id": to_version_id, "kind": kind, "reason": reason}
    uow.emit("version.promoted", project_id, project_id, **told)
    uow.emit("project.changed", project_id, project_id, revision=project.revision)
    before = uow.session.get(ModelVersion, seen_version_id) if seen_version_id else None
    if before is not None and before.encoder_digest != version.encoder_digest:
        uow.enqueue("follow", f"follow:{row.id}", project_id, promotion_id=row.id)
    if project.stage != "assisted_manual":
        uow.enqueue("renew", f"renew:{row.id}", project_id, cause="move", cause_id=row.id)
    return row


def _moved(uow: UnitOfWork, project_id: str, seen: str | None, to_version_id: str) -> Project:
    """The compare-and-set itself."""
    uow.session.flush()
    statement = update(Project).where(
        Project.id == project_id, Project.state == "active", Project.active_version_id.is_not_distinct_from(seen)
    )
    values = {"active_version_id": to_version_id, "revision": Project.revision + 1}
    project = uow.session.scalars(statement.values(**values).returning(Project), execution_options=_FRESH).one_or_none()
    if project is None:
        known = uow.session.get(Project, project_id)
        if known is None or known.state != "active":
            raise NotFound("There is no such project.")
        raise Conflict("Another model version became the active one meanwhile: look again.", code="moved")
    return project


def follow(runtime: Runtime, promotion_id: str) -> int:
    """What a committed move asks for: embeddings, where the encoder is another one; how many were asked for.

    Whatever a crash leaves is done by the job `follow`, which calls this as well.
    """
    with runtime.read() as session:
        row = session.get_one(Promotion, promotion_id)
        before = session.get(ModelVersion, row.from_version_id) if row.from_version_id else None
        after = session.get_one(ModelVersion, row.to_version_id)
    if before is not None and before.encoder_digest == after.encoder_digest:
        return 0
    return embeddings.request_missing(runtime, row.project_id)


# --- candidates of rounds -------------------------------------------------------------------------------------------


def promote(
    uow: UnitOfWork, round_id: str, actor_id: str | None, reason: str = "", seen_version_id: str | None = None
) -> Promotion:
    """Make a judged round's candidate the active version. Call :func:`follow` after the commit.

    The pointer moves only from the version that the candidate was compared with; a person who goes against the report
    may name the one that the page showed. Raises Conflict (`not_judged`, `not_overridable`, `moved`) and Invalid
    (`reason_needed`).
    """
    row = _judged(uow, round_id)
    kind = _kind(row, reason)
    seen = seen_version_id if kind == "override" and seen_version_id is not None else row.base_version_id
    assert row.candidate_version_id is not None
    if round_moves.move(uow, round_id, "promote", decided_by=actor_id, reason=reason) is None:
        raise Conflict("Somebody decided about this round meanwhile.", code="not_judged")
    return move(uow, row.project_id, seen, row.candidate_version_id, kind, actor_id, reason, round_id)


def _judged(uow: UnitOfWork, round_id: str) -> Round:
    row = uow.session.get(Round, round_id, populate_existing=True)
    if row is None:
        raise NotFound("There is no such round.")
    if row.state != "judged" or row.candidate_version_id is None:
        raise Conflict(f"This round is {row.state}: there is nothing to decide.", code="not_judged")
    return row


def _kind(row: Round, reason: str) -> promotion.Kind:
    report = row.gate_report or {}
    try:
        return promotion.promotion_kind(row.decision, bool(report.get("overridable")), reason)
    except promotion.Refused as refused:
        kind = Invalid if refused.code == "reason_needed" else Conflict
        raise kind(str(refused), code=refused.code) from None


def promote_automatically(uow: UnitOfWork, round_id: str) -> Promotion | None:
    """Promote a round that was just judged, where its policy says so and its report is in favour; else None."""
    row = _judged(uow, round_id)
    if policy.of_project(row.policy).promotion != "automatic" or row.decision != "promote":
        return None
    project = uow.session.get_one(Project, row.project_id, populate_existing=True)
    if project.active_version_id != row.base_version_id:
        return None
    return promote(uow, round_id, None, "the policy promotes what passes every gate")


def reject(uow: UnitOfWork, round_id: str, actor_id: str | None, reason: str = "") -> Round:
    """Turn down a judged round's candidate for good. Raises Conflict `not_judged`."""
    row = _judged(uow, round_id)
    done = round_moves.move(uow, round_id, "reject", decided_by=actor_id, reason=reason)
    if done is None:
        raise Conflict("Somebody decided about this round meanwhile.", code="not_judged")
    refused = update(ModelVersion).where(ModelVersion.id == row.candidate_version_id, ModelVersion.state == "candidate")
    uow.session.execute(refused.values(state="rejected"), execution_options={"synchronize_session": "fetch"})
    return done


# --- the log --------------------------------------------------------------------------------------------------------


def moves(session: Session, project_id: str) -> Sequence[Promotion]:
    """Every move of a project's pointer, the first one first."""
    query = select(Promotion).where(Promotion.project_id == project_id).order_by(Promotion.revision)
    return session.scalars(query).all()


def history(session: Session, project_id: str) -> list[dict[str, Any]]:
    """The moves, newest first, with names of versions, person and round, and what each version was trained from."""
    rows = list(reversed(moves(session, project_id)))
    version_ids = {id_ for row in rows for id_ in (row.from_version_id, row.to_version_id)}
    versions = _by_id(session, ModelVersion, version_ids)
    actors = _by_id(session, Actor, {row.actor_id for row in rows})
    rounds = _by_id(session, Round, {row.round_id for row in rows})
    return [
        {
            "id": row.id,
            "kind": row.kind,
            "reason": row.reason,
            "created_at": row.created_at,
            "from_version": versions.get(row.from_version_id),
            "to_version": versions[row.to_version_id],
            "from_version_id": row.from_version_id,
            "to_version_id": row.to_version_id,
            "round_id": row.round_id,
            "round_number": rounds[row.round_id].number if row.round_id else None,
            "trained_from_id": rounds[row.round_id].base_version_id if row.round_id else None,
            "actor": actors.get(row.actor_id),
        }
        for row in rows
    ]


def _by_id(session: Session, kind: Any, ids: set[str | None]) -> Mapping[str | None, Any]:
    known = [one for one in ids if one is not None]
    return {row.id: row for row in session.scalars(select(kind).where(kind.id.in_(known)))} if known else {}
