"""Training goes through the decoder's short cuts: gradients, dropout and losses are those of the plain pass."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from benchmarks.reference_training import plain_step
from segmenter.build import build
from segmenter.config import TRAIN_PRESETS, ModelConfig, SamConfig
from segmenter.modeling.common import Dropout
from segmenter.modeling.segmenter import EMBEDDING, Sam
from segmenter.training.loop import train_step
from segmenter.training.prompting import Prompting
from segmenter.training.scenes import Sampler, read_scenes
from segmenter.training.state import start
from tests.segmenter.test_data import write_coco

# Official widths of attention, so that few tokens go the short way: 8 heads, 128 channels of the image.
SMALL = ModelConfig("sam", 64, 16, sam=SamConfig(32, 1, 2, (0,), window_size=3, mask_in_channels=8))
IMAGE_OF = torch.tensor([0, 1, 1])
Answer = Callable[[Sam, Tensor, Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


def model() -> Sam:
    torch.manual_seed(0)
    made = build(SMALL)
    assert isinstance(made, Sam)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))  # nothing is zero or one, as in a trained model
    return made.double()


def plain(sam: Sam, image: Tensor, *prompts: Tensor) -> tuple[Tensor, Tensor]:
    return sam.decode({EMBEDDING: image[IMAGE_OF]}, *prompts)


def short(sam: Sam, image: Tensor, *prompts: Tensor) -> tuple[Tensor, Tensor]:
    judged = sam.judge(sam.prepare({EMBEDDING: image}, fold=True), *prompts, IMAGE_OF)
    return sam.draw(judged, torch.arange(len(IMAGE_OF))), judged.predicted_iou


def gradients(answer: Answer, points: int, dropout: float) -> dict[str, Tensor]:
    """Of a mixed batch: three prompts on two images, one without a mask; and the answers themselves."""
    sam, chance = model(), torch.Generator().manual_seed(points)
    for module in sam.modules():
        if isinstance(module, Dropout):
            module.share = dropout
    image = torch.randn(2, 256, 4, 4, generator=chance, dtype=torch.float64).requires_grad_()
    coords = torch.rand(3, points, 2, generator=chance, dtype=torch.float64) * 64
    labels = torch.randint(-1, 4, (3, points), generator=chance)
    mask = torch.randn(3, 1, 16, 16, generator=chance, dtype=torch.float64) * 8
    torch.manual_seed(1)
    logits, iou = answer(sam, image, coords, labels, mask, torch.tensor([1.0, 0.0, 1.0]))
    weights = torch.randn(logits.shape, generator=chance)
    ((weights * logits).sum() + (weights[..., 0, 0] * iou).sum()).backward()
    found = {"logits": logits.detach(), "iou": iou.detach(), "image": image.grad}
    found |= {name: value.grad for name, value in sam.named_parameters() if "image_encoder" not in name}
    return {name: torch.zeros(()) if value is None else value.double() for name, value in found.items()}


# 15 tokens are the most that go the short way; 5 are the decoder's own.
@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("points", [2, 10, 12])
def test_every_gradient_is_the_plain_passs(points: int, dropout: float) -> None:
    ours, theirs = (gradients(answer, points, dropout) for answer in (short, plain))
    assert ours.keys() == theirs.keys()
    scale = max(float(value.abs().max()) for value in theirs.values())
    for name, expected in theirs.items():
        near = 1e-5 * float(expected.abs().max()) + 1e-9 * scale  # a key's bias has rounding, or nothing
        assert float((ours[name] - expected).abs().max()) <= near, name


def test_dropout_is_felt() -> None:
    still, moved = (gradients(short, 2, share)["logits"] for share in (0.0, 0.3))
    assert float((still - moved).abs().max()) > 0.1


@pytest.mark.parametrize("preset", ["paper", "starter"])
def test_losses_stay_with_those_of_a_plain_loop(tmp_path: Path, preset: str) -> None:
    sizes = {"max_clicks": 4, "masks_per_image": 2, "dropout": 0.0, "ema": 0.0, "learning_rate": 1e-3}
    recipe = replace(TRAIN_PRESETS[preset], mode="decoder", augmentation="none", whole_share=1.0, **sizes)
    scenes = read_scenes([write_coco(tmp_path / "x")], None)
    curves: list[list[float]] = []
    for plainly in (False, True):
        sam = model().float()
        task, state = Prompting(sam, recipe), start(sam, recipe)
        task.train()
        source, chance = Sampler(scenes, recipe, random.Random(1)), random.Random(2)
        curves.append([])
        for _ in range(3):
            batch = source.batch(1, 2, SMALL.frame)
            if plainly:
                loss = plain_step(sam, state.optimizer, batch, chance, recipe)
            else:
                loss = train_step(task, state, [batch], [chance], recipe)["loss"]
            curves[-1].append(loss)
    assert curves[0] == pytest.approx(curves[1], rel=1e-4)
    assert curves[0][0] != pytest.approx(curves[0][-1], rel=1e-2), "the weights move"
