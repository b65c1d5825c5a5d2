"""Golden file of the official ONNX decoder (sam.md section 1.10): its four masks or one, at full size and at low."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from segmenter import transforms
from segmenter.config import MODEL_CONFIGS, ModelConfig
from segmenter.golden.judge import Absent, Check, Golden, near, same
from segmenter.golden.models import IOU, LOGITS, LOGITS_RMS, config_of, mask_input, rebuilt
from segmenter.interop import DecoderOptions, OfficialDecoder
from segmenter.modeling.segmenter import Sam

Models = dict[str, Callable[[], Sam]]
STABILITY = 1e-3
OFFSET = 1.0


def onnx_checks(golden: Golden) -> Iterator[Check]:
    """onnx.json, onnx.npz: every case of the decoder with the official inputs."""
    models: Models = {
        "small": cache(lambda: rebuilt(config_of(golden, "small"))),
        "full": cache(lambda: rebuilt(_decoder_only())),
    }
    for case in golden.table("onnx")["cases"]:
        yield case["key"], partial(_case, golden, models, case)


def _decoder_only() -> ModelConfig:
    """The official decoder in the frame of 1024; its encoder is never asked, so it has no blocks."""
    official = MODEL_CONFIGS["vit_b"]
    return replace(official, sam=replace(official.sam, depth=0, global_attention_blocks=()))


@torch.inference_mode()
def _case(golden: Golden, models: Models, case: dict[str, Any]) -> str:
    if case["model"] not in models:
        raise Absent(f"no rule for the model {case['model']}")
    model = models[case["model"]]()
    frame, side = model.config.frame, model.config.logits
    options = DecoderOptions(case["return_single_mask"], case["use_stability_score"])
    coords = torch.tensor(case["point_coords"], dtype=torch.float32)
    labels = torch.tensor(case["point_labels"], dtype=torch.float32)
    low, scores = OfficialDecoder(model, options)(
        _embedding(golden, case["embedding"], side // 4),
        coords,
        labels,
        _mask(golden, case["mask_input"], side),
        torch.tensor([float(case["has_mask_input"])]),
    )
    step = case["low_stride"]
    remark = near(low[..., ::step, ::step], _stored(golden, case, "low_res_masks"), LOGITS, LOGITS_RMS)
    near(scores, _stored(golden, case, "iou_predictions"), STABILITY if case["use_stability_score"] else IOU)
    size = (case["orig_im_size"][0], case["orig_im_size"][1])
    full = transforms.upsample_mask(low.numpy(), size, frame)
    same(list(full.shape), case["masks_shape"], "shape")
    rows, columns = case["mask_stride_yx"]
    near(full[..., ::rows, ::columns], _stored(golden, case, "masks"), LOGITS, LOGITS_RMS)
    _metrics(full, case)
    return remark


def _stored(golden: Golden, case: dict[str, Any], name: str) -> NDArray[Any]:
    return golden.array("onnx", f"{case['key']}/{name}")


def _embedding(golden: Golden, source: str, side: int) -> Tensor:
    if source != "formula":
        file, key = source.split(".npz:")
        return torch.from_numpy(golden.array(file, key))[None]
    c, i, j = np.meshgrid(np.arange(256), np.arange(side), np.arange(side), indexing="ij")
    k = golden.constants.k
    waves = 0.11 * k * (c + 1) + 0.05 * i * ((c % 7) + 1) - 0.04 * j * ((c % 5) + 1) + 0.7 * (c % 3)
    return torch.from_numpy((0.3 * np.sin(waves)).astype(np.float32))[None]


def _mask(golden: Golden, name: str | None, side: int) -> Tensor:
    if name is None:
        return torch.zeros(1, 1, side, side)
    stored = f"masks/{name}"
    if side == config_of(golden, "small").logits and stored in golden.names("small"):
        return torch.from_numpy(golden.array("small", stored)).reshape(1, 1, side, side)
    return torch.from_numpy(mask_input(golden, name, side))


def _metrics(full: NDArray[np.float32], case: dict[str, Any]) -> None:
    """Area and stability of the full-size masks; a pixel may lie so close to a threshold that it falls elsewhere."""
    areas = (full > 0).sum((-1, -2))
    unsure = (np.abs(full) < LOGITS).sum((-1, -2))
    near(np.maximum(np.abs(areas - np.array(case["areas"])) - unsure, 0), np.zeros(areas.shape), 0)
    inner, outer = (full > OFFSET).sum((-1, -2)), (full > -OFFSET).sum((-1, -2))
    with np.errstate(invalid="ignore"):
        near(inner / outer, np.array(case["stability_scores"], np.float64), STABILITY)
