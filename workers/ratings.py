"""`prepare_ratings`: what model versions make of one point inside of masks by people, for a blind comparison."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from backend.db.models import Image, ModelVersion
from backend.services import model_versions, ratings
from backend.services.ratings import PEOPLE, Shown
from segmenter import masks
from workers import embeddings
from workers.job import JobContext, job


@job("prepare_ratings", queue="gpu")
def prepare_ratings(work: JobContext, rating_task_id: str) -> None:
    """Fill a task's queue: the masks of people with their points, and one mask of each version for each point."""
    with work.runtime.read() as session:
        task = ratings.find(session, rating_task_id)
        wanted: list[str] = task.settings["sources"]
        drawn = ratings.drawn(session, task.project_id, PEOPLE, task.seed, task.settings["masks"])
        versions = [model_versions.find(session, source) for source in wanted if source != PEOPLE]
        images = {mask.image_id: session.get_one(Image, mask.image_id) for mask in drawn}
    truths = [_with_point(mask) for mask in drawn]
    shown = list(truths) if PEOPLE in wanted else []
    total = len(versions) * len(truths)
    for number, version in enumerate(versions):
        for done, mask in enumerate(_answers(work, version, truths, images), 1 + number * len(truths)):
            shown.append(mask)
            work.progress(done, total, f"{version.name} {version.version}")
    with work.commit() as uow:
        ratings.fill(uow, rating_task_id, shown)


def _with_point(mask: Shown) -> Shown:
    """With the deepest pixel as its prompt, as in the paper's study of single points (sam.md section 6.1)."""
    from segmenter.prompts import first_click

    point = first_click(masks.pixels_of(masks.parse(list(mask.size), mask.counts, mask.size), mask.size))
    prompt = {"kind": "point", "x": point.x, "y": point.y, "label": 1, "at_ms": 0}
    return replace(mask, object_key=mask.annotation_id, prompt=prompt)


def _answers(
    work: JobContext, version: ModelVersion, truths: Sequence[Shown], images: Mapping[str, Image]
) -> Iterator[Shown]:
    from segmenter.predict import decode  # imports torch
    from segmenter.prompts import Point, Prompt

    model = embeddings.model_of(work.runtime, version)
    by_image: dict[str, list[Shown]] = defaultdict(list)
    for truth in truths:
        by_image[truth.image_id].append(truth)
    for image_id, of_image in by_image.items():
        pixel_digest = images[image_id].pixel_digest
        assert pixel_digest is not None  # the image is ready
        embedding = embeddings.embedding_of(work, version, pixel_digest)
        points = [Prompt((Point(truth.prompt["x"], truth.prompt["y"]),)) for truth in of_image if truth.prompt]
        for truth, found in zip(of_image, decode(model, embedding, points), strict=True):
            yield replace(truth, source=version.id, counts=masks.encode(found.mask(found.chosen))["counts"])
