"""Imports from this machine's disk: files and folders of images, and COCO folders whose masks come along."""

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from backend import images as pictures
from backend.db.models import Image, Project
from backend.errors import Invalid
from backend.formats import coco
from backend.runtime import Runtime
from backend.services import accounts, annotations, images, projects
from backend.storage import keys
from backend.uow import UnitOfWork
from segmenter import masks, polygons

BATCH = 50
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff"}
IDS = uuid.UUID("5f3b7c1e-6a0d-5d52-9c2e-0f8b1f6d2a47")  # any fixed one: ids of imported masks derive from it
Tell = Callable[[int, int], None]


@dataclass
class Report:
    """What an import did: images taken, images the project had, masks, and what was left out with the reasons."""

    project_id: str
    images: int = 0
    duplicates: int = 0
    annotations: int = 0
    left_out: list[str] = field(default_factory=list)


def import_paths(
    runtime: Runtime, project_name: str, paths: Sequence[Path], tell: Tell = lambda done, total: None
) -> Report:
    """Bring files and folders into a project (by id or name; made if there is none). Running it again adds nothing.

    Plain images wait for a worker to read them. Images of a COCO folder are read here, because their masks are checked
    against the pixels. `tell` hears (images done, images in all).
    """
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        raise Invalid(f"There is no {', '.join(missing)}.", code="no_such_path")
    with runtime.write() as uow:
        project = projects.by_id_or_name(uow.session, project_name) or projects.create(uow, project_name)
        actor_id = accounts.owner(uow).id
    report = Report(project.id)
    for path in paths:
        if path.is_dir() and coco.is_dataset(path):
            _import_dataset(runtime, project, actor_id, path, report, tell)
        else:
            _import_images(runtime, project, actor_id, path, report, tell)
    return report


def _import_images(runtime: Runtime, project: Project, actor_id: str, path: Path, report: Report, tell: Tell) -> None:
    limit = runtime.settings.max_upload_bytes
    found = sorted(_images_below(path)) if path.is_dir() else [(path.name, path)]
    done = 0
    for batch in _batches(found):
        files = [images.LocalFile(name, file, limit) for name, file in batch]
        taken = images.take(runtime, project.id, actor_id, files)
        report.images += len(taken.accepted)
        report.duplicates += len(taken.duplicates)
        report.left_out += [f"{refusal['file_name']}: {refusal['reason']}" for refusal in taken.refused]
        done += len(batch)
        tell(done, len(found))


def _images_below(folder: Path) -> Iterator[tuple[str, Path]]:
    """(name, path) of the files with an image's suffix, hidden ones aside; the name keeps the folders below."""
    for path in folder.rglob("*"):
        relative = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in relative.parts)
        if path.suffix.lower() in SUFFIXES and not hidden and path.is_file():
            yield relative.as_posix(), path


def _batches(found: Iterable[tuple[str, Path]]) -> Iterator[list[tuple[str, Path]]]:
    remaining = iter(found)
    while batch := list(islice(remaining, BATCH)):
        yield batch


def _import_dataset(
    runtime: Runtime, project: Project, actor_id: str, folder: Path, report: Report, tell: Tell
) -> None:
    dataset = coco.read_folder(folder)
    report.left_out += [f"{name}: the document names it, but it is not in images/." for name in dataset.missing]
    with runtime.write() as uow:
        category_ids = _ensure_categories(uow, project.id, dataset.categories)
    for done, found in enumerate(dataset.images, 1):
        try:
            _import_annotated(runtime, project.id, actor_id, found, category_ids, report)
        except pictures.RefusedImage as refusal:
            report.left_out.append(f"{found.file_name}: {refusal.reason}")
        tell(done, len(dataset.images))


def _ensure_categories(uow: UnitOfWork, project_id: str, wanted: dict[str, str]) -> dict[str, str]:
    """Category ids by name; those that the project lacks are added."""
    known = {category.name: category.id for category in projects.categories_of(uow.session, project_id)}
    for name, supercategory in wanted.items():
        if name not in known:
            known[name] = projects.add_category(uow, project_id, name, supercategory).id
    return known


def _import_annotated(
    runtime: Runtime,
    project_id: str,
    actor_id: str,
    found: coco.ReadImage,
    category_ids: dict[str, str],
    report: Report,
) -> None:
    """One image with its masks, in one transaction. Raises RefusedImage."""
    file = images.LocalFile(found.file_name, found.path, runtime.settings.max_upload_bytes)
    header = images.inspect(runtime, file)
    digest, height, width = images.store_pixels(runtime, file.path)
    runtime.storage.put_file(keys.file_key(file.file_digest), file.path)
    drafts = _drafts(found, (height, width), category_ids, report)
    with runtime.write() as uow:
        position = images.next_position(uow.session, project_id)
        image_id, is_new = images.register(uow, project_id, actor_id, file, header.media_type, position, with_job=False)
        image = uow.session.get_one(Image, image_id)
        if image.state != "ready":
            images.mark_ready(uow, image_id, digest, height, width)
        for draft in drafts:
            # From the image and the mask, so that importing the same folder again finds them there.
            draft_id = str(uuid.uuid5(IDS, f"{image_id} {draft.category_id} {draft.counts}"))
            values = annotations.checked(draft, (height, width)) | {"id": draft_id}
            report.annotations += annotations.insert_once(uow, image_id, actor_id, values)
    report.images += is_new
    report.duplicates += not is_new


def _drafts(
    found: coco.ReadImage, size: tuple[int, int], category_ids: dict[str, str], report: Report
) -> list[annotations.Draft]:
    drafts = []
    for number, read in enumerate(found.annotations, 1):
        if read.is_crowd:
            report.left_out.append(f"{found.file_name}: annotation {number} is a crowd region.")
            continue
        try:
            counts = polygons.counts_of(read.segmentation, size)
        except masks.InvalidMask as error:
            report.left_out.append(f"{found.file_name}: annotation {number} is left out: {error}.")
            continue
        category_id = category_ids[read.category] if read.category else None
        drafts.append(
            annotations.Draft(id="", size=list(size), counts=counts, source="import", category_id=category_id)
        )
    return drafts
