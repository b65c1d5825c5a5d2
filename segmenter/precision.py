"""Models in bfloat16: the exact ones in float32 stay the rule, this is for processors that gain by it."""

from __future__ import annotations

import copy
from pathlib import Path

import torch

from segmenter.build import Model
from segmenter.modeling.segmenter import Sam

# Flags by which Linux names processors that multiply bfloat16 matrices themselves; others take longer than in float32.
FAST_FLAGS = ("amx_bf16", "avx512_bf16")
CPU_FACTS = Path("/proc/cpuinfo")


def gains(device: torch.device, cpu_facts: Path = CPU_FACTS) -> bool:
    """Whether bfloat16 is faster than float32 on a device."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    if device.type != "cpu" or not cpu_facts.exists():
        return False
    lines = cpu_facts.read_text(encoding="utf-8").splitlines()
    flags = next((line.partition(":")[2].split() for line in lines if line.startswith("flags")), [])
    return any(flag in flags for flag in FAST_FLAGS)


def lowered(model: Model) -> Model:
    """A copy of a Segment Anything model whose image encoder and mask decoder compute in bfloat16.

    The prompt encoder stays in float32: its positions are angles of many turns. Embeddings, logits and predicted IoU
    come back as float32. The starter is given back as it is; its convolutions gain nothing.
    """
    if not isinstance(model, Sam):
        return model
    low = copy.deepcopy(model)
    low.image_encoder.bfloat16()
    low.mask_decoder.bfloat16()
    return low
