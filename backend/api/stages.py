"""Stages: how a project works, what its policy asks for, and the steps it took."""

from fastapi import APIRouter

from backend.api import schemas, stage_schemas
from backend.api.deps import AtRuntime, Caller
from backend.api.policy import Policy, PolicyRoute, allow
from backend.engine import policy as policies
from backend.services import stages

router = APIRouter(prefix="/api", tags=["stages"], route_class=PolicyRoute)

BAD_POLICY: schemas.Responses = {400: {"model": schemas.Problem, "description": "`bad_policy`: the field and why."}}
NO_STEP: schemas.Responses = {
    400: {"model": schemas.Problem, "description": "`reason_needed`: the rule does not ask for this step."},
    409: {"model": schemas.Problem, "description": "`stage`: the project is not next to that stage (any more)."},
}


@router.get(
    "/projects/{project_id}/policy", summary="Read a project's policy", response_model=stage_schemas.ProjectPolicy
)
@allow(Policy.SIGNED_IN)
def read_policy(project_id: str, runtime: AtRuntime) -> object:
    with runtime.read() as session:
        return policies.as_dict(stages.policy(session, project_id))


@router.put(
    "/projects/{project_id}/policy",
    summary="Change a project's policy",
    response_model=stage_schemas.ProjectPolicy,
    responses=BAD_POLICY,
)
@allow(Policy.SIGNED_IN)
def write_policy(project_id: str, body: stage_schemas.PolicyIn, runtime: AtRuntime) -> object:
    """The whole policy anew. A round that runs goes on with the policy that it began with."""
    with runtime.write() as uow:
        return policies.as_dict(stages.set_policy(uow, project_id, body.policy))


@router.get(
    "/projects/{project_id}/stage", summary="Read where a project stands", response_model=stage_schemas.ProjectStage
)
@allow(Policy.SIGNED_IN)
def read_stage(project_id: str, runtime: AtRuntime) -> object:
    """The stage, the rule that leads out of it with its numbers, and what is new since the last round."""
    with runtime.read() as session:
        return stages.view(session, project_id)


@router.post(
    "/projects/{project_id}/stage",
    summary="Go to the next or the previous stage",
    response_model=stage_schemas.ProjectStage,
    responses=NO_STEP,
)
@allow(Policy.SIGNED_IN)
def change_stage(project_id: str, body: stage_schemas.StageStep, runtime: AtRuntime, caller: Caller) -> object:
    """One step, either way; it is kept in the history with the numbers of this moment."""
    with runtime.write() as uow:
        stages.change(uow, project_id, body.to, caller.id, body.reason)
    with runtime.read() as session:
        return stages.view(session, project_id)


@router.get("/projects/{project_id}/stage/history", summary="List the steps", response_model=stage_schemas.StageHistory)
@allow(Policy.SIGNED_IN)
def list_stage_changes(project_id: str, runtime: AtRuntime) -> object:
    """Newest first."""
    with runtime.read() as session:
        return {"changes": stages.history(session, project_id)}
