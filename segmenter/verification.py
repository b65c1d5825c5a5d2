"""Is a release what it says, and can it be served? Everything is looked at again, whoever made the folder.

Files and digests, graphs, weights, and the browser's decoder beside torch on a fixed set of prompts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime
import torch
from onnxruntime.capi import onnxruntime_pybind11_state as runtime_errors
from torch import Tensor

from segmenter import export
from segmenter import manifest as names
from segmenter.build import Model
from segmenter.checkpoint import InvalidCheckpoint, load_release
from segmenter.graph_check import InvalidGraph, check_graphs
from segmenter.manifest import InvalidRelease, Manifest
from segmenter.modeling.starter import empty_mask_input

# What a browser's page relies on; a version trained from another one keeps all of it.
ARCHITECTURE: Final = ("config", "frame", "logits", "preprocessing", "embedding", "mask_threshold")
_UNUSABLE: Final = (
    *(KeyError, ValueError, RuntimeError),
    *(getattr(runtime_errors, name) for name in ("Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf")),
    *(getattr(runtime_errors, name) for name in ("NotImplemented", "RuntimeException")),
)


@dataclass(frozen=True)
class Verified:
    """What was found. ``refusal`` is why the release cannot be used, "" where it can; what it hides is None.

    logits: the largest difference of the decoder's logits from torch's, as a share of their scale (at least 1).
    iou: the least agreement of both decoders' masks on any prompt.
    """

    refusal: str
    finite: bool | None = None
    same_architecture: bool | None = None
    logits: float | None = None
    iou: float | None = None


def verify_release(folder: Path, like: Manifest, digest: str | None = None) -> Verified:
    """Looks at a release that was trained from the one of the manifest ``like``; ``digest`` is its own, if known."""
    try:
        manifest = names.verify(folder)
        if digest not in (None, manifest["digest"]):
            raise InvalidRelease(f"{folder} holds another release than the one that was asked for")
        check_graphs([folder / name for name in names.files_of(manifest) if name.endswith(".onnx")])
        release = load_release(folder)
    except (InvalidRelease, InvalidGraph, InvalidCheckpoint) as error:
        return Verified(str(error))
    same = same_architecture(manifest, like)
    if not all(bool(value.isfinite().all()) for value in release.model.state_dict().values()):
        return Verified("", False, same)
    described = export.describe(release.model, manifest["name"], manifest["version"])
    if any(described[field] != manifest[field] for field in described):
        return Verified(f"{names.MANIFEST} does not describe these weights", True, same)
    try:
        run = export.session(folder / names.DECODER)
        told = json.loads(run.get_modelmeta().custom_metadata_map[export.METADATA_KEY])
        if told != described:
            return Verified(f"{names.DECODER} belongs to another model", True, same)
        logits, iou = decoder_parity(release.model, run)
    except _UNUSABLE as error:
        return Verified(f"{names.DECODER} cannot be run: {type(error).__name__}", True, same)
    return Verified("", True, same, logits, iou)


def same_architecture(manifest: Manifest, like: Manifest) -> bool:
    """Whether two releases are built alike, so that one may take the place of the other."""
    return all(manifest[field] == like[field] for field in ARCHITECTURE)


@torch.inference_mode()
def decoder_parity(model: Model, run: onnxruntime.InferenceSession) -> tuple[float, float]:
    """Both decoders on 32 prompts: the largest difference of logits by their scale, the least IoU of a prompt's masks.

    Never raises for a difference, however large; answers that are no numbers give nan.
    """
    embedding = model.embed(_picture(model.config.frame))
    features = {name: level.numpy() for name, level in embedding.items()}
    worst, least = 0.0, 1.0
    for prompt in _prompts(model.config.frame, model.config.logits):
        ours = model.decode(embedding, *prompt.values())[0].numpy()
        theirs = run.run(["low_res_masks"], features | {name: value.numpy() for name, value in prompt.items()})[0]
        scale = max(1.0, float(np.abs(ours).max()))
        worst = float(np.maximum(worst, np.abs(ours - theirs).max() / scale))  # keeps nan
        either = np.count_nonzero((ours > 0) | (theirs > 0))
        least = min(least, np.count_nonzero((ours > 0) & (theirs > 0)) / either if either else 1.0)
    return worst, least


def _picture(side: int) -> Tensor:
    """A normalised picture 1x3xSxS with discs and a ramp: something to segment, from no chance and no file."""
    y, x = torch.meshgrid(torch.linspace(-1, 1, side), torch.linspace(-1, 1, side), indexing="ij")
    channels = [((x - cx) ** 2 + (y - cy) ** 2 < 0.1).float() * 2 for cx, cy in ((-0.5, -0.5), (0.4, 0), (0, 0.6))]
    return torch.stack([channel + 0.5 * x - 0.5 for channel in channels])[None]


def _prompts(side: int, logits: int) -> Iterator[Mapping[str, Any]]:
    """32 prompts: 16 single clicks, 8 boxes, 8 pairs of clicks with a mask before them."""
    grid = [(side * (0.125 + 0.25 * (index % 4)), side * (0.125 + 0.25 * (index // 4))) for index in range(16)]
    empty, _ = empty_mask_input(1, logits)
    before = torch.linspace(-8, 8, logits).expand(1, 1, logits, logits)
    for x, y in grid:
        yield _prompt([(x, y), (0, 0)], [1, -1], empty, 0.0)
    for x, y in grid[::2]:
        yield _prompt([(x - side / 8, y - side / 8), (x + side / 8, y + side / 8)], [2, 3], empty, 0.0)
    for x, y in grid[1::2]:
        yield _prompt([(x, y), (side - x, side - y), (0, 0)], [1, 0, -1], before, 1.0)


def _prompt(
    points: list[tuple[float, float]], labels: list[int], mask: Tensor, has_mask: float
) -> Mapping[str, Tensor]:
    return {
        "point_coords": torch.tensor([points], dtype=torch.float32),
        "point_labels": torch.tensor([labels], dtype=torch.float32),
        "mask_input": mask.contiguous(),
        "has_mask_input": torch.tensor([has_mask]),
    }
