"""`ingest`: decode the uploaded bytes, turn them upright, name and store the pixels and the thumbnail."""

from __future__ import annotations

from typing import Any

from backend import images
from backend.services import images as image_rows
from backend.storage import keys
from backend.uow import UnitOfWork
from workers.job import JobContext, job


def _dead(uow: UnitOfWork, args: dict[str, Any], reason: str) -> None:
    image_rows.mark_failed(uow, args["image_id"], reason)


@job("ingest", queue="cpu", on_dead=_dead)
def ingest(work: JobContext, image_id: str) -> None:
    """Make the image ready, or failed with the reason when no attempt could ever read it."""
    storage = work.runtime.storage
    with work.runtime.read() as session:
        row = image_rows.find(session, image_id)
    try:
        with storage.as_file(keys.file_key(row.file_digest)) as path:
            picture = images.read(path, image_rows.limits(work.runtime))
    except images.RefusedImage as refused:
        with work.commit() as uow:
            image_rows.mark_failed(uow, image_id, refused.reason)
        return
    digest = images.pixel_digest(picture.rgb)
    storage.put(keys.pixels_key(digest, picture.suffix), picture.shown)
    storage.put(keys.thumbnail_key(digest), images.thumbnail(picture.rgb))
    height, width = picture.rgb.shape[:2]
    with work.commit() as uow:
        image_rows.mark_ready(uow, image_id, digest, height, width)
