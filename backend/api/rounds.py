"""Rounds: start one, watch it train, compare its candidate. What becomes of the candidate is in `promotions`."""

from dataclasses import asdict

from fastapi import APIRouter

from backend.api import engine_schemas as schemas
from backend.api.deps import AtRuntime, Caller
from backend.api.policy import Policy, PolicyRoute, allow
from backend.services import rounds

router = APIRouter(prefix="/api", tags=["rounds"], route_class=PolicyRoute)


@router.get("/projects/{project_id}/rounds", summary="List the rounds", response_model=schemas.RoundList)
@allow(Policy.SIGNED_IN)
def list_rounds(project_id: str, runtime: AtRuntime) -> object:
    """Newest first."""
    with runtime.read() as session:
        return {"rounds": rounds.of_project(session, project_id)}


@router.post(
    "/projects/{project_id}/rounds", summary="Start a round", status_code=202, response_model=schemas.RoundDetail
)
@allow(Policy.SIGNED_IN)
def start_round(project_id: str, body: schemas.RoundIn, runtime: AtRuntime, caller: Caller) -> object:
    """Workers freeze a snapshot, train and evaluate; `round.changed` tells of every step.

    409 `round_unfinished`, `no_model`, `nothing_to_train` or `same_version`.
    """
    with runtime.write() as uow:
        candidate = body.candidate_version_id
        row = rounds.start(uow, project_id, caller.id, steps=body.steps, candidate_version_id=candidate)
        uow.session.flush()
        return rounds.view(uow.session, row.id)


@router.get(
    "/projects/{project_id}/rounds/preview",
    summary="What a round that began now would learn from",
    response_model=schemas.RoundPreview,
)
@allow(Policy.SIGNED_IN)
def preview_round(project_id: str, runtime: AtRuntime) -> object:
    """Counts all masks of the project by its policy; some seconds for very many."""
    counts, new = rounds.preview(runtime, project_id)
    return {"counts": asdict(counts), "new_masks": new}


@router.get("/rounds/{round_id}", summary="Read a round", response_model=schemas.RoundDetail)
@allow(Policy.SIGNED_IN)
def read_round(round_id: str, runtime: AtRuntime) -> object:
    with runtime.read() as session:
        return rounds.view(session, round_id)


@router.post("/rounds/{round_id}/cancel", summary="Cancel a round", response_model=schemas.RoundDetail)
@allow(Policy.SIGNED_IN)
def cancel_round(round_id: str, runtime: AtRuntime) -> object:
    """Until it is judged; again is fine. 409 `round_state` otherwise."""
    with runtime.write() as uow:
        rounds.cancel(uow, round_id)
        return rounds.view(uow.session, round_id)


@router.post(
    "/rounds/{round_id}/evaluate",
    summary="Compare the candidate with the active version",
    status_code=202,
    response_model=schemas.RoundDetail,
)
@allow(Policy.SIGNED_IN)
def evaluate_round(round_id: str, runtime: AtRuntime) -> object:
    """Also again, once another version became active. 409 `round_state` without a candidate to compare."""
    with runtime.write() as uow:
        rounds.evaluate(uow, round_id)
        return rounds.view(uow.session, round_id)
