"""Snapshots of a project: what a round trains on and is judged by, frozen as an ordered list of annotation ids.

The stored file names images by their pixels and masks by their ids, with the digest of each image's content as
:mod:`segmenter.training` defines it. Geometry never changes, so rows and digest give the same masks again; what was
erased since is left out, and the snapshot keeps its digest.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import IO, Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.db.models import Annotation, Image, Snapshot, new_id
from backend.db.session import insert_new
from backend.engine.generations import Thresholds
from backend.engine.rounds import Sources, judged_by, learned_from
from backend.errors import Conflict, NotFound
from backend.runtime import Runtime
from backend.services import images
from backend.storage import keys
from backend.storage.base import Storage
from backend.uow import UnitOfWork
from segmenter.training.entries import Entry, Erased, Part, SnapshotImage, SnapshotMask, line_of
from segmenter.training.freezing import is_held_out
from segmenter.training.snapshot import LINES, Digest, header_of, open_snapshot, write_header
from segmenter.training.snapshot import Snapshot as Folder

FORMAT = "maskmill-round-snapshot/1"
ROWS = 200  # images whose masks are read at once
CANDIDATES = ("accepted", "proposed")
T = TypeVar("T")


@dataclass(frozen=True)
class Choice:
    """Which masks are trained on; ``since`` leaves out those made before. Held-out masks are never chosen.

    ``confident``: of proposals that nobody looked at, those that meet it; None: none of them.
    """

    sources: Sources = "all"
    exclude_actors: frozenset[str] = frozenset()
    since: datetime | None = None
    confident: Thresholds | None = None


@dataclass(frozen=True)
class Counts:
    """What a round would learn from and be judged by."""

    train_images: int = 0
    human_masks: int = 0
    automatic_masks: int = 0
    held_out_images: int = 0
    held_out_masks: int = 0


@dataclass(frozen=True)
class Frozen:
    """A stored snapshot that has no row yet."""

    digest: str
    key: str
    counts: Counts
    held_out_share: float


@dataclass(frozen=True)
class History:
    """Pixels and groups that earlier snapshots of the project held out, and pixels that they trained on."""

    held_out: frozenset[str] = frozenset()
    trained: frozenset[str] = frozenset()


# --- what belongs to which part -------------------------------------------------------------------------------------


def part_of(
    pixel_digest: str, group_key: str, share: float, history: History, pixels_out: Collection[str]
) -> Part | None:
    """The part of an image; None: neither. Held out is a group, for ever; images of one group never are on both sides.

    Neither: pixels that another, held-out group has, too (``pixels_out``), and pixels of a held-out group that were
    trained on before they came into it.
    """
    if group_key in history.held_out or is_held_out(group_key, share):
        return None if pixel_digest in history.trained else "held_out"
    return None if pixel_digest in pixels_out else "train"


def history_of(storage: Storage, stored: Iterable[Snapshot]) -> History:
    """What the project's earlier snapshots did with which pixels."""
    held, trained = set[str](), set[str]()
    for snapshot in stored:
        for line in _lines(storage, snapshot.storage_key):
            if line["held_out"]:
                held |= {line["pixel_digest"], line["group_key"]}
            else:
                trained.add(line["pixel_digest"])
    return History(frozenset(held), frozenset(trained))


def _lines(storage: Storage, key: str) -> Iterator[dict[str, Any]]:
    with storage.open(key) as stream:
        header = json.loads(stream.readline())
        if header.get("format") != FORMAT:
            raise Conflict(f"{key} is not of the format {FORMAT}", code="damaged_snapshot")
        for line in stream:
            yield json.loads(line)


def of_project(session: Session, project_id: str) -> Sequence[Snapshot]:
    """Oldest first."""
    query = select(Snapshot).where(Snapshot.project_id == project_id)
    return session.scalars(query.order_by(Snapshot.created_at, Snapshot.id)).all()


def share_of(stored: Sequence[Snapshot], wanted: float) -> float:
    """The share that is held out: that of the project's first snapshot, for what was trained on cannot be held out."""
    return stored[0].held_out_share if stored else wanted


# --- freezing -------------------------------------------------------------------------------------------------------


def freeze(runtime: Runtime, project_id: str, choice: Choice, wanted_share: float, to_train: bool = True) -> Frozen:
    """Stores the snapshot of this moment.

    Conflict `nothing_to_train` where the choice leaves no mask to train on, and somebody wants ``to_train``.
    """
    with runtime.read() as session:
        stored = of_project(session, project_id)
    share, history = share_of(stored, wanted_share), history_of(runtime.storage, stored)
    with tempfile.TemporaryDirectory(dir=runtime.settings.data_dir, prefix=".freezing-") as scratch:
        spool, whole = Path(scratch) / "lines", Path(scratch) / "snapshot"
        digest, counted = Digest(share), _Counting()
        with runtime.read() as session, spool.open("w", encoding="utf-8") as lines:
            for image in _entries(session, project_id, choice, share, history):
                digest.add(image)
                counted.add(image)
                lines.write(_line(image) + "\n")
        if to_train and not counted.counts().train_images:
            raise Conflict("There is no mask to train on.", code="nothing_to_train")
        header = {"format": FORMAT, "digest": digest.hex(), "held_out_share": share}
        with whole.open("wb") as out, spool.open("rb") as lines_again:
            out.write(json.dumps(header).encode() + b"\n")
            shutil.copyfileobj(lines_again, out)
        key = keys.snapshot_key(digest.hex())
        runtime.storage.put_file(key, whole)
    return Frozen(digest.hex(), key, counted.counts(), share)


def counts(runtime: Runtime, project_id: str, choice: Choice, wanted_share: float) -> Counts:
    """What a round that began now would learn from and be judged by."""
    with runtime.read() as session:
        stored = of_project(session, project_id)
    share, history = share_of(stored, wanted_share), history_of(runtime.storage, stored)
    counted = _Counting()
    with runtime.read() as session:
        for image in _entries(session, project_id, choice, share, history):
            counted.add(image)
    return counted.counts()


def record(uow: UnitOfWork, project_id: str, frozen: Frozen) -> Snapshot:
    """The snapshot's row; equal content is one row."""
    found = frozen.counts
    masks = found.human_masks + found.automatic_masks + found.held_out_masks
    values: dict[str, Any] = {
        "id": new_id(),
        "project_id": project_id,
        "digest": frozen.digest,
        "storage_key": frozen.key,
    }
    values |= {"image_count": found.train_images + found.held_out_images, "held_out_count": found.held_out_images}
    values |= {"mask_count": masks, "held_out_share": frozen.held_out_share}
    insert_new(uow.session, Snapshot, values, ["project_id", "digest"])
    same = (Snapshot.project_id == project_id, Snapshot.digest == frozen.digest)
    return uow.session.scalars(select(Snapshot).where(*same)).one()


def _chunks(lines: Iterable[T]) -> Iterator[list[T]]:
    iterator = iter(lines)
    while chunk := list(islice(iterator, ROWS)):
        yield chunk


class _Counting:
    def __init__(self) -> None:
        self._images = {"train": 0, "held_out": 0}
        self._masks = {"human": 0, "automatic": 0, "held_out": 0}

    def add(self, image: SnapshotImage) -> None:
        self._images[image.part] += 1
        for mask in image.masks:
            human = judged_by(mask.source, "accepted")
            self._masks["held_out" if image.held_out else "human" if human else "automatic"] += 1

    def counts(self) -> Counts:
        masks = self._masks
        train, held_out = self._images["train"], self._images["held_out"]
        return Counts(train, masks["human"], masks["automatic"], held_out, masks["held_out"])


def _entries(
    session: Session, project_id: str, choice: Choice, share: float, history: History
) -> Iterator[SnapshotImage]:
    """The images with a mask of their part, in a snapshot's order: training first, then held out, each by pixels."""
    ready = (Image.project_id == project_id, Image.state == "ready")
    rows = session.execute(select(Image.id, Image.pixel_digest, Image.group_key).where(*ready))
    known = [(image_id, pixels, group) for image_id, pixels, group in rows if pixels is not None]
    out = {pixels for _, pixels, group in known if group in history.held_out or is_held_out(group, share)}
    out |= history.held_out
    parts = [(part_of(pixels, group, share, history, out), pixels, image_id) for image_id, pixels, group in known]
    ordered = sorted((part == "held_out", pixels, image_id) for part, pixels, image_id in parts if part is not None)
    for chunk in _chunks(ordered):
        yield from _images_of(session, project_id, chunk, choice)


def _images_of(
    session: Session, project_id: str, chunk: Sequence[tuple[bool, str, str]], choice: Choice
) -> Iterator[SnapshotImage]:
    ids = [image_id for _, _, image_id in chunk]
    rows = {image.id: image for image in session.scalars(select(Image).where(Image.id.in_(ids)))}
    query = select(Annotation).where(Annotation.image_id.in_(ids), Annotation.state.in_(CANDIDATES))
    found: dict[str, list[Annotation]] = {}
    for row in session.scalars(query.where(Annotation.flag.is_(None)).order_by(Annotation.created_at, Annotation.id)):
        found.setdefault(row.image_id, []).append(row)
    for held_out, _, image_id in chunk:
        chosen = [row for row in found.get(image_id, []) if _belongs(row, held_out, choice)]
        if chosen:
            yield _image(rows[image_id], chosen, project_id, held_out)
    session.expunge_all()


def _belongs(row: Annotation, held_out: bool, choice: Choice) -> bool:
    if held_out:
        return judged_by(row.source, row.state)
    if row.actor_id in choice.exclude_actors or (choice.since is not None and row.created_at <= choice.since):
        return False
    confident = choice.confident is not None and choice.confident.met(row.predicted_iou, row.stability)
    return learned_from(row.source, row.state, choice.sources, confident)


def _image(image: Image, chosen: Sequence[Annotation], project_id: str, held_out: bool) -> SnapshotImage:
    assert image.pixel_digest is not None and image.height is not None and image.width is not None
    masks = tuple(SnapshotMask(row.id, row.source, row.actor_id, row.counts) for row in chosen)
    size = (image.height, image.width)
    return SnapshotImage(image.pixel_digest, project_id, image.group_key, size, masks, held_out)


def _line(image: SnapshotImage) -> str:
    told: dict[str, Any] = {"pixel_digest": image.pixel_digest, "dataset": image.dataset, "group_key": image.group_key}
    told |= {"size": list(image.size), "held_out": image.held_out, "digest": image.digest}
    return json.dumps(told | {"annotations": [mask.id for mask in image.masks]}, separators=(",", ":"))


# --- laying out for a process that trains or evaluates --------------------------------------------------------------


def members(storage: Storage, snapshot: Snapshot, part: Part) -> list[str]:
    """The pixel digests of a part in their order, which is a random one."""
    out = part == "held_out"
    return [line["pixel_digest"] for line in _lines(storage, snapshot.storage_key) if line["held_out"] == out]


def lay_out(
    runtime: Runtime, snapshot: Snapshot, folder: Path, part: Part, wanted: Collection[str] | None = None
) -> Folder:
    """A snapshot folder as :mod:`segmenter.training` reads it, with the pictures of one part; again is fine.

    With ``wanted`` only pictures with these digests are brought; who reads the folder does not see the others. Conflict
    `damaged_snapshot` where rows and digest disagree.
    """
    pictures = folder / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=folder, encoding="utf-8", delete=False) as lines:
        entries = list(_laid_out(runtime, snapshot, pictures, part, wanted, lines))
    os.replace(lines.name, folder / LINES)
    write_header(folder, header_of(entries, snapshot.held_out_share))
    opened = open_snapshot(folder)
    if opened.digest != snapshot.digest:
        raise Conflict("The rows of this snapshot's masks are not those that were frozen.", code="damaged_snapshot")
    return opened


def _laid_out(
    runtime: Runtime,
    snapshot: Snapshot,
    pictures: Path,
    part: Part,
    wanted: Collection[str] | None,
    lines: IO[str],
) -> Iterator[Entry]:
    for chunk in _chunks(_lines(runtime.storage, snapshot.storage_key)):
        with runtime.read() as session:
            there = _still_there(session, snapshot.project_id, [line["pixel_digest"] for line in chunk])
            entries = [_entry(session, line, line["pixel_digest"] in there) for line in chunk]
        for entry in entries:
            brought = isinstance(entry, SnapshotImage) and entry.part == part
            brought &= wanted is None or entry.pixel_digest in wanted
            name = _picture(runtime.storage, entry.pixel_digest, pictures) if brought else None
            lines.write(line_of(entry, name) + "\n")
            # Masks are not held: the header counts images, and the digest is already known.
            yield Erased(entry.pixel_digest, entry.held_out, entry.digest)


def _still_there(session: Session, project_id: str, digests: Sequence[str]) -> set[str | None]:
    query = select(Image.pixel_digest).where(Image.project_id == project_id, Image.state == "ready")
    return set(session.scalars(query.where(Image.pixel_digest.in_(digests))))


def _entry(session: Session, line: dict[str, Any], there: bool) -> Entry:
    if there:
        query = select(Annotation.id, Annotation.source, Annotation.actor_id, Annotation.counts)
        rows = {row[0]: row for row in session.execute(query.where(Annotation.id.in_(line["annotations"])))}
        masks = tuple(SnapshotMask(*rows[one]) for one in line["annotations"] if one in rows)
        height, width = line["size"]
        known = (line["pixel_digest"], line["dataset"], line["group_key"], (height, width))
        image = SnapshotImage(*known, masks, line["held_out"])
        if image.digest == line["digest"]:
            return image
        raise Conflict("The rows of this snapshot's masks are not those that were frozen.", code="damaged_snapshot")
    return Erased(line["pixel_digest"], line["held_out"], line["digest"])


def _picture(storage: Storage, pixel_digest: str, folder: Path) -> str | None:
    """The picture's file, relative to the snapshot's folder; None for one that was erased a moment ago."""
    try:
        key, suffix = images.stored_pixels(storage, pixel_digest)
        target = folder / f"{pixel_digest}.{suffix}"
        fetch(storage, key, target)
    except NotFound:
        return None
    return f"{folder.name}/{target.name}"


def fetch(storage: Storage, key: str, target: Path) -> None:
    """A local copy of an object, whole or absent; a link where the storage is a folder of the same disk."""
    if target.exists():
        return
    with storage.as_file(key) as path:
        partial = target.with_name(f"{target.name}.{new_id()}.partial")
        try:
            os.link(path, partial)
        except OSError:
            shutil.copyfile(path, partial)
        partial.replace(target)
