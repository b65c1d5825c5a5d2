"""Exports: immutable archives of a project's annotations."""

from fastapi import APIRouter, Request, Response

from backend.api import blobs, schemas
from backend.api.deps import AtRuntime, Caller
from backend.api.policy import Policy, PolicyRoute, allow
from backend.services import exports

router = APIRouter(prefix="/api", tags=["exports"], route_class=PolicyRoute)


@router.post(
    "/projects/{project_id}/exports", summary="Ask for an export", status_code=202, response_model=schemas.Export
)
@allow(Policy.SIGNED_IN)
def create_export(project_id: str, body: schemas.ExportIn, runtime: AtRuntime, caller: Caller) -> object:
    """A worker builds it; the event `export.ready` tells when it can be fetched."""
    with runtime.write() as uow:
        return exports.request_export(uow, project_id, caller.id, body.format, body.with_images)


@router.get("/projects/{project_id}/exports", summary="List the exports", response_model=schemas.ExportList)
@allow(Policy.SIGNED_IN)
def list_exports(project_id: str, runtime: AtRuntime) -> object:
    """Newest first."""
    with runtime.read() as session:
        return {"exports": exports.of_project(session, project_id)}


@router.get("/exports/{export_id}", summary="Read an export's record", response_model=schemas.Export)
@allow(Policy.SIGNED_IN)
def read_export(export_id: str, runtime: AtRuntime) -> object:
    with runtime.read() as session:
        return exports.find(session, export_id)


@router.get(
    "/exports/{export_id}/archive",
    summary="Fetch the archive",
    responses=blobs.documented("application/zip", "annotations.json, manifest.json and, if asked for, images/."),
    response_class=Response,
)
@allow(Policy.SIGNED_IN)
def read_archive(export_id: str, request: Request, runtime: AtRuntime) -> Response:
    with runtime.read() as session:
        archive = exports.archive(session, export_id)
    headers = {"Content-Disposition": f'attachment; filename="{archive.file_name}"'}
    return blobs.stored(request, runtime.storage, archive.key, "application/zip", archive.digest, headers=headers)
