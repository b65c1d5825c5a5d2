"""A release whose decoder has exactly the official Segment Anything shape, with random weights, to be timed against.

Only the decoder is official in size (4.06 M parameters, 256x64x64 embedding, 256x256 logits); in front of it stands an
encoder of one thin block, because what it computes does not change how long decoding takes.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from segmenter.build import build
from segmenter.checkpoint import save_weights
from segmenter.config import MODEL_CONFIGS, ModelConfig, SamConfig
from segmenter.export import write_release


def config() -> ModelConfig:
    """The official ViT-B's decoder behind an encoder of one thin block."""
    official = MODEL_CONFIGS["vit_b"]
    thin = replace(official.sam, embed_dim=64, depth=1, num_heads=1, global_attention_blocks=())
    return replace(official, sam=thin)


def small() -> ModelConfig:
    """A model of the same make that runs in a moment, for the tests of the benchmarks."""
    return ModelConfig("sam", 64, 16, sam=SamConfig(32, 1, 2, (0,), window_size=2))


def write(folder: Path) -> Path:
    """Makes the release folder below ``folder``."""
    torch.manual_seed(0)
    model = build(config())
    weights = folder / "official-shape.safetensors"
    save_weights(weights, model.state_dict(), config())
    release = folder / "official-shape"
    write_release(weights, "official-shape", "0", release)
    return release
