"""Ratings: masks of several sources, mixed at random, that people score from 1 to 10 without knowing whose they are.

Sources are "people" (accepted masks, by hand or imported) and model versions by their id. A `stored` task shows masks
as the project has them. For a `prompted` one a worker draws masks of people, asks each model version for the mask of
one point inside of each, and so several sources show the same object. Entries are leased by the database's clock, one
conditional UPDATE each, so no two people hold one entry.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, case, or_, select, update
from sqlalchemy.orm import Session

from backend.db.engine_models import RatingKind
from backend.db.models import Actor, Annotation, Image, ModelVersion, Rating, RatingItem, RatingTask, new_id
from backend.db.session import insert_new
from backend.db.types import moment
from backend.engine import ratings, sampling
from backend.errors import Conflict, NotFound
from backend.runtime import Runtime
from backend.services import projects
from backend.services.annotations import ALIVE
from backend.uow import UnitOfWork
from segmenter import masks

PEOPLE: Final = "people"
LEASE_SECONDS: Final = 900.0
MACHINE_SOURCES: Final = ("automatic", "detector")
_QUIET = {"synchronize_session": False}


@dataclass(frozen=True)
class Draft:
    """What an admin asks for: how many masks of each source, and by how many people each is rated."""

    name: str
    kind: RatingKind
    sources: tuple[str, ...]
    masks: int
    raters_per_mask: int = 1
    seed: int | None = None


@dataclass(frozen=True)
class Shown:
    """One mask of a task before it is in the queue; `object_key` names the object if other sources show it too."""

    source: str
    image_id: str
    size: tuple[int, int]
    counts: str
    annotation_id: str
    object_key: str | None = None
    prompt: dict[str, Any] | None = None


def create(runtime: Runtime, project_id: str, actor_id: str, draft: Draft) -> str:
    """The task's id; `stored` tasks are open at once, `prompted` ones when a worker has made their masks.

    The seed is kept. Raises NotFound (project, model version), Conflict `nothing_to_rate`.
    """
    task_id = new_id()
    seed = sampling.seed_of(task_id) if draft.seed is None else draft.seed
    with runtime.read() as session:
        projects.find(session, project_id)
        names = set(session.scalars(select(ModelVersion.id).where(ModelVersion.id.in_(draft.sources))))
        if unknown := set(draft.sources) - names - {PEOPLE}:
            raise NotFound(f"There is no model version {min(unknown)}.")
        wanted = draft.sources if draft.kind == "stored" else (PEOPLE,)
        shown = [mask for source in wanted for mask in drawn(session, project_id, source, seed, draft.masks)]
    if not shown:
        raise Conflict("There are no masks to rate, or only such as are too small to judge.", code="nothing_to_rate")
    task = RatingTask(id=task_id, project_id=project_id, name=draft.name, kind=draft.kind, seed=seed, actor_id=actor_id)
    task.settings = {"sources": list(draft.sources), "masks": draft.masks}
    task.raters_per_mask, task.guidelines_version = draft.raters_per_mask, ratings.GUIDELINES_VERSION
    task.state = "open" if draft.kind == "stored" else "preparing"
    with runtime.write() as uow:
        uow.session.add(task)
        uow.session.flush()
        if draft.kind == "stored":
            _queue(uow, task, shown)
        else:
            uow.enqueue("prepare_ratings", f"prepare_ratings:{task_id}", project_id, rating_task_id=task_id)
        _tell(uow, task)
    return task_id


def drawn(session: Session, project_id: str, source: str, seed: int, count: int) -> list[Shown]:
    """A random sample of a source's masks as they are stored, without those too small to judge."""
    names = session.scalars(_population(project_id, source).with_only_columns(Annotation.id)).all()
    sample = sampling.draw(seed, names, count)
    found: dict[str, Annotation] = {}
    for start in range(0, len(sample), 500):
        chunk = select(Annotation).where(Annotation.id.in_(sample[start : start + 500]))
        found |= {annotation.id: annotation for annotation in session.scalars(chunk)}
    rows = [found[name] for name in sample]
    return [Shown(source, row.image_id, (row.height, row.width), row.counts, row.id) for row in rows]


def _population(project_id: str, source: str) -> Select[Annotation]:
    machine = or_(Annotation.source.in_(MACHINE_SOURCES), Actor.kind == "model")
    chosen = and_(Annotation.state == "accepted", ~machine)
    if source != PEOPLE:
        chosen = and_(Annotation.state.in_(ALIVE), machine, Annotation.model_version_id == source)
    return (
        select(Annotation)
        .join(Actor, Actor.id == Annotation.actor_id)
        .join(Image, Image.id == Annotation.image_id)
        .where(Annotation.project_id == project_id, Image.state == "ready", chosen)
        .where(Annotation.area >= ratings.SMALLEST_AREA)
    )


def fill(uow: UnitOfWork, task_id: str, shown: Sequence[Shown]) -> None:
    """Open a prepared task with its masks; one that is no longer prepared stays as it is."""
    ready = update(RatingTask).where(RatingTask.id == task_id, RatingTask.state == "preparing")
    task = uow.session.scalars(ready.values(state="open").returning(RatingTask), execution_options=_QUIET).one_or_none()
    if task is not None:
        _queue(uow, task, shown)
        _tell(uow, task)


def mark_failed(uow: UnitOfWork, task_id: str, reason: str) -> None:
    """Its masks cannot be made."""
    task = uow.session.get(RatingTask, task_id)
    if task is not None and task.state == "preparing":
        task.state, task.failure = "failed", reason
        _tell(uow, task)


def prepare_again(uow: UnitOfWork, task_id: str) -> None:
    """A task that failed waits for a worker again."""
    task = uow.session.get(RatingTask, task_id)
    if task is not None and task.state == "failed":
        task.state, task.failure = "preparing", None
        _tell(uow, task)


def _queue(uow: UnitOfWork, task: RatingTask, shown: Sequence[Shown]) -> None:
    """Put the masks in random order, the sources mixed."""
    by_name = {f"{mask.source}:{mask.annotation_id}": mask for mask in shown}
    for position, name in enumerate(sampling.draw(task.seed, by_name, len(by_name))):
        mask = by_name[name]
        told = asdict(mask) | {"height": mask.size[0], "width": mask.size[1], "source_name": mask.source}
        del told["size"], told["source"]
        uow.session.add(RatingItem(rating_task_id=task.id, position=position, **told))


def find(session: Session, task_id: str) -> RatingTask:
    """A task of an active project; raises NotFound."""
    task = session.get(RatingTask, task_id)
    if task is None:
        raise NotFound("There is no such rating task.")
    projects.find(session, task.project_id)
    return task


# --- the queue ------------------------------------------------------------------------------------------------------


def next_mask(uow: UnitOfWork, task_id: str, actor_id: str) -> dict[str, Any] | None:
    """The mask that this person rates now, leased, and nothing of its source; None when nothing is left for them.

    Asking again gives the same one and renews the lease.
    """
    task = find(uow.session, task_id)
    if task.state != "open":
        return None
    mine = and_(RatingItem.actor_id == actor_id, RatingItem.lease_expires_at.is_not(None))
    free = or_(RatingItem.lease_expires_at.is_(None), RatingItem.lease_expires_at < moment())
    chosen = (
        select(RatingItem.id)
        .join(Image, Image.id == RatingItem.image_id)
        .where(RatingItem.rating_task_id == task_id, RatingItem.rated_count < task.raters_per_mask)
        .where(or_(free, mine), ~_rated_by(actor_id), Image.state == "ready")
        .order_by(case((mine, 0), else_=1), RatingItem.position)
        .limit(1)
        .with_for_update(skip_locked=True, of=RatingItem)
        .scalar_subquery()
    )
    taken = _step(uow, RatingItem.id == chosen, actor_id=actor_id, lease_expires_at=moment(LEASE_SECONDS))
    return None if taken is None else _view(taken)


def _rated_by(actor_id: str) -> ColumnElement[bool]:
    return select(Rating.id).where(Rating.rating_item_id == RatingItem.id, Rating.actor_id == actor_id).exists()


def _view(item: RatingItem) -> dict[str, Any]:
    size = (item.height, item.width)
    box = masks.bbox(masks.parse(list(size), item.counts, size), size)
    shown: dict[str, Any] = {"id": item.id, "rating_task_id": item.rating_task_id, "image_id": item.image_id}
    shown |= {"size": list(size), "counts": item.counts, "bbox": list(box), "prompt": item.prompt}
    shown["views"] = [asdict(view) for view in ratings.views(size, box)]
    return shown | {"lease_expires_at": item.lease_expires_at}


def release(uow: UnitOfWork, item_id: str, actor_id: str) -> None:
    """Give a mask back to the queue. One that is not this person's stays as it is."""
    _item(uow.session, item_id)
    held = and_(RatingItem.id == item_id, RatingItem.actor_id == actor_id)
    _step(uow, held, actor_id=None, lease_expires_at=None)


def rate(uow: UnitOfWork, item_id: str, actor_id: str, score: int, seconds: float) -> None:
    """Score a mask, or change one's own score while the task is open. Twice the same is fine.

    Raises NotFound, Conflict `closed`, `lease_lost`.
    """
    item = _item(uow.session, item_id)
    task = find(uow.session, item.rating_task_id)
    if task.state != "open":
        raise Conflict("This rating task is closed.", code="closed")
    held = and_(RatingItem.id == item_id, RatingItem.actor_id == actor_id, RatingItem.lease_expires_at.is_not(None))
    free = {"actor_id": None, "lease_expires_at": None}
    if _step(uow, and_(held, ~_rated_by(actor_id)), rated_count=RatingItem.rated_count + 1, **free) is not None:
        values = {"id": new_id(), "rating_item_id": item_id, "actor_id": actor_id, "score": score, "seconds": seconds}
        insert_new(uow.session, Rating, values, ["rating_item_id", "actor_id"])
    elif not _change(uow, item_id, actor_id, score):
        raise Conflict("This mask is not yours to rate (any more): its lease ran out.", code="lease_lost")
    _tell(uow, task)


def _change(uow: UnitOfWork, item_id: str, actor_id: str, score: int) -> bool:
    own = update(Rating).where(Rating.rating_item_id == item_id, Rating.actor_id == actor_id)
    return bool(uow.session.execute(own.values(score=score).returning(Rating.id), execution_options=_QUIET).all())


def close(uow: UnitOfWork, task_id: str) -> None:
    """No more ratings; what is there stays and the report is final. Closing twice is fine."""
    task = find(uow.session, task_id)
    if task.state in ("open", "preparing"):
        task.state = "closed"
        _tell(uow, task)


def _item(session: Session, item_id: str) -> RatingItem:
    item = session.get(RatingItem, item_id)
    if item is None:
        raise NotFound("There is no such mask to rate.")
    return item


def _step(uow: UnitOfWork, condition: ColumnElement[bool], **values: Any) -> RatingItem | None:
    statement = update(RatingItem).where(condition).values(**values).returning(RatingItem)
    return uow.session.scalars(statement, execution_options={"populate_existing": True, **_QUIET}).one_or_none()


def _tell(uow: UnitOfWork, task: RatingTask) -> None:
    uow.emit("rating_task.changed", task.project_id, task.id, state=task.state)


def guidelines() -> Mapping[str, Any]:
    """What raters are told."""
    scale = [{"low": low, "high": high, "words": words} for low, high, words in ratings.SCALE]
    told = {"questions": ratings.QUESTIONS, "errors": ratings.ERRORS, "no_errors": ratings.NO_ERRORS}
    return {"version": ratings.GUIDELINES_VERSION, "scale": scale, **told}
