"""How the SAM family is called: batches, broadcasting, labels, previous masks; the official ONNX decoder's numbers."""

import json
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from segmenter import export, transforms
from segmenter.build import build
from segmenter.config import ModelConfig, SamConfig
from segmenter.golden import weights
from segmenter.modeling.segmenter import Sam
from tests.segmenter import golden
from tests.segmenter.golden import SMALL, near

# The official frame with an encoder of almost no cost: these tests bring their embedding along.
FULL = ModelConfig("sam", 1024, 256, sam=SamConfig(96, 1, 3, ()))


def ruled(config: ModelConfig) -> Sam:
    model = build(config)
    assert isinstance(model, Sam)
    model.load_state_dict(weights.state({key: tuple(value.shape) for key, value in model.state_dict().items()}))
    return model.eval()


@pytest.fixture(scope="module")
def small() -> Sam:
    return ruled(SMALL)


@pytest.fixture(scope="module")
def full() -> Sam:
    return ruled(FULL)


def scene(batch: int, points: int, images: int = 1) -> tuple[dict[str, Tensor], Tensor, Tensor, Tensor]:
    draw = torch.Generator().manual_seed(batch + 10 * points)
    embedding = {"image_embeddings": torch.randn(images, 256, 16, 16, generator=draw) * 0.3}
    coords = torch.rand(batch, points, 2, generator=draw) * 256
    labels = torch.randint(-1, 4, (batch, points), generator=draw).float()
    return embedding, coords, labels, torch.randn(batch, 1, 64, 64, generator=draw) * 8


@torch.no_grad()
def test_a_batch_of_prompts_equals_the_prompts_one_by_one(small: Sam) -> None:
    embedding, coords, labels, mask = scene(3, 4, images=3)
    has_mask = torch.tensor([1.0, 0.0, 1.0])
    together = small.decode(embedding, coords, labels, mask, has_mask)
    on_first = small.decode({k: v[:1] for k, v in embedding.items()}, coords, labels, mask, has_mask)
    shuffled = small.decode(embedding, coords, labels, mask, has_mask, torch.tensor([2, 0, 0]))
    for index in range(3):
        given = (coords[index, None], labels[index, None], mask[index, None], has_mask[index, None])
        for answers, image in ((together, index), (on_first, 0), (shuffled, [2, 0, 0][index])):
            alone = small.decode({k: v[image, None] for k, v in embedding.items()}, *given)
            near(answers[0][index], alone[0][0].numpy(), 1e-4)
            near(answers[1][index], alone[1][0].numpy(), 1e-5)


@pytest.mark.parametrize("content", [0.0, 1e30, float("inf"), float("nan")])
@torch.no_grad()
def test_without_a_previous_mask_its_content_does_not_matter(small: Sam, content: float) -> None:
    embedding, coords, labels, mask = scene(1, 2)
    ours = small.decode(embedding, coords, labels, torch.full_like(mask, content), torch.zeros(1))
    theirs = small.decode(embedding, coords, labels, torch.zeros_like(mask), torch.zeros(1))
    assert torch.equal(ours[0], theirs[0])
    assert torch.equal(ours[1], theirs[1])


@torch.no_grad()
def test_labels_say_what_a_point_is_and_padding_lies_nowhere(small: Sam) -> None:
    point = torch.tensor([[[100.0, 50.0]]])
    encode = small.prompt_encoder.sparse
    kinds = [encode(point / 256, torch.tensor([[float(label)]])) for label in range(-1, 4)]
    assert all(not torch.allclose(a, b) for i, a in enumerate(kinds) for b in kinds[:i])
    assert torch.equal(kinds[0], encode(point / 128, torch.tensor([[-1.0]])))
    assert torch.equal(kinds[0][0], small.prompt_encoder.not_a_point_embed.weight)
    for label in range(4):
        position = kinds[label + 1][0] - small.prompt_encoder.point_embeddings[label].weight
        near(position, small.prompt_encoder.pe_layer(point / 256)[0].numpy(), 1e-6)


def test_every_weight_learns_from_a_mixed_batch() -> None:
    torch.manual_seed(0)
    model = build(SMALL)
    _, coords, _, mask = scene(2, 5)
    labels = torch.tensor([[-1.0, 0, 1, 2, 3], [1, 0, 1, 0, -1]])
    # A fresh encoder's relative positions are zeros but must still receive a gradient.
    embedding = model.embed(torch.randn(1, 3, 256, 256))
    logits, iou = model.decode(embedding, coords, labels, mask, torch.tensor([1.0, 0.0]))
    assert logits.shape == (2, 4, 64, 64)
    assert iou.shape == (2, 4)
    (logits.square().mean() + iou.square().mean()).backward()
    silent = [n for n, p in model.named_parameters() if p.grad is None or not bool(p.grad.abs().sum() > 0)]
    assert not silent


@pytest.mark.parametrize(
    "config",
    [
        ModelConfig("sam", 250, 64, sam=SMALL.sam),
        ModelConfig("sam", 256, 128, sam=SMALL.sam),
        ModelConfig("sam", 256, 64, sam=SamConfig(embed_dim=100, depth=1, num_heads=3)),
        ModelConfig("sam", 256, 64, sam=SamConfig(96, 1, 3, decoder_heads=7)),
    ],
)
def test_sizes_that_do_not_fit_together_are_refused(config: ModelConfig) -> None:
    with pytest.raises(ValueError, match=r"whole patches|not a multiple"):
        build(config)


def official_cases() -> list[tuple[dict[str, Any], Any]]:
    """The official ONNX decoder's cases that return all four masks and their predicted IoU."""
    cases = json.loads(golden.shared("onnx.json").read_text(encoding="utf-8"))["cases"]
    arrays = np.load(golden.shared("onnx.npz"))
    return [(case, arrays) for case in cases if case["key"].endswith("/single0")]


def inputs_of(case: dict[str, Any]) -> tuple[dict[str, Tensor], Tensor, Tensor, Tensor, Tensor]:
    side = 64 if case["model"] == "small" else 256
    stored = np.load(golden.shared("small.npz"))
    if case["model"] == "small":
        image = stored["bsds_42049/embedding"]
    else:
        c, i, j = np.meshgrid(np.arange(256.0), np.arange(64.0), np.arange(64.0), indexing="ij")
        wave = 0.11 * (c + 1) + 0.05 * i * (c % 7 + 1) - 0.04 * j * (c % 5 + 1) + 0.7 * (c % 3)
        image = (0.3 * np.sin(wave)).astype(np.float32)
    mask = torch.zeros(1, 1, side, side)
    if case["mask_input"]:
        unit = side / 64
        y, x = np.mgrid[:side, :side].astype(np.float64)
        disc = np.where((x - 26 * unit) ** 2 + (y - 30 * unit) ** 2 <= (14 * unit) ** 2, 10, -10)
        soft = 8 - 0.5 * np.abs(x - 30 * unit) / unit - 0.35 * np.abs(y - 26 * unit) / unit
        mask = torch.from_numpy({"mask_disc": disc, "mask_soft": soft}[case["mask_input"]].astype(np.float32))[
            None, None
        ]
    embedding = {"image_embeddings": torch.from_numpy(image)[None]}
    coords, labels = (torch.tensor(case[key], dtype=torch.float32) for key in ("point_coords", "point_labels"))
    return embedding, coords, labels, mask, torch.tensor([float(case["has_mask_input"])])


@torch.no_grad()
def test_the_official_onnx_decoder_gives_the_same(small: Sam, full: Sam) -> None:
    cases = official_cases()
    assert len(cases) == 14
    for case, arrays in cases:
        model, key = (small if case["model"] == "small" else full), case["key"]
        logits, iou = model.decode(*inputs_of(case))
        step = case["low_stride"]
        near(logits[..., ::step, ::step], arrays[f"{key}/low_res_masks"], 3e-4, 6e-5)
        near(iou, arrays[f"{key}/iou_predictions"], 1e-5)
        size = (case["orig_im_size"][0], case["orig_im_size"][1])
        masks = transforms.upsample_mask(logits.numpy(), size, model.config.frame)
        assert list(masks.shape) == case["masks_shape"]
        down, right = case["mask_stride_yx"]
        near(masks[..., ::down, ::right], arrays[f"{key}/masks"], 3e-4, 6e-5)
        # Pixels whose logit is within rounding of zero fall either way, depending on the number of threads that add.
        areas = np.asarray(case["areas"])
        assert (np.abs((masks > 0).sum((2, 3)) - areas) <= 2 + 1e-5 * areas).all()


@pytest.mark.slow
def test_exported_graphs_give_torchs_numbers() -> None:
    sizes = {"prompt_dim": 32, "mask_in_channels": 8, "decoder_heads": 4, "decoder_mlp_dim": 64, "iou_head_hidden": 32}
    model = ruled(ModelConfig("sam", 64, 16, sam=SamConfig(32, 2, 2, (1,), window_size=3, **sizes)))
    worst = export.check_parity(model, export.encoder_onnx(model), export.decoder_onnx(model))
    assert worst["embedding"] < 2e-5
    assert worst["logits"] < 1e-3
    assert worst["iou"] < 1e-5
