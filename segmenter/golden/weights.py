"""Weights by rule, so that anybody can rebuild a model and compare numbers without a checkpoint.

The rule (section 1 of the golden files' README) draws every tensor from a generator seeded by its name and scales it so
that activations stay of the size that trained models have.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float64]
Shape = tuple[int, ...]

HEAD = "mask_decoder.iou_prediction_head.layers.2."
UPSCALING = ("mask_decoder.output_upscaling.0.weight", "mask_decoder.output_upscaling.3.weight")
HYPER = "mask_decoder.output_hypernetworks_mlps."
TRANSFORMER = "mask_decoder.transformer."


def _draw(key: str, shape: Shape) -> Floats:
    seed = zlib.crc32(key.encode("utf-8"))
    drawn = np.random.Generator(np.random.PCG64(seed)).standard_normal(shape, dtype=np.float32)
    return np.asarray(drawn, np.float64)


def _gain(key: str) -> float:
    if key == HEAD + "weight":
        return 0.3
    if key.startswith(HYPER) and key.endswith(".layers.2.weight"):
        return 10.0
    if not key.startswith(TRANSFORMER):
        return 1.0
    if ".cross_attn_image_to_token." in key and key.endswith((".q_proj.weight", ".k_proj.weight")):
        return 2.0
    if key.endswith(".cross_attn_image_to_token.out_proj.weight"):
        return 1.5
    return 2.0 if key.endswith((".self_attn.out_proj.weight", "attn_token_to_image.out_proj.weight")) else 1.0


def _matrix(key: str, shape: Shape, x: Floats) -> Floats:
    fan_in = math.prod(shape[1:])
    if key in UPSCALING:
        fan_in = shape[0]
        x = 0.98 * x[:, :, 0:1, 0:1] + 0.2 * x
    elif key.startswith(TRANSFORMER) and key.endswith(".k_proj.weight"):
        x = 0.8 * _draw(key.replace(".k_proj.", ".q_proj."), shape) + 0.6 * x
    return _gain(key) * x / math.sqrt(fan_in)


def _special(key: str, x: Floats) -> Floats | None:
    """Statistics, positions, tokens and last layers; None for plain biases, norms and matrices."""
    last = key.rsplit(".", 1)[-1]
    if last == "running_mean":
        return 0.1 * x
    if last == "running_var":
        return 1 + 0.1 * np.abs(x)
    if last == "positional_encoding_gaussian_matrix":
        return x
    if last in ("pos_embed", "rel_pos_h", "rel_pos_w", "attention_biases"):
        return 0.1 * x
    if "point_embeddings." in key or "not_a_point_embed." in key:
        return 0.3 * x
    if "no_mask_embed." in key:
        return 0.1 * x
    if "iou_token." in key or "mask_tokens." in key:
        return 0.5 * x
    if key == HEAD + "bias":
        return 0.9 + 0.1 * x
    if key.startswith(HYPER) and key.endswith(".layers.2.bias"):
        return -1.8 + 0.1 * x
    return None


def value(key: str, shape: Shape) -> Tensor:
    """One tensor of the state dict: float32, int64 for a count of batches."""
    last = key.rsplit(".", 1)[-1]
    if last == "num_batches_tracked":
        return torch.zeros(shape, dtype=torch.int64)
    x = _draw(key, shape)
    values = _special(key, x)
    if values is None and last == "bias":
        values = 0.1 * x
    if values is None and key == "image_encoder.neck.3.weight":
        values = 0.3 * (1 + 0.1 * x)
    if values is None:
        values = 1 + 0.1 * x if len(shape) == 1 else _matrix(key, shape, x)
    return torch.from_numpy(np.asarray(values, np.float32))


def state(shapes: Mapping[str, Shape]) -> dict[str, Tensor]:
    """The whole state dict for the given names and shapes, made tensor by tensor."""
    return {key: value(key, shape) for key, shape in shapes.items()}
