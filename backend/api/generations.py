"""Automatic generation: proposals on many images, its progress, and the detectors whose boxes it can start from."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from backend.api import proposal_schemas as schemas
from backend.api.deps import AtRuntime, Caller
from backend.api.policy import Policy, PolicyRoute, allow
from backend.api.schemas import Id, Problem, Responses
from backend.services import detectors, generations

router = APIRouter(prefix="/api", tags=["generations"], route_class=PolicyRoute)

REFUSED: Responses = {
    409: {"model": Problem, "description": "`no_model`, `no_detector`, or `generation_running`: one of this source."}
}
STATE: Responses = {409: {"model": Problem, "description": "`generation_state`: its state does not allow this."}}


@router.get("/projects/{project_id}/generations", summary="List generations", response_model=schemas.GenerationList)
@allow(Policy.SIGNED_IN)
def list_generations(project_id: str, runtime: AtRuntime) -> object:
    """Newest first."""
    with runtime.read() as session:
        return {"generations": generations.of_project(session, project_id)}


@router.post(
    "/projects/{project_id}/generations",
    summary="Start automatic generation",
    status_code=201,
    response_model=schemas.Generation,
    responses=REFUSED,
)
@allow(Policy.SIGNED_IN)
def start_generation(project_id: str, body: schemas.GenerationIn, runtime: AtRuntime, caller: Caller) -> object:
    """Proposals that nobody touched are replaced by the new ones of the same source; what people decided stays."""
    request = generations.Request(
        body.source, body.images, body.model_version_id, body.settings.model_dump(exclude_none=True), body.min_box_score
    )
    with runtime.write() as uow:
        return generations.view(uow.session, generations.start(uow, project_id, caller.id, request))


@router.get("/generations/{generation_id}", summary="Read a generation", response_model=schemas.Generation)
@allow(Policy.SIGNED_IN)
def read_generation(generation_id: str, runtime: AtRuntime) -> object:
    with runtime.read() as session:
        return generations.view(session, generations.find(session, generation_id))


@router.post(
    "/generations/{generation_id}/{action}",
    summary="Pause, resume, cancel or retry a generation",
    response_model=schemas.Generation,
    responses=STATE,
)
@allow(Policy.SIGNED_IN)
def act_on_generation(
    generation_id: str, action: Literal["pause", "resume", "cancel", "retry"], runtime: AtRuntime
) -> object:
    """What is written stays written. `retry` takes the images that failed or were passed over again."""
    with runtime.write() as uow:
        return generations.view(uow.session, generations.act(uow, generation_id, action))


@router.get(
    "/generations/{generation_id}/images",
    summary="What became of each image",
    response_model=schemas.GenerationImageList,
)
@allow(Policy.SIGNED_IN)
def list_generation_images(
    generation_id: str,
    runtime: AtRuntime,
    state: Literal["queued", "done", "failed", "skipped"] | None = None,
    after: Id | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> object:
    with runtime.read() as session:
        return generations.images_of(session, generation_id, state, after, limit)


@router.get("/projects/{project_id}/detectors", summary="List box detectors", response_model=schemas.DetectorList)
@allow(Policy.SIGNED_IN)
def list_detectors(project_id: str, runtime: AtRuntime) -> object:
    """Newest first."""
    with runtime.read() as session:
        return {"detectors": detectors.of_project(session, project_id)}


@router.post(
    "/projects/{project_id}/detectors",
    summary="Train a box detector",
    status_code=201,
    response_model=schemas.Detector,
    responses={409: {"model": Problem, "description": "`no_model`: no model version serves this project."}},
)
@allow(Policy.SIGNED_IN)
def train_detector(project_id: str, body: schemas.DetectorIn, runtime: AtRuntime) -> object:
    """On the project's accepted masks; while one is being trained, the answer is that one."""
    with runtime.write() as uow:
        return detectors.request(uow, project_id, minutes=body.minutes)
