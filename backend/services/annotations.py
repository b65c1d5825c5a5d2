"""Annotations: one mask each. Geometry never changes: an edit is a new annotation that supersedes the old one.

States: accepted or proposed are alive; superseded, deleted and rejected (a deleted proposal) are not, and each of these
can come back; withdrawn (a proposal that its maker took back) cannot. Whoever accepts or rejects a proposal is written
beside the model that made it. Every step is a conditional UPDATE: of two people who edit the same annotation one gets a
Conflict.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from backend.db.models import Actor, Annotation, Image, ModelVersion, Project, Source
from backend.db.session import insert_new
from backend.db.types import moment
from backend.errors import Conflict, Invalid, NotFound
from backend.runtime import Runtime
from backend.services import images, projects
from backend.uow import UnitOfWork
from segmenter import masks

ALIVE = ("accepted", "proposed")
MAX_ATTRIBUTES_BYTES = 16 * 1024
# What makes two annotations with one id the same; category and attributes may have been changed since.
IDENTITY = [
    *("image_id", "actor_id", "parent_id", "supersedes_id", "source", "model_version_id", "height", "width"),
    *("counts", "prompts", "chosen_candidate"),
]
CHANGEABLE = ["category_id", "attributes"]
UNDECIDED = {"decided_by_id": None, "decided_at": None}


@dataclass(frozen=True)
class Draft:
    """An annotation as a client sends it; size is [height, width], prompts are dicts with `kind`."""

    id: str
    size: Sequence[int]
    counts: str
    source: Source
    category_id: str | None = None
    parent_id: str | None = None
    supersedes_id: str | None = None
    model_version_id: str | None = None
    prompts: list[dict[str, Any]] = field(default_factory=list)
    chosen_candidate: int | None = None
    predicted_iou: float | None = None
    stability: float | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    active_seconds: float = 0.0
    wall_seconds: float = 0.0
    brush_edits: int = 0


def save(runtime: Runtime, image_id: str, actor_id: str, draft: Draft) -> tuple[dict[str, Any], bool]:
    """Check and store an annotation; (its view, whether it is new). The same id and content again changes nothing.

    The mask is checked before the write transaction opens. Raises Invalid (`invalid_mask`, `bad_prompt`,
    `bad_reference`, `too_large`), NotFound, Conflict (`id_taken`, `superseded`).
    """
    with runtime.read() as session:
        image = images.find_ready(session, image_id)
        size = (image.height or 0, image.width or 0)
    values = checked(draft, size)
    with runtime.write() as uow:
        annotation, is_new = insert(uow, image_id, actor_id, values)
        return view(annotation), is_new


def checked(draft: Draft, size: tuple[int, int]) -> dict[str, Any]:
    """Column values of a draft whose mask and prompts fit an image of (height, width); raises Invalid."""
    try:
        runs = masks.parse(list(draft.size), draft.counts, size)
    except masks.InvalidMask as error:
        raise Invalid(f"The mask is not valid: {error}", code="invalid_mask") from error
    area = masks.area(runs)
    if area == 0:
        raise Invalid("The mask is empty.", code="invalid_mask")
    _check_attributes(draft.attributes)
    box_x, box_y, box_w, box_h = masks.bbox(runs, size)
    values = asdict(draft) | {"height": size[0], "width": size[1], "area": area}
    values |= {"box_x": box_x, "box_y": box_y, "box_w": box_w, "box_h": box_h}
    values["prompts"] = [_checked_prompt(prompt, size) for prompt in draft.prompts]
    del values["size"]
    return values


def _checked_prompt(prompt: Mapping[str, Any], size: tuple[int, int]) -> dict[str, Any]:
    """A prompt inside the image, without nulls and with -0 as 0; raises Invalid. Nothing is clamped here."""
    height, width = size
    told = {name: value + 0.0 if isinstance(value, float) else value for name, value in prompt.items()}
    told = {name: value for name, value in told.items() if value is not None}
    if told["kind"] == "point" and not (0 <= told["x"] < width and 0 <= told["y"] < height):
        raise Invalid("A point lies outside of the image.", code="bad_prompt")
    if told["kind"] == "box" and not (0 <= told["x0"] < told["x1"] <= width and 0 <= told["y0"] < told["y1"] <= height):
        raise Invalid("A box is empty, turned around or reaches beyond the image.", code="bad_prompt")
    return told


def _check_attributes(attributes: Mapping[str, Any]) -> None:
    if len(json.dumps(attributes, ensure_ascii=False).encode("utf-8", "replace")) > MAX_ATTRIBUTES_BYTES:
        raise Invalid(f"The attributes take more than {MAX_ATTRIBUTES_BYTES // 1024} KiB.", code="too_large")


def insert(uow: UnitOfWork, image_id: str, actor_id: str, values: Mapping[str, Any]) -> tuple[Annotation, bool]:
    """Insert checked values; (the row, whether it is new). Raises as `save` does."""
    session = uow.session
    image = images.find_ready(session, image_id)
    known = session.get(Annotation, values["id"])
    if known is None:
        _check_references(session, image, values)
        row = dict(values) | {"image_id": image_id, "project_id": image.project_id, "actor_id": actor_id}
        row |= {"state": "accepted", "revision": 1, "stage": session.get_one(Project, image.project_id).stage}
        is_new = insert_new(session, Annotation, row, ["id"])
        known = session.get_one(Annotation, values["id"])
        if is_new:
            if known.supersedes_id is not None:
                _supersede(uow, image_id, known.supersedes_id)
            _tell(uow, "annotation.created", known)
            return known, True
    if not _is_same(known, image_id, actor_id, values):
        raise Conflict("Another annotation has this id already.", code="id_taken")
    return known, False


def insert_once(uow: UnitOfWork, image_id: str, actor_id: str, values: Mapping[str, Any]) -> bool:
    """As `insert`, for ids that derive from the content: whatever became of an earlier one, it stays. True if new."""
    if uow.session.get(Annotation, values["id"]) is not None:
        return False
    return insert(uow, image_id, actor_id, values)[1]


def _is_same(known: Annotation, image_id: str, actor_id: str, values: Mapping[str, Any]) -> bool:
    sent = dict(values) | {"image_id": image_id, "actor_id": actor_id}
    fields = IDENTITY + CHANGEABLE if known.revision == 1 else IDENTITY
    return all(getattr(known, name) == sent[name] for name in fields)


def _check_references(session: Session, image: Image, values: Mapping[str, Any]) -> None:
    if values["category_id"] is not None:
        # A retired category is taken too: the work was done before somebody retired it.
        projects.require_category(session, image.project_id, values["category_id"], active=False)
    for name in ("parent_id", "supersedes_id"):
        if values[name] is None:
            continue
        other = session.get(Annotation, values[name])
        if other is None or other.image_id != image.id:
            raise Invalid(f"This image has no annotation {values[name]} (`{name}`).", code="bad_reference")
    version_id = values["model_version_id"]
    if version_id is not None and session.get(ModelVersion, version_id) is None:
        raise Invalid("There is no such model version.", code="bad_reference")


def _supersede(uow: UnitOfWork, image_id: str, annotation_id: str) -> None:
    old = _step(uow, annotation_id, ALIVE, "superseded")
    if old is None:
        raise Conflict("Somebody replaced or deleted this annotation first.", code="superseded")
    assert old.image_id == image_id
    _tell(uow, "annotation.changed", old)


def change(uow: UnitOfWork, annotation_id: str, revision: int, changes: Mapping[str, Any]) -> Annotation:
    """Set category, attributes, flag of the revision that was seen; Conflict `stale_revision` if it is another now."""
    annotation = find(uow.session, annotation_id)
    values = {name: changes[name] for name in (*CHANGEABLE, "flag") if name in changes}
    if values.get("category_id") is not None:
        projects.require_category(uow.session, annotation.project_id, values["category_id"], active=True)
    if "attributes" in values:
        values["attributes"] = values["attributes"] or {}
        _check_attributes(values["attributes"])
    changed = _conditional(
        uow, Annotation.id == annotation_id, Annotation.revision == revision, Annotation.state.in_(ALIVE), **values
    )
    if changed is None:
        if annotation.state not in ALIVE:
            raise Conflict(f"This annotation is {annotation.state} by now.", code=annotation.state)
        raise Conflict("Somebody changed this annotation since.", code="stale_revision")
    _tell(uow, "annotation.changed", changed)
    return changed


def accept(uow: UnitOfWork, annotation_id: str, actor_id: str) -> Annotation:
    """A proposal becomes accepted, by this person; an accepted one stays as it is. Conflict if it is not alive."""
    annotation = find(uow.session, annotation_id)
    if annotation.state == "accepted":
        return annotation
    accepted = _step(uow, annotation_id, ("proposed",), "accepted", decided_by_id=actor_id, decided_at=moment())
    if accepted is None:
        raise Conflict(f"This proposal is {annotation.state} by now.", code=annotation.state)
    _tell(uow, "annotation.changed", accepted)
    return accepted


def reconsider(uow: UnitOfWork, annotation_id: str) -> Annotation:
    """Take back that a proposal was accepted; one that is proposed stays as it is. Conflict for anything else."""
    annotation = find(uow.session, annotation_id)
    if annotation.state == "proposed":
        return annotation
    if annotation.state != "accepted" or annotation.decided_at is None:
        raise Conflict("This annotation is no proposal that somebody accepted.", code=annotation.state)
    back = _step(uow, annotation_id, ("accepted",), "proposed", **UNDECIDED)
    if back is None:
        raise Conflict("Somebody changed this annotation since.", code="stale_revision")
    _tell(uow, "annotation.changed", back)
    return back


def delete(uow: UnitOfWork, annotation_id: str, actor_id: str | None = None) -> None:
    """Accepted becomes deleted, proposed becomes rejected (by this person); again is fine; Conflict if superseded."""
    annotation = find(uow.session, annotation_id)
    decision = {"decided_by_id": actor_id, "decided_at": moment()}
    for before, after, values in (("accepted", "deleted", {}), ("proposed", "rejected", decision)):
        gone = _step(uow, annotation_id, (before,), after, **values)
        if gone is not None:
            _tell(uow, "annotation.deleted", gone)
            return
    if annotation.state == "superseded":
        raise Conflict("Somebody replaced this annotation first.", code="superseded")


def restore(uow: UnitOfWork, annotation_id: str) -> Annotation:
    """Bring back what was deleted, rejected or superseded; an annotation that is alive stays as it is.

    A proposal that nobody had accepted is one again; a withdrawn one stays away (Conflict `withdrawn`). What was
    superseded comes back only when what superseded it is gone: deleting the new and restoring the old undoes an edit.
    Restoring the new one supersedes the old one again. Raises Conflict `superseded` otherwise.
    """
    annotation = find(uow.session, annotation_id)
    if annotation.state in ALIVE:
        return annotation
    if annotation.state == "withdrawn":
        raise Conflict("This proposal was withdrawn.", code="withdrawn")
    if uow.session.scalar(_successors(annotation_id).limit(1)):
        raise Conflict("Another annotation has replaced this one.", code="superseded")
    if annotation.supersedes_id is not None:
        _take_over_again(uow, annotation)
    if annotation.state == "rejected" or _was_proposal(uow.session, annotation):
        back = _step(uow, annotation_id, (annotation.state,), "proposed", **UNDECIDED)
    else:
        back = _step(uow, annotation_id, (annotation.state,), "accepted")
    if back is None:
        raise Conflict("Somebody changed this annotation since.", code="stale_revision")
    _tell(uow, "annotation.changed", back)
    return back


def _was_proposal(session: Session, annotation: Annotation) -> bool:
    """Whether a proposal was superseded: a model made it, and no person had decided about it."""
    if annotation.state != "superseded" or annotation.decided_at is not None:
        return False
    return session.get_one(Actor, annotation.actor_id).kind == "model"


def _take_over_again(uow: UnitOfWork, annotation: Annotation) -> None:
    """Supersede the predecessor if it came back; Conflict if another annotation replaced it meanwhile."""
    assert annotation.supersedes_id is not None
    predecessor = uow.session.get_one(Annotation, annotation.supersedes_id)
    if predecessor.state in ALIVE:
        _supersede(uow, annotation.image_id, predecessor.id)
        return
    others = _successors(predecessor.id).where(Annotation.id != annotation.id)
    if predecessor.state == "superseded" and uow.session.scalar(others.limit(1)):
        raise Conflict("Another annotation has replaced the same one meanwhile.", code="superseded")


def _successors(annotation_id: str) -> Select[str]:
    """Ids of what replaced an annotation and still counts, even if it was replaced in turn."""
    gone = ("deleted", "rejected", "withdrawn")
    return select(Annotation.id).where(Annotation.supersedes_id == annotation_id, Annotation.state.not_in(gone))


def find(session: Session, annotation_id: str) -> Annotation:
    """In any state, on an image that still is there; raises NotFound."""
    annotation = session.get(Annotation, annotation_id)
    if annotation is None:
        raise NotFound("There is no such annotation.")
    images.find(session, annotation.image_id)
    return annotation


def of_image(session: Session, image_id: str) -> list[dict[str, Any]]:
    """Views of the accepted and proposed annotations, oldest first."""
    images.find(session, image_id)
    query = select(Annotation).where(Annotation.image_id == image_id, Annotation.state.in_(ALIVE))
    return [view(annotation) for annotation in session.scalars(query.order_by(Annotation.created_at, Annotation.id))]


def view(annotation: Annotation) -> dict[str, Any]:
    """What travels: the columns, with size and bbox put together."""
    told = {column.key: getattr(annotation, column.key) for column in Annotation.__table__.columns}
    told["size"] = [annotation.height, annotation.width]
    told["bbox"] = [annotation.box_x, annotation.box_y, annotation.box_w, annotation.box_h]
    return told


def _step(uow: UnitOfWork, annotation_id: str, before: Sequence[str], after: str, **values: Any) -> Annotation | None:
    return _conditional(uow, Annotation.id == annotation_id, Annotation.state.in_(before), state=after, **values)


def _conditional(uow: UnitOfWork, *conditions: Any, **values: Any) -> Annotation | None:
    """The row after an UPDATE that counts the revision up, or None when the conditions did not hold."""
    statement = update(Annotation).where(*conditions).values(revision=Annotation.revision + 1, **values)
    options = {"populate_existing": True, "synchronize_session": False}
    return uow.session.scalars(statement.returning(Annotation), execution_options=options).one_or_none()


def _tell(uow: UnitOfWork, kind: str, annotation: Annotation) -> None:
    told = {"image_id": annotation.image_id, "state": annotation.state, "revision": annotation.revision}
    uow.emit(kind, annotation.project_id, annotation.id, **told)
