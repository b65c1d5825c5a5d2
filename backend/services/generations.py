"""Automatic generation: a model version makes proposals on many images, in jobs of a few images each.

The rows are the truth: which images wait, are done, failed or were passed over. Jobs only say that there is work; they
name a range of image ids, take the next few images of it that wait, and ask for the next job when they end. To pause is
to cancel the jobs; to resume is to ask for new ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from sqlalchemy import ColumnElement, CursorResult, Select, and_, exists, func, insert, literal, select, update
from sqlalchemy.orm import Session

from backend.db.models import (
    Annotation,
    Assignment,
    Detector,
    Generation,
    GenerationImage,
    Image,
    Job,
    ModelVersion,
    Project,
    new_id,
)
from backend.engine.generations import AFTER, BEFORE, CHUNK, LANES, UNFINISHED, WORKING, Action, pace
from backend.errors import Conflict, Invalid, NotFound
from backend.services import detectors, model_versions, projects, proposals
from backend.uow import UnitOfWork
from segmenter.automask_config import AUTOMASK_PRESETS, FAMILY_PRESETS, AutomaskConfig

_QUIET = {"synchronize_session": False}
Which = Literal["all", "empty", "unfinished", "unseen"]


@dataclass(frozen=True)
class Request:
    """What to generate, on which ``images``.

    These are "all", the "empty" ones (without an accepted annotation), the "unfinished" ones, which nobody completed,
    or of those the "unseen" ones, which no generation of the same source by the same version has taken yet.

    ``changes`` to the preset of the model's family are fields of :class:`segmenter.automask_config.AutomaskConfig`;
    ``min_box_score`` is the least score of a detector's boxes.
    """

    source: Literal["automatic", "detector"] = "automatic"
    images: Which = "all"
    model_version_id: str | None = None
    changes: Mapping[str, Any] | None = None
    min_box_score: float = 0.3


def start(
    uow: UnitOfWork, project_id: str, actor_id: str | None, request: Request, generation_id: str | None = None
) -> Generation:
    """A new generation by the project's active version, with its images and first jobs.

    Raises NotFound, Invalid (`bad_settings`, `no_images`), Conflict (`no_model`, `no_detector`, `generation_running`).
    """
    session = uow.session
    project = session.get(Project, project_id, with_for_update=True)
    if project is None or project.state != "active":
        raise NotFound("There is no such project.")
    version_id = request.model_version_id or project.active_version_id
    if version_id is None:
        raise Conflict("No model version serves this project yet.", code="no_model")
    version = model_versions.find(session, version_id)
    running = select(Generation).where(Generation.project_id == project_id, Generation.state.in_(UNFINISHED))
    if any(one.settings["source"] == request.source for one in session.scalars(running)):
        raise Conflict("A generation of this source has not ended yet.", code="generation_running")
    settings = _settings(session, project_id, version, request)
    made = Generation(project_id=project_id, model_version_id=version.id, settings=settings, actor_id=actor_id)
    made.id = generation_id or new_id()
    session.add(made)
    session.flush()
    made.image_count = len(_take_images(session, made, request.images))
    if not made.image_count:
        raise Invalid("There is no image to make masks on.", code="no_images")
    _ask(uow, made)
    _tell(uow, made)
    return made


def _settings(session: Session, project_id: str, version: ModelVersion, request: Request) -> dict[str, Any]:
    try:
        automask = replace(preset_of(version), **(request.changes or {}))
    except (TypeError, ValueError) as error:
        raise Invalid(f"These settings cannot be used: {error}", code="bad_settings") from error
    settings = {"source": request.source, "images": request.images, "automask": asdict(automask)}
    if request.source == "automatic":
        return settings
    detector = detectors.newest(session, project_id, version)
    if detector is None:
        raise Conflict("This project has no detector for its model version yet.", code="no_detector")
    return settings | {"detector_id": detector.id, "min_box_score": request.min_box_score}


def preset_of(version: ModelVersion) -> AutomaskConfig:
    """The settings that suit a version's family."""
    return AUTOMASK_PRESETS[FAMILY_PRESETS[version.manifest["config"]["family"]]]


def which_images(project_id: str, which: Which, version_id: str, source: str) -> list[ColumnElement[bool]]:
    """What holds for the images of a project that a request by a version, of a source, means."""
    ready = [Image.project_id == project_id, Image.state == "ready"]
    if which == "empty":
        ready.append(~exists().where(Annotation.image_id == Image.id, Annotation.state == "accepted"))
    if which in ("unfinished", "unseen"):
        ready.append(~exists().where(Assignment.image_id == Image.id, Assignment.complete))
    if which == "unseen":
        theirs = (Generation.model_version_id == version_id, Generation.settings["source"].as_string() == source)
        taken = select(GenerationImage.image_id).join(Generation, Generation.id == GenerationImage.generation_id)
        ready.append(Image.id.not_in(taken.where(Generation.project_id == project_id, *theirs)))
    return ready


def _take_images(session: Session, generation: Generation, which: Which) -> Sequence[str]:
    """The ids of the images that wait in the generation now."""
    row = select(literal(generation.id), Image.id, literal("queued"), literal(0), literal(0.0))
    source = generation.settings["source"]
    row = row.where(*which_images(generation.project_id, which, generation.model_version_id, source))
    columns = ["generation_id", "image_id", "state", "mask_count", "seconds"]
    taken = insert(GenerationImage).from_select(columns, row).returning(GenerationImage.image_id)
    return session.scalars(taken, execution_options=_QUIET).all()


def take_unseen(uow: UnitOfWork, generation: Generation) -> bool:
    """Images that came after a generation's start join it; False where it has ended meanwhile."""
    session = uow.session
    session.refresh(generation, with_for_update=True)
    if generation.state not in UNFINISHED:
        return False
    if taken := _take_images(session, generation, "unseen"):
        generation.image_count += len(taken)
        if generation.state in WORKING:
            run = new_id()
            for image_id in taken:  # a range of one image each: the jobs of the lanes may be past it
                _ask_next(uow, generation, run, image_id[:-1], image_id + "g")
        session.flush()
        _tell(uow, generation)
    return True


# --- jobs -------------------------------------------------------------------------------------------------------------


def _ask(uow: UnitOfWork, generation: Generation) -> None:
    """A job for each lane; their keys are new ones, so whatever ended under older keys does not count."""
    run = new_id()
    for after, until in LANES:
        _ask_next(uow, generation, run, after, until)


def _ask_next(uow: UnitOfWork, generation: Generation, run: str, after: str, until: str) -> None:
    args = {"generation_id": generation.id, "run": run, "after": after, "until": until}
    uow.enqueue("generate", f"generate:{generation.id}:{run}:{until}:{after}", generation.project_id, **args)


def _stop_jobs(uow: UnitOfWork, generation_id: str) -> None:
    mine = Job.key.startswith(f"generate:{generation_id}:", autoescape=True)
    stop = update(Job).where(mine, Job.state.in_(["queued", "running"]))
    gone = {"state": "cancelled", "lease_token": None, "lease_expires_at": None}
    uow.session.execute(stop.values(**gone), execution_options=_QUIET)


@dataclass(frozen=True)
class Chunk:
    """What one job has to do: the images of its range that wait, with what making their masks needs."""

    generation: Generation
    version: ModelVersion
    config: AutomaskConfig
    detector: Detector | None
    images: Sequence[Image]


def chunk(session: Session, generation_id: str, after: str, until: str) -> Chunk | None:
    """The next images of a range; None when the generation is paused or over, or no image waits there."""
    generation = session.get(Generation, generation_id)
    if generation is None or generation.state not in WORKING:
        return None
    waiting = _waiting(generation_id, after, until).limit(CHUNK)
    found = session.scalars(waiting).all()
    if not found:
        return None
    rows = session.scalars(select(Image).where(Image.id.in_(found)).order_by(Image.id)).all()
    detector_id = generation.settings.get("detector_id")
    return Chunk(
        generation,
        session.get_one(ModelVersion, generation.model_version_id),
        AutomaskConfig(**generation.settings["automask"]),
        None if detector_id is None else session.get_one(Detector, detector_id),
        rows,
    )


def _waiting(generation_id: str, after: str, until: str) -> Select[str]:
    mine = (GenerationImage.generation_id == generation_id, GenerationImage.state == "queued")
    within = (GenerationImage.image_id > after, GenerationImage.image_id < until)
    return select(GenerationImage.image_id).where(*mine, *within).order_by(GenerationImage.image_id)


def go_on(uow: UnitOfWork, generation_id: str, run: str, after: str, until: str) -> None:
    """A job ended after this image: ask for the next job of its range, or end the generation where none waits."""
    generation = uow.session.get_one(Generation, generation_id)
    if generation.state not in WORKING:
        return
    if uow.session.scalar(_waiting(generation_id, after, until).limit(1)) is not None:
        _ask_next(uow, generation, run, after, until)
    else:
        _end(uow, generation_id)


def _end(uow: UnitOfWork, generation_id: str) -> None:
    uow.session.get_one(Generation, generation_id, with_for_update=True)  # images that join it now are seen below
    left = exists().where(GenerationImage.generation_id == generation_id, GenerationImage.state == "queued")
    ended = update(Generation).where(Generation.id == generation_id, Generation.state.in_(WORKING), ~left)
    if _changed(uow.session, ended.values(state="done")):
        _tell(uow, _fresh(uow.session, generation_id))


# --- what became of an image ------------------------------------------------------------------------------------------


def made(uow: UnitOfWork, generation_id: str, image_id: str, rows: Sequence[Mapping[str, Any]], seconds: float) -> None:
    """Store an image's proposals and count it; nothing where it was counted already or the generation is over.

    An image that somebody works on now, or that was erased, is passed over.
    """
    image = uow.session.get(Image, image_id)
    if image is None or image.state != "ready":
        _count(uow, generation_id, image_id, "skipped", failure="the image was erased", seconds=seconds)
        return
    if proposals.is_worked_on(uow.session, image_id):
        _count(uow, generation_id, image_id, "skipped", failure="somebody works on this image", seconds=seconds)
        return
    generation = _fresh(uow.session, generation_id)
    if generation.state in WORKING and _waits(uow.session, generation_id, image_id):
        count = proposals.replace(uow, generation, image, rows)
        _count(uow, generation_id, image_id, "done", mask_count=count, seconds=seconds)


def failed(uow: UnitOfWork, generation_id: str, image_id: str, reason: str, seconds: float = 0.0) -> None:
    """No masks can be made on this image; the others go on."""
    _count(uow, generation_id, image_id, "failed", failure=reason, seconds=seconds)


def hopeless(uow: UnitOfWork, generation_id: str, reason: str) -> None:
    """No masks can be made on any image: all that wait have failed, and the generation ends."""
    waiting = (GenerationImage.generation_id == generation_id, GenerationImage.state == "queued")
    count = _changed(uow.session, update(GenerationImage).where(*waiting).values(state="failed", failure=reason))
    more = {"failed_count": Generation.failed_count + count}
    _changed(uow.session, update(Generation).where(Generation.id == generation_id).values(**more))
    _end(uow, generation_id)


def _waits(session: Session, generation_id: str, image_id: str) -> bool:
    row = session.get(GenerationImage, (generation_id, image_id), populate_existing=True)
    return row is not None and row.state == "queued"


def _count(uow: UnitOfWork, generation_id: str, image_id: str, state: str, **told: Any) -> None:
    mine = (GenerationImage.generation_id == generation_id, GenerationImage.image_id == image_id)
    counted = update(GenerationImage).where(*mine, GenerationImage.state == "queued").values(state=state, **told)
    if not _changed(uow.session, counted):
        return
    more = {"seconds": Generation.seconds + told["seconds"]}
    if state == "done":
        more |= {"done_count": Generation.done_count + 1, "mask_count": Generation.mask_count + told["mask_count"]}
    if state == "failed":
        more |= {"failed_count": Generation.failed_count + 1}
    _changed(uow.session, update(Generation).where(Generation.id == generation_id).values(**more))
    begun = update(Generation).where(Generation.id == generation_id, Generation.state == "queued")
    _changed(uow.session, begun.values(state="running"))
    _tell(uow, _fresh(uow.session, generation_id))


def given_up(uow: UnitOfWork, job: Job, reason: str) -> None:
    """A job's last attempt failed: the image it died on has failed, the rest goes on. Cancelled: all of it pauses."""
    args = job.args
    if uow.session.get_one(Job, job.id, populate_existing=True).state == "cancelled":
        _step(uow, args["generation_id"], "pause")
        return
    first = uow.session.scalar(_waiting(args["generation_id"], args["after"], args["until"]).limit(1))
    if first is not None:
        failed(uow, args["generation_id"], first, reason)
    go_on(uow, args["generation_id"], args["run"], first or args["after"], args["until"])


# --- steps of people --------------------------------------------------------------------------------------------------


def act(uow: UnitOfWork, generation_id: str, action: Action, reason: str = "") -> Generation:
    """Pause, resume, cancel, or retry what failed or was passed over; again is fine.

    ``reason`` is for what no person asked for. Raises NotFound, Conflict (`generation_state`, `nothing_to_retry`).
    """
    generation = find(uow.session, generation_id)
    if generation.state == AFTER[action] and action != "retry":
        return generation
    if action == "retry":
        _put_back(uow, generation)
    if not _step(uow, generation_id, action, reason):
        state = _fresh(uow.session, generation_id).state
        raise Conflict(f"This generation is {state}.", code="generation_state")
    generation = _fresh(uow.session, generation_id)
    if generation.state in WORKING:
        _ask(uow, generation)
    return generation


def _step(uow: UnitOfWork, generation_id: str, action: Action, reason: str = "") -> bool:
    moved = update(Generation).where(Generation.id == generation_id, Generation.state.in_(BEFORE[action]))
    if not _changed(uow.session, moved.values(state=AFTER[action], reason=reason)):
        return False
    _stop_jobs(uow, generation_id)
    _tell(uow, _fresh(uow.session, generation_id))
    return True


def _put_back(uow: UnitOfWork, generation: Generation) -> None:
    if generation.state not in BEFORE["retry"]:
        return
    again = update(GenerationImage).where(
        GenerationImage.generation_id == generation.id, GenerationImage.state.in_(["failed", "skipped"])
    )
    if not _changed(uow.session, again.values(state="queued", failure=None)):
        raise Conflict("No image of this generation failed.", code="nothing_to_retry")
    _changed(uow.session, update(Generation).where(Generation.id == generation.id).values(failed_count=0))


# --- what a page shows ------------------------------------------------------------------------------------------------


def find(session: Session, generation_id: str) -> Generation:
    """Of an active project; raises NotFound."""
    generation = session.get(Generation, generation_id, populate_existing=True)
    if generation is None:
        raise NotFound("There is no such generation.")
    projects.find(session, generation.project_id)
    return generation


def view(session: Session, generation: Generation) -> dict[str, Any]:
    """Its columns, the images in each state, and how fast it is."""
    told = {column.key: getattr(generation, column.key) for column in Generation.__table__.columns}
    counts = dict(session.execute(_states(generation.id)).all())
    waiting = counts.get("queued", 0)
    at_once = session.scalar(_running_jobs(generation.id)) or 0
    speed = pace(waiting, generation.done_count + generation.failed_count, generation.seconds, at_once)
    told |= {
        "waiting_count": waiting,
        "skipped_count": counts.get("skipped", 0),
        "source": generation.settings["source"],
    }
    return told | {"images_per_minute": speed.images_per_minute, "seconds_left": speed.seconds_left}


def _states(generation_id: str) -> Select[str, int]:
    state = GenerationImage.state
    return select(state, func.count()).where(GenerationImage.generation_id == generation_id).group_by(state)


def _running_jobs(generation_id: str) -> Select[int]:
    mine = Job.key.startswith(f"generate:{generation_id}:", autoescape=True)
    return select(func.count()).select_from(Job).where(mine, Job.state == "running")


def of_project(session: Session, project_id: str) -> list[dict[str, Any]]:
    """Views of a project's generations, newest first."""
    projects.find(session, project_id)
    query = select(Generation).where(Generation.project_id == project_id)
    rows = session.scalars(query.order_by(Generation.created_at.desc(), Generation.id).limit(100))
    return [view(session, generation) for generation in rows]


def images_of(session: Session, generation_id: str, state: str | None, after: str | None, limit: int) -> dict[str, Any]:
    """{"images", "next"}: what became of each image, in the order of their ids; ``after`` is the ``next`` before."""
    find(session, generation_id)
    wanted: list[ColumnElement[bool]] = [GenerationImage.generation_id == generation_id]
    wanted += [] if state is None else [GenerationImage.state == state]
    wanted += [] if after is None else [GenerationImage.image_id > after]
    query = select(GenerationImage, Image.file_name).join(Image, and_(Image.id == GenerationImage.image_id))
    rows = session.execute(query.where(*wanted).order_by(GenerationImage.image_id).limit(limit + 1)).all()
    shown = ["image_id", "state", "mask_count", "seconds", "failure"]
    told = [{**{name: getattr(row, name) for name in shown}, "file_name": file_name} for row, file_name in rows[:limit]]
    return {"images": told, "next": told[-1]["image_id"] if len(rows) > limit else None}


def _fresh(session: Session, generation_id: str) -> Generation:
    return session.get_one(Generation, generation_id, populate_existing=True)


def _changed(session: Session, statement: Any) -> int:
    done = session.execute(statement, execution_options=_QUIET)
    assert isinstance(done, CursorResult)
    return done.rowcount


def _tell(uow: UnitOfWork, generation: Generation) -> None:
    counts = {name: getattr(generation, name) for name in ("image_count", "done_count", "failed_count", "mask_count")}
    uow.emit("generation.changed", generation.project_id, generation.id, state=generation.state, **counts)
