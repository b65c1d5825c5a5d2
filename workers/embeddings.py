"""`embed`: run the image encoder over some pixels and store what it made, half precision, named by content."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from backend import embedding_file
from backend.db.models import ModelVersion
from backend.errors import Invalid
from backend.runtime import Runtime
from backend.services import embeddings as embedding_rows
from backend.services import images as image_rows
from backend.services import model_versions
from backend.storage import keys
from workers.job import JobContext, job
from workers.model_cache import ModelCache

if TYPE_CHECKING:
    from segmenter.build import Model
    from segmenter.predict import Embedding

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
    rgb = pixels_of(work.runtime, pixel_digest)
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


def model_of(runtime: Runtime, version: ModelVersion) -> Model:
    """The loaded model of a version, one for all jobs of this process."""
    return _models.get(runtime, version).model


def embedding_of(work: JobContext, version: ModelVersion, pixel_digest: str) -> Embedding:
    """The stored embedding of some pixels as the model takes it; made and stored first where it is missing."""
    storage = work.runtime.storage
    key = keys.embedding_key(version.encoder_digest, pixel_digest)
    if not storage.exists(key):
        storage.put(key, _encode(work, version, pixel_digest))
    return stored_embedding(work.runtime, version, pixel_digest)


def stored_embedding(runtime: Runtime, version: ModelVersion, pixel_digest: str) -> Embedding:
    """The stored embedding as the model takes it. Raises NotFound, and Invalid for one of something else."""
    import torch

    from segmenter.predict import Embedding

    key = keys.embedding_key(version.encoder_digest, pixel_digest)
    tensors, facts = embedding_file.read(runtime.storage.get(key))
    if (facts.encoder_digest, facts.pixel_digest) != (version.encoder_digest, pixel_digest):
        raise Invalid(f"the stored file {key} is another embedding", code="damaged_embedding")
    levels = {name: torch.from_numpy(np.asarray(level, np.float32))[None] for name, level in tensors.items()}
    return Embedding(levels, facts.size, facts.frame)


def pixels_of(runtime: Runtime, pixel_digest: str) -> NDArray[np.uint8]:
    """Upright RGB (height, width, 3) of pixels that `ingest` stored."""
    key, _ = image_rows.stored_pixels(runtime.storage, pixel_digest)
    with runtime.storage.as_file(key) as path:
        return runtime.decoder.pixels(path)
