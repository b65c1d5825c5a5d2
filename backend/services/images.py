"""Images: taking files in, what a page shows of them, completeness, erasing."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, or_, select, update
from sqlalchemy.orm import Session

from backend import images as pictures
from backend.db.models import Annotation, Assignment, Embedding, Image, ModelVersion, Project, new_id
from backend.db.session import insert_new
from backend.errors import Conflict, Invalid, NotFound
from backend.runtime import Runtime
from backend.services import embeddings, projects
from backend.storage import keys
from backend.storage.base import Storage
from backend.uow import UnitOfWork

MAX_NAME = 400
COUNTED = ("accepted",)
SHOWN = [
    "id",
    "project_id",
    "file_name",
    "state",
    "failure",
    "height",
    "width",
    "file_digest",
    "pixel_digest",
    "group_key",
    "position",
    "created_at",
]


class Incoming(Protocol):
    """A file on this machine's disk that somebody wants in a project."""

    file_name: str
    path: Path
    byte_size: int
    file_digest: str
    too_large: bool


@dataclass
class LocalFile:
    """A file of this machine as `take` wants it; `file_name` is what it is to be called."""

    file_name: str
    path: Path
    max_bytes: int
    byte_size: int = 0
    file_digest: str = ""
    too_large: bool = False

    def __post_init__(self) -> None:
        self.byte_size = self.path.stat().st_size
        self.too_large = self.byte_size > self.max_bytes
        if not self.too_large:
            with self.path.open("rb") as file:
                self.file_digest = hashlib.file_digest(file, "sha256").hexdigest()


@dataclass
class Taken:
    """What became of each file of a batch: image ids, and refusals with file_name, reason and code."""

    accepted: list[str] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)
    refused: list[dict[str, str]] = field(default_factory=list)


def take(runtime: Runtime, project_id: str, actor_id: str, files: Sequence[Incoming]) -> Taken:
    """Store good files and give them rows and `ingest` jobs, all in one transaction; refuse the others one by one.

    Only headers are read here; a worker reads the pixels. Bytes that the project has already are duplicates.
    """
    taken = Taken()
    good: list[tuple[Incoming, pictures.Header]] = []
    for file in files:
        try:
            header = inspect(runtime, file)
        except pictures.RefusedImage as refusal:
            name = clean_name(file.file_name)
            taken.refused.append({"file_name": name, "reason": refusal.reason, "code": refusal.code})
            continue
        runtime.storage.put_file(keys.file_key(file.file_digest), file.path)
        good.append((file, header))
    with runtime.write() as uow:
        projects.find(uow.session, project_id)
        position = next_position(uow.session, project_id)
        for file, header in good:
            image_id, is_new = register(uow, project_id, actor_id, file, header.media_type, position)
            position += is_new
            (taken.accepted if is_new else taken.duplicates).append(image_id)
    return taken


def inspect(runtime: Runtime, file: Incoming) -> pictures.Header:
    """The file's header, read cheaply; raises RefusedImage."""
    if file.too_large:
        limit = runtime.settings.max_upload_bytes // 1024**2
        raise pictures.RefusedImage(f"The file is larger than {limit} MiB.", "too_large")
    return pictures.inspect(file.path, limits(runtime))


def limits(runtime: Runtime) -> pictures.Limits:
    """How large an image this installation reads."""
    return pictures.Limits(runtime.settings.max_image_pixels, runtime.settings.max_image_side)


def register(
    uow: UnitOfWork,
    project_id: str,
    actor_id: str,
    file: Incoming,
    media_type: str,
    position: int,
    with_job: bool = True,
) -> tuple[str, bool]:
    """The image's id, and whether it is to be read now: new, or erased or failed before.

    Without a job, the caller reads it and calls `mark_ready` in the same transaction.
    """
    name = clean_name(file.file_name)
    values = {"id": new_id(), "project_id": project_id, "file_digest": file.file_digest, "group_key": file.file_digest}
    values |= {"file_name": name, "media_type": media_type, "actor_id": actor_id, "state": "queued"}
    numbers = {"byte_size": file.byte_size, "position": position}
    is_new = insert_new(uow.session, Image, values | numbers, ["project_id", "file_digest"])
    query = select(Image).where(Image.project_id == project_id, Image.file_digest == file.file_digest)
    image = uow.session.scalars(query).one()
    if not is_new and image.state not in ("erased", "failed"):
        return image.id, False
    if not is_new:
        image.state, image.failure, image.file_name = "queued", None, name
    if with_job:
        # Another key for another try: a job that is done is never run again.
        uow.enqueue("ingest", f"ingest:{image.id}:{new_id()[:8]}", project_id, image_id=image.id)
    return image.id, True


def next_position(session: Session, project_id: str) -> int:
    """The place of the next image; on PostgreSQL two uploads at once may share places, the id then decides."""
    last = session.scalar(select(func.max(Image.position)).where(Image.project_id == project_id))
    return 0 if last is None else last + 1


def clean_name(name: str) -> str:
    """A relative path that is safe to show and to put into an archive: plain parts joined by `/`.

    Backslashes separate too; drive letters, empty, `.` and `..` parts and control, format and surrogate characters
    (among them those that turn the reading direction) are dropped. Never empty.
    """
    text = unicodedata.normalize("NFC", name).replace("\\", "/")
    text = "".join(character for character in text if unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co"))
    parts = [part.strip() for part in re.sub(r"^[A-Za-z]:", "", text).split("/")]
    parts = [part[-120:] for part in parts if part not in ("", ".", "..")]
    while len("/".join(parts)) > MAX_NAME:
        del parts[0]  # whole parts: the end of `a..` must not become a `..`
    return "/".join(parts) or "image"


def store_pixels(runtime: Runtime, path: Path) -> tuple[str, int, int]:
    """Read a file's pixels and store them with their thumbnail: (pixel digest, height, width). Raises RefusedImage."""
    decoded = runtime.decoder.read(path)
    runtime.storage.put(keys.pixels_key(decoded.pixel_digest, decoded.suffix), decoded.shown)
    runtime.storage.put(keys.thumbnail_key(decoded.pixel_digest), decoded.thumbnail)
    return decoded.pixel_digest, decoded.height, decoded.width


def stored_pixels(storage: Storage, pixel_digest: str) -> tuple[str, str]:
    """(key, suffix "jpg" or "png") of stored pixels; NotFound `pixels_missing`.

    Pixels that came in two files may be stored as both: browser, encoder and export all take the same one.
    """
    for suffix in ("png", "jpg"):
        key = keys.pixels_key(pixel_digest, suffix)
        if storage.exists(key):
            return key, suffix
    raise NotFound("The pixels of this image are missing from the storage.", code="pixels_missing")


# --- what workers report --------------------------------------------------------------------------------------------


def mark_ready(uow: UnitOfWork, image_id: str, pixel_digest: str, height: int, width: int) -> None:
    """The image was read and its pixels and thumbnail are stored: show it, ask for its embedding and its proposals."""
    image = uow.session.get(Image, image_id)
    if image is None or image.state == "erased":
        return
    image.state, image.failure = "ready", None
    image.pixel_digest, image.height, image.width = pixel_digest, height, width
    uow.session.flush()
    project = uow.session.get_one(Project, image.project_id)
    if project.active_version_id is not None:
        version = uow.session.get_one(ModelVersion, project.active_version_id)
        embeddings.request(uow, version, pixel_digest, project.id)
    if project.stage != "assisted_manual":
        cause = new_id()
        uow.enqueue("renew", f"renew:{cause}", project.id, cause="image", cause_id=cause)
    uow.emit("image.ready", image.project_id, image.id, pixel_digest=pixel_digest, height=height, width=width)


def mark_failed(uow: UnitOfWork, image_id: str, reason: str) -> None:
    """The image cannot be read, and trying again would not help. One that an import has read meanwhile stays."""
    image = uow.session.get(Image, image_id)
    if image is None or image.state in ("erased", "ready"):
        return
    image.state, image.failure = "failed", reason
    uow.emit("image.failed", image.project_id, image.id, failure=reason)


# --- what a page shows ----------------------------------------------------------------------------------------------


def find(session: Session, image_id: str) -> Image:
    """An image that was not erased, of an active project; raises NotFound."""
    image = session.get(Image, image_id)
    if image is None or image.state == "erased":
        raise NotFound("There is no such image.")
    projects.find(session, image.project_id)
    return image


def find_ready(session: Session, image_id: str) -> Image:
    """An image with pixels; NotFound while it waits to be read, or when it cannot be."""
    image = find(session, image_id)
    if image.state != "ready":
        raise NotFound("This image has no pixels (yet).", code="not_ready")
    return image


def view(session: Session, image_id: str) -> dict[str, Any]:
    """The record that the page shows; raises NotFound."""
    find(session, image_id)
    return views(session, [image_id])[0]


def views(session: Session, ids: Sequence[str]) -> list[dict[str, Any]]:
    """Records in the order of `ids`."""
    found: dict[str, dict[str, Any]] = {}
    for start in range(0, len(ids), 500):
        rows = session.execute(_with_counts().where(Image.id.in_(ids[start : start + 500])))
        found |= {row[0].id: _record(*row) for row in rows}
    return [found[image_id] for image_id in ids]


def page(session: Session, project_id: str, after: str | None, limit: int, state: str | None) -> dict[str, Any]:
    """{"images", "next", "total"} in upload order; `after` is the `next` of the page before."""
    projects.find(session, project_id)
    wanted = and_(Image.project_id == project_id, Image.state != "erased", *_in_state(state))
    total = session.scalar(select(func.count()).select_from(Image).where(wanted)) or 0
    query = _with_counts().where(wanted, *_beyond(after)).order_by(Image.position, Image.id).limit(limit + 1)
    rows = session.execute(query).all()
    last = rows[limit - 1][0] if len(rows) > limit else None
    cursor = f"{last.position}.{last.id}" if last is not None else None
    return {"images": [_record(*row) for row in rows[:limit]], "next": cursor, "total": total}


def _beyond(cursor: str | None) -> list[ColumnElement[bool]]:
    if cursor is None:
        return []
    match = re.fullmatch(r"([0-9]{1,9})\.([0-9a-f-]{36})", cursor)
    if match is None:
        raise Invalid("`after` is not a cursor of this list.", code="bad_cursor")
    position, image_id = int(match[1]), match[2]
    return [or_(Image.position > position, and_(Image.position == position, Image.id > image_id))]


def _in_state(state: str | None) -> list[ColumnElement[bool]]:
    if state is None:
        return []
    if state == "empty":
        return [Image.state == "ready", ~_annotated(), ~_complete()]
    if state == "annotated":
        return [_annotated(), ~_complete()]
    if state == "complete":
        return [_complete()]
    return [Image.state == state]


def _annotated() -> ColumnElement[bool]:
    return exists().where(Annotation.image_id == Image.id, Annotation.state.in_(COUNTED))


def _complete() -> ColumnElement[bool]:
    return exists().where(Assignment.image_id == Image.id, Assignment.complete)


def _with_counts() -> Select[*tuple[Any, ...]]:
    masks = select(func.count()).where(Annotation.image_id == Image.id, Annotation.state.in_(COUNTED))
    return (
        select(Image, masks.scalar_subquery(), _complete(), ModelVersion.encoder_digest, Embedding.state)
        .join(Project, Project.id == Image.project_id)
        .outerjoin(ModelVersion, ModelVersion.id == Project.active_version_id)
        .outerjoin(Embedding, projects.embedding_of_image())
    )


def _record(image: Image, masks: int, complete: bool, encoder_digest: str | None, state: str | None) -> dict[str, Any]:
    told = {column: getattr(image, column) for column in SHOWN}
    told |= {"annotation_count": masks, "complete": bool(complete)}
    return told | {"embedding": {"encoder_digest": encoder_digest, "state": state or "none"}}


# --- completeness and erasing ---------------------------------------------------------------------------------------


def set_complete(uow: UnitOfWork, image_id: str, actor_id: str, complete: bool) -> None:
    """Say that every object is annotated, or take it back (whoever said it). Saying it twice is fine."""
    image = find(uow.session, image_id)
    if complete and image.state != "ready":
        raise Conflict("This image has no pixels (yet).", code="not_ready")
    if complete:
        values = {"id": new_id(), "image_id": image_id, "actor_id": actor_id, "state": "open", "complete": False}
        insert_new(uow.session, Assignment, values, ["image_id", "actor_id"])
    said = update(Assignment).where(Assignment.image_id == image_id, Assignment.complete.is_(not complete))
    said = said.where(Assignment.actor_id == actor_id) if complete else said
    # Who completes an image gives it back; who opens it again goes on holding it.
    if complete:
        said = said.values(complete=True, state="done", lease_expires_at=None)
    else:
        said = said.values(complete=False, state=case((Assignment.state == "leased", "leased"), else_="open"))
    changed = uow.session.execute(said.returning(Assignment.id), execution_options={"synchronize_session": False}).all()
    if changed:
        uow.emit("image.changed", image.project_id, image_id, complete=complete)


def erase(runtime: Runtime, image_id: str) -> None:
    """Forget the picture: bytes, pixels, thumbnail and embeddings go unless another image has them; the row stays.

    Erasing twice is fine. Rows first, objects after the commit: what a crash leaves behind is only unused storage.
    """
    with runtime.write() as uow:
        image = uow.session.get(Image, image_id)
        if image is None:
            raise NotFound("There is no such image.")
        if image.state != "erased":
            image.state = "erased"
            uow.emit("image.changed", image.project_id, image_id, state="erased")
        file_digest, pixel_digest = image.file_digest, image.pixel_digest
    with runtime.write() as uow:
        unused = [] if _used(uow.session, Image.file_digest == file_digest) else [keys.file_key(file_digest)]
        if pixel_digest and not _used(uow.session, Image.pixel_digest == pixel_digest):
            encoders = embeddings.forget(uow, pixel_digest)
            unused += [keys.pixels_key(pixel_digest, "jpg"), keys.pixels_key(pixel_digest, "png")]
            unused += [keys.thumbnail_key(pixel_digest)]
            unused += [keys.embedding_key(encoder, pixel_digest) for encoder in encoders]
    for key in unused:
        runtime.storage.delete(key)


def _used(session: Session, same: ColumnElement[bool]) -> bool:
    return session.scalar(select(Image.id).where(same, Image.state != "erased").limit(1)) is not None
