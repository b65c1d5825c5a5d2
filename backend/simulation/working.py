"""Annotating images of the project: what a person does in the editor, through the same services, with its effort."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from backend.db.models import Image, ModelVersion, Project
from backend.errors import NotFound
from backend.services import annotations, assignments, images, proposals
from backend.simulation.annotator import Annotator, Drawn, Manner, overlap_with_truth
from backend.simulation.world import World, uuid_of
from segmenter import masks
from segmenter.build import Model
from segmenter.predict import Embedding
from segmenter.prompts import Bitmap
from workers.embeddings import stored_embedding

RIGHT = 0.5  # IoU from which a proposal counts as the object it is nearest to


@dataclass
class Tally:
    """What the work on some images came to."""

    images: int = 0
    drawn: int = 0  # masks made by clicks or brush
    given_up: int = 0
    accepted: int = 0  # proposals accepted as they were
    mended: int = 0  # proposals that clicks made good, counted in `drawn` too
    rejected: int = 0
    clicks: int = 0
    brush_edits: int = 0
    seconds: float = 0.0
    proposed: int = 0
    right: int = 0  # proposals that are some object, each object counted once
    objects: int = 0

    def figures(self) -> dict[str, Any]:
        """The figures of a round as ``report.json`` has them; None where there is nothing to divide by."""
        masks_made = self.drawn + self.accepted
        judged = self.accepted + self.mended + self.rejected
        return {
            "images": self.images,
            "masks": masks_made,
            "masks_per_image": _ratio(masks_made, self.images),
            "clicks_per_mask": _ratio(self.clicks, masks_made),
            "seconds_per_mask": _ratio(self.seconds, masks_made),
            "brush_edits_per_mask": _ratio(self.brush_edits, masks_made),
            "given_up": self.given_up,
            "acceptance": _ratio(self.accepted, judged),
            "mended": _ratio(self.mended, judged),
            "automatic_share": _ratio(self.accepted, masks_made),
            "proposals": {
                "count": self.proposed,
                "precision": _ratio(self.right, self.proposed),
                "recall": _ratio(self.right, self.objects) if self.proposed else None,
            },
        }


def _ratio(part: float, whole: float) -> float | None:
    return round(part / whole, 4) if whole else None


@dataclass(frozen=True)
class Desk:
    """An annotator at work: the model that answers, the version it is, and of how many objects of an image, the largest
    ones, the annotator sees to it that they have a mask."""

    world: World
    version: ModelVersion
    annotator: Annotator
    most_masks: int

    @classmethod
    def of(cls, world: World, model: Model, manner: Manner, most_masks: int, rng: random.Random) -> Self:
        with world.runtime.read() as session:
            project = session.get_one(Project, world.project_id)
            version = session.get_one(ModelVersion, project.active_version_id)
        return cls(world, version, Annotator(model, manner, rng), most_masks)


def annotate(desk: Desk, count: int, with_proposals: bool) -> Tally:
    """Works on the next ``count`` images that wait, as the assignment leases give them out."""
    tally = Tally()
    world = desk.world
    previous: str | None = None
    for _ in range(count):
        with world.runtime.write() as uow:
            assignment = assignments.next_image(uow, world.project_id, world.annotator_id, previous)
        if assignment is None:
            break
        previous = str(assignment["image_id"])
        _annotate_image(desk, previous, with_proposals, tally)
        with world.runtime.write() as uow:
            images.set_complete(uow, previous, world.annotator_id, True)
    return tally


def _annotate_image(desk: Desk, image_id: str, with_proposals: bool, tally: Tally) -> None:
    manner = desk.annotator.manner
    truths = desk.world.labelled[image_id].truths()
    tally.images += 1
    tally.seconds += manner.open_seconds
    embedding = _embedding(desk, image_id)
    missing = dict(enumerate(truths))
    if with_proposals:
        _review(desk, image_id, embedding, missing, tally)
    for number, truth in missing.items():
        if number < desk.most_masks:
            drawn = desk.annotator.draw(embedding, truth)
            _keep(desk, image_id, drawn, f"{image_id}/{desk.version.digest}/{number}", tally)


def _keep(desk: Desk, image_id: str, drawn: Drawn | None, name: str, tally: Tally, instead: str | None = None) -> None:
    """Saves what was drawn, ``instead`` of a proposal where there was one; None was given up."""
    if drawn is None:
        tally.given_up += 1
        tally.seconds += desk.annotator.manner.patience_seconds
        return
    tally.drawn += 1
    tally.clicks += len(drawn.points)
    tally.brush_edits += drawn.brush_edits
    tally.seconds += drawn.seconds
    _save(desk, image_id, drawn, name, instead)


def _review(desk: Desk, image_id: str, embedding: Embedding, missing: dict[int, Bitmap], tally: Tally) -> None:
    """Decides about every confident proposal, best first; the objects they became are no longer ``missing``."""
    truths = list(missing.values())
    with desk.world.runtime.read() as session:
        shown = [one for one in proposals.of_image(session, image_id)["proposals"] if one["confident"]]
    overlaps = [overlap_with_truth(bitmap_of(one), truths) for one in shown]
    for one in shown:
        _decide(desk, image_id, embedding, one, missing, tally)
    tally.proposed += len(shown)
    tally.right += len({nearest for overlap, nearest in overlaps if overlap >= RIGHT})
    tally.objects += len(truths)


def _decide(
    desk: Desk, image_id: str, embedding: Embedding, one: Mapping[str, Any], missing: dict[int, Bitmap], tally: Tally
) -> None:
    """Accepts, mends or rejects a proposal; one that cannot be mended in time is rejected."""
    runtime, person, mask = desk.world.runtime, desk.world.annotator_id, bitmap_of(one)
    tally.seconds += desk.annotator.manner.judge_seconds
    verdict, place = desk.annotator.judge(mask, list(missing.values()))
    number = list(missing)[place] if place >= 0 else -1
    drawn = desk.annotator.draw(embedding, missing[number], mask) if verdict == "mended" else None
    if drawn is not None:
        tally.mended += 1
        _keep(desk, image_id, drawn, f"{image_id}/{desk.version.digest}/{number}", tally, one["id"])
    else:
        with runtime.write() as uow:
            if verdict == "accepted":
                annotations.accept(uow, one["id"], person)
            else:
                annotations.delete(uow, one["id"], person)
        tally.accepted += verdict == "accepted"
        tally.rejected += verdict != "accepted"
    if drawn is not None or verdict == "accepted":
        del missing[number]


def bitmap_of(annotation: Mapping[str, Any]) -> Bitmap:
    """The mask HxW of an annotation's view."""
    size = (int(annotation["size"][0]), int(annotation["size"][1]))
    return masks.decode({"size": list(size), "counts": annotation["counts"]}, size)


def _embedding(desk: Desk, image_id: str) -> Embedding:
    runtime = desk.world.runtime
    with runtime.read() as session:
        image = session.get_one(Image, image_id)
    if image.pixel_digest is None:
        raise NotFound("This image has no pixels (yet).", code="not_ready")
    return stored_embedding(runtime, desk.version, image.pixel_digest)


def _save(desk: Desk, image_id: str, drawn: Drawn, name: str, instead: str | None) -> None:
    """What the editor sends: the mask with its prompts, the version that answered, and the time it took."""
    points = [
        {"kind": "point", "x": point.x, "y": point.y, "label": point.label, "at_ms": round(1000 * seconds)}
        for point, seconds in drawn.points
    ]
    rle = masks.encode(drawn.mask)
    draft = annotations.Draft(
        id=uuid_of(name),
        size=list(drawn.mask.shape),
        counts=rle["counts"],
        source="brush" if drawn.chosen is None else "click",
        supersedes_id=instead,
        model_version_id=desk.version.id,
        prompts=points,
        chosen_candidate=drawn.chosen,
        predicted_iou=drawn.predicted_iou,
        active_seconds=drawn.seconds,
        wall_seconds=drawn.seconds,
        brush_edits=drawn.brush_edits,
    )
    annotations.save(desk.world.runtime, image_id, desk.world.annotator_id, draft)
