"""Whether the parts are there."""

from fastapi import APIRouter

from backend.api import schemas
from backend.api.deps import AtRuntime
from backend.api.policy import Policy, PolicyRoute, allow
from backend.services import health

router = APIRouter(prefix="/api", tags=["health"], route_class=PolicyRoute)


@router.get("/health", summary="Whether the parts are there", response_model=schemas.Health)
@allow(Policy.PUBLIC)
def read_health(runtime: AtRuntime) -> object:
    """Always 200 while the server itself works; `status` is `degraded` when a part is missing."""
    return health.report(runtime)
