"""Which model a checkpoint belongs to, from the names and shapes of its tensors alone (sam.md section 1.8).

A plain ViT tells all its sizes: so official files are recognised, and fine-tuned ones, smaller ones and such at another
frame as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from torch import Tensor

from segmenter.config import MODEL_CONFIGS, ModelConfig, SamConfig

# Names that only one family of checkpoints has; these families are not built here.
OTHER_FAMILIES = {"mask_decoder.hf_token.weight": "HQ-SAM"}
OTHER_PREFIXES = {"image_encoder.features.": "EdgeSAM", "image_encoder.backbone.": "EfficientViT-SAM"}
ENCODER = "image_encoder."
POSITIONS = f"{ENCODER}pos_embed"
TINY_VIT = f"{ENCODER}layers.0.blocks.0.conv1.c.weight"
TEXT = "prompt_encoder.text_projection.weight"


class Unknown(ValueError):
    """No model that is built here; the text says which it is, or what is missing."""


def recognised(state: Mapping[str, Tensor]) -> ModelConfig:
    """The configuration of a Segment Anything checkpoint; raises Unknown."""
    for name, family in OTHER_FAMILIES.items():
        if name in state:
            raise Unknown(f"this is a checkpoint of {family}, which is not supported")
    for prefix, family in OTHER_PREFIXES.items():
        if any(name.startswith(prefix) for name in state):
            raise Unknown(f"this is a checkpoint of {family}, which is not supported")
    config = MODEL_CONFIGS["vit_t"] if TINY_VIT in state else _plain_vit(state)
    projection = state.get(TEXT)  # ours; no official checkpoint has it
    if projection is None or projection.ndim != 2:
        return config
    return replace(config, sam=replace(config.sam, text_dim=projection.shape[1]))


def name_of(config: ModelConfig) -> str:
    """The registered name of a configuration, with its frame where that is another; "sam" for sizes of no name."""
    for name, known in MODEL_CONFIGS.items():
        if config == known:
            return name
        if replace(config, frame=known.frame, logits=known.logits) == known:
            return f"{name}-{config.frame}"
    return config.family


def _plain_vit(state: Mapping[str, Tensor]) -> ModelConfig:
    _, height, width, channels = _shape(state, POSITIONS, 4)
    patch = _shape(state, f"{ENCODER}patch_embed.proj.weight", 4)[2]
    depth = len({name.split(".")[2] for name in state if name.startswith(f"{ENCODER}blocks.")})
    tables = [_shape(state, f"{ENCODER}blocks.{index}.attn.rel_pos_h", 2) for index in range(depth)]
    windows = {(length + 1) // 2 for length, _ in tables} - {height}
    if height != width or not tables or len(windows) > 1 or not 0 < tables[0][1] <= channels or not patch:
        raise Unknown("the sizes of its image encoder are those of no Segment Anything model")
    hidden = _shape(state, f"{ENCODER}blocks.0.mlp.lin1.weight", 2)[0]
    sam = SamConfig(
        embed_dim=channels,
        depth=depth,
        num_heads=channels // tables[0][1],
        global_attention_blocks=tuple(i for i, (length, _) in enumerate(tables) if (length + 1) // 2 == height),
        patch_size=patch,
        window_size=windows.pop() if windows else SamConfig.window_size,
        mlp_ratio=hidden / max(1, channels),
        prompt_dim=_shape(state, f"{ENCODER}neck.0.weight", 4)[0],
    )
    return ModelConfig(family="sam", frame=height * patch, logits=4 * height, sam=sam)


def _shape(state: Mapping[str, Tensor], name: str, sides: int) -> tuple[int, ...]:
    if name not in state:
        raise Unknown(f"this is no Segment Anything checkpoint: it has no {name}")
    if state[name].ndim != sides:
        raise Unknown(f"this is no Segment Anything checkpoint: {name} has the shape {tuple(state[name].shape)}")
    return tuple(state[name].shape)
