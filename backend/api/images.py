"""Images: upload, list, look at, mark as complete."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from backend.api import blobs, schemas
from backend.api.deps import AtRuntime, Caller
from backend.api.policy import Policy, PolicyRoute, allow
from backend.api.uploads import Received, received_files
from backend.errors import NotFound
from backend.services import images
from backend.storage import keys

router = APIRouter(prefix="/api", tags=["images"], route_class=PolicyRoute)

FILES = {"type": "array", "items": {"type": "string", "format": "binary"}, "description": "Any number of files."}
MULTIPART: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {"schema": {"type": "object", "properties": {"files": FILES}, "required": ["files"]}}
        },
    }
}

MEDIA_TYPES = {"jpg": "image/jpeg", "png": "image/png"}


@router.get("/projects/{project_id}/images", summary="List images in upload order", response_model=schemas.ImagePage)
@allow(Policy.SIGNED_IN)
def list_images(
    project_id: str,
    runtime: AtRuntime,
    after: Annotated[str | None, Query(description="`next` of the page before.", max_length=100)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    state: Annotated[
        Literal["queued", "ready", "failed", "empty", "annotated", "complete"] | None,
        Query(description="`empty`: ready, no accepted annotation, not complete; `annotated`: some, not complete."),
    ] = None,
) -> object:
    with runtime.read() as session:
        return images.page(session, project_id, after, limit, state)


@router.post(
    "/projects/{project_id}/images",
    summary="Upload images",
    response_model=schemas.Upload,
    openapi_extra=MULTIPART,
)
@allow(Policy.SIGNED_IN)
def upload_images(
    project_id: str,
    runtime: AtRuntime,
    caller: Caller,
    files: Annotated[list[Received], Depends(received_files, scope="function")],
) -> object:
    """Takes JPEG, PNG, WebP and TIFF. A file's name may hold its relative path. Each file is judged by itself: a
    broken or unsupported one is refused with its reason and the others go on; the same bytes twice are one image."""
    taken = images.take(runtime, project_id, caller.id, files)
    with runtime.read() as session:
        accepted, duplicates = images.views(session, taken.accepted), images.views(session, taken.duplicates)
    return {"accepted": accepted, "duplicates": duplicates, "refused": taken.refused}


@router.get("/images/{image_id}", summary="Read an image's record", response_model=schemas.Image)
@allow(Policy.SIGNED_IN)
def read_image(image_id: str, runtime: AtRuntime) -> object:
    with runtime.read() as session:
        return images.view(session, image_id)


@router.delete("/images/{image_id}", summary="Erase an image", status_code=204, response_class=Response)
@allow(Policy.SIGNED_IN)
def erase_image(image_id: str, runtime: AtRuntime) -> None:
    """Its pixels are deleted when no other image has the same; the record stays and says so."""
    images.erase(runtime, image_id)


@router.put("/images/{image_id}/complete", summary="Say that all objects are annotated", response_model=schemas.Image)
@allow(Policy.SIGNED_IN)
def set_complete(image_id: str, body: schemas.Completeness, runtime: AtRuntime, caller: Caller) -> object:
    with runtime.write() as uow:
        images.set_complete(uow, image_id, caller.id, body.complete)
        return images.view(uow.session, image_id)


@router.get(
    "/images/{image_id}/pixels",
    summary="The upright image",
    responses=blobs.documented("image/*", "JPEG or PNG; masks and prompts are in its pixels."),
    response_class=Response,
)
@allow(Policy.SIGNED_IN)
def read_pixels(image_id: str, request: Request, runtime: AtRuntime, d: schemas.Digest | None = None) -> Response:
    """With `d` = the image's pixel digest in the address, the answer may be cached for ever."""
    digest = _pixel_digest(runtime, image_id, d)
    key, suffix = images.stored_pixels(runtime.storage, digest)
    return blobs.stored(request, runtime.storage, key, MEDIA_TYPES[suffix], digest, immutable=d is not None)


@router.get(
    "/images/{image_id}/thumbnail",
    summary="A small version",
    responses=blobs.documented("image/webp", "WebP, at most 320 pixels a side."),
    response_class=Response,
)
@allow(Policy.SIGNED_IN)
def read_thumbnail(image_id: str, request: Request, runtime: AtRuntime, d: schemas.Digest | None = None) -> Response:
    """With `d` = the image's pixel digest in the address, the answer may be cached for ever."""
    digest = _pixel_digest(runtime, image_id, d)
    key = keys.thumbnail_key(digest)
    return blobs.stored(request, runtime.storage, key, "image/webp", digest, immutable=d is not None)


def _pixel_digest(runtime: AtRuntime, image_id: str, expected: str | None) -> str:
    with runtime.read() as session:
        digest = images.find_ready(session, image_id).pixel_digest
    if digest is None or expected not in (None, digest):
        raise NotFound("This image has other pixels by now.")
    return digest
