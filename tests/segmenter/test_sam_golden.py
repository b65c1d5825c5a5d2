"""The SAM family against the reference's numbers: same weights by rule, same images, same prompts."""

import zlib
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from segmenter import transforms
from segmenter.build import build
from segmenter.config import MODEL_CONFIGS, ModelConfig, SamConfig
from segmenter.modeling.segmenter import Sam
from tests.segmenter import golden, golden_weights

SMALL = ModelConfig("sam", 256, 64, sam=SamConfig(96, 4, 3, (1, 3), window_size=5))
SPEC = golden.read("sam/small.json")
CASES = [(image, spec["name"]) for image, specs in SPEC["prompts"].items() for spec in specs]


@pytest.fixture(scope="module")
def small() -> Sam:
    model = build(SMALL)
    assert isinstance(model, Sam)
    model.load_state_dict(golden_weights.state({key: tuple(value.shape) for key, value in model.state_dict().items()}))
    return model.eval()


def numbers(image: str) -> Any:
    if image == "synth":
        return np.load(golden.COMMITTED / "sam/small_synth.npz")
    return np.load(golden.shared("small.npz"))


@torch.no_grad()
def embed(model: Sam, image: str) -> dict[str, Tensor]:
    config = model.config
    pixels = transforms.frame_pixels(golden.picture(image), config.frame, config.pixel_mean, config.pixel_std)
    return model.embed(torch.from_numpy(pixels)[None])


def rows(spec: dict[str, Any]) -> tuple[Tensor, Tensor]:
    """Coordinates BxNx2 and labels BxN by the padding rule: points, then box corners, else one padding point."""
    coords, labels = spec["model_frame_coords"], spec["point_labels"]
    boxes = spec["model_frame_boxes"]
    count = len(coords or boxes or [0])
    points = torch.tensor(coords if coords else [[]] * count, dtype=torch.float32).reshape(count, -1, 2)
    kinds = torch.tensor(labels if labels else [[]] * count, dtype=torch.float32).reshape(count, -1)
    if boxes:
        corners = torch.tensor(boxes, dtype=torch.float32).reshape(count, 2, 2)
        return torch.cat([points, corners], 1), torch.cat([kinds, torch.tensor([[2.0, 3.0]]).expand(count, 2)], 1)
    if coords:
        return torch.cat([points, torch.zeros(count, 1, 2)], 1), torch.cat([kinds, -torch.ones(count, 1)], 1)
    return points, kinds


def previous(spec: dict[str, Any], arrays: Any, image: str, side: int, count: int) -> tuple[Tensor, Tensor]:
    name = spec["mask_input"]
    if name is None:
        return torch.zeros(count, 1, side, side), torch.zeros(count)
    stored = arrays[f"{image}/mask_prev" if name == "mask_prev" else f"masks/{name}"]
    mask = torch.from_numpy(stored).reshape(-1, 1, side, side)
    return mask, torch.ones(len(mask))


def near(ours: Tensor | np.ndarray, theirs: np.ndarray, limit: float, rms: float | None = None) -> None:
    difference = np.abs(np.asarray(ours, np.float64) - theirs)
    assert difference.shape == theirs.shape
    assert difference.max(initial=0) <= limit
    assert rms is None or np.sqrt((difference**2).mean()) <= rms


def test_the_weight_rule_is_implemented_as_the_reference_did() -> None:
    checks = golden.read("sam/weight_checks.json")["small"]
    shapes = {key: tuple(shape) for key, shape in golden.read("sam/manifests.json")["small"]["tensors"].items()}
    assert len(checks) == len(shapes) == 202
    for key, tensor in golden_weights.state(shapes).items():
        assert zlib.crc32(tensor.numpy().tobytes()) == checks[key]["crc32"], key


@pytest.mark.parametrize("name", ["vit_b", "vit_l", "vit_h", "vit_t", "small"])
def test_names_and_shapes_are_those_of_the_official_checkpoints(name: str) -> None:
    manifest = golden.read("sam/manifests.json")[name]
    with torch.device("meta"):
        model = build(SMALL if name == "small" else MODEL_CONFIGS[name])
    shapes = {key: list(value.shape) for key, value in model.state_dict().items()}
    assert shapes == manifest["tensors"]
    assert len(shapes) == manifest["n_tensors"]
    assert sum(value.numel() for value in model.state_dict().values()) == manifest["n_values"]


@pytest.mark.parametrize("image", SPEC["images"])
def test_embedding_of_the_reference(small: Sam, image: str) -> None:
    near(embed(small, image)["image_embeddings"][0], numbers(image)[f"{image}/embedding"], 2e-5)


def test_every_block_of_the_reference(small: Sam) -> None:
    arrays, seen = numbers("bsds_42049"), {}
    places = {"patch_embed": small.image_encoder.patch_embed}
    places |= {f"block{index}": block for index, block in enumerate(small.image_encoder.blocks)}
    places |= {f"neck{index}": small.image_encoder.neck[index] for index in range(3)}
    hooks = [
        module.register_forward_hook(lambda _, __, out, name=name: seen.update({name: out[0]}))
        for name, module in places.items()
    ]
    embed(small, "bsds_42049")
    for hook in hooks:
        hook.remove()
    assert len(seen) == 8
    for name, out in seen.items():
        near(out, arrays[f"bsds_42049/{name}"], 1e-4)


def test_positions_of_the_grid(small: Sam) -> None:
    near(small.prompt_encoder.pe_layer.grid(16, 16)[0], numbers("synth")["dense_pe"], 1e-5)


@pytest.mark.parametrize(("image", "prompt"), CASES, ids=[f"{image}-{name}" for image, name in CASES])
@torch.no_grad()
def test_prompts_of_the_reference(small: Sam, image: str, prompt: str) -> None:
    arrays = numbers(image)
    spec = next(spec for spec in SPEC["prompts"][image] if spec["name"] == prompt)
    coords, labels = rows(spec)
    mask, has_mask = previous(spec, arrays, image, 64, len(coords))
    coords, labels = coords.expand(len(mask), -1, -1), labels.expand(len(mask), -1)
    sparse = small.prompt_encoder.sparse((coords + 0.5) / 256, labels)
    near(sparse, arrays[f"{image}/{prompt}/sparse"], 1e-4)
    if spec["mask_input"]:
        near(small.prompt_encoder.dense(mask, has_mask)[:, ::2, ::3, ::3], arrays[f"{image}/{prompt}/dense"], 1e-4)
    embedding = {"image_embeddings": torch.from_numpy(arrays[f"{image}/embedding"])[None]}
    logits, iou = small.decode(embedding, coords, labels, mask, has_mask)
    stride = spec["low_stride"]
    near(logits[..., ::stride, ::stride], arrays[f"{image}/{prompt}/low"], 3e-4, 6e-5)
    near(iou, arrays[f"{image}/{prompt}/iou"], 1e-5)
    size = (SPEC["images"][image]["h"], SPEC["images"][image]["w"])
    chosen = logits[:, 1:] if spec["multimask_output"] else logits[:, :1]
    full = transforms.upsample_mask(chosen.numpy(), size, 256)
    near(full[..., ::7, ::9], arrays[f"{image}/{prompt}/up"], 3e-4, 6e-5)
    positive = (full > 0).sum((0, 2, 3)) if len(full) == 1 else (full > 0).sum((2, 3))
    off = np.abs(positive - np.array(spec["positive_pixels"]).reshape(positive.shape))
    assert (off <= np.array(spec["near_zero_pixels"]).reshape(off.shape)).all()
