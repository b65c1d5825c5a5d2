"""Rounds: one turn of the engine. Freeze a snapshot, train a candidate, compare it with the active model version.

Starting, cancelling and evaluating again are here; the slow work is in `workers/rounds.py`; what follows a judged round
(promotion, rejection) is in `services/promotions.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend.db.engine_models import RoundSteps, RoundTrigger
from backend.db.models import Annotation, Job, ModelVersion, Project, Round
from backend.db.types import moment
from backend.engine import policy as policies
from backend.engine.policy import ProjectPolicy
from backend.engine.rounds import AUTOMATIC, UNFINISHED, due, learns_from_proposals
from backend.errors import Conflict, NotFound
from backend.runtime import Runtime
from backend.services import jobs, model_versions, projects, proposals, snapshots
from backend.services.round_moves import move, tell
from backend.uow import UnitOfWork

CURVE_POINTS = 200


def start(
    uow: UnitOfWork,
    project_id: str,
    actor_id: str | None,
    trigger: RoundTrigger = "admin",
    steps: RoundSteps = "all",
    candidate_version_id: str | None = None,
) -> Round:
    """A new round and its first job. With ``steps`` "train" it rests once there is a candidate.

    With a candidate that was made elsewhere nothing is trained: it is compared with the active version. Conflict
    `round_unfinished` while another round of the project is, `no_model` without an active version, `nothing_to_train`.
    """
    project = projects.find(uow.session, project_id)
    if project.active_version_id is None:
        raise Conflict("No model version serves this project yet.", code="no_model")
    if candidate_version_id is not None:
        candidate = model_versions.find(uow.session, candidate_version_id)
        if candidate.id == project.active_version_id:
            raise Conflict("This model version is the active one already.", code="same_version")
    elif not _any_mask(uow.session, project_id):
        raise Conflict("There is no mask to train on.", code="nothing_to_train")
    row = _insert(uow, project, trigger, steps, candidate_version_id, {"started_by": actor_id})
    uow.enqueue("freeze", f"freeze:{row.id}", project_id, round_id=row.id)
    tell(uow, row)
    return row


def _insert(
    uow: UnitOfWork,
    project: Project,
    trigger: RoundTrigger,
    steps: RoundSteps,
    candidate_id: str | None,
    figures: dict[str, Any],
) -> Round:
    last = uow.session.scalar(select(func.max(Round.number)).where(Round.project_id == project.id)) or 0
    row = Round(project_id=project.id, number=last + 1, trigger=trigger, steps=steps, candidate_version_id=candidate_id)
    row.base_version_id, row.figures, row.started_at = project.active_version_id, figures, uow.now()
    row.policy = policies.as_dict(policy_of(project.policy))
    try:
        with uow.session.begin_nested():
            uow.session.add(row)
    except IntegrityError as error:
        raise Conflict("Another round of this project is not finished yet.", code="round_unfinished") from error
    return row


def policy_of(stored: Mapping[str, Any]) -> ProjectPolicy:
    """The policy that a project or a round keeps."""
    return policies.of_project(stored)


def _any_mask(session: Session, project_id: str) -> bool:
    states = Annotation.state.in_(snapshots.CANDIDATES)
    return session.scalar(select(Annotation.id).where(Annotation.project_id == project_id, states).limit(1)) is not None


def choice_of(session: Session, row: Round) -> snapshots.Choice:
    """Which masks a round trains on, by its own copy of the policy."""
    return _choice(session, row.project_id, policy_of(row.policy), row.number)


def _choice(session: Session, project_id: str, policy: ProjectPolicy, number: int) -> snapshots.Choice:
    since = None
    if not policy.training.include_older:
        earlier = select(func.max(Round.started_at)).where(Round.project_id == project_id, Round.number < number)
        since = session.scalar(earlier.where(Round.snapshot_id.is_not(None)))
    project, wanted = session.get_one(Project, project_id), policy.training.sources
    limits = proposals.confident(session, project)[0] if learns_from_proposals(project.stage, wanted) else None
    return snapshots.Choice(wanted, frozenset(policy.training.exclude_actors), since, limits)


def preview(runtime: Runtime, project_id: str) -> tuple[snapshots.Counts, int]:
    """What a round that began now would learn from and be judged by, and how many masks are new since the last one."""
    with runtime.read() as session:
        policy = policy_of(projects.find(session, project_id).policy)
        last = session.scalar(select(func.max(Round.number)).where(Round.project_id == project_id)) or 0
        since = session.scalar(select(func.max(Round.started_at)).where(Round.project_id == project_id))
        choice, new = _choice(session, project_id, policy, last + 1), new_masks(session, project_id, since)
    return snapshots.counts(runtime, project_id, choice, policy.training.held_out_share), new


# --- reading --------------------------------------------------------------------------------------------------------


def find(session: Session, round_id: str) -> Round:
    """Raises NotFound."""
    row = session.get(Round, round_id)
    if row is None:
        raise NotFound("There is no such round.")
    projects.find(session, row.project_id)
    return row


def of_project(session: Session, project_id: str) -> list[dict[str, Any]]:
    """Views without curves, newest first."""
    projects.find(session, project_id)
    rows = session.scalars(select(Round).where(Round.project_id == project_id).order_by(Round.number.desc())).all()
    versions = _versions(session, rows)
    return [_view(row, versions) for row in rows]


def view(session: Session, round_id: str) -> dict[str, Any]:
    """A round with the curve of its training and how far its job is."""
    row = find(session, round_id)
    told = _view(row, _versions(session, [row])) | {"curve": row.figures.get("curve", [])}
    running = session.scalars(_jobs_of(row).where(Job.state.in_(["queued", "running", "dead"]))).first()
    told["progress"] = None if running is None else _progress(running)
    return told


def _versions(session: Session, rows: Sequence[Round]) -> dict[str, ModelVersion]:
    ids = {version for row in rows for version in (row.base_version_id, row.candidate_version_id) if version}
    return {one.id: one for one in session.scalars(select(ModelVersion).where(ModelVersion.id.in_(ids)))}


def _view(row: Round, versions: Mapping[str, ModelVersion]) -> dict[str, Any]:
    told = {column.key: getattr(row, column.key) for column in Round.__table__.columns}
    told["figures"] = {name: value for name, value in row.figures.items() if name != "curve"}
    told["base_version"] = versions.get(row.base_version_id or "")
    told["candidate_version"] = versions.get(row.candidate_version_id or "")
    return told


def _progress(job: Job) -> dict[str, Any]:
    return {"job_id": job.id, "kind": job.kind, "state": job.state, "message": job.message, "failure": job.failure} | {
        "done": job.done_count,
        "total": job.total_count,
    }


def _jobs_of(row: Round) -> Any:
    keys = [f"{kind}:{row.id}" for kind in ("freeze", "train")]
    mine = Job.key.in_(keys) | Job.key.startswith(f"evaluate:{row.id}:")
    return select(Job).where(mine, Job.project_id == row.project_id).order_by(Job.created_at.desc(), Job.id)


# --- steps ----------------------------------------------------------------------------------------------------------


def cancel(uow: UnitOfWork, round_id: str) -> Round:
    """Stop a round that was not judged yet; again is fine. Conflict `round_state` for one that has ended otherwise."""
    row = find(uow.session, round_id)
    for job in uow.session.scalars(_jobs_of(row).where(Job.state.in_(["queued", "running"]))).all():
        jobs.cancel(uow, job.id)  # the round with it: services/job_subjects.py
    move(uow, round_id, "cancel")
    row = uow.session.get_one(Round, round_id, populate_existing=True)
    if row.state != "cancelled":
        raise Conflict(f"This round is {row.state} already.", code="round_state")
    return row


def evaluate(uow: UnitOfWork, round_id: str) -> Round:
    """Compare the candidate with the version that is active now; also again, after another one became active.

    Conflict `round_state` where there is no candidate, or while another round of the project is unfinished.
    """
    row = find(uow.session, round_id)
    moved = move(uow, round_id, "evaluate", gate_report=None, decision=None)
    if moved is None:
        detail = f"A round that is {row.state} cannot be evaluated now; one that is trained or judged can, alone."
        raise Conflict(detail, code="round_state")
    enqueue_evaluation(uow, moved)
    return moved


def enqueue_evaluation(uow: UnitOfWork, row: Round) -> None:
    """A job of its own for every evaluation, against the version that is active at this moment."""
    active = uow.session.scalars(select(Project.active_version_id).where(Project.id == row.project_id)).one()
    count = row.figures.get("evaluations", 0) + 1
    row.figures = dict(row.figures) | {"evaluations": count}
    uow.enqueue("evaluate", f"evaluate:{row.id}:{count}", row.project_id, round_id=row.id, active_version_id=active)


def note(uow: UnitOfWork, round_id: str, **figures: Any) -> Round:
    """Adds to what is known of a round; the caller holds the round's job."""
    row = uow.session.get_one(Round, round_id, populate_existing=True)
    row.figures = dict(row.figures) | figures
    return row


def thinned(curve: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """At most ``CURVE_POINTS`` of the points, the last one among them."""
    stride = max(1, -(-len(curve) // CURVE_POINTS))
    return [point for place, point in enumerate(reversed(curve)) if place % stride == 0][::-1]


# --- rounds that begin by themselves --------------------------------------------------------------------------------


def start_due(runtime: Runtime) -> int:
    """Starts the rounds that policies ask for; how many. Every worker's recovery loop calls it; one of them starts."""
    with runtime.read() as session:
        active = session.execute(
            select(Project.id, Project.policy).where(Project.state == "active", Project.active_version_id.is_not(None))
        ).all()
        asked = [(project_id, policy_of(stored)) for project_id, stored in active]
        found = [
            (project_id, trigger)
            for project_id, policy in asked
            if (trigger := _due(session, project_id, policy)) is not None
        ]
    begun = 0
    for project_id, trigger in found:
        try:
            with runtime.write() as uow:
                start(uow, project_id, None, trigger)
            begun += 1
        except (Conflict, NotFound):  # another worker was faster, or the project was archived
            continue
    return begun


def _due(session: Session, project_id: str, policy: ProjectPolicy) -> RoundTrigger | None:
    if policy.trigger.every_masks is None and policy.trigger.schedule_hours is None:
        return None
    mine = Round.project_id == project_id
    if session.scalar(select(Round.id).where(mine, Round.state.in_(UNFINISHED)).limit(1)) is not None:
        return None
    since = session.scalar(select(func.max(Round.started_at)).where(mine))
    now = session.execute(select(moment())).scalar_one()
    begun = since or session.scalars(select(Project.created_at).where(Project.id == project_id)).one()
    hours = (now - begun).total_seconds() / 3600
    new = new_masks(session, project_id, since)
    return due(policy.trigger.every_masks, policy.trigger.schedule_hours, new, hours)


def new_masks(session: Session, project_id: str, since: datetime | None) -> int:
    """Accepted masks that people made since a moment, or ever."""
    human = (Annotation.state == "accepted", Annotation.source.not_in(AUTOMATIC))
    query = select(func.count()).select_from(Annotation).where(Annotation.project_id == project_id, *human)
    return session.scalar(query if since is None else query.where(Annotation.created_at > since)) or 0
