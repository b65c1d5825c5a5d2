"""Proposals: which are confident, what a change of the limits would leave, accepting all of an image at once."""

from typing import Annotated

from fastapi import APIRouter, Query

from backend.api import proposal_schemas as schemas
from backend.api.deps import AtRuntime, Caller
from backend.api.policy import Policy, PolicyRoute, allow
from backend.engine.generations import Thresholds
from backend.services import proposals

router = APIRouter(prefix="/api", tags=["proposals"], route_class=PolicyRoute)

Limit = Annotated[float | None, Query(ge=0, le=1, description="Left out: as the project's policy says.")]


def _asked(min_predicted_iou: float | None, min_stability: float | None) -> Thresholds | None:
    """None where nothing was asked for; else both limits, the one that was left out set to nothing."""
    if min_predicted_iou is None and min_stability is None:
        return None
    return Thresholds(min_predicted_iou, min_stability)


@router.get("/images/{image_id}/proposals", summary="List an image's proposals", response_model=schemas.ProposalList)
@allow(Policy.SIGNED_IN)
def list_proposals(
    image_id: str,
    runtime: AtRuntime,
    source: schemas.MadeBy | None = None,
    min_predicted_iou: Limit = None,
    min_stability: Limit = None,
) -> object:
    """Of one source, best predicted IoU first. A limit that is given alone is the only one."""
    with runtime.read() as session:
        return proposals.of_image(session, image_id, _asked(min_predicted_iou, min_stability), source)


@router.get(
    "/projects/{project_id}/proposals/preview",
    summary="See what limits would leave",
    response_model=schemas.Preview,
)
@allow(Policy.SIGNED_IN)
def preview_proposals(
    project_id: str,
    runtime: AtRuntime,
    source: schemas.MadeBy | None = None,
    min_predicted_iou: Limit = None,
    min_stability: Limit = None,
    images: Annotated[int, Query(ge=1, le=50)] = 12,
) -> object:
    """Always the same sample of images, with all of their proposals and scores."""
    with runtime.read() as session:
        limits = _asked(min_predicted_iou, min_stability)
        return proposals.preview(session, project_id, limits, source, images)


@router.post(
    "/images/{image_id}/proposals/accept", summary="Accept an image's proposals", response_model=schemas.Accepted
)
@allow(Policy.SIGNED_IN)
def accept_proposals(image_id: str, body: schemas.Acceptance, runtime: AtRuntime, caller: Caller) -> object:
    """The confident ones that nobody flagged; again accepts none."""
    limits = Thresholds() if body.all else _asked(body.min_predicted_iou, body.min_stability)
    with runtime.write() as uow:
        return {"accepted": proposals.accept_all(uow, image_id, caller.id, limits, body.source)}
