"""Embeddings: which image has one for which encoder, and asking for those that are missing."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from backend.db.models import Embedding, Image, ModelVersion, Project, new_id
from backend.db.session import insert_new
from backend.errors import NotFound
from backend.runtime import Runtime
from backend.uow import UnitOfWork

BATCH = 200


def require_ready(session: Session, encoder_digest: str, pixel_digest: str) -> Embedding:
    """The row of an embedding that can be fetched; NotFound until it is made."""
    query = select(Embedding).where(
        Embedding.encoder_digest == encoder_digest, Embedding.pixel_digest == pixel_digest, Embedding.state == "ready"
    )
    embedding = session.scalars(query).first()
    if embedding is None:
        raise NotFound("This embedding is not there (yet).")
    return embedding


def request(uow: UnitOfWork, version: ModelVersion, pixel_digest: str, project_id: str) -> None:
    """Make the row and the job unless they exist; equal pixels in two projects are embedded once."""
    values = {"encoder_digest": version.encoder_digest, "pixel_digest": pixel_digest}
    insert_new(
        uow.session, Embedding, {"id": new_id(), "state": "queued", **values}, ["encoder_digest", "pixel_digest"]
    )
    row = select(Embedding.id).where(
        Embedding.encoder_digest == version.encoder_digest, Embedding.pixel_digest == pixel_digest
    )
    # Keyed by the row: when the image was erased and comes back, it is a new row and a new job.
    key = f"embed:{uow.session.scalars(row).one()}"
    uow.enqueue("embed", key, project_id, model_version_id=version.id, **values)


def mark_ready(uow: UnitOfWork, encoder_digest: str, pixel_digest: str, byte_size: int) -> None:
    """The file is stored: tell every image that has these pixels. Does nothing if they were erased meanwhile."""
    _mark(uow, encoder_digest, pixel_digest, "ready", byte_size=byte_size)


def mark_failed(uow: UnitOfWork, encoder_digest: str, pixel_digest: str, reason: str) -> None:
    """The encoder gave up on these pixels."""
    _mark(uow, encoder_digest, pixel_digest, "failed", failure=reason)


def _mark(uow: UnitOfWork, encoder_digest: str, pixel_digest: str, state: str, **told: Any) -> None:
    same = (Embedding.encoder_digest == encoder_digest, Embedding.pixel_digest == pixel_digest)
    fresh = {"byte_size": None, "failure": None} | told
    marked = update(Embedding).where(*same).values(state=state, **fresh).returning(Embedding.id)
    if not uow.session.execute(marked, execution_options={"synchronize_session": False}).all():
        return
    shown = select(Image.id, Image.project_id).where(Image.pixel_digest == pixel_digest, Image.state != "erased")
    told |= {"encoder_digest": encoder_digest, "pixel_digest": pixel_digest}
    for image_id, project_id in uow.session.execute(shown.order_by(Image.id)).all():
        uow.emit(f"embedding.{state}", project_id, image_id, **told)


def forget(uow: UnitOfWork, pixel_digest: str) -> list[str]:
    """Drop the rows of erased pixels; the encoders whose files are to be deleted after the commit."""
    gone = delete(Embedding).where(Embedding.pixel_digest == pixel_digest).returning(Embedding.encoder_digest)
    return list(uow.session.scalars(gone))


def request_missing(runtime: Runtime, project_id: str) -> int:
    """Ask for every embedding that the project's active version lacks; how many were asked for.

    In batches, each a transaction of its own: ten thousand images must not keep all other writers waiting. What a crash
    leaves out is asked for at the next start.
    """
    asked = 0
    while True:
        with runtime.read() as session:
            project = session.get_one(Project, project_id)
            version = session.get(ModelVersion, project.active_version_id) if project.active_version_id else None
            digests = _lacking(session, project_id, version) if version else []
        if version is None or not digests:
            return asked
        with runtime.write() as uow:
            for digest in digests:
                request(uow, version, digest, project_id)
        asked += len(digests)


def _lacking(session: Session, project_id: str, version: ModelVersion) -> list[str]:
    """Up to BATCH pixel digests of ready images without a row for the version's encoder."""
    have = select(Embedding.pixel_digest).where(Embedding.encoder_digest == version.encoder_digest)
    shown = (Image.project_id == project_id, Image.state == "ready", Image.pixel_digest.not_in(have))
    query = select(Image.pixel_digest).where(*shown).order_by(Image.position, Image.id).limit(BATCH)
    return [digest for digest in session.scalars(query) if digest is not None]
