"""Weights at another frame: what depends on the resolution is interpolated (sam.md sections 1.3 and 7, I 338).

The result runs and segments, coarser or finer; it is not what training at that frame would give.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch.nn.functional as F
from torch import Tensor

from segmenter.config import ModelConfig

LEAST_FRAME, LARGEST_FRAME = 128, 4096
LOGITS_A_PATCH = 4
STARTER_STEP = 32  # twice the stride of a starter's coarsest level
POSITIONS = "image_encoder.pos_embed"


def framed(config: ModelConfig, frame: int) -> ModelConfig:
    """The configuration of a model of the same sizes for a padded square of ``frame`` pixels."""
    logits = LOGITS_A_PATCH * (frame // config.sam.patch_size) if config.family == "sam" else frame // 2
    return replace(config, frame=frame, logits=logits)


def resized(state: Mapping[str, Tensor], config: ModelConfig, frame: int) -> tuple[dict[str, Tensor], ModelConfig]:
    """Weights and config of the same model for a padded square of ``frame`` pixels.

    The absolute positions 1xGxGxC are interpolated bicubically, the relative positions (2G - 1)xC of the blocks with
    global attention linearly; windows keep theirs, and a TinyViT or a starter has nothing to change. The same frame
    gives the same tensors. Raises ValueError for frames that are no whole number of patches or out of bounds.
    """
    patch = config.sam.patch_size if config.family == "sam" else STARTER_STEP
    if frame == config.frame:
        return dict(state), config
    if frame % patch or not LEAST_FRAME <= frame <= LARGEST_FRAME:
        raise ValueError(f"a frame is {LEAST_FRAME} to {LARGEST_FRAME} pixels in steps of {patch}, not {frame}")
    grid = frame // patch
    changed = dict(state)
    if config.family == "sam" and config.sam.encoder == "vit":
        changed[POSITIONS] = _square(state[POSITIONS], grid)
        for index in config.sam.global_attention_blocks:
            for axis in ("h", "w"):
                name = f"image_encoder.blocks.{index}.attn.rel_pos_{axis}"
                changed[name] = _line(state[name], 2 * grid - 1)
    return changed, framed(config, frame)


def _square(positions: Tensor, grid: int) -> Tensor:
    channels_first = positions.permute(0, 3, 1, 2)
    return F.interpolate(channels_first, (grid, grid), mode="bicubic").permute(0, 2, 3, 1).contiguous()


def _line(table: Tensor, length: int) -> Tensor:
    return F.interpolate(table.T[None], length, mode="linear")[0].T.contiguous()
