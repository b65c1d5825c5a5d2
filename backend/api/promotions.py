"""Promotions: which model version serves a project, by whose decision, and the way back."""

from fastapi import APIRouter

from backend.api import engine_schemas, schemas
from backend.api.deps import AtRuntime, Caller
from backend.api.policy import Policy, PolicyRoute, allow
from backend.runtime import Runtime
from backend.services import projects, promotions, rollbacks

router = APIRouter(prefix="/api", tags=["promotions"], route_class=PolicyRoute)

DECIDED: schemas.Responses = {
    400: {"model": schemas.Problem, "description": "`reason_needed`: this goes against the gate report."},
    409: {
        "model": schemas.Problem,
        "description": "`not_judged`; `not_overridable`: the candidate is broken or its comparison not honest; "
        "`moved`: another version became active since; `rejected`, `withdrawn`: this version may not serve.",
    },
}
WAY_BACK: schemas.Responses = {
    400: {"model": schemas.Problem, "description": "`reason_needed`"},
    409: {"model": schemas.Problem, "description": "`nothing_before`, `never_active`, `moved`, `already_active`"},
}


@router.get(
    "/projects/{project_id}/promotions",
    summary="List the moves of the active model version",
    response_model=engine_schemas.PromotionList,
)
@allow(Policy.SIGNED_IN)
def list_promotions(project_id: str, runtime: AtRuntime) -> object:
    """Newest first; every move is here, whoever or whatever made it."""
    with runtime.read() as session:
        projects.find(session, project_id)
        return {"promotions": promotions.history(session, project_id)}


@router.post(
    "/rounds/{round_id}/promote",
    summary="Promote a round's candidate",
    response_model=engine_schemas.Promotion,
    responses=DECIDED,
)
@allow(Policy.SIGNED_IN)
def promote_round(round_id: str, body: engine_schemas.PromoteIn, runtime: AtRuntime, caller: Caller) -> object:
    """With the gate report, or against it with a reason. Another encoder re-embeds the images in the background."""
    with runtime.write() as uow:
        moved = promotions.promote(uow, round_id, caller.id, body.reason, body.seen_version_id)
    return _followed(runtime, moved.project_id, moved.id)


@router.post(
    "/rounds/{round_id}/reject",
    summary="Reject a round's candidate",
    status_code=204,
    responses={409: {"model": schemas.Problem, "description": "`not_judged`"}},
)
@allow(Policy.SIGNED_IN)
def reject_round(round_id: str, body: engine_schemas.RejectIn, runtime: AtRuntime, caller: Caller) -> None:
    """The candidate never serves."""
    with runtime.write() as uow:
        promotions.reject(uow, round_id, caller.id, body.reason)


@router.post(
    "/projects/{project_id}/rollback",
    summary="Roll back to an earlier model version",
    response_model=engine_schemas.Promotion,
    responses=WAY_BACK,
)
@allow(Policy.SIGNED_IN)
def roll_back(project_id: str, body: engine_schemas.RollbackIn, runtime: AtRuntime, caller: Caller) -> object:
    """At once: only rows change. Untouched proposals of the left version are withdrawn; what people decided stays."""
    with runtime.write() as uow:
        moved = rollbacks.rollback(uow, project_id, caller.id, body.reason, body.to_version_id, body.seen_version_id)
    rollbacks.withdraw_left(runtime, moved.id)
    return _followed(runtime, project_id, moved.id)


def _followed(runtime: Runtime, project_id: str, promotion_id: str) -> object:
    promotions.follow(runtime, promotion_id)
    with runtime.read() as session:
        return next(row for row in promotions.history(session, project_id) if row["id"] == promotion_id)
