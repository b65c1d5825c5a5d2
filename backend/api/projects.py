"""Projects: the place of a set of images, its categories and its annotations."""

from fastapi import APIRouter, Response

from backend.api import schemas
from backend.api.deps import AtRuntime, Caller
from backend.api.policy import Policy, PolicyRoute, allow
from backend.services import embeddings, projects

router = APIRouter(prefix="/api", tags=["projects"], route_class=PolicyRoute)


@router.get("/projects", summary="List the active projects", response_model=schemas.ProjectList)
@allow(Policy.SIGNED_IN)
def list_projects(runtime: AtRuntime) -> object:
    with runtime.read() as session:
        return {"projects": projects.overviews(session)}


@router.post("/projects", summary="Create a project", status_code=201, response_model=schemas.Project)
@allow(Policy.SIGNED_IN)
def create_project(body: schemas.ProjectIn, runtime: AtRuntime) -> object:
    """The newest active model version serves the new project."""
    with runtime.write() as uow:
        project = projects.create(uow, body.name, body.description)
        return projects.overview(uow.session, project.id)


@router.get("/projects/{project_id}", summary="Read a project", response_model=schemas.Project)
@allow(Policy.SIGNED_IN)
def read_project(project_id: str, runtime: AtRuntime) -> object:
    with runtime.read() as session:
        return projects.overview(session, project_id)


@router.patch("/projects/{project_id}", summary="Change a project", response_model=schemas.Project)
@allow(Policy.SIGNED_IN)
def change_project(project_id: str, body: schemas.ProjectChange, runtime: AtRuntime, caller: Caller) -> object:
    """Only the fields that are sent are changed. Another model version re-embeds the images in the background."""
    changes = body.model_dump(exclude_unset=True)
    with runtime.write() as uow:
        projects.change(uow, project_id, changes, caller.id)
    if changes.get("active_version_id") is not None:
        embeddings.request_missing(runtime, project_id)
    with runtime.read() as session:
        return projects.overview(session, project_id)


@router.delete("/projects/{project_id}", summary="Archive a project", status_code=204, response_class=Response)
@allow(Policy.SIGNED_IN)
def archive_project(project_id: str, runtime: AtRuntime) -> None:
    """It leaves the list; nothing is erased."""
    with runtime.write() as uow:
        projects.archive(uow, project_id)


@router.get("/projects/{project_id}/categories", summary="List the categories", response_model=schemas.CategoryList)
@allow(Policy.SIGNED_IN)
def list_categories(project_id: str, runtime: AtRuntime) -> object:
    with runtime.read() as session:
        return {"categories": projects.categories_of(session, project_id)}


@router.post(
    "/projects/{project_id}/categories", summary="Add a category", status_code=201, response_model=schemas.Category
)
@allow(Policy.SIGNED_IN)
def create_category(project_id: str, body: schemas.CategoryIn, runtime: AtRuntime) -> object:
    """A retired category of the same name comes back to life."""
    with runtime.write() as uow:
        return projects.add_category(uow, project_id, body.name, body.supercategory, body.colour)


@router.patch("/categories/{category_id}", summary="Change a category", response_model=schemas.Category)
@allow(Policy.SIGNED_IN)
def change_category(category_id: str, body: schemas.CategoryChange, runtime: AtRuntime) -> object:
    with runtime.write() as uow:
        return projects.change_category(uow, category_id, body.model_dump(exclude_unset=True))


@router.delete("/categories/{category_id}", summary="Retire a category", status_code=204, response_class=Response)
@allow(Policy.SIGNED_IN)
def retire_category(category_id: str, runtime: AtRuntime) -> None:
    """It can no longer be chosen; annotations that carry it keep it."""
    with runtime.write() as uow:
        projects.retire_category(uow, category_id)
