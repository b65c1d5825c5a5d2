"""Projects and their categories."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, select
from sqlalchemy.orm import Session

from backend.db.models import Annotation, Assignment, Category, Embedding, Image, ModelVersion, Project
from backend.errors import Conflict, Invalid, NotFound
from backend.services import model_versions, promotions
from backend.uow import UnitOfWork

COLOURS = 12
COVERS = 4


def find(session: Session, project_id: str) -> Project:
    """An active project; raises NotFound."""
    project = session.get(Project, project_id)
    if project is None or project.state != "active":
        raise NotFound("There is no such project.")
    return project


def by_id_or_name(session: Session, wanted: str) -> Project | None:
    """An active project by its id, else by its name; Conflict when several have that name."""
    project = session.get(Project, wanted)
    if project is not None and project.state == "active":
        return project
    named = session.scalars(select(Project).where(Project.name == wanted, Project.state == "active").limit(2)).all()
    if len(named) > 1:
        raise Conflict(f"Several projects are called {wanted!r}: say its id.", code="ambiguous_name")
    return named[0] if named else None


def any_exist(session: Session) -> bool:
    """Whether there ever was a project, archived ones included."""
    return session.scalar(select(Project.id).limit(1)) is not None


def create(uow: UnitOfWork, name: str, description: str = "") -> Project:
    """A project served by the newest model version, if there is one."""
    version = model_versions.newest(uow.session)
    project = Project(name=name, description=description, active_version_id=version.id if version else None)
    uow.session.add(project)
    uow.session.flush()
    uow.emit("project.changed", project.id, project.id, revision=project.revision)
    return project


def change(uow: UnitOfWork, project_id: str, changes: Mapping[str, Any], actor_id: str | None = None) -> Project:
    """Apply name, description, active_version_id; `revision`, if given, must be the present one (Conflict).

    Another version is a move of the pointer, logged as `manual`; afterwards call `embeddings.request_missing`.
    """
    project = _locked(uow, project_id)
    if changes.get("revision") not in (None, project.revision):
        raise Conflict("Somebody changed this project since.", code="stale_revision")
    for field in ("name", "description"):
        if changes.get(field) is not None:
            setattr(project, field, changes[field])
    version_id = changes.get("active_version_id")
    if version_id is not None and version_id != project.active_version_id:
        promotions.move(uow, project_id, project.active_version_id, version_id, "manual", actor_id)
    else:
        _bump(uow, project)
    return project


def _locked(uow: UnitOfWork, project_id: str) -> Project:
    """An active project whose row nobody else changes until the commit; raises NotFound.

    Who changes the project or its categories takes turns, so that names, places and colours are not given out twice.
    """
    project = uow.session.get(Project, project_id, with_for_update=True, populate_existing=True)
    if project is None or project.state != "active":
        raise NotFound("There is no such project.")
    return project


def archive(uow: UnitOfWork, project_id: str) -> None:
    """Take the project off the list; nothing is erased. Archiving twice is fine."""
    project = uow.session.get(Project, project_id)
    if project is None:
        raise NotFound("There is no such project.")
    if project.state != "archived":
        project.state = "archived"
        _bump(uow, project)


def _bump(uow: UnitOfWork, project: Project) -> None:
    project.revision += 1
    uow.emit("project.changed", project.id, project.id, revision=project.revision)


# --- what a page shows of projects ----------------------------------------------------------------------------------


def overview(session: Session, project_id: str) -> dict[str, Any]:
    """One project with its counts; raises NotFound."""
    return _overview_of(session, [find(session, project_id)])[0]


def overviews(session: Session) -> list[dict[str, Any]]:
    """All active projects with their counts, newest first."""
    query = select(Project).where(Project.state == "active").order_by(Project.created_at.desc(), Project.id)
    return _overview_of(session, session.scalars(query).all())


def _overview_of(session: Session, projects: Sequence[Project]) -> list[dict[str, Any]]:
    """A fixed number of queries, however many projects there are."""
    ids = [project.id for project in projects]
    images = _grouped(session, _image_counts().where(Image.project_id.in_(ids)))
    masks = _grouped(session, _annotation_counts().where(Annotation.project_id.in_(ids)))
    covers = _covers(session, ids)
    categories: dict[str, list[Category]] = {}
    for category in session.scalars(_categories().where(Category.project_id.in_(ids))):
        categories.setdefault(category.project_id, []).append(category)
    columns = ("id", "name", "description", "stage", "active_version_id", "revision", "created_at", "changed_at")
    return [
        {column: getattr(project, column) for column in columns}
        | NO_IMAGES
        | NO_ANNOTATIONS
        | images.get(project.id, {})
        | masks.get(project.id, {})
        | {"cover_image_ids": covers.get(project.id, []), "categories": categories.get(project.id, [])}
        for project in projects
    ]


NO_IMAGES = dict.fromkeys(
    ("image_count", "queued_image_count", "failed_image_count", "complete_image_count", "embedded_image_count"), 0
)
NO_ANNOTATIONS = {"annotation_count": 0, "annotated_image_count": 0}


def _image_counts() -> Select[*tuple[Any, ...]]:
    complete = Image.id.in_(select(Assignment.image_id).where(Assignment.complete))
    embedded = and_(Image.state == "ready", Embedding.state == "ready")
    return (
        select(
            Image.project_id,
            func.count().label("image_count"),
            _count_if(Image.state == "queued").label("queued_image_count"),
            _count_if(Image.state == "failed").label("failed_image_count"),
            _count_if(complete).label("complete_image_count"),
            _count_if(embedded).label("embedded_image_count"),
        )
        .join(Project, Project.id == Image.project_id)
        .outerjoin(ModelVersion, ModelVersion.id == Project.active_version_id)
        .outerjoin(Embedding, embedding_of_image())
        .where(Image.state != "erased")
        .group_by(Image.project_id)
    )


def embedding_of_image() -> ColumnElement[bool]:
    """Join condition: the embedding of an image for the model version in the same query."""
    return and_(Embedding.pixel_digest == Image.pixel_digest, Embedding.encoder_digest == ModelVersion.encoder_digest)


def _annotation_counts() -> Select[*tuple[Any, ...]]:
    return (
        select(
            Annotation.project_id,
            func.count().label("annotation_count"),
            func.count(Annotation.image_id.distinct()).label("annotated_image_count"),
        )
        .join(Image, Image.id == Annotation.image_id)
        .where(Annotation.state == "accepted", Image.state != "erased")
        .group_by(Annotation.project_id)
    )


def _count_if(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count(case((condition, 1)))


def _grouped(session: Session, query: Select[*tuple[Any, ...]]) -> dict[str, dict[str, int]]:
    return {
        row["project_id"]: {name: count for name, count in row.items() if name != "project_id"}
        for row in session.execute(query).mappings()
    }


def _covers(session: Session, ids: Sequence[str]) -> dict[str, list[str]]:
    """Up to COVERS images of each project, the annotated ones first."""
    masks = (
        select(func.count())
        .select_from(Annotation)
        .where(Annotation.image_id == Image.id, Annotation.state == "accepted")
        .scalar_subquery()
    )
    order = (case((masks > 0, 0), else_=1), Image.position, Image.id)
    place = func.row_number().over(partition_by=Image.project_id, order_by=order).label("place")
    shown = select(Image.project_id, Image.id, place).where(Image.project_id.in_(ids), Image.state == "ready")
    ranked = shown.subquery()
    covers: dict[str, list[str]] = {}
    for project_id, image_id in session.execute(
        select(ranked.c.project_id, ranked.c.id).where(ranked.c.place <= COVERS).order_by(ranked.c.place)
    ):
        covers.setdefault(project_id, []).append(image_id)
    return covers


# --- categories -----------------------------------------------------------------------------------------------------


def categories_of(session: Session, project_id: str) -> Sequence[Category]:
    """Active categories in their order."""
    find(session, project_id)
    return session.scalars(_categories().where(Category.project_id == project_id)).all()


def _categories() -> Select[Category]:
    return select(Category).where(Category.state == "active").order_by(Category.position, Category.id)


def add_category(
    uow: UnitOfWork, project_id: str, name: str, supercategory: str = "", colour: int | None = None
) -> Category:
    """A new category, or a retired one of that name brought back; Conflict when an active one has the name."""
    _locked(uow, project_id)
    known = uow.session.scalars(select(Category).where(Category.project_id == project_id)).all()
    same = next((category for category in known if category.name == name), None)
    if same is not None and same.state == "active":
        raise Conflict(f"There is a category {name!r} already.", code="name_taken")
    category = same or Category(project_id=project_id, name=name)
    category.state = "active"
    category.supercategory = supercategory
    category.colour = colour if colour is not None else _free_colour(known)
    category.position = max((other.position for other in known), default=-1) + 1
    uow.session.add(category)
    uow.session.flush()
    _told(uow, category)
    return category


def change_category(uow: UnitOfWork, category_id: str, changes: Mapping[str, Any]) -> Category:
    """Apply name, supercategory, colour, position; a null changes nothing."""
    category = find_category(uow.session, category_id)
    _locked(uow, category.project_id)
    wanted = {field: value for field, value in changes.items() if value is not None}
    name = wanted.get("name", category.name)
    if name != category.name and uow.session.scalar(
        select(Category.id).where(Category.project_id == category.project_id, Category.name == name)
    ):
        raise Conflict(f"There is or was a category {name!r}.", code="name_taken")
    for field, value in wanted.items():
        setattr(category, field, value)
    _told(uow, category)
    return category


def retire_category(uow: UnitOfWork, category_id: str) -> None:
    """Take it off the list; annotations keep it. Retiring twice is fine."""
    category = uow.session.get(Category, category_id)
    if category is None:
        raise NotFound("There is no such category.")
    if category.state != "retired":
        category.state = "retired"
        _told(uow, category)


def find_category(session: Session, category_id: str) -> Category:
    """An active category; raises NotFound."""
    category = session.get(Category, category_id)
    if category is None or category.state != "active":
        raise NotFound("There is no such category.")
    return category


def require_category(session: Session, project_id: str, category_id: str, active: bool) -> None:
    """Invalid unless the category belongs to the project, and is active where that is asked for."""
    category = session.get(Category, category_id)
    if category is None or category.project_id != project_id or (active and category.state != "active"):
        raise Invalid("This project has no such category.", code="bad_reference")


def _free_colour(known: Sequence[Category]) -> int:
    used = Counter(category.colour for category in known if category.state == "active")
    return min(range(COLOURS), key=lambda colour: (used[colour], colour))


def _told(uow: UnitOfWork, category: Category) -> None:
    uow.emit("category.changed", category.project_id, category.id, name=category.name, state=category.state)
