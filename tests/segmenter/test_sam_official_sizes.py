"""ViT-B, -L and -H at their real size against the reference's numbers; needs the golden files beside the checkout."""

import json
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from segmenter import transforms
from segmenter.build import build
from segmenter.config import MODEL_CONFIGS
from segmenter.modeling.segmenter import Sam
from tests.segmenter import golden, golden_weights
from tests.segmenter.test_sam_golden import embed, near, rows

# Limits as in the golden files' README, section 5.
INTERMEDIATE, EMBEDDING, LOGITS, LOGITS_RMS, IOU = 1e-4, 2e-5, 3e-4, 6e-5, 1e-5


def reference(name: str) -> tuple[dict[str, Any], Any]:
    spec: dict[str, Any] = json.loads(golden.shared(f"{name}.json").read_text(encoding="utf-8"))
    return spec, np.load(golden.shared(f"{name}.npz"))


def load(name: str) -> Sam:
    with torch.device("meta"):
        model = build(MODEL_CONFIGS[name])
    assert isinstance(model, Sam)
    shapes = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    model.load_state_dict(golden_weights.state(shapes), assign=True)
    return model.eval()


def embed_and_look(model: Sam, image: str) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The embedding, and what every part of the encoder put out on the way to it."""
    encoder, seen = model.image_encoder, {}
    places = {"patch_embed": encoder.patch_embed, **{f"block{i}": block for i, block in enumerate(encoder.blocks)}}
    places |= {f"neck{index}": encoder.neck[index] for index in range(3)}
    hooks = [
        module.register_forward_hook(lambda _, __, out, place=place: seen.update({place: out[0]}))
        for place, module in places.items()
    ]
    embedding = embed(model, image)
    for hook in hooks:
        hook.remove()
    return embedding, seen


def check_encoder(name: str, strides: dict[str, int]) -> tuple[Sam, dict[str, Tensor], dict[str, Any], Any]:
    spec, arrays = reference(name)
    model = load(name)
    embedding, seen = embed_and_look(model, spec["image"])
    assert set(seen) == set(spec["intermediates"])
    for place, out in seen.items():
        step = strides["neck" if place.startswith("neck") else "block"]
        assert list(out.shape) == spec["intermediates"][place]["full_shape"]
        near(out[::step, ::step, ::step], arrays[f"inter/{place}"], INTERMEDIATE)
    whole = embedding["image_embeddings"][0]
    near(whole.mean((1, 2)), arrays["embedding_channel_mean"], EMBEDDING)
    near(whole.std((1, 2), correction=0), arrays["embedding_channel_std"], EMBEDDING)
    return model, embedding, spec, arrays


def soft_mask(side: int) -> Tensor:
    """`mask_soft` of the golden files: a tent around (30, 26) of 64."""
    y, x = np.mgrid[:side, :side].astype(np.float64)
    unit = side / 64
    mask = 8 - 0.5 * np.abs(x - 30 * unit) / unit - 0.35 * np.abs(y - 26 * unit) / unit
    return torch.from_numpy(mask.astype(np.float32))[None, None]


@pytest.mark.slow
@pytest.mark.timeout(1800)
@torch.no_grad()
def test_vit_b_reproduces_encoder_and_prompts() -> None:
    model, embedding, spec, arrays = check_encoder("vit_b", {"block": 8, "neck": 8})
    near(embedding["image_embeddings"][0, :, ::4, ::4], arrays["embedding_stride4"], EMBEDDING)
    near(embedding["image_embeddings"][0], arrays["embedding_float16"].astype(np.float32), 1.5e-3)
    size = tuple(spec["image_hw"])
    for prompt in spec["prompts"]:
        framed = {"point_labels": prompt["point_labels"]}
        for key, given in (("model_frame_coords", "point_coords"), ("model_frame_boxes", "boxes")):
            places = None if prompt[given] is None else np.array(prompt[given], np.float64)
            framed[key] = None
            if places is not None:
                flat = transforms.to_frame(places.reshape(-1, 2), size, 1024)
                framed[key] = flat.reshape(places.shape).tolist()
        coords, labels = rows(framed)
        with_mask = prompt["mask_input"] == "mask_soft"
        mask = soft_mask(256) if with_mask else torch.zeros(len(coords), 1, 256, 256)
        logits, iou = model.decode(embedding, coords, labels, mask, torch.full((len(coords),), float(with_mask)))
        name = prompt["name"]
        near(logits[..., ::4, ::4], arrays[f"{name}/low_stride4"], LOGITS, LOGITS_RMS)
        near(iou, arrays[f"{name}/iou"], IOU)
        chosen = logits[:, 1:] if prompt["multimask_output"] else logits[:, :1]
        full = transforms.upsample_mask(chosen.numpy(), size, 1024)
        near(full[..., ::9, ::11], arrays[f"{name}/up_stride"], LOGITS, LOGITS_RMS)


@pytest.mark.nightly
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", ["vit_l", "vit_h"])
@torch.no_grad()
def test_vit_l_and_h_reproduce_the_encoder(name: str) -> None:
    _, embedding, _, arrays = check_encoder(name, {"block": 16, "neck": 8})
    near(embedding["image_embeddings"][0, ::2, ::8, ::8], arrays["embedding_slice"], EMBEDDING)
