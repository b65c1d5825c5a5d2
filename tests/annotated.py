"""A project whose pictures show discs and squares, with people's masks of them, made through the real services."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from backend.db.models import Actor, Image, Project
from backend.runtime import Runtime
from backend.services import accounts, annotations, images, model_versions, projects
from segmenter import masks
from tests import make

HEIGHT, WIDTH = 72, 96


def shapes(number: int) -> tuple[NDArray[np.uint8], list[NDArray[np.bool_]]]:
    """A picture HxWx3 and the masks of what it shows."""
    generator = np.random.default_rng(number)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    picture = generator.integers(0, 80, (HEIGHT, WIDTH, 3), np.uint8)
    y, x, side = generator.integers(5, 25, 3)
    found = [
        (abs(rows - y - 10) < 9) & (abs(columns - x - 10) < 12),
        (rows - y - 28) ** 2 + (columns - x - 48) ** 2 < 196,
    ]
    for value, shape in zip((160, 230), found, strict=True):
        picture[shape] = value + side
    return picture, found


def annotated_project(runtime: Runtime, release: Path, folder: Path, count: int, offset: int = 0) -> Project:
    """A project of ``count`` pictures that are ready, embedded and annotated, served by a release."""
    model_versions.register_release(runtime, release)
    with runtime.write() as uow:
        project = projects.create(uow, "Shapes")
    annotate(runtime, project.id, folder, range(offset, offset + count))
    return project


def annotate(runtime: Runtime, project_id: str, folder: Path, numbers: Sequence[int]) -> None:
    """Adds pictures by their numbers, works off their jobs, and saves an accepted mask of every shape."""
    files = []
    for number in numbers:
        file = folder / f"{number:03}.png"
        cv2.imwrite(str(file), shapes(number)[0][:, :, ::-1])
        files.append(images.LocalFile(file.name, file, 10**9))
    with runtime.write() as uow:
        actor = accounts.owner(uow)
    taken = images.take(runtime, project_id, actor.id, files)
    assert not taken.refused
    make.work_off(runtime)
    for image_id, number in zip(taken.accepted, numbers, strict=True):
        for shape in shapes(number)[1]:
            save(runtime, image_id, actor, shape)


def save(runtime: Runtime, image_id: str, actor: Actor, shape: NDArray[np.bool_]) -> str:
    """A clicked mask as the page saves it; its id."""
    rle = masks.encode(shape)
    draft = annotations.Draft(str(uuid.uuid4()), rle["size"], rle["counts"], "click")
    annotations.save(runtime, image_id, actor.id, draft)
    return draft.id


def image_ids(runtime: Runtime, project_id: str) -> list[str]:
    with runtime.read() as session:
        return list(session.scalars(select(Image.id).where(Image.project_id == project_id).order_by(Image.position)))
