"""Row factories: one call, one valid row, flushed; every column can be set by keyword."""

import datetime as dt
import hashlib
import itertools
from typing import Any, TypeVar

from backend.db import models
from backend.runtime import Runtime
from backend.uow import UnitOfWork

R = TypeVar("R", bound=models.Base)
_count = itertools.count(1)


def digest(text: object) -> str:
    """64 hexadecimal digits that depend on `text` alone."""
    return hashlib.sha256(str(text).encode()).hexdigest()


def _add(uow: UnitOfWork, row: R) -> R:
    uow.session.add(row)
    uow.session.flush()
    return row


def actor(uow: UnitOfWork, **columns: Any) -> models.Actor:
    return _add(uow, models.Actor(**{"kind": "person", "name": "Ada", **columns}))


def model_version(uow: UnitOfWork, **columns: Any) -> models.ModelVersion:
    number = next(_count)
    defaults = {"name": "tiny", "version": str(number), "digest": digest(f"v{number}"), "encoder_digest": digest("e")}
    return _add(uow, models.ModelVersion(**{**defaults, "manifest": {}, **columns}))


def project(uow: UnitOfWork, **columns: Any) -> models.Project:
    return _add(uow, models.Project(**{"name": f"Project {next(_count)}", **columns}))


def category(uow: UnitOfWork, project: models.Project, **columns: Any) -> models.Category:
    return _add(uow, models.Category(**{"project_id": project.id, "name": f"thing {next(_count)}", **columns}))


def image(uow: UnitOfWork, project: models.Project, **columns: Any) -> models.Image:
    """A ready image of 60 x 80 pixels."""
    number = next(_count)
    file_digest = digest(f"file {number}")
    defaults = {
        "project_id": project.id,
        "file_name": f"{number}.png",
        "media_type": "image/png",
        "byte_size": 1000,
        "file_digest": file_digest,
        "pixel_digest": digest(f"pixels {number}"),
        "height": 60,
        "width": 80,
        "group_key": file_digest,
        "position": number,
        "state": "ready",
    }
    return _add(uow, models.Image(**{**defaults, **columns}))


def embedding(uow: UnitOfWork, **columns: Any) -> models.Embedding:
    defaults = {"encoder_digest": digest("e"), "pixel_digest": digest(f"pixels {next(_count)}"), "state": "ready"}
    return _add(uow, models.Embedding(**{**defaults, **columns}))


def annotation(uow: UnitOfWork, image: models.Image, actor: models.Actor, **columns: Any) -> models.Annotation:
    """An accepted mask that covers the image's left-most column."""
    height, width = image.height or 1, image.width or 1
    defaults = {
        "project_id": image.project_id,
        "image_id": image.id,
        "actor_id": actor.id,
        "source": "click",
        "stage": "assisted_manual",
        "height": height,
        "width": width,
        "counts": "0l1Td4" if (height, width) == (60, 80) else "",
        "area": height,
        "box_x": 0,
        "box_y": 0,
        "box_w": 1,
        "box_h": height,
    }
    return _add(uow, models.Annotation(**{**defaults, **columns}))


def export(uow: UnitOfWork, project: models.Project, **columns: Any) -> models.Export:
    return _add(uow, models.Export(**{"project_id": project.id, "format": "coco-rle", **columns}))


def long_ago() -> dt.datetime:
    """Before any lease or wait of a test."""
    return dt.datetime.now(dt.UTC) - dt.timedelta(days=1)


def work_off(runtime: Runtime) -> dict[str, int]:
    """Perform every job that is due here and now, also those that these enqueue; how often each outcome came."""
    from workers.here import perform_due

    return dict(perform_due(runtime))
