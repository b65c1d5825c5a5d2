"""`generate`: masks on a few images of a generation, each image's proposals written when they are made.

`renew`: the generation that another active version, a new stage or a new detector asks for.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from backend.db.models import Image, Source
from backend.errors import Invalid, NotFound
from backend.images import RefusedImage
from backend.services import generations, proposals, renewals
from backend.services.annotations import Draft, checked
from workers import detectors, embeddings
from workers.job import JobContext, job

if TYPE_CHECKING:
    from segmenter.automask import AutomaticMask

Maker = Callable[[str], "Sequence[AutomaticMask]"]  # of a pixel digest
HOPELESS = (Invalid, NotFound, RefusedImage)  # of one image; anything else is tried again


@job("generate", queue="gpu")
def generate(work: JobContext, generation_id: str, run: str, after: str, until: str) -> None:
    """Do the next images of a range that wait; an attempt after this one finds those that it left."""
    with work.runtime.read() as session:
        chunk = generations.chunk(session, generation_id, after, until)
    last = after
    if chunk is not None:
        try:
            maker = _maker(work, chunk)
        except HOPELESS as error:  # a damaged model or detector: no image of this generation can be done
            with work.commit() as uow:
                generations.hopeless(uow, generation_id, str(error))
            return
        for number, image in enumerate(chunk.images, 1):
            work.check()
            _one(work, chunk, maker, image, number)
            last = image.id
    with work.commit() as uow:
        generations.go_on(uow, generation_id, run, last, until)


@job("renew", queue="cpu")
def renew(work: JobContext, cause: renewals.Cause, cause_id: str) -> None:
    """The generation is there, or not, together with the end of this job."""
    assert work.job.project_id is not None
    with work.commit() as uow:
        renewals.renew(uow, work.job.project_id, cause, cause_id)


def _one(work: JobContext, chunk: generations.Chunk, maker: Maker, image: Image, number: int) -> None:
    """An image's proposals, or why there are none, written at once: a later attempt begins after it."""
    started = time.monotonic()
    failure, rows = None, list[dict[str, Any]]()
    try:
        rows = _proposals(work, chunk, maker, image)
    except HOPELESS as error:
        failure = str(error)
    with work.step(number, len(chunk.images), image.file_name) as uow:
        seconds = time.monotonic() - started
        if failure is None:
            generations.made(uow, chunk.generation.id, image.id, rows, seconds)
        else:
            generations.failed(uow, chunk.generation.id, image.id, failure, seconds)


def _proposals(work: JobContext, chunk: generations.Chunk, maker: Maker, image: Image) -> list[dict[str, Any]]:
    """Checked column values of the masks that say something new on an image."""
    assert image.pixel_digest is not None and image.height is not None and image.width is not None
    made = [mask for mask in maker(image.pixel_digest) if mask.area]
    with work.runtime.read() as session:
        known = proposals.decided(session, image.id)
    drafts = proposals.undecided([_draft(mask, chunk, image.id) for mask in made], known)
    return [checked(draft, (image.height, image.width)) for draft in drafts]


def _maker(work: JobContext, chunk: generations.Chunk) -> Maker:
    """What makes the masks of some pixels; model and detector are loaded here, once."""
    from segmenter.automask import from_boxes, generate, generate_embedded  # imports torch
    from segmenter.detection import find_boxes

    model, config = embeddings.model_of(work.runtime, chunk.version), chunk.config

    def lost() -> bool:
        work.check()
        return False

    if chunk.detector is not None:
        detector, least = detectors.load(work.runtime, chunk.detector), chunk.generation.settings["min_box_score"]

        def boxed(pixel_digest: str) -> Sequence[AutomaticMask]:
            embedding = embeddings.embedding_of(work, chunk.version, pixel_digest)
            return from_boxes(model, embedding, find_boxes(detector, embedding, least), config)

        return boxed
    if config.crop_n_layers:
        return lambda digest: generate(model, embeddings.pixels_of(work.runtime, digest), config, cancelled=lost)
    return lambda digest: generate_embedded(
        model, embeddings.embedding_of(work, chunk.version, digest), config, cancelled=lost
    )


def _draft(mask: AutomaticMask, chunk: generations.Chunk, image_id: str) -> Draft:
    source: Source = chunk.generation.settings["source"]
    x, y = mask.point
    prompt: dict[str, Any] = {"kind": "point", "x": x, "y": y, "label": 1, "at_ms": 0}
    attributes: dict[str, Any] = {}
    if mask.box is not None:
        x0, y0, x1, y1 = mask.box.corners
        prompt = {"kind": "box", "x0": x0, "y0": y0, "x1": x1, "y1": y1, "at_ms": 0}
        attributes = {"box_score": mask.box.score}
    return Draft(
        id=proposals.id_of(image_id, chunk.version.digest, source, mask.counts),
        size=list(mask.size),
        counts=mask.counts,
        source=source,
        model_version_id=chunk.version.id,
        prompts=[prompt],
        chosen_candidate=mask.candidate,
        predicted_iou=mask.predicted_iou,
        stability=mask.stability if math.isfinite(mask.stability) else None,
        attributes=attributes,
    )
