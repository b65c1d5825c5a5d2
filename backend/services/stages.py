"""Stages of projects: the policy, what was reached, the steps with their numbers, and those that are due by rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from sqlalchemy import and_, case, exists, func, select, update
from sqlalchemy.orm import Session

from backend.db.engine_models import StageCause
from backend.db.models import Actor, Annotation, Audit, AuditItem, Project, Promotion, Round, StageChange
from backend.engine import policy as policies
from backend.engine import stages
from backend.engine.policy import BadPolicy, ProjectPolicy
from backend.engine.stages import Numbers, Rule, Stage
from backend.errors import Conflict, Invalid
from backend.runtime import Runtime
from backend.services import projects
from backend.services.audits import SOURCES
from backend.uow import UnitOfWork

GOOD_IOU: Final = 0.9  # the first of the two bars of the paper's audit (Segment Anything, section 4)

# --- policy ---------------------------------------------------------------------------------------------------------


def policy(session: Session, project_id: str) -> ProjectPolicy:
    """The policy of an active project; raises NotFound."""
    return policies.of_project(projects.find(session, project_id).policy)


def set_policy(uow: UnitOfWork, project_id: str, told: Mapping[str, Any]) -> ProjectPolicy:
    """The whole policy anew: what is not told is as by default. Raises NotFound, Invalid `bad_policy`."""
    try:
        wanted = policies.of_project(told)
    except BadPolicy as error:
        raise Invalid(str(error), code="bad_policy") from error
    project = projects.find(uow.session, project_id)
    kept = policies.chosen(wanted)
    if kept != project.policy:
        project.policy = kept
        uow.emit("policy.changed", project_id, project_id)
    return wanted


# --- where a project stands -----------------------------------------------------------------------------------------


def view(session: Session, project_id: str) -> dict[str, Any]:
    """The stage, since when, what its rule asks for beside what there is, and what is new since the last round."""
    project = projects.find(session, project_id)
    rules = policies.of_project(project.policy).stages
    since = _since(session, project)
    numbers = reached(session, project, since)
    return {
        "stage": project.stage,
        "since": since,
        "advance": rules.advance,
        "rule": asdict(stages.rule(project.stage, rules, numbers)),
        "numbers": asdict(numbers),
        "acceptance": numbers.of("acceptance"),
        "since_last_round": since_last_round(session, project_id),
    }


def reached(session: Session, project: Project, since: datetime) -> Numbers:
    """What the project has reached in its present stage, which began at `since`."""
    in_stage = (Annotation.project_id == project.id, Annotation.stage == project.stage, Annotation.state == "accepted")
    masks = session.scalar(select(func.count()).select_from(Annotation).where(*in_stage)) or 0
    promoted = (Promotion.project_id == project.id, Promotion.kind.in_(("promotion", "override")))
    rounds = select(func.count()).select_from(Promotion).where(*promoted, Promotion.created_at >= since)
    decided, accepted = _decisions(session, project.id, since)
    audited, above = _last_audit(session, project.id)
    return Numbers(masks, session.scalar(rounds) or 0, decided, accepted, audited, above)


def _since(session: Session, project: Project) -> datetime:
    last = select(func.max(StageChange.created_at)).where(StageChange.project_id == project.id)
    return session.scalar(last) or project.created_at


def _decisions(session: Session, project_id: str, since: datetime) -> tuple[int, int]:
    """Proposals that people decided on: (all, those accepted as they were). An edited proposal was not accepted.

    Audited ones are left out: whoever corrects to the pixel accepts next to nothing, and the audit has its own number.
    """
    audited = exists().where(AuditItem.annotation_id == Annotation.id, AuditItem.state == "done")
    mine = (Annotation.project_id == project_id, Annotation.source.in_(SOURCES), ~audited)
    accepted = func.count(case((Annotation.state == "accepted", 1)))
    said = (Annotation.decided_at >= since, Annotation.state.in_(("accepted", "rejected", "superseded", "deleted")))
    decided = session.execute(select(func.count(), accepted).where(*mine, *said)).one()
    at_once = (Annotation.decided_at.is_(None), Annotation.generation_id.is_not(None), Annotation.changed_at >= since)
    edited = select(func.count()).where(*mine, Annotation.state == "superseded", *at_once)
    return decided[0] + (session.scalar(edited) or 0), decided[1]


def _last_audit(session: Session, project_id: str) -> tuple[int, int]:
    """Of the audit that was closed last: (masks corrected, those with an IoU above GOOD_IOU)."""
    closed = select(Audit.id).where(Audit.project_id == project_id, Audit.state == "closed")
    last = session.scalar(closed.order_by(Audit.changed_at.desc(), Audit.id).limit(1))
    good = func.count(case((AuditItem.iou > GOOD_IOU, 1)))
    items = select(func.count(), good).where(AuditItem.audit_id == last, AuditItem.state == "done")
    found = session.execute(items).one()
    return found[0], found[1]


def since_last_round(session: Session, project_id: str) -> dict[str, Any]:
    """Accepted masks since the last round began (ever, before the first), by people and by models."""
    latest = select(Round).where(Round.project_id == project_id).order_by(Round.number.desc()).limit(1)
    last = session.scalars(latest).first()
    begun = last and (last.started_at or last.created_at)
    mine = [Annotation.project_id == project_id, Annotation.state == "accepted"]
    if begun:
        mine.append(Annotation.created_at > begun)
    automatic = func.count(case((Annotation.source.in_(SOURCES), 1)))
    count, by_models, images = session.execute(
        select(func.count(), automatic, func.count(Annotation.image_id.distinct())).where(and_(*mine))
    ).one()
    told = {"human_masks": count - by_models, "automatic_masks": by_models, "images": images}
    return {"round_number": last.number if last else None, "began_at": begun} | told


# --- steps ----------------------------------------------------------------------------------------------------------


def change(uow: UnitOfWork, project_id: str, to: Stage, actor_id: str, reason: str) -> StageChange:
    """A person's step to a neighbouring stage. Without a reason only forward, when the rule is met.

    Conflict `stage` when the project is not next to that stage (any more); Invalid `reason_needed`.
    """
    project = projects.find(uow.session, project_id)
    if not stages.may_go(project.stage, to):
        raise Conflict(f"From {_spoken(project.stage)} there is no step to {_spoken(to)}.", code="stage")
    found, numbers = _rule(uow.session, project)
    if not reason.strip() and not (found.due and found.to_stage == to):
        raise Invalid("The rule does not ask for this step: say why.", code="reason_needed")
    row = _move(uow, project, to, "admin", actor_id, reason.strip(), numbers)
    if row is None:
        raise Conflict("Somebody changed the stage at this moment.", code="stage")
    return row


def advance_due(runtime: Runtime) -> int:
    """The steps that rules ask for, in projects that leave them to it; how many. Many workers may call it at once."""
    with runtime.read() as session:
        rows = session.execute(select(Project.id, Project.policy).where(Project.state == "active"))
        asked = [key for key, kept in rows if policies.of_project(kept).stages.advance == "automatic"]
        due = [key for key in asked if _rule(session, projects.find(session, key))[0].due]
    return sum(_advance(runtime, project_id) for project_id in due)


def _advance(runtime: Runtime, project_id: str) -> bool:
    with runtime.write() as uow:
        project = uow.session.get(Project, project_id)
        if project is None or project.state != "active":
            return False
        found, numbers = _rule(uow.session, project)
        if not found.due or found.to_stage is None:
            return False
        return _move(uow, project, found.to_stage, "rule", None, "", numbers) is not None


def _rule(session: Session, project: Project) -> tuple[Rule, Numbers]:
    numbers = reached(session, project, _since(session, project))
    return stages.rule(project.stage, policies.of_project(project.policy).stages, numbers), numbers


def _move(
    uow: UnitOfWork, project: Project, to: Stage, cause: StageCause, actor_id: str | None, reason: str, numbers: Numbers
) -> StageChange | None:
    """The step, its row and its event; None when the project left the stage it was seen in."""
    seen = project.stage
    step = update(Project).where(Project.id == project.id, Project.stage == seen, Project.state == "active")
    moved = step.values(stage=to, revision=Project.revision + 1).returning(Project.revision)
    revision = uow.session.scalar(moved, execution_options={"synchronize_session": False})
    if revision is None:
        return None
    row = StageChange(project_id=project.id, from_stage=seen, to_stage=to, cause=cause, actor_id=actor_id)
    row.reason, row.numbers = reason, asdict(numbers)
    uow.session.add(row)
    uow.session.flush()
    payload = {"from_stage": seen, "to_stage": to, "cause": cause, "numbers": row.numbers}
    uow.emit("stage.changed", project.id, project.id, **payload)
    uow.emit("project.changed", project.id, project.id, revision=revision)
    if to != "assisted_manual":
        uow.enqueue("renew", f"renew:{row.id}", project.id, cause="stage", cause_id=row.id)
    return row


def _spoken(stage: str) -> str:
    return stage.replace("_", "-")


def history(session: Session, project_id: str) -> Sequence[dict[str, Any]]:
    """All steps, newest first, each with its numbers and the name of who took it."""
    projects.find(session, project_id)
    query = (
        select(StageChange, Actor.name)
        .outerjoin(Actor, Actor.id == StageChange.actor_id)
        .where(StageChange.project_id == project_id)
        .order_by(StageChange.created_at.desc(), StageChange.id)
    )
    columns = ("id", "from_stage", "to_stage", "cause", "actor_id", "reason", "numbers", "created_at")
    return [
        {column: getattr(row, column) for column in columns} | {"actor_name": name}
        for row, name in session.execute(query)
    ]
