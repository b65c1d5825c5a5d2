"""Model versions: immutable releases; the newest active one serves new projects."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from backend.db.models import ModelVersion, Project, Round, VersionState, new_id
from backend.db.session import insert_new
from backend.errors import Invalid, NotFound
from backend.runtime import Runtime
from backend.services import embeddings, promotions
from backend.storage import keys
from backend.uow import UnitOfWork
from segmenter import manifest as releases


def active(session: Session) -> Sequence[ModelVersion]:
    """Active versions, newest first."""
    return session.scalars(_active()).all()


def newest(session: Session) -> ModelVersion | None:
    """What a new project is served by; None before any release was registered.

    A version that a round trained knows one project best, so it only serves others where nothing else is there.
    """
    of_round = ModelVersion.id.in_(select(Round.candidate_version_id).where(Round.candidate_version_id.is_not(None)))
    return session.scalars(_active().order_by(None).order_by(of_round, *_NEWEST).limit(1)).first()


_NEWEST = (ModelVersion.created_at.desc(), ModelVersion.id)


def _active() -> Select[ModelVersion]:
    return select(ModelVersion).where(ModelVersion.state == "active").order_by(*_NEWEST)


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
    manifest = store_release(runtime, folder)
    with runtime.write() as uow:
        version = insert(uow, manifest, "active")
        _serve_unserved(uow, version)
    with runtime.read() as session:
        project_ids = session.scalars(select(Project.id).where(Project.state == "active")).all()
    for project_id in project_ids:
        embeddings.request_missing(runtime, project_id)
    return version


def store_release(runtime: Runtime, folder: Path) -> releases.Manifest:
    """The manifest of a release folder whose files are stored under its digest. Raises Invalid `bad_release`."""
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
    return manifest


def insert(uow: UnitOfWork, manifest: releases.Manifest, state: VersionState) -> ModelVersion:
    """The row of a stored release; one that is there already stays in its state.

    A "candidate" serves nothing before a promotion made it "active".
    """
    values = {"id": new_id(), "digest": manifest["digest"], "encoder_digest": manifest["encoder_digest"]}
    values |= {"name": manifest["name"], "version": manifest["version"], "manifest": manifest, "state": state}
    insert_new(uow.session, ModelVersion, values, ["digest"])
    return uow.session.scalars(select(ModelVersion).where(ModelVersion.digest == manifest["digest"])).one()


def _serve_unserved(uow: UnitOfWork, version: ModelVersion) -> None:
    """Projects made before there was any model version."""
    if version.state != "active":
        return
    unserved = select(Project.id).where(Project.active_version_id.is_(None), Project.state == "active")
    for project_id in uow.session.scalars(unserved.with_for_update()).all():
        promotions.move(uow, project_id, None, version.id, "manual", None, "the first model version")
