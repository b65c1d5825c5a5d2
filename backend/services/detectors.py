"""Box detectors: what a project's own masks taught about where objects are, for the embeddings of one encoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import CursorResult, exists, select, update
from sqlalchemy.orm import Session

from backend.db.models import Annotation, Detector, Image, ModelVersion, Round
from backend.engine import policy
from backend.errors import Conflict, Invalid
from backend.services import model_versions, projects
from backend.uow import UnitOfWork

MINUTES = 3.0
_QUIET = {"synchronize_session": False}


def request(
    uow: UnitOfWork,
    project_id: str,
    round_id: str | None = None,
    minutes: float = MINUTES,
    version_id: str | None = None,
) -> Detector:
    """A detector and the job that trains it, on the embeddings of a version, by default the project's active one.

    While one is trained already, that one. Raises NotFound, Conflict (`no_model`), Invalid (`no_masks`).
    """
    project = projects.find(uow.session, project_id)
    version_id = version_id or project.active_version_id
    if version_id is None:
        raise Conflict("No model version serves this project yet.", code="no_model")
    version = model_versions.find(uow.session, version_id)
    mine = (Detector.project_id == project_id, Detector.encoder_digest == version.encoder_digest)
    running = uow.session.scalars(select(Detector).where(*mine, Detector.state == "training").limit(1)).first()
    if running is not None:
        return running
    if uow.session.scalar(_drawn(project_id).limit(1)) is None:
        raise Invalid("There are no accepted masks to learn from.", code="no_masks")
    made = Detector(project_id=project_id, round_id=round_id, encoder_digest=version.encoder_digest, figures={})
    uow.session.add(made)
    uow.session.flush()
    args = {"detector_id": made.id, "model_version_id": version.id, "minutes": minutes}
    uow.enqueue("train_detector", f"train_detector:{made.id}", project_id, **args)
    _tell(uow, made)
    return made


def of_round(uow: UnitOfWork, row: Round) -> Detector | None:
    """The detector that a round trains beside its candidate, for the embeddings of that candidate.

    None, and no job, where the project's confident masks do not come from a detector.
    """
    chosen = policy.of_project(row.policy)
    if chosen.confident.source != "detector":
        return None
    minutes = min(MINUTES, chosen.training.minutes)
    return request(uow, row.project_id, row.id, minutes, row.candidate_version_id)


def _drawn(project_id: str) -> Any:
    accepted = exists().where(Annotation.image_id == Image.id, Annotation.state == "accepted")
    return select(Image).where(Image.project_id == project_id, Image.state == "ready", accepted)


@dataclass(frozen=True)
class Seen:
    """An image with accepted masks: its pixels, its group, its size (height, width) and the masks' boxes x, y, w, h."""

    pixel_digest: str
    group_key: str
    size: tuple[int, int]
    boxes: Sequence[tuple[int, int, int, int]]


def seen(session: Session, project_id: str) -> list[Seen]:
    """Every ready image of a project with the boxes of its accepted masks, in the order of pixel digests.

    Equal pixels in two images are one picture with the boxes of both.
    """
    box = (Annotation.box_x, Annotation.box_y, Annotation.box_w, Annotation.box_h)
    query = select(Image, *box).join(Annotation, Annotation.image_id == Image.id)
    accepted = (Image.project_id == project_id, Image.state == "ready", Annotation.state == "accepted")
    boxes: dict[str, list[tuple[int, int, int, int]]] = {}
    shown: dict[str, Image] = {}
    for image, *corners in session.execute(
        query.where(*accepted).order_by(Image.pixel_digest, Image.id, Annotation.id)
    ):
        assert image.pixel_digest is not None  # it is ready
        shown.setdefault(image.pixel_digest, image)
        boxes.setdefault(image.pixel_digest, []).append((corners[0], corners[1], corners[2], corners[3]))
    return [
        Seen(digest, one.group_key, (one.height or 0, one.width or 0), boxes[digest]) for digest, one in shown.items()
    ]


def mark_ready(uow: UnitOfWork, detector_id: str, digest: str, storage_key: str, figures: dict[str, Any]) -> None:
    """The file is stored; boxes can be found with it, and proposals that waited for it can be made."""
    told = {"digest": digest, "storage_key": storage_key, "figures": figures, "failure": None}
    if _mark(uow, detector_id, state="ready", **told):
        project_id = uow.session.get_one(Detector, detector_id).project_id
        uow.enqueue("renew", f"renew:{detector_id}", project_id, cause="detector", cause_id=detector_id)


def mark_failed(uow: UnitOfWork, detector_id: str, reason: str) -> None:
    """The training was given up."""
    _mark(uow, detector_id, state="failed", failure=reason)


def _mark(uow: UnitOfWork, detector_id: str, **values: Any) -> bool:
    marked = update(Detector).where(Detector.id == detector_id, Detector.state != "ready").values(**values)
    done = uow.session.execute(marked, execution_options=_QUIET)
    assert isinstance(done, CursorResult)
    if done.rowcount:
        _tell(uow, uow.session.get_one(Detector, detector_id, populate_existing=True))
    return bool(done.rowcount)


def of_project(session: Session, project_id: str) -> Sequence[Detector]:
    """A project's detectors, newest first."""
    projects.find(session, project_id)
    query = select(Detector).where(Detector.project_id == project_id)
    return session.scalars(query.order_by(Detector.created_at.desc(), Detector.id).limit(100)).all()


def newest(session: Session, project_id: str, version: ModelVersion) -> Detector | None:
    """The detector that reads the version's embeddings, the last one that is ready."""
    mine = (Detector.project_id == project_id, Detector.encoder_digest == version.encoder_digest)
    query = select(Detector).where(*mine, Detector.state == "ready")
    return session.scalars(query.order_by(Detector.created_at.desc(), Detector.id).limit(1)).first()


def _tell(uow: UnitOfWork, detector: Detector) -> None:
    uow.emit("detector.changed", detector.project_id, detector.id, state=detector.state)
