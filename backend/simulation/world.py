"""What a simulation works on: images with human masks, those held out for ever, and an instance that knows them."""

import hashlib
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select

from backend.db.models import Actor, Image, Job, Project
from backend.errors import Conflict, Invalid
from backend.runtime import Runtime
from backend.services import annotations, images, projects, stages
from backend.settings import Settings
from segmenter import masks
from segmenter.data import coco_records
from segmenter.prompts import Bitmap
from segmenter.training.freezing import GROUP_FIELDS, place_of
from workers.here import perform_all

LEAST_SHARE = 0.001  # of the image: smaller objects are not clicked on


@dataclass(frozen=True)
class Labelled:
    """An image file and its human masks (COCO run lengths, largest first); ``group`` never is on both sides."""

    dataset: str
    path: Path
    group: str
    size: tuple[int, int]
    counts: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.dataset}/{self.path.name}"

    def truths(self) -> list[Bitmap]:
        """The masks HxW."""
        return [masks.decode({"size": list(self.size), "counts": one}, self.size) for one in self.counts]


@dataclass(frozen=True)
class Split:
    """Images to annotate in their order, images held out, and the share of all groups that says so to the engine."""

    pool: tuple[Labelled, ...]
    held_out: tuple[Labelled, ...]
    share: float


def labelled_images(folders: Sequence[Path], admitted: dict[str, set[str]] | None) -> Iterator[Labelled]:
    """The images of COCO folders with at least one mask that is large enough to click on; of several annotators the
    first one's masks."""
    for folder in folders:
        for dataset, record, file, found in coco_records(folder, admitted):
            first = min((str(one.get("annotator", "")) for one in found), default="")
            mine = [one for one in found if str(one.get("annotator", "")) == first and not one.get("iscrowd")]
            kept = [one for one in mine if one["area"] >= LEAST_SHARE * record["height"] * record["width"]]
            kept.sort(key=lambda one: -one["area"])
            if kept:
                group = next((f"{dataset}/{record[field]}" for field in GROUP_FIELDS if field in record), "")
                group = group or hashlib.sha256(file.read_bytes()).hexdigest()
                counts = tuple(_counts(one) for one in kept)
                yield Labelled(dataset, file, group, (record["height"], record["width"]), counts)


def _counts(annotation: Mapping[str, Any]) -> str:
    counts = annotation["segmentation"]["counts"]
    return counts.decode("ascii") if isinstance(counts, bytes) else str(counts)


def split_of(found: Sequence[Labelled], images: int | None, holdout: int | None, seed: int) -> Split:
    """Holds out whole groups until there are ``holdout`` images (default: the larger of 20 % and 50).

    Which ones is the engine's own rule (a hash of the group) with the share that it takes; the seed only orders the
    others, of which at most ``images`` are annotated. Invalid where nothing is left to annotate.
    """
    wanted = max(50, round(0.2 * len(found))) if holdout is None else holdout
    by_group: dict[str, list[Labelled]] = {}
    for one in found:
        by_group.setdefault(one.group, []).append(one)
    places = sorted((place_of(group), group) for group in by_group)
    held: list[Labelled] = []
    count = 0
    while len(held) < wanted and count < len(places):
        held += by_group[places[count][1]]
        count += 1
    if count in (0, len(places)):
        raise Invalid(f"{len(found)} images are too few to hold out {wanted} and annotate others.", code="too_few")
    share = (places[count - 1][0] + places[count][0]) / 2
    out = {one.group for one in held}
    pool = [one for one in found if one.group not in out]
    random.Random(seed).shuffle(pool)
    return Split(tuple(pool[:images]), tuple(held), share)


@dataclass(frozen=True)
class World:
    """A running instance: one project, its images by id with their human masks, and who works in it."""

    runtime: Runtime
    project_id: str
    annotator_id: str
    admin_id: str
    labelled: Mapping[str, Labelled]  # by image id
    pool: tuple[str, ...]  # image ids, in the order of work
    held_out: tuple[str, ...]


def local_settings(folder: Path) -> Settings:
    """An instance of its own below ``folder``, whatever the environment says of others."""
    return Settings(data_dir=folder, database_url="", storage_url="", broker_url="embedded", release_dir=None)


def build(runtime: Runtime, split: Split, name: str, policy: Mapping[str, Any]) -> World:
    """Makes the project, uploads every image, and gives the held-out ones their human masks."""
    with runtime.write() as uow:
        people = [Actor(kind="person", name=who) for who in ("simulated annotator", "simulated admin")]
        uow.session.add_all(people)
        uow.session.flush()
        project = projects.create(uow, name, "Made by maskmill simulate.")
        stages.set_policy(uow, project.id, policy)
    annotator, admin = (person.id for person in people)
    ids = {one.name: _upload(runtime, project, annotator, one) for one in (*split.pool, *split.held_out)}
    work_off(runtime)
    world = World(
        runtime,
        project.id,
        annotator,
        admin,
        {ids[one.name]: one for one in (*split.pool, *split.held_out)},
        tuple(ids[one.name] for one in split.pool),
        tuple(ids[one.name] for one in split.held_out),
    )
    for image_id in world.held_out:
        _label(world, image_id)
    return world


def _upload(runtime: Runtime, project: Project, actor_id: str, one: Labelled) -> str:
    file = images.LocalFile(one.name, one.path, runtime.settings.max_upload_bytes)
    taken = images.take(runtime, project.id, actor_id, [file])
    if taken.refused:
        raise Invalid(f"{one.path}: {taken.refused[0]['reason']}", code="refused")
    (image_id,) = taken.accepted + taken.duplicates
    with runtime.write() as uow:
        uow.session.get_one(Image, image_id).group_key = one.group
    return image_id


def _label(world: World, image_id: str) -> None:
    """All human masks of a held-out image, as an import brings them."""
    one = world.labelled[image_id]
    for number, counts in enumerate(one.counts):
        draft_id = uuid_of(f"{image_id}/{number}")
        draft = annotations.Draft(id=draft_id, size=list(one.size), counts=counts, source="import")
        annotations.save(world.runtime, image_id, world.annotator_id, draft)
    with world.runtime.write() as uow:
        images.set_complete(uow, image_id, world.annotator_id, True)


def uuid_of(name: str) -> str:
    """A uuid that follows from a name."""
    digits = hashlib.sha256(name.encode()).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:32]}"


def work_off(runtime: Runtime) -> None:
    """Performs every job that waits, here; Conflict where one was given up."""
    if not perform_all(runtime)["dead"]:
        return
    with runtime.read() as session:
        dead = session.scalars(select(Job).where(Job.state == "dead").order_by(Job.changed_at.desc())).first()
    assert dead is not None
    raise Conflict(f"The job {dead.kind} was given up: {dead.failure}", code="job_dead")
