"""The embedding file: safetensors with float16 tensors and the facts that tie it to its encoder and its pixels.

Header metadata (all values are strings): format "maskmill-embedding/1", encoder_digest, pixel_digest, size "[h, w]" of
the image, input_size "[h', w']" of the image inside the model's frame, frame "S".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from backend.errors import Invalid

FORMAT = "maskmill-embedding/1"


@dataclass(frozen=True)
class EmbeddingFacts:
    """What an embedding belongs to. Sizes are (height, width) in pixels."""

    encoder_digest: str
    pixel_digest: str
    size: tuple[int, int]
    input_size: tuple[int, int]
    frame: int


def write(tensors: Mapping[str, NDArray[Any]], facts: EmbeddingFacts) -> bytes:
    """The file's bytes; values beyond float16 become its largest. Raises Invalid for NaN: it would ruin every mask."""
    halved: dict[str, NDArray[Any]] = {}
    for name, tensor in sorted(tensors.items()):
        halved[name] = np.ascontiguousarray(np.clip(tensor, -65504.0, 65504.0), dtype=np.float16)
        if not np.isfinite(halved[name]).all():
            raise Invalid(f"the embedding's tensor {name} holds values that are not numbers", code="bad_embedding")
    metadata = {
        "format": FORMAT,
        "encoder_digest": facts.encoder_digest,
        "pixel_digest": facts.pixel_digest,
        "size": json.dumps(facts.size),
        "input_size": json.dumps(facts.input_size),
        "frame": str(facts.frame),
    }
    return save(halved, metadata)


def read(content: bytes) -> tuple[dict[str, NDArray[np.float16]], EmbeddingFacts]:
    """The tensors and the facts; raises Invalid for anything that `write` did not write."""
    try:
        tensors = load(content)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]
        if header["format"] != FORMAT:
            raise Invalid(f"not an embedding of format {FORMAT}", code="bad_embedding")
        (height, width), (input_height, input_width) = json.loads(header["size"]), json.loads(header["input_size"])
        size, input_size = (int(height), int(width)), (int(input_height), int(input_width))
        facts = EmbeddingFacts(header["encoder_digest"], header["pixel_digest"], size, input_size, int(header["frame"]))
    except (SafetensorError, KeyError, ValueError, TypeError) as error:
        raise Invalid(f"not an embedding file: {error}", code="bad_embedding") from error
    return tensors, facts
