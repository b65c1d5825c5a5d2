"""New proposals by themselves: when another version begins to serve a project, it looks at what is not finished.

Four things ask for it, each by one job of its own (`renew:` and an id of the cause) in the transaction in which it
happens: a move of the active version, a step of the project to another stage, a detector that became ready, an image
that was read. The generation's id derives from that id, so one cause makes one generation, however often the job runs.

A rollback is a move like any other. The untouched proposals of the version that it leaves are withdrawn, so without
new ones every open image would arrive empty. The version that serves again makes the same masks as before, with the
same ids, so those that its successor had replaced come back, and what people decided meanwhile stays.
"""

from __future__ import annotations

import uuid
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.db.models import Generation, Image, ModelVersion, Project, Promotion
from backend.engine import policy as policies
from backend.engine.generations import UNFINISHED
from backend.engine.policy import ProjectPolicy
from backend.services import detectors, generations, proposals
from backend.uow import UnitOfWork

Cause = Literal["move", "stage", "detector", "image"]


def renew(uow: UnitOfWork, project_id: str, cause: Cause, cause_id: str) -> Generation | None:
    """Start the generation that a cause asks for; None where nothing is to be done, or another one does it already.

    After a move on all unfinished images; after a step to another stage, when a detector became ready or an image was
    read, only on those that the active version has not taken yet. These join what already runs by that version.
    Generations by other versions end with a reason, except that a mere image ends nobody's.
    """
    session = uow.session
    project = session.get_one(Project, project_id, with_for_update=True, populate_existing=True)
    chosen = policies.of_project(project.policy)
    generation_id = str(uuid.uuid5(proposals.NAMESPACE, f"renew/{cause_id}"))
    if session.get(Generation, generation_id) is not None or not _wanted(session, project, chosen):
        return None
    version = session.get_one(ModelVersion, project.active_version_id)
    if cause == "move" and cause_id != _last_move(session, project_id):
        return None  # the later move asks for its own
    which: generations.Which = "unfinished" if cause == "move" else "unseen"
    means = generations.which_images(project_id, which, version.id, chosen.confident.source)
    if session.scalar(select(Image.id).where(*means).limit(1)) is None:
        return None
    if cause != "image":
        _end_others(uow, project, version)
    for running in _unfinished(session, project):
        if running.settings["source"] == chosen.confident.source:
            if running.model_version_id != version.id:
                return None  # somebody wants these; the image is still unseen at the next cause
            if generations.take_unseen(uow, running):
                return None
    return generations.start(uow, project_id, None, _request(session, project, version, chosen, which), generation_id)


def _wanted(session: Session, project: Project, chosen: ProjectPolicy) -> bool:
    """Whether the project works with proposals, wants new ones by themselves, and can have them."""
    if not chosen.proposals.by_itself or project.stage == "assisted_manual" or project.state != "active":
        return False
    if project.active_version_id is None:
        return False
    if chosen.confident.source == "detector":
        version = session.get_one(ModelVersion, project.active_version_id)
        if detectors.newest(session, project.id, version) is None:
            return False  # when one is ready, it asks again
    return True


def _last_move(session: Session, project_id: str) -> str | None:
    moves = select(Promotion.id).where(Promotion.project_id == project_id)
    return session.scalar(moves.order_by(Promotion.revision.desc()).limit(1))


def _unfinished(session: Session, project: Project) -> list[Generation]:
    query = select(Generation).where(Generation.project_id == project.id, Generation.state.in_(UNFINISHED))
    return list(session.scalars(query, execution_options={"populate_existing": True}))


def _end_others(uow: UnitOfWork, project: Project, version: ModelVersion) -> None:
    for generation in _unfinished(uow.session, project):
        if generation.model_version_id != version.id:
            reason = f"{version.name} {version.version} serves this project now"
            generations.act(uow, generation.id, "cancel", reason)


def _request(
    session: Session, project: Project, version: ModelVersion, chosen: ProjectPolicy, which: generations.Which
) -> generations.Request:
    made_by: Any = chosen.confident.source
    changes = changes_of(session, project, version, chosen)
    return generations.Request(made_by, which, None, changes, chosen.proposals.min_box_score)


def changes_of(session: Session, project: Project, version: ModelVersion, chosen: ProjectPolicy) -> dict[str, Any]:
    """How a policy changes the preset: whatever is confident is kept, also where a limit is below the family's own."""
    preset, (limits, _) = generations.preset_of(version), proposals.confident(session, project)
    least = {"pred_iou_thresh": limits.min_predicted_iou, "stability_score_thresh": limits.min_stability}
    changes: dict[str, Any] = {
        name: min(getattr(preset, name), limit) for name, limit in least.items() if limit is not None
    }
    if chosen.proposals.points_per_side is not None:
        changes["points_per_side"] = chosen.proposals.points_per_side
    return changes
