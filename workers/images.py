"""`ingest`: decode the uploaded bytes, turn them upright, name and store the pixels and the thumbnail."""

from __future__ import annotations

from backend import images
from backend.services import images as image_rows
from backend.storage import keys
from workers.job import JobContext, job


@job("ingest", queue="cpu")
def ingest(work: JobContext, image_id: str) -> None:
    """Make the image ready, or failed with the reason when no attempt could ever read it."""
    with work.runtime.read() as session:
        row = image_rows.find(session, image_id)
    try:
        with work.runtime.storage.as_file(keys.file_key(row.file_digest)) as path:
            digest, height, width = image_rows.store_pixels(work.runtime, path)
    except images.RefusedImage as refused:
        with work.commit() as uow:
            image_rows.mark_failed(uow, image_id, refused.reason)
        return
    with work.commit() as uow:
        image_rows.mark_ready(uow, image_id, digest, height, width)
