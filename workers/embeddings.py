"""`embed`: run the image encoder over some pixels and store what it made, half precision, named by content."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backend import embedding_file
from backend.db.models import ModelVersion
from backend.runtime import Runtime
from backend.services import embeddings as embedding_rows
from backend.services import images as image_rows
from backend.services import model_versions
from backend.storage import keys
from workers.job import JobContext, job
from workers.model_cache import ModelCache

_models = ModelCache()


@job("embed", queue="gpu")
def embed(work: JobContext, model_version_id: str, encoder_digest: str, pixel_digest: str) -> None:
    """Make the embedding unless it is stored already (an earlier attempt may have got that far)."""
    storage = work.runtime.storage
    key = keys.embedding_key(encoder_digest, pixel_digest)
    if not storage.exists(key):
        with work.runtime.read() as session:
            version = model_versions.find(session, model_version_id)
        storage.put(key, _encode(work, version, pixel_digest))
    size = storage.size(key)
    with work.commit() as uow:
        embedding_rows.mark_ready(uow, encoder_digest, pixel_digest, size)


def _encode(work: JobContext, version: ModelVersion, pixel_digest: str) -> bytes:
    from segmenter.predict import embed as encode  # imports torch
    from segmenter.transforms import resized_size

    release = _models.get(work.runtime, version)
    rgb = _pixels(work.runtime, pixel_digest)
    made = encode(release.model, rgb)
    facts = embedding_file.EmbeddingFacts(
        encoder_digest=version.encoder_digest,
        pixel_digest=pixel_digest,
        size=made.size,
        input_size=resized_size(*made.size, made.frame),
        frame=made.frame,
    )
    # The model answers for a batch of one; the file holds the shapes that the manifest names.
    shapes = version.manifest["embedding"]
    return embedding_file.write({name: np.asarray(made.tensors[name]).reshape(shapes[name]) for name in shapes}, facts)


def _pixels(runtime: Runtime, pixel_digest: str) -> NDArray[np.uint8]:
    """Upright RGB (height, width, 3) of pixels that `ingest` stored."""
    key, _ = image_rows.stored_pixels(runtime.storage, pixel_digest)
    with runtime.storage.as_file(key) as path:
        return runtime.decoder.pixels(path)
