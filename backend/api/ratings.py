"""Ratings: blind scores of masks from several sources, and what they say."""

from typing import Any

from fastapi import APIRouter, Response

from backend.api import engine_schemas, schemas
from backend.api.deps import AtRuntime, Caller
from backend.api.policy import Policy, PolicyRoute, allow
from backend.services import rating_reports, ratings

router = APIRouter(prefix="/api", tags=["ratings"], route_class=PolicyRoute)

NOTHING_LEFT: dict[int | str, dict[str, Any]] = {204: {"description": "Nothing is left for the caller."}}
NOTHING_TO_RATE: schemas.Responses = {
    409: {"model": schemas.Problem, "description": "`nothing_to_rate`: no source has a mask that can be judged."}
}
NOT_YOURS: schemas.Responses = {
    409: {"model": schemas.Problem, "description": "`lease_lost`: somebody else has it; `closed`: the task is over."}
}


@router.get("/rating-guidelines", summary="Read what raters are told", response_model=engine_schemas.RatingGuidelines)
@allow(Policy.SIGNED_IN)
def read_rating_guidelines() -> object:
    return ratings.guidelines()


@router.get(
    "/projects/{project_id}/rating-tasks", summary="List the rating tasks", response_model=engine_schemas.RatingTaskList
)
@allow(Policy.SIGNED_IN)
def list_rating_tasks(project_id: str, runtime: AtRuntime) -> object:
    """Newest first, each with its report so far."""
    with runtime.read() as session:
        return {"rating_tasks": rating_reports.of_project(session, project_id)}


@router.post(
    "/projects/{project_id}/rating-tasks",
    summary="Start a rating task",
    status_code=201,
    response_model=engine_schemas.RatingTask,
    responses=NOTHING_TO_RATE,
)
@allow(Policy.SIGNED_IN)
def create_rating_task(
    project_id: str, body: engine_schemas.RatingTaskIn, runtime: AtRuntime, caller: Caller
) -> object:
    """`stored` rates masks as they are; for `prompted` a worker asks model versions for one point's masks first."""
    draft = ratings.Draft(**body.model_dump() | {"sources": tuple(dict.fromkeys(body.sources))})
    task_id = ratings.create(runtime, project_id, caller.id, draft)
    with runtime.read() as session:
        return rating_reports.report(session, task_id)


@router.get("/rating-tasks/{task_id}", summary="Read a rating task's report", response_model=engine_schemas.RatingTask)
@allow(Policy.SIGNED_IN)
def read_rating_task(task_id: str, runtime: AtRuntime) -> object:
    with runtime.read() as session:
        return rating_reports.report(session, task_id)


@router.post("/rating-tasks/{task_id}/close", summary="Close a rating task", response_model=engine_schemas.RatingTask)
@allow(Policy.SIGNED_IN)
def close_rating_task(task_id: str, runtime: AtRuntime) -> object:
    """No more ratings are taken; the report stays."""
    with runtime.write() as uow:
        ratings.close(uow, task_id)
    with runtime.read() as session:
        return rating_reports.report(session, task_id)


@router.post(
    "/rating-tasks/{task_id}/next",
    summary="Take the next mask to rate",
    response_model=engine_schemas.RatingEntry,
    responses=NOTHING_LEFT,
)
@allow(Policy.SIGNED_IN)
def next_rating_entry(task_id: str, runtime: AtRuntime, caller: Caller) -> object:
    """Leased to the caller, who gets the same one again (and the lease renewed) until it is rated or given back."""
    with runtime.write() as uow:
        return ratings.next_mask(uow, task_id, caller.id) or Response(status_code=204)


@router.put(
    "/rating-items/{item_id}/rating",
    summary="Rate a mask",
    status_code=204,
    response_class=Response,
    responses=NOT_YOURS,
)
@allow(Policy.SIGNED_IN)
def rate_entry(item_id: str, body: engine_schemas.RatingIn, runtime: AtRuntime, caller: Caller) -> None:
    """One's own score can be changed while the task is open."""
    with runtime.write() as uow:
        ratings.rate(uow, item_id, caller.id, body.score, body.seconds)


@router.delete(
    "/rating-items/{item_id}/lease", summary="Give a mask back unrated", status_code=204, response_class=Response
)
@allow(Policy.SIGNED_IN)
def release_rating_entry(item_id: str, runtime: AtRuntime, caller: Caller) -> None:
    """Somebody else may take it now."""
    with runtime.write() as uow:
        ratings.release(uow, item_id, caller.id)
