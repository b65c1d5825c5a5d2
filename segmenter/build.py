"""A model from its configuration."""

from __future__ import annotations

from segmenter.config import ModelConfig
from segmenter.modeling.segmenter import Sam
from segmenter.modeling.starter import Starter

Model = Sam | Starter


def build(config: ModelConfig) -> Model:
    """A freshly initialised model, float32 on torch's default device, in training mode."""
    return Sam(config) if config.family == "sam" else Starter(config)
