"""Weights by rule, no checkpoint needed: section 1 of the golden files' README, line by line."""

import math
import zlib

import numpy as np
import torch
from torch import Tensor

HEAD = "mask_decoder.iou_prediction_head.layers.2."
UPSCALING = ("mask_decoder.output_upscaling.0.weight", "mask_decoder.output_upscaling.3.weight")
HYPER = "mask_decoder.output_hypernetworks_mlps."
TRANSFORMER = "mask_decoder.transformer."


def draw(key: str, shape: tuple[int, ...]) -> np.ndarray:
    seed = zlib.crc32(key.encode("utf-8"))
    return np.random.Generator(np.random.PCG64(seed)).standard_normal(shape, dtype=np.float32).astype(np.float64)


def gain(key: str) -> float:
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


def matrix(key: str, shape: tuple[int, ...], x: np.ndarray) -> np.ndarray:
    fan_in = math.prod(shape[1:])
    if key in UPSCALING:
        fan_in = shape[0]
        x = 0.98 * x[:, :, 0:1, 0:1] + 0.2 * x
    elif key.startswith(TRANSFORMER) and key.endswith(".k_proj.weight"):
        x = 0.8 * draw(key.replace(".k_proj.", ".q_proj."), shape) + 0.6 * x
    return gain(key) * x / math.sqrt(fan_in)


def value(key: str, shape: tuple[int, ...]) -> np.ndarray:
    last = key.rsplit(".", 1)[-1]
    x = draw(key, shape)
    if last == "positional_encoding_gaussian_matrix":
        return x
    if last in ("pos_embed", "rel_pos_h", "rel_pos_w"):
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
    if last == "bias":
        return 0.1 * x
    if key == "image_encoder.neck.3.weight":
        return 0.3 * (1 + 0.1 * x)
    return 1 + 0.1 * x if len(shape) == 1 else matrix(key, shape, x)


def state(shapes: dict[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """The whole state dict for the given names and shapes, float32."""
    return {key: torch.from_numpy(value(key, shape).astype(np.float32)) for key, shape in shapes.items()}
