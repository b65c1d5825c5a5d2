"""The two sources of automatic masks side by side, on images that people finished; nothing of it is stored.

Stored proposals could not say it: where people have decided, none are made. So both sources work once more, with the
stored embeddings, on images that are complete and that no detector learned from, and are held against the masks that
people made.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from backend.db.models import Annotation, Assignment, Image, ModelVersion, Project
from backend.engine import policy
from backend.errors import Conflict
from backend.runtime import Runtime
from backend.services import detectors as detector_rows
from backend.services import generations, projects, proposals, renewals, snapshots
from workers import detectors, embeddings

if TYPE_CHECKING:
    from segmenter.automask import AutomaticMask
    from segmenter.automask_config import AutomaskConfig
    from segmenter.evaluate.matching import Ious, Judged
    from segmenter.modeling.detector import Detector

SAME: Final = 0.5  # IoU from which a mask has found an object
Maker = Callable[[str], "Sequence[AutomaticMask]"]  # of a pixel digest


@dataclass
class Found:
    """What one source found: masks that it keeps and, of these, confident ones; how many found an object each."""

    kept: int = 0
    kept_right: int = 0
    confident: int = 0
    confident_right: int = 0
    seconds: float = 0.0  # of one processor, embeddings not counted
    judged: list[Judged] = field(default_factory=list)

    def ap50(self) -> float | None:
        """COCO's average precision of the kept masks at IoU 0.5; None where there is no object."""
        from segmenter.evaluate.matching import average_precision

        measured = average_precision(self.judged)
        return None if measured is None else float(measured[0][0])


@dataclass
class Comparison:
    """Both sources on the same images, and how many objects people drew there."""

    images: int
    objects: int
    by_source: dict[str, Found]


@dataclass(frozen=True)
class _Finished:
    pixel_digest: str
    size: tuple[int, int]
    counts: tuple[str, ...]


def compare(
    runtime: Runtime, project_id: str, most: int, tell: Callable[[int, int], None] = lambda done, total: None
) -> Comparison:
    """Measure up to ``most`` images with the project's active version, its newest detector and its policy's settings.

    Raises NotFound, Conflict (`no_model`, `no_detector`, `no_images`).
    """
    with runtime.read() as session:
        project = projects.find(session, project_id)
        if project.active_version_id is None:
            raise Conflict("No model version serves this project yet.", code="no_model")
        version = session.get_one(ModelVersion, project.active_version_id)
        row = detector_rows.newest(session, project_id, version)
        if row is None:
            raise Conflict("This project has no detector for its model version yet.", code="no_detector")
        limits, _ = proposals.confident(session, project)
        chosen = policy.of_project(project.policy)
        changes = renewals.changes_of(session, project, version, chosen)
        finished = _finished(session, runtime, project)[:most]
    if not finished:
        raise Conflict("No complete image with masks of people is held out.", code="no_images")
    config = replace(generations.preset_of(version), **changes)
    boxes = Boxes(detectors.load(runtime, row), chosen.proposals.min_box_score)
    makers = _makers(runtime, version, boxes, config)
    found = Comparison(len(finished), sum(len(one.counts) for one in finished), {name: Found() for name in makers})
    for number, one in enumerate(finished, 1):
        for name, maker in makers.items():
            started = time.process_time()
            masks = [mask for mask in maker(one.pixel_digest) if mask.area]
            found.by_source[name].seconds += time.process_time() - started
            confident = [limits.met(mask.predicted_iou, mask.stability) for mask in masks]
            _count(found.by_source[name], masks, confident, one)
        tell(number, len(finished))
    return found


def _finished(session: Session, runtime: Runtime, project: Project) -> list[_Finished]:
    """Complete images that the rule of rounds holds out, or a round held out, with the masks of people."""
    from segmenter.training.freezing import is_held_out

    stored = snapshots.of_project(session, project.id)
    share = snapshots.share_of(stored, policy.of_project(project.policy).training.held_out_share)
    history = snapshots.history_of(runtime.storage, stored).held_out
    complete = exists().where(Assignment.image_id == Image.id, Assignment.complete)
    query = select(Image).where(Image.project_id == project.id, Image.state == "ready", complete)
    found = []
    for image in session.scalars(query.order_by(Image.id)):
        assert image.pixel_digest is not None and image.height is not None and image.width is not None
        if is_held_out(image.group_key, share) or {image.group_key, image.pixel_digest} & history:
            people = (Annotation.state == "accepted", Annotation.source.not_in(proposals.MADE_BY_MODELS))
            counts = session.scalars(select(Annotation.counts).where(Annotation.image_id == image.id, *people)).all()
            found += [_Finished(image.pixel_digest, (image.height, image.width), tuple(counts))] if counts else []
    return found


@dataclass(frozen=True)
class Boxes:
    """A detector, and the least score of its boxes."""

    detector: Detector
    least: float


def _makers(runtime: Runtime, version: ModelVersion, boxes: Boxes, config: AutomaskConfig) -> dict[str, Maker]:
    from segmenter.automask import from_boxes, generate_embedded
    from segmenter.detection import find_boxes

    model = embeddings.model_of(runtime, version)

    def boxed(digest: str) -> Sequence[AutomaticMask]:
        embedding = embeddings.stored_embedding(runtime, version, digest)
        return from_boxes(model, embedding, find_boxes(boxes.detector, embedding, boxes.least), config)

    def gridded(digest: str) -> Sequence[AutomaticMask]:
        return generate_embedded(model, embeddings.stored_embedding(runtime, version, digest), config)

    return {"automatic": gridded, "detector": boxed}


def _count(found: Found, made: Sequence[AutomaticMask], confident: Sequence[bool], one: _Finished) -> None:
    """Each mask, the one with the best predicted IoU first, may find one object that none before it has found."""
    import numpy as np

    from segmenter import masks
    from segmenter.evaluate.matching import judge, mask_ious

    order = sorted(range(len(made)), key=lambda index: -made[index].predicted_iou)
    runs = [masks.parse(list(one.size), made[index].counts, one.size) for index in order]
    truths = [masks.parse(list(one.size), counts, one.size) for counts in one.counts]
    ious = mask_ious(runs, truths, [False] * len(truths), one.size)
    areas = (np.array([masks.area(mask) for mask in runs]), np.array([masks.area(mask) for mask in truths]))
    scores = np.array([made[index].predicted_iou for index in order])
    found.judged.append(judge(ious, scores, areas, np.zeros(len(truths), np.bool_), (0, np.inf)))
    sure = [place for place, index in enumerate(order) if confident[index]]
    found.kept, found.kept_right = found.kept + len(order), found.kept_right + matched(ious)
    found.confident, found.confident_right = found.confident + len(sure), found.confident_right + matched(ious[sure])


def matched(ious: Ious) -> int:
    """How many rows of a table of IoUs, in their order, find a column that no row before has taken."""
    left, hits = list(range(ious.shape[1])), 0
    for row in ious:
        best = max(left, key=lambda column: row[column], default=None)
        if best is not None and row[best] >= SAME:
            left.remove(best)
            hits += 1
    return hits
