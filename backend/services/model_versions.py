"""Model versions: immutable releases; the newest active one serves new projects."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.db.models import ModelVersion, Project, new_id
from backend.db.session import insert_new
from backend.errors import Invalid, NotFound
from backend.runtime import Runtime
from backend.services import embeddings
from backend.storage import keys
from backend.uow import UnitOfWork

MANIFEST = "release.json"
FORMAT = "maskmill-release/1"
DECODER = "decoder.onnx"
REQUIRED_FILES = ("model.safetensors", DECODER)


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

    Projects that no version serves yet get this one. Raises Invalid when the folder is not a release or a file is not
    what its manifest says.
    """
    manifest = read_manifest(folder)
    digest = manifest["digest"]
    for name, expected in manifest["files"].items():
        key = keys.release_key(digest, name)
        if not runtime.storage.exists(key):
            _verify(folder / name, expected)
            runtime.storage.put_file(key, folder / name)
    runtime.storage.put_file(keys.release_key(digest, MANIFEST), folder / MANIFEST)
    with runtime.write() as uow:
        values = {"id": new_id(), "digest": digest, "encoder_digest": manifest["encoder_digest"], "state": "active"}
        values |= {"name": manifest["name"], "version": manifest["version"], "manifest": manifest}
        insert_new(uow.session, ModelVersion, values, ["digest"])
        version = uow.session.scalars(select(ModelVersion).where(ModelVersion.digest == digest)).one()
        _serve_unserved(uow, version)
        return version


def _serve_unserved(uow: UnitOfWork, version: ModelVersion) -> None:
    """Projects made before there was any model version."""
    if version.state != "active":
        return
    for project in uow.session.scalars(select(Project).where(Project.active_version_id.is_(None))):
        project.active_version_id = version.id
        project.revision += 1
        embeddings.request_all(uow, project)
        uow.emit("project.changed", project.id, project.id, revision=project.revision)


def read_manifest(folder: Path) -> dict[str, Any]:
    """release.json of a release folder, checked for what this program relies on; raises Invalid."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Invalid(f"{folder} is not a model release: {error}", code="bad_release") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise Invalid(f"{folder} is not a release of format {FORMAT}.", code="bad_release")
    files = manifest.get("files")
    texts = [manifest.get(name) for name in ("name", "version", "digest", "encoder_digest")]
    if not all(isinstance(text, str) for text in texts) or not isinstance(files, dict):
        raise Invalid("The release's manifest lacks name, version, digests or files.", code="bad_release")
    missing = [name for name in REQUIRED_FILES if name not in files]
    if missing:
        raise Invalid(f"The release names no {', '.join(missing)}.", code="bad_release")
    for name in files:
        keys.release_key(keys.check_digest(manifest["digest"]), name)
    keys.check_digest(manifest["encoder_digest"])
    return manifest


def _verify(path: Path, expected: dict[str, Any]) -> None:
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise Invalid(f"The release's file {path.name} cannot be read: {error}", code="bad_release") from error
    if digest != expected.get("digest"):
        raise Invalid(f"The release's file {path.name} is not the one that its manifest names.", code="bad_release")
