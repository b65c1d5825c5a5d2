"""Model versions: immutable releases; the newest active one serves new projects."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.db.models import ModelVersion, Project, new_id
from backend.db.session import insert_new
from backend.errors import Invalid, NotFound
from backend.runtime import Runtime
from backend.services import embeddings
from backend.storage import keys
from backend.uow import UnitOfWork
from segmenter import manifest as releases


def active(session: Session) -> Sequence[ModelVersion]:
    """Active versions, newest first."""
    query = select(ModelVersion).where(ModelVersion.state == "active")
    return session.scalars(query.order_by(ModelVersion.created_at.desc(), ModelVersion.id)).all()


def newest(session: Session) -> ModelVersion | None:
    """What a new project is served by; None before any release was registered."""
    return next(iter(active(session)), None)


def find(session: Session, version_id: str) -> ModelVersion:
    """Raises NotFound."""
    version = session.get(ModelVersion, version_id)
    if version is None:
        raise NotFound("There is no such model version.")
    return version


def register_release(runtime: Runtime, folder: Path) -> ModelVersion:
    """Store a release folder under its digest, then give it a row; a second time changes nothing.

    Projects that no version serves yet get this one, and every project the embeddings that it lacks. Raises Invalid
    `bad_release` when the folder is not a release or a file is not what its manifest says.
    """
    try:
        manifest = releases.read_manifest(folder)
        digest = manifest["digest"]
        # The manifest is stored last, so its presence says that an earlier start stored everything.
        if not runtime.storage.exists(keys.release_key(digest, releases.MANIFEST)):
            releases.verify(folder)
            for name in (*releases.files_of(manifest), releases.MANIFEST):
                runtime.storage.put_file(keys.release_key(digest, name), folder / name)
    except releases.InvalidRelease as error:
        raise Invalid(str(error), code="bad_release") from error
    with runtime.write() as uow:
        values = {"id": new_id(), "digest": digest, "encoder_digest": manifest["encoder_digest"], "state": "active"}
        values |= {"name": manifest["name"], "version": manifest["version"], "manifest": manifest}
        insert_new(uow.session, ModelVersion, values, ["digest"])
        version = uow.session.scalars(select(ModelVersion).where(ModelVersion.digest == digest)).one()
        _serve_unserved(uow, version)
    with runtime.read() as session:
        project_ids = session.scalars(select(Project.id).where(Project.state == "active")).all()
    for project_id in project_ids:
        embeddings.request_missing(runtime, project_id)
    return version


def _serve_unserved(uow: UnitOfWork, version: ModelVersion) -> None:
    """Projects made before there was any model version."""
    if version.state != "active":
        return
    for project in uow.session.scalars(select(Project).where(Project.active_version_id.is_(None))):
        project.active_version_id = version.id
        project.revision += 1
        uow.emit("project.changed", project.id, project.id, revision=project.revision)
