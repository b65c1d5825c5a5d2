"""Proposals: masks that a model version suggests, until somebody decides about them.

A proposal's id derives from its content (image, version, source, mask), so making it again is harmless, and what a
person has rejected is not proposed a second time. Proposals that nobody touched are replaced by newer ones of the same
source; what people decided stays.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, Select, and_, exists, func, select, update
from sqlalchemy.orm import Session, aliased

from backend.db.models import Actor, Annotation, Assignment, Generation, Image, ModelVersion, Project, Source
from backend.db.session import insert_new
from backend.db.types import moment
from backend.engine import policy
from backend.engine.generations import Thresholds
from backend.services import images, projects
from backend.services.annotations import Draft, view
from backend.uow import UnitOfWork
from segmenter import masks
from segmenter.automask_config import CONFIDENT

MADE_BY_MODELS = ("automatic", "detector")
SAME = 0.7  # IoU from which a new proposal says what a person has decided already
NAMESPACE = uuid.UUID("6d61736b-6d69-5c6c-8070-726f706f7365")
_QUIET = {"synchronize_session": False}


def actor_of(uow: UnitOfWork, version: ModelVersion) -> str:
    """The id of the actor that a model version is, made at the first call."""
    actor_id = str(uuid.uuid5(NAMESPACE, f"actor/{version.digest}"))
    values = {"id": actor_id, "kind": "model", "name": f"{version.name} {version.version}", "state": "active"}
    insert_new(uow.session, Actor, values, ["id"])
    return actor_id


def id_of(image_id: str, version_digest: str, source: Source, counts: str) -> str:
    """The id of a proposal, from its content."""
    return str(uuid.uuid5(NAMESPACE, f"{image_id}/{version_digest}/{source}/{counts}"))


def decided(session: Session, image_id: str) -> list[Annotation]:
    """What counts on an image because of people: accepted annotations, and proposals that somebody rejected."""
    query = select(Annotation).where(Annotation.image_id == image_id, Annotation.state.in_(["accepted", "rejected"]))
    return list(session.scalars(query))


def undecided(found: Iterable[Draft], known: Sequence[Annotation]) -> list[Draft]:
    """The drafts that say nothing that people have decided already: no IoU of ``SAME`` or more with any of ``known``.

    All masks are of one size.
    """
    runs = [masks.parse((one.height, one.width), one.counts, (one.height, one.width)) for one in known]
    areas = [masks.area(one) for one in runs]
    return [draft for draft in found if not _said(draft, runs, areas)]


def _said(draft: Draft, known: Sequence[masks.Runs], areas: Sequence[int]) -> bool:
    size = (draft.size[0], draft.size[1])
    runs = masks.parse(size, draft.counts, size)
    area = masks.area(runs)
    near = (one for one, other in zip(known, areas, strict=True) if SAME * area <= other and SAME * other <= area)
    return any(masks.iou(runs, one) >= SAME for one in near)


def is_worked_on(session: Session, image_id: str) -> bool:
    """Whether somebody holds the image now; proposals are not exchanged under people's hands."""
    held = select(Assignment.id).where(Assignment.image_id == image_id, Assignment.lease_expires_at > moment())
    return session.scalar(held.limit(1)) is not None


def replace(uow: UnitOfWork, generation: Generation, image: Image, rows: Sequence[Mapping[str, Any]]) -> int:
    """Make these the image's proposals of the generation's source; returns how many there are now.

    ``rows`` are column values as :func:`backend.services.annotations.checked` gives them. Untouched proposals of the
    same source that are not among them are withdrawn; one that was withdrawn earlier comes back, unless a person's mask
    replaces it.
    """
    session, source = uow.session, generation.settings["source"]
    project = session.get_one(Project, image.project_id)
    version = session.get_one(ModelVersion, generation.model_version_id)
    shared = {
        "image_id": image.id,
        "project_id": image.project_id,
        "actor_id": actor_of(uow, version),
        "generation_id": generation.id,
        "stage": project.stage,
        "state": "proposed",
        "revision": 1,
    }
    ids = [row["id"] for row in rows]
    gone = and_(Annotation.image_id == image.id, Annotation.source == source, untouched())
    withdrawn = _withdrawn(uow, and_(gone, Annotation.id.not_in(ids)))
    for row in rows:
        insert_new(session, Annotation, {**row, **shared}, ["id"])
    back = update(Annotation).where(Annotation.id.in_(ids), Annotation.state == "withdrawn", ~_has_heir())
    session.execute(back.values(state="proposed", revision=Annotation.revision + 1), execution_options=_QUIET)
    alive = select(func.count()).where(Annotation.id.in_(ids), Annotation.state == "proposed")
    count = session.scalar(alive) or 0
    if count or withdrawn:
        uow.emit("image.proposals", image.project_id, image.id, count=count, generation_id=generation.id)
    return count


def _has_heir() -> ColumnElement[bool]:
    """A person's mask has taken the place of a proposal, and counts."""
    heir = aliased(Annotation)
    return exists().where(heir.supersedes_id == Annotation.id, heir.state.not_in(("deleted", "rejected", "withdrawn")))


def untouched() -> ColumnElement[bool]:
    """A proposal that no person has done anything to."""
    alone = and_(Annotation.flag.is_(None), Annotation.category_id.is_(None), Annotation.decided_by_id.is_(None))
    return and_(Annotation.state == "proposed", alone)


def withdraw(uow: UnitOfWork, project_id: str, model_version_id: str, limit: int) -> int:
    """Take back up to ``limit`` of a version's untouched proposals of a project; how many there were."""
    of_version = (Annotation.project_id == project_id, Annotation.model_version_id == model_version_id)
    some = select(Annotation.id).where(*of_version, Annotation.source.in_(MADE_BY_MODELS), untouched()).limit(limit)
    count = _withdrawn(uow, and_(Annotation.id.in_(some), untouched()))
    if count:
        uow.emit("proposals.withdrawn", project_id, None, count=count, model_version_id=model_version_id)
    return count


def _withdrawn(uow: UnitOfWork, which: ColumnElement[bool]) -> int:
    taken = update(Annotation).where(which).values(state="withdrawn", revision=Annotation.revision + 1)
    done = uow.session.execute(taken, execution_options=_QUIET)
    assert isinstance(done, CursorResult)
    return done.rowcount


# --- confident ones ---------------------------------------------------------------------------------------------------


def confident(
    session: Session, project: Project, thresholds: Thresholds | None = None, source: str | None = None
) -> tuple[Thresholds, str]:
    """The limits and the source that count: as asked for, else the project's own, else those of the model's family."""
    own = policy.of_project(project.policy).confident
    if thresholds is None:
        version = None if project.active_version_id is None else session.get(ModelVersion, project.active_version_id)
        usual = CONFIDENT.get(version.manifest["config"]["family"]) if version else None
        iou, stability = usual or (None, None)
        thresholds = Thresholds(
            iou if own.min_predicted_iou is None else own.min_predicted_iou,
            stability if own.min_stability is None else own.min_stability,
        )
    return thresholds, source or own.source


def of_image(
    session: Session, image_id: str, thresholds: Thresholds | None = None, source: str | None = None
) -> dict[str, Any]:
    """{"proposals"} of one source with the limits that count: views, best predicted IoU first, with ``confident``."""
    image = images.find(session, image_id)
    limits, wanted = confident(session, session.get_one(Project, image.project_id), thresholds, source)
    found = [_judged(row, limits) for row in session.scalars(_best_first(image_id, wanted))]
    return {**_told(limits, wanted), "proposals": found}


def _told(limits: Thresholds, source: str) -> dict[str, Any]:
    return {"source": source, "min_predicted_iou": limits.min_predicted_iou, "min_stability": limits.min_stability}


def _best_first(image_id: str, source: str) -> Select[Annotation]:
    proposed = (Annotation.image_id == image_id, Annotation.state == "proposed", Annotation.source == source)
    return select(Annotation).where(*proposed).order_by(Annotation.predicted_iou.desc(), Annotation.id)


def _judged(row: Annotation, limits: Thresholds) -> dict[str, Any]:
    return view(row) | {"confident": limits.met(row.predicted_iou, row.stability)}


def preview(
    session: Session, project_id: str, thresholds: Thresholds | None, source: str | None, count: int
) -> dict[str, Any]:
    """The proposals of a sample of ``count`` images with their scores, and which of them stay at the thresholds.

    Image ids are random, so the first ones in their order are a fair sample, the same at every call.
    """
    project = projects.find(session, project_id)
    limits, wanted = confident(session, project, thresholds, source)
    have = select(Annotation.image_id).where(
        Annotation.project_id == project_id, Annotation.state == "proposed", Annotation.source == wanted
    )
    sample = session.scalars(have.distinct().order_by(Annotation.image_id).limit(count)).all()
    shown = []
    for image_id in sample:
        found = [_judged(row, limits) for row in session.scalars(_best_first(image_id, wanted))]
        shown.append({"image_id": image_id, "proposals": found, "kept": sum(one["confident"] for one in found)})
    kept, total = sum(one["kept"] for one in shown), sum(len(one["proposals"]) for one in shown)
    return {**_told(limits, wanted), "images": shown, "kept": kept, "total": total}


def accept_all(uow: UnitOfWork, image_id: str, actor_id: str, thresholds: Thresholds | None, source: str | None) -> int:
    """Accept an image's confident proposals that nobody flagged; how many were accepted. Again accepts none."""
    image = images.find_ready(uow.session, image_id)
    limits, wanted = confident(uow.session, uow.session.get_one(Project, image.project_id), thresholds, source)
    which = [Annotation.image_id == image_id, Annotation.source == wanted, Annotation.state == "proposed"]
    which += [Annotation.flag.is_(None), *_meets(limits)]
    now = {"state": "accepted", "decided_by_id": actor_id, "decided_at": moment(), "revision": Annotation.revision + 1}
    done = uow.session.execute(update(Annotation).where(*which).values(**now), execution_options=_QUIET)
    assert isinstance(done, CursorResult)
    if done.rowcount:
        uow.emit("image.proposals", image.project_id, image_id, accepted=done.rowcount)
    return done.rowcount


def _meets(limits: Thresholds) -> list[ColumnElement[bool]]:
    """:meth:`Thresholds.met` as the database says it."""
    pairs = ((Annotation.predicted_iou, limits.min_predicted_iou), (Annotation.stability, limits.min_stability))
    return [column >= least for column, least in pairs if least is not None]
