"""Exports: immutable archives of a project's accepted annotations, built by a job or by the command line.

The archive is deterministic: the same rows give the same bytes, whoever builds it and whenever (the manifest's time is
the export's, not the builder's). Entries: `annotations.json`, `images/...` if asked for, `manifest.json` last.
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO, Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.db.models import Annotation, Category, Export, Image, ModelVersion, Project
from backend.db.types import moment
from backend.errors import Conflict, NotFound
from backend.formats import coco
from backend.runtime import Runtime
from backend.services import images, projects
from backend.storage import keys
from backend.storage.base import Storage
from backend.uow import UnitOfWork

FORMAT = "coco-rle"
ARCHIVE_FORMAT = "maskmill-export/1"
ANNOTATIONS, MANIFEST = "annotations.json", "manifest.json"
EPOCH = (1980, 1, 1, 0, 0, 0)
CHUNK = 1 << 20
ROWS = 500
Progress = Callable[[int, int, str], None]


class Work(Protocol):
    """What a job gives its handler."""

    @property
    def runtime(self) -> Runtime: ...

    def progress(self, done: int, total: int, message: str = "") -> None: ...

    def commit(self) -> AbstractContextManager[UnitOfWork]: ...


@dataclass(frozen=True)
class Built:
    """A finished archive: SHA-256, bytes and what is in it."""

    digest: str
    byte_size: int
    counts: coco.Counts


@dataclass(frozen=True)
class Archive:
    """Where a finished archive lies and what it is to be called."""

    key: str
    digest: str
    file_name: str


# --- asking, listing, reporting -------------------------------------------------------------------------------------


def request_export(
    uow: UnitOfWork, project_id: str, actor_id: str | None, export_format: str = FORMAT, with_images: bool = False
) -> Export:
    """A queued export and its job. Raises NotFound."""
    projects.find(uow.session, project_id)
    export = Export(project_id=project_id, format=export_format, with_images=with_images, actor_id=actor_id)
    export.counts = asdict(coco.Counts(0, 0, 0))
    uow.session.add(export)
    uow.session.flush()
    uow.enqueue("export", f"export:{export.id}", project_id=project_id, export_id=export.id)
    return export


def find(session: Session, export_id: str) -> Export:
    """Raises NotFound."""
    export = session.get(Export, export_id)
    if export is None:
        raise NotFound("There is no such export.")
    projects.find(session, export.project_id)
    return export


def of_project(session: Session, project_id: str) -> Sequence[Export]:
    """Newest first."""
    projects.find(session, project_id)
    query = select(Export).where(Export.project_id == project_id)
    return session.scalars(query.order_by(Export.created_at.desc(), Export.id)).all()


def archive(session: Session, export_id: str) -> Archive:
    """Where the archive is; NotFound `not_ready` while it is built or when that failed."""
    export = find(session, export_id)
    if export.state != "ready" or export.storage_key is None or export.digest is None:
        raise NotFound("This export is not ready.", code="not_ready")
    project = session.get_one(Project, export.project_id)
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", project.name).strip("-.")[:60] or "project"
    return Archive(export.storage_key, export.digest, f"{plain}-{export.created_at:%Y%m%d-%H%M%S}.zip")


def build(work: Work, export_id: str) -> None:
    """The `export` job: write the archive, store it, mark the export ready. Safe to run again."""
    runtime = work.runtime
    with runtime.read() as session:
        export = session.get_one(Export, export_id)
        project_id, with_images, made_at = export.project_id, export.with_images, export.created_at
    with tempfile.TemporaryDirectory(dir=_scratch(runtime)) as folder:
        path = Path(folder) / "export.zip"
        built = write_archive(runtime, project_id, path, with_images, made_at, work.progress)
        # Named by content, too: a worker that lost its lease meanwhile can store its archive, but not over ours.
        key = keys.export_key(export_id, built.digest)
        runtime.storage.put_file(key, path)
    with work.commit() as uow:
        mark_ready(uow, export_id, key, built)


def _scratch(runtime: Runtime) -> Path:
    folder = runtime.settings.data_dir / "exports"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def mark_ready(uow: UnitOfWork, export_id: str, key: str, built: Built) -> None:
    """The archive is stored under `key`."""
    export = uow.session.get_one(Export, export_id)
    export.state, export.failure, export.storage_key = "ready", None, key
    export.digest, export.byte_size, export.counts = built.digest, built.byte_size, asdict(built.counts)
    uow.emit("export.ready", export.project_id, export.id, **asdict(built.counts))


def mark_failed(uow: UnitOfWork, export_id: str, reason: str) -> None:
    """The job gave up."""
    export = uow.session.get_one(Export, export_id)
    export.state, export.failure = "failed", reason
    uow.emit("export.failed", export.project_id, export.id, failure=reason)


# --- writing --------------------------------------------------------------------------------------------------------


def write_archive(
    runtime: Runtime,
    project_id: str,
    path: Path,
    with_images: bool,
    made_at: datetime,
    progress: Progress = lambda done, total, message: None,
) -> Built:
    """Write the zip at `path`. Raises Conflict when a picture that belongs in it is missing from the storage.

    The rows are read in one transaction, which has ended when the pictures are copied: that can take long.
    """
    files: dict[str, str] = {}
    with zipfile.ZipFile(path, "w") as zipped:
        with runtime.read() as session, zipped.open(_entry(ANNOTATIONS), "w", force_zip64=True) as entry:
            plan = _Plan(session, project_id, runtime.storage if with_images else None)
            hashed = _Hashed(entry)
            counts = plan.write(hashed)
            manifest = plan.manifest(made_at, counts)
        files[ANNOTATIONS] = hashed.hexdigest()
        for number, (name, key) in enumerate(plan.pictures.items(), 1):
            files[f"images/{name}"] = _copy(runtime.storage.open(key), zipped, f"images/{name}")
            progress(number, len(plan.pictures), "Adding images")
        manifest["sha256"] = files
        with zipped.open(_entry(MANIFEST), "w") as entry:
            entry.write(json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True).encode("utf-8"))
    with path.open("rb") as file:
        return Built(hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size, counts)


def write_json(session: Session, project_id: str, out: coco.Sink) -> coco.Counts:
    """The COCO document alone."""
    return _Plan(session, project_id, None).write(out)


def write_file(
    runtime: Runtime,
    project_name: str,
    path: Path,
    with_images: bool,
    progress: Progress = lambda done, total, message: None,
) -> coco.Counts:
    """Export a project (by id or name) to a `.json` or `.zip` file, which appears whole or not at all."""
    with runtime.read() as session:
        project = projects.by_id_or_name(session, project_name)
        if project is None:
            raise NotFound(f"There is no project {project_name!r}.")
        made_at = session.scalars(select(moment())).one()
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".export-") as folder:
        unfinished = Path(folder) / "unfinished"
        if path.suffix == ".json":
            with runtime.read() as session, unfinished.open("wb") as out:
                counts = write_json(session, project.id, out)
        else:
            counts = write_archive(runtime, project.id, unfinished, with_images, made_at, progress).counts
        unfinished.replace(path)
    return counts


class _Plan:
    """What goes into an export: numbers for categories and images, and names for files, all in a fixed order."""

    def __init__(self, session: Session, project_id: str, storage: Storage | None) -> None:
        """With a storage the images go in too, and the document names them as they are called in the archive."""
        self.session = session
        self.storage = storage
        self.project = projects.find(session, project_id)
        self.pictures: dict[str, str] = {}
        self.accepted = (Annotation.project_id == project_id, Annotation.state == "accepted")
        self._taken: set[str] = set()
        self._image_numbers: dict[str, int] = {}
        self._category_numbers: dict[str | None, int] = {}
        self._categories = self._number_categories()

    def write(self, out: coco.Sink) -> coco.Counts:
        info = {"description": self.project.name, "version": "1.0", "contributor": "Maskmill"}
        return coco.write_instances(out, info, self._categories, self._images(), self._annotations())

    def manifest(self, made_at: datetime, counts: coco.Counts) -> dict[str, Any]:
        """All but the digests of the files."""
        used = select(Annotation.model_version_id).where(*self.accepted).distinct()
        versions = self.session.scalars(select(ModelVersion).where(ModelVersion.id.in_(used)).order_by(ModelVersion.id))
        return {
            "format": ARCHIVE_FORMAT,
            "annotations_format": FORMAT,
            "project": {"id": self.project.id, "name": self.project.name},
            "created_at": made_at.astimezone(UTC).isoformat(),
            "with_images": self.storage is not None,
            "counts": asdict(counts),
            "model_versions": [
                {"id": version.id, "name": version.name, "version": version.version, "digest": version.digest}
                for version in versions
            ],
        }

    def _number_categories(self) -> list[dict[str, Any]]:
        """COCO records of the categories that are active or in use, and of `object` where class-agnostic masks are."""
        used = set(self.session.scalars(select(Annotation.category_id).where(*self.accepted).distinct()))
        query = select(Category).where(Category.project_id == self.project.id)
        rows = self.session.scalars(query.order_by(Category.position, Category.id)).all()
        records: list[dict[str, Any]] = []
        for row in rows:
            if row.state == "active" or row.id in used:
                records.append({"id": len(records) + 1, "name": row.name, "supercategory": row.supercategory})
                self._category_numbers[row.id] = len(records)
        if None in used:
            # A category of that very name is the same to any reader of the file: one name, one number.
            same = [record["id"] for record in records if record["name"] == coco.CLASS_AGNOSTIC]
            if not same:
                records.append({"id": len(records) + 1, "name": coco.CLASS_AGNOSTIC, "supercategory": ""})
            self._category_numbers[None] = same[0] if same else len(records)
        return records

    def _images(self) -> Iterator[dict[str, Any]]:
        query = select(Image).where(Image.project_id == self.project.id, Image.state == "ready")
        ordered = query.order_by(Image.position, Image.id).execution_options(yield_per=ROWS)
        for number, image in enumerate(self.session.scalars(ordered), 1):
            self._image_numbers[image.id] = number
            record = {"id": number, "file_name": image.file_name, "height": image.height, "width": image.width}
            if self.storage is not None:
                record["file_name"] = self._picture(self.storage, image, number)
                record["original_file_name"] = image.file_name
            yield record | {"maskmill_id": image.id, "file_digest": image.file_digest}

    def _picture(self, storage: Storage, image: Image, number: int) -> str:
        """Its name in the archive: the image's own with the suffix of the stored pixels, numbered where taken."""
        try:
            key, suffix = images.stored_pixels(storage, image.pixel_digest or "")
        except NotFound as error:
            raise Conflict(f"{image.file_name}: {error.detail}", code="pixels_missing") from error
        plain = name = PurePosixPath(image.file_name).with_suffix(f".{suffix}")
        while str(name).casefold() in self._taken:
            name = plain.with_stem(f"{plain.stem}-{number}")
            number += 1
        self._taken.add(str(name).casefold())
        self.pictures[str(name)] = key
        return str(name)

    def _annotations(self) -> Iterator[dict[str, Any]]:
        query = select(Annotation).join(Image, Image.id == Annotation.image_id).where(*self.accepted)
        order = (Image.position, Image.id, Annotation.created_at, Annotation.id)
        ordered = query.where(Image.state == "ready").order_by(*order).execution_options(yield_per=ROWS)
        for number, row in enumerate(self.session.scalars(ordered), 1):
            record = {
                "id": number,
                "image_id": self._image_numbers[row.image_id],
                "category_id": self._category_numbers[row.category_id],
                "segmentation": {"size": [row.height, row.width], "counts": row.counts},
                "area": row.area,
                "bbox": [row.box_x, row.box_y, row.box_w, row.box_h],
                "iscrowd": 0,
                "maskmill_id": row.id,
                "source": row.source,
            }
            yield record | ({"attributes": row.attributes} if row.attributes else {})


def _entry(name: str, stored: bool = False) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.external_attr = 0o644 << 16
    entry.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
    return entry


def _copy(source: BinaryIO, zipped: zipfile.ZipFile, name: str) -> str:
    """Copy a picture as it is (it is compressed already); its SHA-256."""
    digest = hashlib.sha256()
    with source, zipped.open(_entry(name, stored=True), "w", force_zip64=True) as entry:
        while chunk := source.read(CHUNK):
            digest.update(chunk)
            entry.write(chunk)
    return digest.hexdigest()


class _Hashed:
    """Writes through to `out` and hashes on the way."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out
        self._digest = hashlib.sha256()

    def write(self, chunk: bytes) -> int:
        self._digest.update(chunk)
        return self._out.write(chunk)

    def hexdigest(self) -> str:
        return self._digest.hexdigest()
