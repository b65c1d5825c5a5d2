"""Model versions and what the browser needs of them: the decoder and the embeddings."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from backend.api import blobs, schemas
from backend.api.deps import AtRuntime
from backend.api.policy import Policy, PolicyRoute, allow
from backend.services import embeddings, model_versions
from backend.storage import keys
from segmenter.manifest import DECODER

router = APIRouter(prefix="/api", tags=["models"], route_class=PolicyRoute)

ENCODER_HEADER = "Maskmill-Encoder-Digest"
DigestPath = Annotated[str, Path(pattern=schemas.DIGEST_PATTERN)]


@router.get("/model-versions", summary="List the active model versions", response_model=schemas.ModelVersionList)
@allow(Policy.SIGNED_IN)
def list_model_versions(runtime: AtRuntime) -> object:
    with runtime.read() as session:
        return {"model_versions": model_versions.active(session)}


@router.get("/model-versions/{version_id}", summary="Read a model version", response_model=schemas.ModelVersion)
@allow(Policy.SIGNED_IN)
def read_model_version(version_id: str, runtime: AtRuntime) -> object:
    with runtime.read() as session:
        return model_versions.find(session, version_id)


@router.get(
    "/model-versions/{version_id}/decoder.onnx",
    summary="The decoder that runs in the browser",
    responses=blobs.documented(blobs.BINARY, "ONNX; its SHA-256 is in the manifest."),
    response_class=Response,
)
@allow(Policy.SIGNED_IN)
def read_decoder(version_id: str, request: Request, runtime: AtRuntime) -> Response:
    with runtime.read() as session:
        version = model_versions.find(session, version_id)
        digest, encoder_digest = version.digest, version.encoder_digest
    key = keys.release_key(digest, DECODER)
    headers = {ENCODER_HEADER: encoder_digest}
    return blobs.stored(request, runtime.storage, key, blobs.BINARY, digest, headers=headers)


@router.get(
    "/embeddings/{encoder_digest}/{pixel_digest}",
    summary="The embedding of an image",
    responses=blobs.documented(blobs.BINARY, "Safetensors with float16 tensors; immutable."),
    response_class=Response,
)
@allow(Policy.SIGNED_IN)
def read_embedding(
    encoder_digest: DigestPath, pixel_digest: DigestPath, request: Request, runtime: AtRuntime
) -> Response:
    """404 `not_found` until a worker has made it; the event `embedding.ready` tells when."""
    with runtime.read() as session:
        embeddings.require_ready(session, encoder_digest, pixel_digest)
    key = keys.embedding_key(encoder_digest, pixel_digest)
    etag = f"{encoder_digest[:32]}{pixel_digest[:32]}"
    headers = {ENCODER_HEADER: encoder_digest}
    return blobs.stored(request, runtime.storage, key, blobs.BINARY, etag, headers=headers)
