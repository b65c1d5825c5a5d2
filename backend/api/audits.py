"""Audits: people correct a random sample of automatic masks; the overlaps say how good the automatic ones are."""

from typing import Any

from fastapi import APIRouter, Response

from backend.api import engine_schemas, schemas
from backend.api.annotations import MASK_BODY_LIMIT
from backend.api.deps import AtRuntime, Caller
from backend.api.policy import Policy, PolicyRoute, allow
from backend.services import audits

router = APIRouter(prefix="/api", tags=["audits"], route_class=PolicyRoute)

NOTHING_LEFT: dict[int | str, dict[str, Any]] = {204: {"description": "Nothing is left to do."}}
NOTHING_TO_AUDIT: schemas.Responses = {
    409: {"model": schemas.Problem, "description": "`nothing_to_audit`: there are no automatic masks."}
}
NOT_YOURS: schemas.Responses = {
    409: {"model": schemas.Problem, "description": "`lease_lost`: the entry is not yours any more; `done` by now."}
}


@router.get("/projects/{project_id}/audits", summary="List the audits", response_model=engine_schemas.AuditList)
@allow(Policy.SIGNED_IN)
def list_audits(project_id: str, runtime: AtRuntime) -> object:
    """Newest first, each with its figures so far."""
    with runtime.read() as session:
        return {"audits": audits.of_project(session, project_id)}


@router.post(
    "/projects/{project_id}/audits",
    summary="Start an audit",
    status_code=201,
    response_model=engine_schemas.Audit,
    responses=NOTHING_TO_AUDIT,
)
@allow(Policy.SIGNED_IN)
def create_audit(project_id: str, body: engine_schemas.AuditIn, runtime: AtRuntime, caller: Caller) -> object:
    """Draws automatic masks that stand, proposed or accepted; all of them if there are fewer."""
    audit_id = audits.create(runtime, project_id, caller.id, body.sample_size, body.seed, body.generation_id)
    with runtime.read() as session:
        return audits.report(session, audit_id)


@router.get("/audits/{audit_id}", summary="Read an audit's report", response_model=engine_schemas.Audit)
@allow(Policy.SIGNED_IN)
def read_audit(audit_id: str, runtime: AtRuntime) -> object:
    with runtime.read() as session:
        return audits.report(session, audit_id)


@router.post("/audits/{audit_id}/close", summary="Close an audit", response_model=engine_schemas.Audit)
@allow(Policy.SIGNED_IN)
def close_audit(audit_id: str, runtime: AtRuntime) -> object:
    """No more corrections are taken; the report stays."""
    with runtime.write() as uow:
        audits.close(uow, audit_id)
        uow.session.flush()
        return audits.report(uow.session, audit_id)


@router.post(
    "/audits/{audit_id}/next",
    summary="Take the next mask to correct",
    response_model=engine_schemas.AuditEntry,
    responses=NOTHING_LEFT,
)
@allow(Policy.SIGNED_IN)
def next_audit_entry(audit_id: str, runtime: AtRuntime, caller: Caller) -> object:
    """Leased to the caller, who gets the same one again (and the lease renewed) until it is handed in or given back."""
    with runtime.write() as uow:
        return audits.next_entry(uow, audit_id, caller.id) or Response(status_code=204)


@router.put(
    "/audit-items/{item_id}/correction",
    summary="Hand in a corrected mask",
    response_model=engine_schemas.Corrected,
    responses=NOT_YOURS,
)
@allow(Policy.SIGNED_IN, body_limit=MASK_BODY_LIMIT)
def correct_audit_entry(item_id: str, body: engine_schemas.Correction, runtime: AtRuntime, caller: Caller) -> object:
    """Sending the same again changes nothing."""
    return {"iou": audits.correct(runtime, item_id, caller.id, body.counts, body.seconds)}


@router.delete("/audit-items/{item_id}/lease", summary="Give an entry back", status_code=204, response_class=Response)
@allow(Policy.SIGNED_IN)
def release_audit_entry(item_id: str, runtime: AtRuntime, caller: Caller) -> None:
    """Somebody else may take it now."""
    with runtime.write() as uow:
        audits.release(uow, item_id, caller.id)
