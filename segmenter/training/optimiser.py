"""The optimiser's parts: groups of parameters, learning rates, the update of the weights and their running average."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager

import torch
from torch import Tensor, nn

from segmenter.config import TrainConfig
from segmenter.modeling.image_encoder import ImageEncoder
from segmenter.modeling.tiny_vit import Stage, TinyViT

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def encoder_layers(model: nn.Module) -> list[nn.Module]:
    """The blocks of a transformer image encoder from pixels to output; none for an encoder of another kind."""
    encoder = getattr(model, "image_encoder", model)
    if isinstance(encoder, ImageEncoder):
        return list(encoder.blocks)
    if isinstance(encoder, TinyViT):
        return [block for stage in encoder.layers if isinstance(stage, Stage) for block in stage.blocks]
    return []


def layer_scales(model: nn.Module, decay: float) -> dict[str, float]:
    """Each parameter's share of the learning rate: ``decay`` to the power of its blocks' distance from the output.

    As in ViTDet, whose recipe the paper follows: neck and decoder 1, the last block ``decay``, what comes before the
    first block one power less than that block. A merging layer counts with the block before it.
    """
    layers = encoder_layers(model)
    scales = dict.fromkeys((name for name, _ in model.named_parameters()), 1.0)
    if not layers:
        return scales
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    encoder = getattr(model, "image_encoder", model)
    depths = {id(p): depth for depth, layer in enumerate(layers, 1) for p in layer.parameters()}
    depth = 0
    for key, parameter in encoder.named_parameters():
        depth = depths.get(id(parameter), depth)
        # A table of positions is registered with the encoder itself; it comes first, whatever the order of names.
        behind = key.startswith(("neck.", "norm_head.", "head."))
        place = len(layers) + 1 if behind else (0 if "." not in key else depth)
        scales[names[id(parameter)]] = decay ** (len(layers) + 1 - place)
    return scales


def optimiser(model: nn.Module, config: TrainConfig) -> torch.optim.AdamW:
    """AdamW over what learns; matrices and filters decay, vectors (biases, norms) do not.

    Each group carries its ``scale``: the share of the learning rate that it gets.
    """
    scales = layer_scales(model, config.layer_decay)
    groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            groups.setdefault((scales[name], parameter.ndim > 1), []).append(parameter)
    if not groups:
        raise ValueError("nothing in this model is free to learn")
    return torch.optim.AdamW(
        [
            {"params": members, "weight_decay": config.weight_decay if decays else 0.0, "scale": scale}
            for (scale, decays), members in groups.items()
        ],
        lr=config.learning_rate,
        betas=config.betas,
        fused=True,  # one pass over every weight; on a processor the default takes a dozen
    )


def learning_rate(progress: float, step: int, config: TrainConfig) -> float:
    """The rate at ``progress`` 0..1 of the schedule, before ``step`` (from 0).

    "cosine": linear warm-up over a share of the schedule, then half a cosine to nothing. "steps": linear warm-up over
    a number of steps, then a tenth at each of ``decay_at`` (paper, appendix A).
    """
    if config.schedule == "steps":
        warm = min(1.0, (step + 1) / config.warmup_steps) if config.warmup_steps else 1.0
        return config.learning_rate * warm * 0.1 ** sum(progress >= share for share in config.decay_at)
    warm = min(1.0, progress / config.warmup_share + 0.02) if config.warmup_share else 1.0
    return config.learning_rate * warm * (0.5 + 0.5 * math.cos(math.pi * progress)) + 1e-6


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate * group["scale"]


def autocast(config: TrainConfig, device: torch.device) -> AbstractContextManager[None]:
    """Mixed precision for a forward pass; weights, losses and the optimiser stay in float32."""
    dtype = DTYPES[config.precision]
    return torch.autocast(device.type, dtype, enabled=dtype != torch.float32)


def grad_scaler(config: TrainConfig, device: torch.device) -> torch.amp.GradScaler:
    """Scales losses where gradients in float16 would vanish; does nothing in the other precisions.

    ValueError for float16 without a GPU: processors gain nothing by it.
    """
    if config.precision == "float16" and device.type == "cpu":
        raise ValueError("float16 needs a GPU; processors train in float32 or bfloat16")
    return torch.amp.GradScaler(device.type, enabled=config.precision == "float16")


def start_average(model: nn.Module, config: TrainConfig) -> dict[str, Tensor]:
    """The running average at the start: a copy of what will change, or nothing where ``ema`` is 0."""
    if not config.ema:
        return {}
    state = unfrozen(model)
    return {name: value.clone() for name, value in state.items() if value.is_floating_point()}


def unfrozen(model: nn.Module) -> dict[str, Tensor]:
    """The state of a model without its frozen parameters."""
    frozen = {name for name, parameter in model.named_parameters() if not parameter.requires_grad}
    return {name: value for name, value in model.state_dict().items() if name not in frozen}


def update_average(average: dict[str, Tensor], model: nn.Module, step: int, config: TrainConfig) -> None:
    """Moves the average towards the weights after ``step`` updates; early on by more, as it began with noise."""
    if not average:
        return
    decay = min(config.ema, (1 + step) / (10 + step))
    current = model.state_dict()
    names = list(average)
    with torch.no_grad():
        torch._foreach_lerp_([average[name] for name in names], [current[name] for name in names], 1 - decay)


def learning(model: nn.Module) -> Iterator[nn.Parameter]:
    """The parameters that learn."""
    return (parameter for parameter in model.parameters() if parameter.requires_grad)


def freeze(parameters: Iterable[nn.Parameter]) -> None:
    """Takes parameters out of training."""
    for parameter in parameters:
        parameter.requires_grad_(False)
