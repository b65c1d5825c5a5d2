"""Annotations: one mask each; geometry never changes, an edit supersedes."""

from fastapi import APIRouter, Response

from backend.api import schemas
from backend.api.deps import AtRuntime, Caller
from backend.api.policy import Policy, PolicyRoute, allow
from backend.services import annotations

router = APIRouter(prefix="/api", tags=["annotations"], route_class=PolicyRoute)

MASK_BODY_LIMIT = 17 * 1024 * 1024  # a mask's counts may have 16 MiB (reliability.md B6)
CONFLICTS: schemas.Responses = {
    409: {"model": schemas.Problem, "description": "`id_taken`, or `superseded` by somebody first."}
}
STALE: schemas.Responses = {
    409: {"model": schemas.Problem, "description": "`stale_revision`: somebody changed it since."}
}
GONE: schemas.Responses = {
    409: {"model": schemas.Problem, "description": "It is no proposal any more; the code is its state."}
}


@router.get(
    "/images/{image_id}/annotations", summary="List an image's annotations", response_model=schemas.AnnotationList
)
@allow(Policy.SIGNED_IN)
def list_annotations(image_id: str, runtime: AtRuntime) -> object:
    """Accepted and proposed ones, oldest first."""
    with runtime.read() as session:
        return {"annotations": annotations.of_image(session, image_id)}


@router.post(
    "/images/{image_id}/annotations",
    summary="Save an annotation",
    status_code=201,
    response_model=schemas.Annotation,
    responses={**CONFLICTS, 200: {"model": schemas.Annotation, "description": "It was saved already."}},
)
@allow(Policy.SIGNED_IN, body_limit=MASK_BODY_LIMIT)
def create_annotation(
    image_id: str, body: schemas.AnnotationIn, response: Response, runtime: AtRuntime, caller: Caller
) -> object:
    """The client makes the id, so that sending again after a lost answer changes nothing."""
    saved, is_new = annotations.save(runtime, image_id, caller.id, annotations.Draft(**body.model_dump()))
    response.status_code = 201 if is_new else 200
    return saved


@router.patch(
    "/annotations/{annotation_id}",
    summary="Change category, attributes or flag",
    response_model=schemas.Annotation,
    responses=STALE,
)
@allow(Policy.SIGNED_IN)
def change_annotation(annotation_id: str, body: schemas.AnnotationChange, runtime: AtRuntime) -> object:
    changes = body.model_dump(exclude_unset=True)
    revision = changes.pop("revision")
    with runtime.write() as uow:
        return annotations.view(annotations.change(uow, annotation_id, revision, changes))


@router.delete("/annotations/{annotation_id}", summary="Delete an annotation", status_code=204, response_class=Response)
@allow(Policy.SIGNED_IN)
def delete_annotation(annotation_id: str, runtime: AtRuntime, caller: Caller) -> None:
    """A proposal is rejected by it. It can be restored; deleting twice is fine."""
    with runtime.write() as uow:
        annotations.delete(uow, annotation_id, caller.id)


@router.post(
    "/annotations/{annotation_id}/accept",
    summary="Accept a proposal",
    response_model=schemas.Annotation,
    responses=GONE,
)
@allow(Policy.SIGNED_IN)
def accept_annotation(annotation_id: str, runtime: AtRuntime, caller: Caller) -> object:
    """The model stays its maker, the caller becomes who decided. Accepting twice is fine."""
    with runtime.write() as uow:
        return annotations.view(annotations.accept(uow, annotation_id, caller.id))


@router.delete(
    "/annotations/{annotation_id}/accept",
    summary="Take the acceptance of a proposal back",
    response_model=schemas.Annotation,
    responses=GONE,
)
@allow(Policy.SIGNED_IN)
def reconsider_annotation(annotation_id: str, runtime: AtRuntime) -> object:
    """It is proposed again, as if nobody had decided."""
    with runtime.write() as uow:
        return annotations.view(annotations.reconsider(uow, annotation_id))


@router.post(
    "/annotations/{annotation_id}/restore",
    summary="Bring a deleted annotation back",
    response_model=schemas.Annotation,
    responses=CONFLICTS,
)
@allow(Policy.SIGNED_IN)
def restore_annotation(annotation_id: str, runtime: AtRuntime) -> object:
    """A superseded one comes back when what superseded it was deleted: together they undo an edit."""
    with runtime.write() as uow:
        return annotations.view(annotations.restore(uow, annotation_id))
