"""Noise that keeps a large model from learning by heart: dropout in the decoder, drop path in the image encoder."""

from __future__ import annotations

from segmenter.build import Model
from segmenter.config import TrainConfig
from segmenter.modeling.common import Dropout, DropPath
from segmenter.training.optimiser import encoder_layers


def regularise(model: Model, config: TrainConfig) -> None:
    """Sets the shares that a recipe asks for. They act in training mode only and are no part of the weights.

    Drop path rises from 0 in the first block to ``config.drop_path`` in the last, as in ViTDet; encoders without
    transformer blocks have none. In mode "decoder" the encoder is left alone.
    """
    for module in model.mask_decoder.modules():
        if isinstance(module, Dropout):
            module.share = config.dropout
    layers = encoder_layers(model) if config.mode != "decoder" else []
    for place, layer in enumerate(layers):
        for module in layer.modules():
            if isinstance(module, DropPath):
                module.share = config.drop_path * place / max(1, len(layers) - 1)
