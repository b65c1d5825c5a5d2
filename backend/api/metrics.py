"""Effort: what masks cost, as the paper's table of the data engine."""

from fastapi import APIRouter

from backend.api import engine_schemas
from backend.api.deps import AtRuntime
from backend.api.policy import Policy, PolicyRoute, allow
from backend.services import metrics

router = APIRouter(prefix="/api", tags=["projects"], route_class=PolicyRoute)


@router.get(
    "/projects/{project_id}/effort",
    summary="Read what masks cost",
    response_model=engine_schemas.EffortTable,
)
@allow(Policy.SIGNED_IN)
def read_effort(project_id: str, runtime: AtRuntime) -> object:
    """Seconds (active and wall), clicks and brush edits per mask, masks per image, and what became of proposals."""
    with runtime.read() as session:
        return metrics.of_project(session, project_id)
