"""Assignments: who works on an image now, and which one comes next."""

from typing import Any

from fastapi import APIRouter, Response

from backend.api import schemas, stage_schemas
from backend.api.deps import AtRuntime, Caller
from backend.api.policy import Policy, PolicyRoute, allow
from backend.services import assignments

router = APIRouter(prefix="/api", tags=["assignments"], route_class=PolicyRoute)

NONE_LEFT: dict[int | str, dict[str, Any]] = {204: {"description": "No image waits for you."}}
HELD: schemas.Responses = {
    409: {"model": schemas.Problem, "description": "`held` by somebody else; `not_ready`: there are no pixels."}
}


@router.post(
    "/projects/{project_id}/assignments/next",
    summary="Take the next image",
    response_model=stage_schemas.Assignment,
    responses=NONE_LEFT,
)
@allow(Policy.SIGNED_IN)
def take_next(project_id: str, body: stage_schemas.NextIn, runtime: AtRuntime, caller: Caller) -> object:
    """The first image behind the one that is left, and nobody else gets it while the lease is renewed."""
    with runtime.write() as uow:
        taken = assignments.next_image(uow, project_id, caller.id, body.after, body.skip)
    return Response(status_code=204) if taken is None else taken


@router.get("/images/{image_id}/assignment", summary="Who holds an image", response_model=stage_schemas.Assignment)
@allow(Policy.SIGNED_IN)
def read_assignment(image_id: str, runtime: AtRuntime, caller: Caller) -> object:
    with runtime.read() as session:
        return assignments.of_image(session, image_id, caller.id)


@router.post(
    "/images/{image_id}/assignment",
    summary="Take an image, or renew the lease on it",
    response_model=stage_schemas.Assignment,
    responses=HELD,
)
@allow(Policy.SIGNED_IN)
def take_image(image_id: str, body: stage_schemas.TakeIn, runtime: AtRuntime, caller: Caller) -> object:
    """Saving masks does not need the lease: it keeps two people from working on one image unknowingly."""
    with runtime.write() as uow:
        return assignments.take(uow, image_id, caller.id, body.take_over)


@router.delete("/images/{image_id}/assignment", summary="Give an image back", status_code=204, response_class=Response)
@allow(Policy.SIGNED_IN)
def release_image(image_id: str, runtime: AtRuntime, caller: Caller) -> None:
    """Giving back what one does not hold is fine."""
    with runtime.write() as uow:
        assignments.release(uow, image_id, caller.id)
